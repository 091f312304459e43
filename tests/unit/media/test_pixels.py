"""Tiles are, to the last bit, what the model card's Pillow and torchvision steps give."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest
import torch

from internvl.errors import ConfigError, MediaError
from internvl.media.pixels import (
    CLIP,
    IMAGENET,
    NORMALISATIONS,
    SIGLIP,
    Normalisation,
    cut_tiles,
    normalise,
    pad_to_square,
    tile_keys,
    tiles_of,
)
from internvl.media.tiling import Grid, TilePolicy

SIZES = [(1, 1), (1, 10_000), (10_000, 1), (31, 29), (448, 448), (500, 120), (640, 480), (1300, 800)]


def picture(width: int, height: int) -> PIL.Image.Image:
    return PIL.Image.fromarray(np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8))


def card_pictures(image: PIL.Image.Image, grid: Grid, size: int, *, thumbnail: bool) -> list[PIL.Image.Image]:
    """Resize the picture to its grid, crop one tile after the other, and put the squashed whole at the end."""
    resized = image.resize((grid.columns * size, grid.rows * size))
    crops = []
    for number in range(grid.tiles):
        left, top = number % grid.columns * size, number // grid.columns * size
        crops.append(resized.crop((left, top, left + size, top + size)))
    if thumbnail and len(crops) != 1:
        crops.append(image.resize((size, size)))
    return crops


def card_tensor(images: list[PIL.Image.Image], norm: Normalisation) -> torch.Tensor:
    """ToTensor and Normalize, without torchvision."""
    tensors = []
    for image in images:
        colours = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous().to(torch.float32).div(255)
        tensors.append(colours.sub_(torch.tensor(norm.mean)[:, None, None]).div_(torch.tensor(norm.std)[:, None, None]))
    return torch.stack(tensors)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("thumbnail", [True, False])
def test_tiles_equal_the_card_s(size: tuple[int, int], thumbnail: bool) -> None:
    image, policy = picture(*size), TilePolicy(tile_size=112, thumbnail=thumbnail)
    grid = policy.grid(*size)
    expected = card_pictures(image, grid, 112, thumbnail=thumbnail)
    for norm in (IMAGENET, CLIP, SIGLIP):
        batch = tiles_of(image, policy, normalisation=norm)
        assert batch.grid == grid
        assert batch.pixels.dtype == torch.float32
        assert batch.pixels.is_contiguous()
        assert len(batch.pixels) == len(batch.keys) == policy.tiles(*size)
        assert torch.equal(batch.pixels, card_tensor(expected, norm))
    cut = cut_tiles(image, grid, tile_size=112, thumbnail=thumbnail)
    assert [tile.tobytes() for tile in cut] == [tile.tobytes() for tile in expected]
    assert {(tile.mode, tile.size) for tile in cut} == {("RGB", (112, 112))}


def test_a_large_picture_at_40_tiles() -> None:
    image, policy = picture(1920, 1080), TilePolicy(max_tiles=40)
    batch = tiles_of(image, policy)
    assert batch.pixels.shape == (29, 3, 448, 448)
    expected = card_pictures(image, Grid(7, 4), 448, thumbnail=True)
    assert torch.equal(batch.pixels, card_tensor(expected, IMAGENET))


@pytest.mark.parametrize("size", [(30, 50), (51, 30), (40, 40)])
def test_without_dynamic_a_picture_is_squashed_or_padded(size: tuple[int, int]) -> None:
    image = picture(*size)
    squashed = tiles_of(image, TilePolicy(tile_size=56, dynamic=False))
    assert torch.equal(squashed.pixels, card_tensor([image.resize((56, 56))], IMAGENET))
    padded = tiles_of(image, TilePolicy(tile_size=56, dynamic=False, pad_to_square=True))
    side = max(size)
    square = PIL.Image.new("RGB", (side, side), (123, 116, 103))
    square.paste(image, ((side - size[0]) // 2, (side - size[1]) // 2))
    assert torch.equal(padded.pixels, card_tensor([square.resize((56, 56))], IMAGENET))
    assert torch.equal(padded.pixels, squashed.pixels) == (size[0] == size[1])


def test_padding_changes_nothing_where_tiles_are_square_already() -> None:
    image = picture(300, 200)
    one, other = (tiles_of(image, TilePolicy(tile_size=56, pad_to_square=pad)) for pad in (True, False))
    assert one.keys == other.keys


def test_a_square_of_a_long_strip_is_refused_before_it_is_made() -> None:
    with pytest.raises(MediaError, match=r"1 x 20000 to a square needs 400 megapixels, the limit is 100"):
        pad_to_square(PIL.Image.new("RGB", (1, 20_000)), (0, 0, 0))


def test_presets() -> None:
    assert set(NORMALISATIONS) == {"imagenet", "clip", "siglip"}
    assert NORMALISATIONS["clip"].std == (0.2686295, 0.2613025, 0.2757711)
    assert IMAGENET.mean_colour == (123, 116, 103)
    for mean, std in (((0.5,), (0.5,)), ((0.5,) * 3, (0.5, 0.0, 0.5)), ((0.5,) * 3, (0.5, -1.0, 0.5))):
        with pytest.raises(ConfigError, match="3 positive deviations"):
            Normalisation("custom", mean, std)  # type: ignore[arg-type]


def test_pictures_are_normalised_as_arrays_are() -> None:
    images = [picture(8, 8), picture(9, 9).resize((8, 8))]
    array = np.stack([np.asarray(each) for each in images])
    assert torch.equal(normalise(images, SIGLIP.mean, SIGLIP.std), normalise(array, SIGLIP.mean, SIGLIP.std))
    assert normalise([PIL.Image.new("RGB", (1, 1), (255, 0, 255))], SIGLIP.mean, SIGLIP.std).flatten().tolist() == [1, -1, 1]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([], "no tile"),
        ([PIL.Image.new("L", (4, 4))], "L 4 x 4"),
        ([PIL.Image.new("RGB", (4, 4)), PIL.Image.new("RGB", (4, 5))], "RGB 4 x 4, RGB 4 x 5"),
    ],
)
def test_tiles_that_do_not_fit_together(images: list[PIL.Image.Image], message: str) -> None:
    with pytest.raises(MediaError, match=message):
        normalise(images)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P"])
def test_only_rgb_is_cut(mode: str) -> None:
    with pytest.raises(MediaError, match=f"this one is {mode}"):
        tiles_of(PIL.Image.new(mode, (4, 4)), TilePolicy())


def test_keys_tell_tiles_apart_by_content_and_normalisation() -> None:
    policy = TilePolicy(tile_size=56, min_tiles=4, max_tiles=4, thumbnail=False)
    blank = tiles_of(PIL.Image.new("RGB", (100, 100), "white"), policy)
    assert len(set(blank.keys)) == 1
    assert len(blank.keys[0]) == 32
    noisy = tiles_of(picture(100, 100), policy)
    assert len(set(noisy.keys)) == 4
    assert noisy.keys == tiles_of(picture(100, 100), policy).keys
    assert not set(noisy.keys) & set(tiles_of(picture(100, 100), policy, normalisation=CLIP).keys)
    wide, tall = np.zeros((1, 2, 8, 3), np.uint8), np.zeros((1, 8, 2, 3), np.uint8)
    assert tile_keys(wide) != tile_keys(tall)


def test_the_picture_is_left_alone() -> None:
    image = picture(90, 70)
    before = image.tobytes()
    tiles_of(image, TilePolicy(tile_size=56))
    assert image.tobytes() == before
