"""LoRA (Hu et al. 2021): beside a frozen matrix learns the product of two thin ones.

    x [..., in] -> W x + scale * B A dropout(x)        A [r, in], B [out, r], scale = alpha / r

Our query, key and value are one matrix, as are gate and up; checkpoints may store them apart, and adapters belong to what is
stored. So a joined matrix has one pair for each stored one: their A stacked in `lora_a`, their B one above the other in `lora_b`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from internvl.checkpoint.keymap import Entry, Layout, keymap
from internvl.errors import ConfigError
from internvl.models.internvl import InternVL
from internvl.models.linear import Linear, linear
from internvl.train.config import LoraConfig, Part

# What the released scripts adapt, in our names: every matrix of the blocks, neither tables, head nor projector.
TARGETS: dict[Part, tuple[str, ...]] = {
    "vision_encoder": ("attention.qkv", "attention.out", "mlp.up", "mlp.down"),
    "language_model": ("attention.qkv", "attention.out", "mlp.gate_up", "mlp.down"),
}


@dataclass(frozen=True, kw_only=True)
class AdapterShape:
    """What one matrix's adapters are. `rows`: output rows of each pair, in our order; one number is one pair for all rows."""

    rank: int
    alpha: float
    dropout: float
    rows: tuple[int, ...]

    @property
    def scale(self) -> float:
        """What B A is multiplied by."""
        return self.alpha / self.rank


class LoraLinear(Linear):
    """A linear layer with adapters. `weight` and `bias` keep their names, so the base can be found and saved as before.

    lora_a [pairs * rank, in], lora_b [out, rank]: pair i owns block i of A and its `rows` of B.
    """

    def __init__(self, base: Linear, shape: AdapterShape) -> None:
        nn.Module.__init__(self)  # nn.Linear's own would allocate another weight
        if sum(shape.rows) != base.out_features:
            raise ConfigError(f"adapters for {sum(shape.rows)} rows do not fit a matrix of {base.out_features}")
        self.in_features, self.out_features = base.in_features, base.out_features
        self.weight, self.bias = base.weight, base.bias
        self.shape = shape
        self.enabled = True
        device = base.weight.device
        self.lora_a = nn.Parameter(torch.empty(len(shape.rows) * shape.rank, base.in_features, dtype=torch.float32, device=device))
        self.lora_b = nn.Parameter(torch.zeros(base.out_features, shape.rank, dtype=torch.float32, device=device))

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] -> [..., out]."""
        plain = super().forward(x)
        return plain + self._detour(x).to(plain.dtype) if self.enabled else plain

    def delta(self) -> Tensor:
        """What the adapters add to the weight, float32 [out, in]."""
        parts = zip(self.lora_b.split(self.shape.rows), self.lora_a.chunk(len(self.shape.rows)), strict=True)
        return torch.cat([b.float() @ a.float() for b, a in parts]) * self.shape.scale

    def _detour(self, x: Tensor) -> Tensor:
        if x.dtype != self.lora_a.dtype and not torch.is_autocast_enabled(x.device.type):
            x = x.to(self.lora_a.dtype)
        thin = linear(F.dropout(x, self.shape.dropout, self.training), self.lora_a) * self.shape.scale  # ..., pairs * rank
        rows = self.shape.rows
        if len(rows) == 1:
            return linear(thin, self.lora_b)
        parts = zip(thin.chunk(len(rows), dim=-1), self.lora_b.split(rows), strict=True)
        return torch.cat([linear(part, b) for part, b in parts], dim=-1)


def add_lora(model: InternVL, config: LoraConfig, *, layout: Layout = "original", seed: int = 0) -> None:
    """Put adapters beside the matrices of the blocks of the parts that have a rank. In place; all else is frozen until `freeze`.

    One pair for each matrix that `layout` stores. A is drawn as PEFT draws it, B is zero: at first nothing changes.
    Vision layers after the one that is read get none. Raises ConfigError for ranks of 0 everywhere, or when there are adapters.
    """
    check_lora(config)
    if any(True for _ in adapters(model)):
        raise ConfigError("the model has adapters already; merge them first (merge_lora), or go on training those")
    stored = {entry.ours: entry for entry in keymap(model.config, layout)}
    generator = torch.Generator().manual_seed(seed)
    model.requires_grad_(False)
    for part, rank in ranks(config).items():
        for name in targets(model, part):
            shape = AdapterShape(
                rank=rank, alpha=config.alpha_over_rank * rank, dropout=config.dropout, rows=pair_rows(model, name, stored)
            )
            _draw(attach(model, name, shape), generator)


def merge_lora(model: InternVL) -> InternVL:
    """Add the adapters to their weights (in float32, rounded to the weight's type) and take them away. In place; gives the model.

    For a model whose parameters are whole: gather a sharded one first, or save its adapters.
    """
    for name, module in list(adapters(model)):
        with torch.no_grad():
            merged = (module.weight.float() + module.delta()).to(module.weight.dtype)
        plain = Linear(module.in_features, module.out_features, bias=module.bias is not None, device="meta")
        plain.weight = nn.Parameter(merged, requires_grad=module.weight.requires_grad)
        plain.bias = module.bias
        model.set_submodule(name, plain.train(module.training))
    return model


def lora_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """The adapters' matrices by name, in the order of the modules."""
    return {f"{name}.{side}": getattr(module, side) for name, module in adapters(model) for side in ("lora_a", "lora_b")}


@contextmanager
def without_adapters(model: nn.Module) -> Iterator[None]:
    """Within it the model is what it was before the adapters: the reference of preference training.

    Parts that learn as a whole beside them are not undone.
    """
    modules = [module for _, module in adapters(model)]
    before = [module.enabled for module in modules]
    for module in modules:
        module.enabled = False
    try:
        yield
    finally:
        for module, enabled in zip(modules, before, strict=True):
            module.enabled = enabled


def adapters(model: nn.Module) -> Iterator[tuple[str, LoraLinear]]:
    """Every layer with adapters, with its name."""
    return ((name, module) for name, module in model.named_modules() if isinstance(module, LoraLinear))


def targets(model: InternVL, part: Part) -> list[str]:
    """Names of the layers of a part that can have adapters, in order; none for the projector."""
    layers = model.config.vision_layers_used if part == "vision_encoder" else model.config.language.num_layers
    return [f"{part}.layers.{i}.{target}" for i in range(layers) for target in TARGETS.get(part, ())]


def attach(model: InternVL, name: str, shape: AdapterShape) -> LoraLinear:
    """Replace the linear layer of that name by one with adapters, A uninitialised and B zero."""
    base = model.get_submodule(name)
    if not isinstance(base, Linear) or isinstance(base, LoraLinear):
        raise ConfigError(f"adapters belong on a plain linear layer; {name} is a {type(base).__name__}")
    adapted = LoraLinear(base, shape).train(base.training)
    model.set_submodule(name, adapted)
    return adapted


def pair_rows(model: InternVL, name: str, stored: dict[str, Entry]) -> tuple[int, ...]:
    """Output rows of each pair of a layer: those of the stored matrices it is made of."""
    rows = stored[f"{name}.weight"].rows
    return rows or (cast(Linear, model.get_submodule(name)).out_features,)


def ranks(config: LoraConfig) -> dict[Part, int]:
    """The parts with adapters and their ranks."""
    given: dict[Part, int] = {"vision_encoder": config.vision_rank, "language_model": config.language_rank}
    return {part: rank for part, rank in given.items() if rank}


def check_lora(config: LoraConfig) -> None:
    """Raise ConfigError for ranks, a dropout or a scale that can't be."""
    for name, rank in (("language_rank", config.language_rank), ("vision_rank", config.vision_rank)):
        if rank < 0:
            raise ConfigError(f"lora {name} must be 0 (no adapters) or above, not {rank}")
    if not ranks(config):
        raise ConfigError("lora: language_rank and vision_rank are both 0; give one of them, 16 as the released scripts have it")
    if not 0.0 <= config.dropout < 1.0:
        raise ConfigError(f"lora dropout must lie in [0, 1), not {config.dropout}")
    if not config.alpha_over_rank > 0.0:
        raise ConfigError(f"lora alpha_over_rank must be above 0, not {config.alpha_over_rank}")


def _draw(module: LoraLinear, generator: torch.Generator) -> None:
    """A uniform within 1 / sqrt(in), PEFT's start. Drawn on the CPU, so that every device gets the same numbers."""
    if module.lora_a.is_meta:
        return
    bound = module.in_features**-0.5
    numbers = torch.empty(module.lora_a.shape).uniform_(-bound, bound, generator=generator)
    with torch.no_grad():
        module.lora_a.copy_(numbers)
