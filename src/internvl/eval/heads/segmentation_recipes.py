"""How the family's encoders were tried on ADE20K, as a table (InternVL 1.0, section 4.2 and its segmentation configs).

All: AdamW, rate 4e-5 falling linearly to 0 after a linear warm-up, 16 crops of 504 px a step, windows of 504 px at a stride of 322.
Blocks are counted from 0 among the 48 of InternViT-6B; for another encoder they move in proportion to its depth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DEPTH = 48


@dataclass(frozen=True, kw_only=True)
class SegmentationRecipe:
    """One row of the table.

    layers: blocks whose tokens the decoder reads. trained: whether the encoder learns too, then with `layer_decay` from block to
    block and `drop_path`. part: 1/part of the training pictures, the first ones. auxiliary: which level of the pyramid has a second
    loss of weight 0.4, None for none. scale: (long, short) sides in pixels that a picture is fitted into.
    """

    decoder: Literal["linear", "upernet"]
    layers: tuple[int, ...]
    trained: bool
    layer_decay: float
    drop_path: float
    weight_decay: float
    steps: int
    warmup_steps: int
    part: int = 1
    auxiliary: int | None = None
    channels: int = 1536
    lr: float = 4e-5
    betas: tuple[float, float] = (0.9, 0.999)
    warmup_ratio: float = 1e-6
    batch_size: int = 16
    crop: int = 504
    stride: int = 322
    scale: tuple[int, int] = (2016, 504)
    ratios: tuple[float, float] = (0.5, 2.0)
    auxiliary_weight: float = 0.4
    seed: int = 0

    def layers_of(self, depth: int) -> tuple[int, ...]:
        """The blocks of an encoder of `depth` blocks that lie where the published ones lie in 48."""
        return tuple(max(0, (layer + 1) * depth // DEPTH - 1) for layer in self.layers)

    def rate(self, step: int) -> float:
        """Factor of a step's rate."""
        regular = 1 - step / self.steps
        if step >= self.warmup_steps:
            return regular
        return regular * (1 - (1 - step / self.warmup_steps) * (1 - self.warmup_ratio))


def _few_shot(part: int, steps: int, warmup_steps: int) -> SegmentationRecipe:
    return SegmentationRecipe(
        decoder="linear",
        layers=(47,),
        trained=True,
        layer_decay=0.95,
        drop_path=0.4,
        weight_decay=0.05,
        steps=steps,
        warmup_steps=warmup_steps,
        part=part,
    )


def _upernet(*, trained: bool, auxiliary: int) -> SegmentationRecipe:
    return SegmentationRecipe(
        decoder="upernet",
        layers=(11, 23, 35, 47),
        trained=trained,
        layer_decay=0.95 if trained else 1.0,
        drop_path=0.4 if trained else 0.0,
        weight_decay=0.05,
        steps=80_000,
        warmup_steps=1500,
        auxiliary=auxiliary,
    )


RECIPES: dict[str, SegmentationRecipe] = {
    "linear_probe": SegmentationRecipe(
        decoder="linear",
        layers=(44,),
        trained=False,
        layer_decay=1.0,
        drop_path=0.0,
        weight_decay=0.0,
        steps=80_000,
        warmup_steps=1500,
    ),
    "head_tuning": _upernet(trained=False, auxiliary=1),
    "full_tuning": _upernet(trained=True, auxiliary=2),
    "few_shot_16": _few_shot(16, 5_000, 100),
    "few_shot_8": _few_shot(8, 10_000, 200),
    "few_shot_4": _few_shot(4, 20_000, 400),
    "few_shot_2": _few_shot(2, 40_000, 800),
    "few_shot_1": _few_shot(1, 80_000, 1500),
}
