"""What pixels tell about how a picture is made, in numbers: edges, local contrast, blocks, levels, clipping, colours.

    details [B, 3, 96, 96] of 0 to 255 -> [B, DETAIL_NUMBERS]        overview [B, 3, 128, 128] -> [B, OVERVIEW_NUMBERS]

Natural scenes have well-known statistics, and every fault moves some of them (Mittal et al. 2012, BRISQUE). In double precision: the
same on every machine to more digits than a score shows.
"""

from __future__ import annotations

import numpy
import torch
from torch import Tensor
from torch.nn import functional

LUMA = (0.299, 0.587, 0.114)
WINDOW = 7  # px
BLOCK = 8  # px of a JPEG block
STRIP, CORNER = 8, 12  # px of the overview


def detail_statistics(details: Tensor) -> Tensor:
    """[B, 3, 96, 96] of 0 to 255 -> float[B, 69]."""
    pixels = details.double()
    light = _light(pixels)
    half = _halved(light)
    parts = [*(_edges(scale) for scale in (light, half, _halved(half))), *(_contrasts(scale) for scale in (light, half))]
    return torch.cat([*parts, _blocks(light), _levels(light), _colour_noise(pixels, light)], dim=1).float()


def overview_statistics(overview: Tensor) -> Tensor:
    """[B, 3, 128, 128] of 0 to 255 -> float[B, 51]."""
    pixels = overview.double()
    light = _light(pixels)
    return torch.cat([_levels(light), _edges(light), _casts(pixels, light), _borders(light)], dim=1).float()


def _light(pixels: Tensor) -> Tensor:
    """[B, 3, H, W] -> [B, H, W]."""
    return (pixels * pixels.new_tensor(LUMA)[:, None, None]).sum(1)


def _steps(light: Tensor) -> tuple[Tensor, Tensor]:
    """How much neighbours differ, across [B, H, W - 1] and down [B, H - 1, W]."""
    return light.diff(dim=2).abs(), light.diff(dim=1).abs()


def _edges(light: Tensor) -> Tensor:
    """First and second differences: what blur and enlargement take away. [B, 7]."""
    across, down = _steps(light)
    bends = (light[:, 1:-1, :-2] + light[:, 1:-1, 2:] + light[:, :-2, 1:-1] + light[:, 2:, 1:-1] - 4 * light[:, 1:-1, 1:-1]).abs()
    means = torch.stack([part.mean((1, 2)) for part in (across, down, bends)], dim=1)
    return torch.cat([means, *(_quantiles(part, (0.9, 0.99)) for part in (across, down))], dim=1).log1p()


def _contrasts(light: Tensor) -> Tensor:
    """Spread in windows of 7 px, and how values divided by it are distributed and follow each other: noise and blur. [B, 10]."""
    mean, square = _window_mean(light), _window_mean(light.square())
    spread = (square - mean.square()).clamp(min=0).sqrt()
    value = (light[:, 3:-3, 3:-3] - mean) / (spread + 1)
    moments = torch.stack([value.abs().mean((1, 2)), value.square().mean((1, 2)), value.pow(4).mean((1, 2)).log1p()], dim=1)
    pairs = (value[:, :, 1:] * value[:, :, :-1], value[:, 1:] * value[:, :-1], value[:, 1:, 1:] * value[:, :-1, :-1])
    follow = torch.stack([*(pair.mean((1, 2)) for pair in pairs), pairs[0].abs().mean((1, 2))], dim=1)
    return torch.cat([_quantiles(spread, (0.1, 0.5, 0.9)).log1p(), moments, follow], dim=1)


def _window_mean(light: Tensor) -> Tensor:
    """Over windows of 7 px, from running sums: across, then down."""
    sums = functional.pad(light.cumsum(2), (1, 0))
    across = (sums[:, :, WINDOW:] - sums[:, :, :-WINDOW]) / WINDOW
    sums = functional.pad(across.cumsum(1), (0, 0, 1, 0))
    return (sums[:, WINDOW:] - sums[:, :-WINDOW]) / WINDOW


def _halved(light: Tensor) -> Tensor:
    """Half as many px each way."""
    return (light[:, ::2, ::2] + light[:, 1::2, ::2] + light[:, ::2, 1::2] + light[:, 1::2, 1::2]) / 4


def _blocks(light: Tensor) -> Tensor:
    """How much one column in eight, and one row in eight, stands out: JPEG at a low quality. [B, 4]."""
    found = []
    for steps in (light.diff(dim=2).abs().mean(1), light.diff(dim=1).abs().mean(2)):
        phases = steps[:, : BLOCK * (steps.shape[1] // BLOCK)].unflatten(1, (-1, BLOCK)).mean(1).sort(dim=1).values
        found += [(phases[:, -1] / (phases[:, :-1].mean(1) + 0.1)).log1p(), (phases[:, -1] - phases[:, BLOCK // 2]).log1p()]
    return torch.stack(found, dim=1)


def _levels(light: Tensor) -> Tensor:
    """Range, clipping, how many levels occur and how many neighbours are the same: light, contrast, bands, squares. [B, 15]."""
    across, down = _steps(light)
    flat = light.flatten(1)
    used = torch.zeros(len(flat), 256, dtype=light.dtype).scatter_(1, flat.round().long().clamp(0, 255), 1.0).mean(1)
    shares = [(across < 0.5), (down < 0.5), (light < 3), (light > 252)]
    counted = torch.stack([*(share.double().mean((1, 2)) for share in shares), used, flat.mean(1) / 255, flat.std(1) / 64], dim=1)
    return torch.cat([counted, _quantiles(light, (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.98, 0.995)) / 255], dim=1)


def _colour_noise(pixels: Tensor, light: Tensor) -> Tensor:
    """Red and blue less light: their edges, spread and mean. [B, 9]."""
    found = []
    for colour in (pixels[:, 0] - light, pixels[:, 2] - light):
        across, down = _steps(colour)
        found += [across.mean((1, 2)).log1p(), down.mean((1, 2)).log1p(), colour.std((1, 2)).log1p(), colour.mean((1, 2)) / 64]
    return torch.stack([*found, (pixels.amax(1) - pixels.amin(1)).mean((1, 2)) / 64], dim=1)


def _casts(pixels: Tensor, light: Tensor) -> Tensor:
    """Each colour's range, and red and blue less light where it is dark and bright: casts and garish colours. [B, 17]."""
    ranges = torch.cat([_quantiles(pixels[:, channel], (0.01, 0.5, 0.99)) / 255 for channel in range(3)], dim=1)
    bounds = _quantiles(light, (0.15, 0.85))
    found = []
    for part in (light <= bounds[:, :1, None], light >= bounds[:, 1:, None]):
        count = part.sum((1, 2)).clamp(min=1)
        found += [((pixels[:, channel] - light) * part).sum((1, 2)) / count / 64 for channel in (0, 2)]
    strength = (pixels.amax(1) - pixels.amin(1)) / 255
    clipped = [((pixels < 3) | (pixels > 252)).any(1).double().mean((1, 2)), strength.mean((1, 2))]
    return torch.cat([ranges, torch.stack([*found, *clipped], dim=1), _quantiles(strength, (0.5, 0.95))], dim=1)


def _borders(light: Tensor) -> Tensor:
    """Spread of the four edges and the four corners: bars, and corners left empty by turning. [B, 12]."""
    strips = (light[:, :STRIP], light[:, -STRIP:], light[:, :, :STRIP], light[:, :, -STRIP:])
    corners = [light[:, rows, columns] for rows in _ENDS for columns in _ENDS]
    lowest = torch.stack([part.std((1, 2)) for part in (*strips, *corners)], dim=1).log1p()
    return torch.cat([lowest, *(_two_lowest(lowest[:, part]) for part in (slice(0, 4), slice(4, 8)))], dim=1)


_ENDS = (slice(0, CORNER), slice(-CORNER, None))


def _two_lowest(values: Tensor) -> Tensor:
    """Whichever corners or edges they are."""
    return values.sort(dim=1).values[:, :2]


def _quantiles(values: Tensor, shares: tuple[float, ...]) -> Tensor:
    """[B, H, W] -> [B, number of shares]. By NumPy, which sorts ten times as fast."""
    ordered = numpy.sort(values.flatten(1).numpy(), axis=1)
    return torch.from_numpy(ordered[:, [round(share * (ordered.shape[1] - 1)) for share in shares]])
