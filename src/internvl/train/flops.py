"""How much arithmetic a batch is, and what share of a GPU's peak that uses (MFU).

    tokens, their sequences' lengths, tiles  ->  multiply-adds of each part  x (forward, gradient of input, gradient of weights)

A multiply-add counts as two operations. Only matrix products are counted, and what checkpointing computes twice counts once, as
is usual for MFU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from torch import nn

from internvl.models.config import InternVLConfig, LanguageConfig, VisionConfig
from internvl.models.contrastive.dual import DualModel
from internvl.models.internvl import InternVL

# Dense bfloat16 operations a second of each GPU, from its maker's data sheet (without sparsity).
PEAKS = {
    "B200": 2.25e15, "H200": 989e12, "H100 PCIe": 756e12, "H100": 989e12, "H800": 989e12, "H20": 148e12, "GH200": 989e12,
    "A100": 312e12, "A800": 312e12, "L40S": 362e12, "L40": 181e12, "L4": 121e12, "A10": 125e12,
    "RTX 4090": 165e12, "RTX 3090": 71e12,
}  # fmt: skip


@dataclass(frozen=True)
class PartWork:
    """Times that a part's forward work is done in a step: itself, for the gradient of its input, for that of its weights."""

    factor: float

    @classmethod
    def of(cls, *, learns: float, carries: bool) -> PartWork:
        """learns: the fraction of its matrices that learn. carries: whether a gradient has to pass through it."""
        return cls(1.0 + float(carries) + learns)


class WorkCounter:
    """Operations of a training step of one model, given what learns now."""

    def __init__(self, model: InternVL) -> None:
        self.config = model.config
        vision, projector, language = (
            _learning_fraction(part) for part in (model.vision_encoder, model.projector, model.language_model)
        )
        # A part carries a gradient when anything before it, or a lower layer of its own, learns.
        any_vision = _learns(model.vision_encoder)
        any_projector = any_vision or _learns(model.projector)
        self.vision = PartWork.of(learns=vision, carries=any_vision)
        self.projector = PartWork.of(learns=projector, carries=any_projector)
        self.language = PartWork.of(learns=language, carries=any_projector or _learns(model.language_model))

    def operations(self, *, lengths: Sequence[int], tiles: int, predicted: int) -> float:
        """Of a batch with sequences of these lengths, so many tiles, and so many tokens that reach the output head."""
        config = self.config
        language = 2.0 * sum(lengths) * language_weights(config.language)
        language += sum(causal_attention(config.language, length) for length in lengths)
        language += 2.0 * predicted * config.language.hidden_size * config.language.vocab_size
        vision = tiles * vision_tile(config.vision, config.tile_patches**2, config.vision_layers_used)
        projector = 2.0 * tiles * config.tokens_per_tile * projector_weights(config)
        return language * self.language.factor + vision * self.vision.factor + projector * self.projector.factor


class DualCounter:
    """The same for a dual encoder: towers and queries. Cross attentions, pools and heads, a few percent, are left out."""

    def __init__(self, model: DualModel, passes: int, *, masking: float = 0.0) -> None:
        self.config, self.passes = model.config, passes
        patches = model.config.vision.grid**2
        self.shown = patches - round(masking * patches)
        any_vision = _learns(model.vision_encoder)
        self.vision = PartWork.of(learns=_learning_fraction(model.vision_encoder), carries=any_vision)
        self.language = PartWork.of(learns=_learning_fraction(model.language_model), carries=True)

    def operations(self, *, lengths: Sequence[int], tiles: int, predicted: int) -> float:
        """Of a batch of `tiles` pairs. passes: how often a text is read behind the queries; 0 when it is read without them."""
        language, queries = self.config.language, self.config.queries
        read = [length + queries for length in lengths for _ in range(self.passes)] or list(lengths)
        words = 2.0 * sum(read) * language_weights(language) + sum(causal_attention(language, length) for length in read)
        return (
            words * self.language.factor
            + tiles * vision_tile(self.config.vision, self.shown, self.config.vision.num_layers) * self.vision.factor
        )


def counter_of(model: nn.Module, objective: str, *, masking: float = 0.0) -> WorkCounter | DualCounter:
    """The counter of a model under an objective. masking: share of a picture's patches that a dual encoder is not shown."""
    if isinstance(model, DualModel):
        return DualCounter(model, {"contrastive": 0, "generative": 3, "retrieval": 3}[objective], masking=masking)
    return WorkCounter(cast(InternVL, model))


def peak_of(device_name: str) -> float | None:
    """Dense bfloat16 operations a second of a GPU by its name; None for one that is not in the table."""
    return next((peak for name, peak in PEAKS.items() if _words(name) <= _words(device_name)), None)


def language_weights(config: LanguageConfig) -> int:
    """Numbers in the matrices of the decoder's layers."""
    attention = config.hidden_size * (2 * config.attention_width + 2 * config.kv_width)
    return config.num_layers * (attention + 3 * config.hidden_size * config.intermediate_size)


def causal_attention(config: LanguageConfig, length: int) -> float:
    """Operations of scores and their use in all layers, of one sequence: half of the square."""
    return 2.0 * config.num_layers * config.attention_width * length * (length + 1)


def vision_tile(config: VisionConfig, patches: int, layers: int) -> float:
    """Operations of a tile in the vision encoder, class token included."""
    tokens, width = patches + 1, config.hidden_size
    matrices = layers * (4 * width * width + 2 * width * config.intermediate_size)
    embedding = 2.0 * patches * config.num_channels * config.patch_size**2 * width
    return embedding + 2.0 * tokens * matrices + 4.0 * layers * width * tokens * tokens


def projector_weights(config: InternVLConfig) -> int:
    """Numbers in the projector's matrices."""
    width = config.language.hidden_size
    return config.vision.hidden_size * config.shuffle**2 * width + width * width


def _learning_fraction(part: nn.Module) -> float:
    matrices = [p for name, p in part.named_parameters() if p.ndim > 1 and "embedding" not in name]
    total = sum(p.numel() for p in matrices)
    return sum(p.numel() for p in matrices if p.requires_grad) / max(1, total)


def _learns(part: nn.Module) -> bool:
    return any(p.requires_grad for p in part.parameters())


def _words(name: str) -> set[str]:
    return set(name.replace("-", " ").split())
