"""What the watermark network learns from: twins of a picture, without and with a mark, and where the mark shows.

    canvas -> (maybe scene text) -> twins -> JPEG -> working size -> window of 192 px -> uint8[2, 3, 192, 192], shown [12, 12]

`shown` is how many levels the twins differ by at each place of the evidence: what can't be seen is not asked for.
"""

from __future__ import annotations

import io
import random
from dataclasses import dataclass

import numpy
import PIL.Image
import torch
from numpy.typing import NDArray
from recipes.nano.data.sample import Split
from recipes.scorers.canvas import WAYS, canvas
from recipes.scorers.marks import Marked, marked
from recipes.scorers.scene_text import with_scene_text
from torch import Tensor, nn
from torch.nn import functional

from internvl.pipelines.scorers.blocks import centred
from internvl.pipelines.scorers.watermark_network import STEP, WatermarkNetwork, worked

WINDOW = 192
SCENE_TEXT = 0.5
# Levels of difference between the twins: below the first a place counts as without, above the second as with.
UNSEEN, SEEN = 0.25, 1.2
PLAIN = 8.0  # levels from which a place counts fully
LEAST_PLACES = 2
# A mark is drawn again unless two places differ by this much: nobody would see it.
NOTICEABLE = 2.5


def scene(source: random.Random, split: Split, *, way: str | None = None, text: bool | None = None) -> PIL.Image.Image:
    """A picture without a watermark, half of the time with text of its own. way: of `canvas.WAYS`."""
    picture = canvas(source, split, ways=WAYS if way is None else {way: 1})
    if text is None:
        text = source.random() < SCENE_TEXT
    return with_scene_text(source, picture, split) if text else picture


@dataclass(frozen=True)
class Twins:
    """A picture as it is and with a mark that shows, both compressed alike. shown: their difference by place, at the working size."""

    plain: PIL.Image.Image
    mark: Marked
    shown: NDArray[numpy.float32]


def twins(source: random.Random, split: Split, *, kind: str | None = None, way: str | None = None, text: bool | None = None) -> Twins:
    """Draw both. kind: of the mark. way, text: see `scene`."""
    picture = scene(source, split, way=way, text=text)
    while True:
        mark = marked(source, picture, split, kind=kind)
        shown = difference(worked(picture), worked(mark.picture))
        if (shown > NOTICEABLE).sum() >= LEAST_PLACES:
            break
        kind = kind or mark.kind  # the same kind again, or faint kinds would become rare
    quality = source.randint(55, 96) if source.random() < 0.8 else None
    return Twins(compressed(picture, quality), Marked(compressed(mark.picture, quality), mark.kind, mark.opacity), shown)


def difference(plain: PIL.Image.Image, other: PIL.Image.Image) -> NDArray[numpy.float32]:
    """Mean difference in levels of 255 at each place of the evidence, [H / 16, W / 16]."""
    apart = numpy.abs(numpy.asarray(plain, dtype=numpy.float32) - numpy.asarray(other, dtype=numpy.float32)).max(2)
    rows, columns = apart.shape[0] // STEP, apart.shape[1] // STEP
    means: NDArray[numpy.float32] = apart.reshape(rows, STEP, columns, STEP).mean((1, 3))
    return means


def compressed(picture: PIL.Image.Image, quality: int | None) -> PIL.Image.Image:
    """The picture as JPEG; None leaves it."""
    if quality is None:
        return picture
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return PIL.Image.open(file).convert("RGB")


def draw(source: random.Random, size: int) -> dict[str, Tensor]:
    """A piece of training. size: pairs of twins."""
    pictures = numpy.empty((size, 2, 3, WINDOW, WINDOW), dtype=numpy.uint8)
    places = numpy.zeros((size, WINDOW // STEP, WINDOW // STEP), dtype=numpy.float16)
    for index in range(size):
        drawn = twins(source, "train")
        x, y = _window(source, drawn.shown)
        area = (x * STEP, y * STEP, x * STEP + WINDOW, y * STEP + WINDOW)
        for twin, picture in enumerate((drawn.plain, drawn.mark.picture)):
            pictures[index, twin] = numpy.asarray(worked(picture).crop(area)).transpose(2, 0, 1)
        inside = drawn.shown[y : y + WINDOW // STEP, x : x + WINDOW // STEP]
        places[index, : inside.shape[0], : inside.shape[1]] = inside
    return {"pictures": torch.from_numpy(pictures), "shown": torch.from_numpy(places)}


def _window(source: random.Random, shown: NDArray[numpy.float32]) -> tuple[int, int]:
    """Where the window begins, in places: mostly over the mark."""
    most = [max(0, side - WINDOW // STEP) for side in shown.shape]
    middle = source.choice(numpy.argwhere(shown > SEEN).tolist())
    if source.random() < 0.15:
        middle = [source.randrange(side) for side in shown.shape]
    y, x = (min(max(0, place - source.randrange(WINDOW // STEP)), end) for place, end in zip(middle, most, strict=True))
    return x, y


def loss(network: nn.Module, tensors: dict[str, Tensor], rows: Tensor, source: random.Random) -> Tensor:
    """By place: is there ink, plain ink weighing more; by place of ink: more evidence than in the twin; by window: is there any."""
    assert isinstance(network, WatermarkNetwork)
    pictures, shown = tensors["pictures"][rows], tensors["shown"][rows].float()
    for axis, share in ((-1, 0.5), (-2, 0.25)):
        if source.random() < share:
            pictures, shown = pictures.flip(axis), shown.flip(axis)
    pixels = centred(pictures.flatten(0, 1)).to(memory_format=torch.channels_last)
    without, marked = network.where(pixels).unflatten(0, (len(rows), 2)).unbind(1)
    ink, weight = shown > SEEN, (shown / PLAIN).clamp(0.2, 1.0)
    by_place = _mean(functional.softplus(-marked), weight * ink) + _plain(without, torch.ones_like(shown))
    by_place = by_place + _plain(marked, (shown < UNSEEN).float())
    by_twin = _mean(functional.softplus(without - marked), weight * ink)
    found = [functional.softplus(-_highest(marked)), weight.amax((1, 2)) * (ink.sum((1, 2)) >= LEAST_PLACES)]
    by_window = _mean(found[0], found[1]) + functional.softplus(_highest(without)).mean()
    return by_place / 2 + by_twin / 2 + by_window / 2


def _plain(evidence: Tensor, where: Tensor) -> Tensor:
    """Cross-entropy of places without ink, the more a place is taken for ink the heavier: most are easy."""
    return _mean(functional.softplus(evidence), where * (0.1 + torch.sigmoid(evidence.detach())))


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp(min=1.0)


def _highest(evidence: Tensor) -> Tensor:
    """The mean of the six highest places of each window."""
    return evidence.flatten(1).topk(6, dim=1).values.mean(1)
