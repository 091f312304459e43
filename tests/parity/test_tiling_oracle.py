"""Tiles beside two other implementations: transformers' Pillow processor, and the golden pixels of the original."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

from internvl.media.image import open_image
from internvl.media.pixels import tiles_of
from internvl.media.tiling import TilePolicy

FIXTURES = Path(__file__).parent / "fixtures"
GOLDEN = sorted(path.parent.name for path in FIXTURES.glob("*/golden.npz") if "pixels0" in np.load(path).files)


def processor(max_tiles: int) -> Any:
    module = pytest.importorskip("transformers.models.got_ocr2.image_processing_pil_got_ocr2")
    # All three must be said: by default it is made for 384 pixels, CLIP's colours, and no tiles.
    return module.GotOcr2ImageProcessorPil(
        size={"height": 448, "width": 448},
        crop_to_patches=True,
        min_patches=1,
        max_patches=max_tiles,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    )


@pytest.mark.parametrize("max_tiles", [6, 12, 24, 40])
def test_tile_counts_of_random_sizes(max_tiles: int) -> None:
    """10,000 sizes at each of four limits, every third of them in a simple ratio, where ties are decided."""
    oracle, policy, rng = processor(max_tiles), TilePolicy(max_tiles=max_tiles), random.Random(max_tiles)
    limits = {"min_patches": 1, "max_patches": max_tiles, "crop_to_patches": True}
    sizes = [(round(10 ** rng.uniform(0, 4)), round(10 ** rng.uniform(0, 4))) for _ in range(6_667)]
    sides = [(rng.randint(1, 2000), rng.randint(1, 8), rng.randint(1, 8)) for _ in range(3_333)]
    sizes += [(side * columns, side * rows) for side, columns, rows in sides]
    ours = [policy.tiles(width, height) for width, height in sizes]
    theirs = [oracle.get_number_of_image_patches(height, width, limits) for width, height in sizes]
    assert ours == theirs


@pytest.mark.parametrize("size", [(640, 480), (300, 1000), (449, 447)])
def test_pixels_equal_transformers(size: tuple[int, int]) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image = PIL.Image.fromarray(colours)
    theirs = processor(12)(image, return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(tiles_of(image, TilePolicy()).pixels, theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_tiles(name: str) -> None:
    golden = json.loads((FIXTURES / name / "golden.json").read_text())
    pixels = np.load(FIXTURES / name / "golden.npz")
    for limit in (6, 12):
        policy = TilePolicy(tile_size=56, max_tiles=limit)
        for number, expected in enumerate(golden[f"tiles{limit}"]):
            batch = tiles_of(open_image(FIXTURES / f"image{number}.png"), policy)
            assert list(batch.grid) == expected["ratio"]
            assert len(batch.pixels) == len(batch.keys) == expected["n"]
            if limit == 12:
                np.testing.assert_array_equal(batch.pixels.numpy(), pixels[f"pixels{number}"])


def test_there_are_golden_tiles() -> None:
    assert len(GOLDEN) >= 4
