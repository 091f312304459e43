"""What the aesthetic network learns from: a picture flawless, and five times with faults of known strength.

    canvas -> 6 versions, each with its grade -> numbers float[6, NUMBERS], grades [6]

The loss is on grades, and on the order of the versions of one picture, which is what is known best.
"""

from __future__ import annotations

import random

import torch
from recipes.nano.data.sample import Split
from recipes.scorers.canvas import canvas
from recipes.scorers.faults import Spoilt, spoilt
from recipes.scorers.watermark_lesson import compressed
from torch import Tensor, nn
from torch.nn import functional

from internvl.pipelines.scorers.aesthetic_network import AestheticNetwork, statistics

VERSIONS = 6
WAYS = {"photo": 0.74, "drawing": 0.1, "composition": 0.1, "screen": 0.06}
SIDES = (320, 640)  # px
NEAREST = 0.06  # grades closer than this have no order
LEAST_SPREAD = 0.01


def versions(source: random.Random, split: Split) -> list[Spoilt]:
    """A flawless picture and five of it with faults. All are compressed lightly, as pictures of the web are."""
    clean = canvas(source, split, ways=WAYS, sides=SIDES)
    made = [Spoilt(clean, 1.0, ()), *(spoilt(source, clean) for _ in range(VERSIONS - 1))]
    quality = source.randint(82, 97) if source.random() < 0.8 else None
    return [Spoilt(compressed(one.picture, quality), one.grade, one.faults) for one in made]


def draw(source: random.Random, size: int) -> dict[str, Tensor]:
    """A piece of training. size: pictures, each in six versions."""
    rows = [versions(source, "train") for _ in range(size)]
    numbers = torch.stack([torch.stack([statistics(one.picture) for one in row]) for row in rows])
    return {"numbers": numbers, "grades": torch.tensor([[one.grade for one in row] for row in rows])}


def begin(network: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Numbers are compared with their mean and spread over training."""
    assert isinstance(network, AestheticNetwork)
    numbers = tensors["numbers"].flatten(0, 1)
    network.usual.copy_(numbers.mean(0))
    network.spread.copy_(numbers.std(0).clamp(min=LEAST_SPREAD))


def loss(network: nn.Module, tensors: dict[str, Tensor], rows: Tensor, source: random.Random) -> Tensor:
    """Cross-entropy with the grade, and of each pair's order within a picture."""
    numbers, grades = tensors["numbers"][rows], tensors["grades"][rows]
    found = network(numbers.flatten(0, 1)).view_as(grades)
    by_grade = functional.binary_cross_entropy_with_logits(found, grades)
    apart, wanted = found[:, :, None] - found[:, None, :], grades[:, :, None] - grades[:, None, :]
    by_order = functional.softplus(-apart[wanted > NEAREST]).mean()
    return by_grade + 0.5 * by_order
