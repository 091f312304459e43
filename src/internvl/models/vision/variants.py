"""The design search that found InternViT-6B (InternVL 1.0, Table 11): six shapes of about six billion parameters.

    depth {32, 48, 64, 80} x head width {64, 128} x MLP ratio {4, 8}, the width solved for the budget -> Variant -> parameters, compute

The paper prints compute as FLOPs; its numbers are multiply-adds, half of what is usually called floating-point operations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from internvl.errors import ConfigError
from internvl.models.config import VisionConfig
from internvl.models.vision.encoder import VisionEncoder

SIDE = 224


@dataclass(frozen=True, kw_only=True)
class Published:
    """What the paper prints: millions of parameters, billions of multiply-adds, pictures a second on an A100 at batch 1 and 128,
    zero-shot accuracy on ImageNet."""

    parameters_m: int
    multiply_adds_g: int
    images_per_s: tuple[float, float]
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One shape of the search."""

    name: str
    width: int
    depth: int
    mlp: int
    heads: int
    published: Published | None = None
    side: int = SIDE

    @property
    def config(self) -> VisionConfig:
        """The encoder of this shape, of the 6B kind, for pictures of `side` px."""
        return VisionConfig(
            hidden_size=self.width, intermediate_size=self.mlp, num_layers=self.depth, num_heads=self.heads, image_size=self.side
        )

    def scaled(self, by: int) -> Variant:
        """The same proportions at a fraction of the size: widths and heads' widths divided by `by`, depth and heads kept."""
        if self.width % (by * self.heads) or self.mlp % by:
            raise ConfigError(f"{self.name} can't be scaled down by {by}: its heads are {self.width // self.heads} wide")
        return replace(self, width=self.width // by, mlp=self.mlp // by, published=None)


def _variant(number: int, shape: tuple[int, int, int, int], printed: tuple[int, int, float, float, float]) -> Variant:
    width, depth, mlp, heads = shape
    parameters, compute, one, many, accuracy = printed
    published = Published(parameters_m=parameters, multiply_adds_g=compute, images_per_s=(one, many), accuracy=accuracy)
    return Variant(name=f"variant {number}", width=width, depth=depth, mlp=mlp, heads=heads, published=published)


VARIANTS = (
    _variant(1, (3968, 32, 15872, 62), (6051, 1571, 35.5, 66.0, 65.8)),
    _variant(2, (3200, 48, 12800, 50), (5903, 1536, 28.1, 64.9, 66.1)),
    _variant(3, (3200, 48, 12800, 25), (5903, 1536, 28.0, 64.6, 66.2)),
    _variant(4, (2496, 48, 19968, 39), (5985, 1553, 28.3, 65.3, 65.9)),
    _variant(5, (2816, 64, 11264, 44), (6095, 1589, 21.6, 61.4, 66.2)),
    _variant(6, (2496, 80, 9984, 39), (5985, 1564, 16.9, 60.1, 66.2)),
)
CHOSEN = VARIANTS[2]
"""InternViT-6B."""


def parameters(config: VisionConfig) -> int:
    """How many an encoder has; nothing is allocated."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in VisionEncoder(config).parameters())


def multiply_adds(config: VisionConfig, *, side: int = SIDE) -> int:
    """Of one picture: the convolution, linear layers over patches and class token, attention over the patches alone.

    That is how the paper counts; norms, biases, softmax and activations are left out.
    """
    patches = (side // config.patch_size) ** 2
    width, mlp = config.hidden_size, config.intermediate_size
    linear = (patches + 1) * (4 * width**2 + 2 * width * mlp)
    attention = 2 * patches**2 * width
    stem = patches * 3 * config.patch_size**2 * width
    return stem + config.num_layers * (linear + attention)


def within_budget(
    budget: int, *, depths: tuple[int, ...], head_widths: tuple[int, ...], ratios: tuple[int, ...], side: int = SIDE
) -> Iterator[Variant]:
    """Every shape of a grid whose parameters come nearest to a budget: the width is solved for, in whole heads of an even number.

    side: of the pictures in px, which the position table is made for. Raises ConfigError for a budget below the smallest encoder
    of a depth.
    """
    for depth in depths:
        for head in head_widths:
            for ratio in ratios:
                yield _nearest(budget, depth, head, ratio, side)


def _nearest(budget: int, depth: int, head: int, ratio: int, side: int) -> Variant:
    def of(heads: int) -> Variant:
        width = heads * head
        name = f"{depth} layers, {width} wide, heads of {head}, MLP x {ratio}"
        return Variant(name=name, width=width, depth=depth, mlp=ratio * width, heads=heads, side=side)

    heads = 1
    while parameters(of(heads + 1).config) <= budget:
        heads += 1
    smaller, larger = (parameters(of(count).config) for count in (heads, heads + 1))
    if smaller > budget:
        raise ConfigError(f"{depth} layers with one head of {head} have {smaller:,} parameters, more than the budget of {budget:,}")
    return of(heads if budget - smaller <= larger - budget else heads + 1)
