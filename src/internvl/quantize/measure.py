"""What quantising costs: the answers of a quantised model against those of the full one, whole and part by part.

held-out sample -> full model, and the full model with one part quantised at a time, and all of them
    cosine of visual tokens [T*V]; at every word of the answer: KL divergence of the next token's distribution, same first choice?
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from internvl.models.build import meta_model
from internvl.models.internvl import InternVL
from internvl.models.linear import Linear
from internvl.quantize.plan import PARTS
from internvl.quantize.sample import Sample

WHOLE = "whole model"


@dataclass(frozen=True, kw_only=True)
class Loss:
    """Means over held-out samples. divergence: KL(full || quantised) in nats. agreement: of the likeliest next token, 0...1.

    cosine: of visual tokens, mean and the smallest of all; None where no picture was shown. words: positions that were compared.
    """

    divergence: float
    agreement: float
    cosine: float | None
    least_cosine: float | None
    words: int


def measure(
    full: InternVL, quantised: InternVL, samples: Sequence[Sample], *, progress: Callable[[int, int], None] | None = None
) -> dict[str, Loss]:
    """Loss of every part alone and of the whole model, by name."""
    variants = {part: with_parts(full, quantised, (part,)) for part in PARTS} | {WHOLE: quantised}
    compared: dict[str, list[_Compared]] = {name: [] for name in variants}
    for done, sample in enumerate(samples, start=1):
        encoded: dict[nn.Module, Tensor] = {}
        visual, logits = _seen(full, sample, encoded)
        for name, variant in variants.items():
            compared[name].append(_compare(visual, logits, *_seen(variant, sample, encoded)))
        if progress is not None:
            progress(done, len(samples))
    return {name: _mean(each) for name, each in compared.items()}


def with_parts(full: InternVL, quantised: InternVL, parts: Sequence[str]) -> InternVL:
    """The full model with these parts taken from the quantised one. Modules are shared, nothing is copied."""
    mixed = meta_model(full.config)
    for part in PARTS:
        source = quantised if part in parts else full
        if part in ("vision_encoder", "projector"):
            setattr(mixed, part, getattr(source, part))
        elif part == "language_model":
            mixed.language_model.layers = source.language_model.layers
            mixed.language_model.norm = source.language_model.norm
        else:
            setattr(mixed.language_model, part, getattr(source.language_model, part))
    mixed.language_model.rotary = full.language_model.rotary
    if mixed.language_model.head is None:
        # A tied head is the embedding: of this model, where it is real numbers, else of the full one.
        mixed.language_model.head = _tied_head(full)
    return mixed.eval()


def _tied_head(full: InternVL) -> Linear:
    table = full.language_model.embedding.weight
    with torch.device("meta"):
        head = Linear(table.shape[1], table.shape[0], bias=False)
    head.weight = nn.Parameter(table.detach(), requires_grad=False)
    return head


@dataclass(frozen=True)
class _Compared:
    """One sample: values of every word, and of every visual token."""

    divergence: Tensor
    agreement: Tensor
    cosine: Tensor


@torch.inference_mode()
def _seen(model: InternVL, sample: Sample, encoded: dict[nn.Module, Tensor]) -> tuple[Tensor | None, Tensor]:
    """Visual tokens [n,D] and logits [words, vocabulary]. `encoded`: patches that an encoder has made of the sample's tiles."""
    visual = None
    if sample.inputs.pixels is not None:
        encoder = model.vision_encoder
        if encoder not in encoded:
            pixels = sample.inputs.pixels.to(device=model.device, dtype=model.dtype)
            encoded[encoder] = encoder(pixels, layers=model.config.vision_layers_used)[:, 1:]
        visual = cast(Tensor, model.projector(encoded[encoder]))
    embeddings = model.embed(sample.ids, visual, placeholder_id=sample.inputs.placeholder_id)
    hidden = model.language_model(embeddings)[:, sample.asked]
    return None if visual is None else visual.flatten(0, 1), model.language_model.logits(hidden)[0].float()


def _compare(visual: Tensor | None, logits: Tensor, others: Tensor | None, other_logits: Tensor) -> _Compared:
    truth, guess = logits.log_softmax(-1), other_logits.log_softmax(-1)
    divergence = (truth.exp() * (truth - guess)).sum(-1).clamp_min(0)
    agreement = (logits.argmax(-1) == other_logits.argmax(-1)).float()
    if visual is None or others is None:
        return _Compared(divergence, agreement, torch.empty(0))
    return _Compared(divergence, agreement, F.cosine_similarity(visual.float(), others.float(), dim=-1))


def _mean(compared: Sequence[_Compared]) -> Loss:
    divergence, agreement, cosine = (
        torch.cat([getattr(each, name) for each in compared]) for name in ("divergence", "agreement", "cosine")
    )
    return Loss(
        divergence=float(divergence.mean()),
        agreement=float(agreement.mean()),
        cosine=float(cosine.mean()) if len(cosine) else None,
        least_cosine=float(cosine.min()) if len(cosine) else None,
        words=len(divergence),
    )
