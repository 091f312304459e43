"""Pictures and label maps on their way to a segmentation head, as mmsegmentation 0.30 prepares them.

    test:  RGB [H,W] --fit into scale, round up to the patch--> float32[3,h,w]
    train: RGB, labels --random scale, crop, mirror, colours, pad--> float32[3,S,S], int64[S,S] with 255 where nothing is known

Pictures are resized bilinearly without antialiasing and labels to the nearest, as OpenCV does there.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import PIL.Image
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from internvl.eval.heads.segmentation_recipes import SegmentationRecipe
from internvl.eval.heads.segmenter import IGNORED
from internvl.media.pixels import IMAGENET, normalise

LARGEST_SHARE = 0.75
CROP_TRIES = 10
HUE_SHIFT = 18 / 180
Labels = NDArray[np.uint8]


def whole_view(image: PIL.Image.Image, recipe: SegmentationRecipe, patch: int) -> Tensor:
    """float32[3,h,w]: fitted into `scale` keeping its shape, then both sides rounded up to a multiple of the patch."""
    width, height = fitted(image.size, recipe.scale)
    fit = _resized(np.array(image), height, width)
    return _normalised(_resized(fit, -(-height // patch) * patch, -(-width // patch) * patch))


def train_view(image: PIL.Image.Image, labels: Labels, recipe: SegmentationRecipe, draw: random.Random) -> tuple[Tensor, Tensor]:
    """float32[3,S,S] and int64[S,S]. `labels` are in the reduced numbering, 255 for none."""
    ratio = draw.uniform(*recipe.ratios)
    scale = int(recipe.scale[0] * ratio), int(recipe.scale[1] * ratio)
    width, height = fitted(image.size, scale)
    pixels, classes = _resized(np.array(image), height, width), _resized_labels(labels, height, width)
    pixels, classes = _cropped(pixels, classes, recipe.crop, draw)
    if draw.random() < 0.5:
        pixels, classes = pixels[:, ::-1], classes[:, ::-1]
    below, right = recipe.crop - classes.shape[0], recipe.crop - classes.shape[1]
    # Padded after normalising, so that what is added is grey for the encoder.
    padded = F.pad(_normalised(distorted(np.ascontiguousarray(pixels), draw)), (0, right, 0, below))
    known = F.pad(torch.from_numpy(np.ascontiguousarray(classes, dtype=np.int64)), (0, right, 0, below), value=IGNORED)
    return padded, known


def fitted(size: tuple[int, int], scale: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of a picture of that size, as large as its long and short sides both allow."""
    factor = min(max(scale) / max(size), min(scale) / min(size))
    width, height = (max(1, int(side * factor + 0.5)) for side in size)
    return width, height


def distorted(pixels: Labels, draw: random.Random) -> Labels:
    """Random brightness, contrast, saturation and hue of uint8[H,W,3], each every other time (SSD's photometric distortion)."""
    values = pixels.astype(np.float32)
    if draw.random() < 0.5:
        values = _in_range(values + draw.uniform(-32, 32))
    contrast_first = draw.random() < 0.5
    if contrast_first and draw.random() < 0.5:
        values = _in_range(values * draw.uniform(0.5, 1.5))
    values = _recoloured(values, draw)
    if not contrast_first and draw.random() < 0.5:
        values = _in_range(values * draw.uniform(0.5, 1.5))
    return values.astype(np.uint8)


def _recoloured(values: NDArray[np.float32], draw: random.Random) -> NDArray[np.float32]:
    saturation = draw.uniform(0.5, 1.5) if draw.random() < 0.5 else 1.0
    hue = draw.uniform(-HUE_SHIFT, HUE_SHIFT) if draw.random() < 0.5 else 0.0
    if saturation == 1.0 and hue == 0.0:
        return values
    hsv = np.asarray(PIL.Image.fromarray(values.astype(np.uint8)).convert("HSV")).astype(np.float32)
    hsv[..., 1] = _in_range(hsv[..., 1] * saturation)
    hsv[..., 0] = (hsv[..., 0] + hue * 256) % 256
    planes = [PIL.Image.fromarray(plane) for plane in np.moveaxis(hsv.astype(np.uint8), 2, 0).copy()]
    rgb: NDArray[np.float32] = np.asarray(PIL.Image.merge("HSV", planes).convert("RGB")).astype(np.float32)
    return rgb


def _cropped(pixels: Labels, labels: Labels, side: int, draw: random.Random) -> tuple[Labels, Labels]:
    """A random window, preferably one in which no class covers more than three quarters of what is labelled."""
    height, width = labels.shape
    for _ in range(CROP_TRIES):
        top, left = draw.randint(0, max(0, height - side)), draw.randint(0, max(0, width - side))
        window = (slice(top, top + side), slice(left, left + side))
        counts = np.bincount(labels[window].ravel(), minlength=IGNORED + 1)[:IGNORED]
        if np.count_nonzero(counts) > 1 and counts.max() / counts.sum() < LARGEST_SHARE:
            break
    return pixels[window], labels[window]


def _in_range(values: NDArray[Any]) -> NDArray[np.float32]:
    clipped: NDArray[np.float32] = np.clip(values, 0, 255).astype(np.float32)
    return clipped


def _resized(pixels: Labels, height: int, width: int) -> Labels:
    if pixels.shape[:2] == (height, width):
        return pixels
    planes = torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None]
    resized = F.interpolate(planes, size=(height, width), mode="bilinear", align_corners=False)
    rounded: Labels = resized[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8).numpy()
    return rounded


def _resized_labels(labels: Labels, height: int, width: int) -> Labels:
    rows = np.minimum(np.arange(height) * labels.shape[0] // height, labels.shape[0] - 1)
    columns = np.minimum(np.arange(width) * labels.shape[1] // width, labels.shape[1] - 1)
    nearest: Labels = labels[rows[:, None], columns[None, :]]
    return nearest


def _normalised(pixels: Labels) -> Tensor:
    return normalise(np.ascontiguousarray(pixels)[None], IMAGENET.mean, IMAGENET.std)[0]
