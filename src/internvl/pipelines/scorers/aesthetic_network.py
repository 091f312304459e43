"""The network that grades how well a picture is made: numbers of the whole, and of four places as they are.

    overview [B, 3, 128, 128] -> statistics ┐
                                            ├-> divided by their usual spread -> two hidden layers -> grade [B]
    details [B, 4, 3, 96, 96] -> statistics ┘

Light, contrast and colour show in the whole; blur, noise and compression only in pixels that no resizing has smoothed.
"""

from __future__ import annotations

import numpy
import PIL.Image
import torch
from torch import Tensor, nn

from internvl.pipelines.scorers.aesthetic_statistics import detail_statistics, overview_statistics

OVERVIEW, DETAIL, DETAILS = 128, 96, 4  # px, px, places
LONGEST = 1024  # px; nobody looks at pixels of a larger picture one by one
NUMBERS = 51 + DETAILS * 69
HIDDEN = (96, 48)
FARTHEST = 5.0  # spreads
# Which places are shown, as parts of their order from the richest to the plainest: blur shows in the rich, noise in the plain.
RANKS = (0.0, 0.12, 0.5, 0.8)


class AestheticNetwork(nn.Module):
    """See the file's docstring."""

    usual: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("usual", torch.zeros(NUMBERS))
        self.register_buffer("spread", torch.ones(NUMBERS))
        self.first = nn.Linear(NUMBERS, HIDDEN[0])
        self.second = nn.Linear(*HIDDEN)
        self.grade = nn.Linear(HIDDEN[1], 1)
        self.dropout = nn.Dropout(0.15)

    def forward(self, numbers: Tensor) -> Tensor:
        """float[B, NUMBERS] of `statistics` -> logits of the grade [B]."""
        compared = ((numbers - self.usual) / self.spread).clamp(-FARTHEST, FARTHEST)
        hidden = self.dropout(torch.relu(self.first(self.dropout(compared))))
        logits: Tensor = self.grade(torch.relu(self.second(hidden)))[:, 0]
        return logits


def statistics(picture: PIL.Image.Image) -> Tensor:
    """float[NUMBERS] of an RGB picture."""
    overview, details = looked_at(picture)
    seen = detail_statistics(torch.stack([_pixels(detail) for detail in details]))
    return torch.cat((overview_statistics(_pixels(overview)[None])[0], seen.flatten()))


def looked_at(picture: PIL.Image.Image) -> tuple[PIL.Image.Image, list[PIL.Image.Image]]:
    """The overview and the four details of an RGB picture."""
    overview = picture.resize((OVERVIEW, OVERVIEW), PIL.Image.Resampling.BILINEAR, reducing_gap=2.0)
    seen = _within_reach(picture)
    return overview, [seen.crop((x, y, x + DETAIL, y + DETAIL)) for x, y in places(seen)]


def places(picture: PIL.Image.Image) -> list[tuple[int, int]]:
    """Left and top of the four details: cells of a grid, by how much changes in them; in whole numbers, so the same everywhere."""
    columns, rows = picture.width // DETAIL, picture.height // DETAIL
    left, top = (picture.width - columns * DETAIL) // 2, (picture.height - rows * DETAIL) // 2
    half = DETAIL // 2
    grey = picture.convert("L").crop((left, top, left + columns * DETAIL, top + rows * DETAIL)).reduce(2)
    light = numpy.asarray(grey, dtype=numpy.int32)
    change = numpy.abs(numpy.diff(light, axis=0, append=light[-1:])) + numpy.abs(numpy.diff(light, axis=1, append=light[:, -1:]))
    richness = change.reshape(rows, half, columns, half).sum((1, 3)).ravel()
    order = numpy.argsort(-richness, kind="stable")
    chosen = [int(order[int(rank * len(order))]) for rank in RANKS]
    return [(left + place % columns * DETAIL, top + place // columns * DETAIL) for place in chosen]


def _within_reach(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Shrunk to 1,024 px on its longer side where it is larger; no side below 96 px, and a thread of a picture is squeezed."""
    scale = max(min(1.0, LONGEST / max(picture.size)), DETAIL / min(picture.size))
    if scale == 1.0:
        return picture
    size = tuple(min(max(DETAIL, round(side * scale)), 4 * LONGEST) for side in picture.size)
    return picture.resize((size[0], size[1]), PIL.Image.Resampling.BICUBIC, reducing_gap=2.0)


def _pixels(picture: PIL.Image.Image) -> Tensor:
    """uint8[3, H, W]."""
    return torch.from_numpy(numpy.asarray(picture).copy()).permute(2, 0, 1)
