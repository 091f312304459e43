"""Grids and policies by known numbers: what each picture size gives at each limit."""

from __future__ import annotations

import json

import pytest

from internvl.errors import ConfigError, MediaError
from internvl.media.tiling import MAX_SIDE, MAX_TILES, Grid, TilePolicy, choose_grid, grid_candidates


def grid(width: int, height: int, max_tiles: int, *, min_tiles: int = 1, tile_size: int = 448) -> str:
    return str(choose_grid(width, height, min_tiles=min_tiles, max_tiles=max_tiles, tile_size=tile_size))


@pytest.mark.parametrize(
    ("max_tiles", "count"), [(1, 1), (2, 3), (4, 8), (6, 14), (8, 20), (12, 35), (16, 50), (18, 58), (24, 84), (36, 140), (40, 158)]
)
def test_candidate_counts(max_tiles: int, count: int) -> None:
    assert len(grid_candidates(1, max_tiles)) == count


def test_candidates_are_sorted_and_within_their_limits() -> None:
    assert [str(each) for each in grid_candidates(3, 4)] == ["1x3", "3x1", "1x4", "2x2", "4x1"]
    assert grid_candidates(3, 4) is grid_candidates(3, 4)
    assert grid_candidates(5, 4) == ()


@pytest.mark.parametrize(
    ("width", "height", "at6", "at12", "at24", "at40"),
    [
        (800, 1300, "2x3", "2x3", "3x5", "5x8"),
        (448, 448, "1x1", "1x1", "1x1", "1x1"),
        (633, 633, "1x1", "1x1", "1x1", "1x1"),
        (634, 634, "2x2", "2x2", "2x2", "2x2"),
        (896, 896, "2x2", "2x2", "2x2", "2x2"),
        (1024, 768, "3x2", "4x3", "4x3", "4x3"),
        (640, 480, "3x2", "4x3", "4x3", "4x3"),
        (1920, 1080, "2x1", "4x2", "5x3", "7x4"),
        (100, 2000, "1x6", "1x12", "1x20", "1x20"),
        (2480, 3508, "2x3", "2x3", "4x6", "5x7"),
        (1, 1, "1x1", "1x1", "1x1", "1x1"),
        (1, 10_000, "1x6", "1x12", "1x24", "1x40"),
        (10_000, 1, "6x1", "12x1", "24x1", "40x1"),
    ],
)
def test_known_pictures(width: int, height: int, at6: str, at12: str, at24: str, at40: str) -> None:
    assert [grid(width, height, limit) for limit in (6, 12, 24, 40)] == [at6, at12, at24, at40]


def test_square_thresholds() -> None:
    assert [grid(side, side, 12) for side in (633, 634, 950, 951)] == ["1x1", "2x2", "2x2", "3x3"]
    assert grid(951, 951, 8) == "2x2"


def test_the_tie_rule_compares_areas_at_the_tile_size_in_use() -> None:
    assert grid(80, 80, 4, tile_size=56) == "2x2"
    assert grid(80, 80, 4, tile_size=448) == "1x1"
    # More than half of the larger grid's pixels is needed, exactly half is not enough.
    assert grid(4, 2, 8, tile_size=2) == "2x1"
    assert grid(6, 3, 8, tile_size=2) == "4x2"


def test_ties_are_decided_in_floats() -> None:
    # 7:8 is as far from 1:1 as from 3:4 in floats too, so area decides; 7:12 lies between 1:2 and 2:3 only as a fraction.
    assert grid(7, 8, 12) == "1x1"
    assert grid(7 * 448, 8 * 448, 12) == "3x4"
    assert grid(7, 12, 6) == "2x3"


def test_from_two_tiles_on_the_last_of_equal_grids_wins() -> None:
    assert grid(5000, 4000, 2, min_tiles=2) == "2x1"
    assert grid(50, 40, 2, min_tiles=2) == "1x2"


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 5), (5, -448), (2.0, 2), (True, 2), ("4", 4), (MAX_SIDE + 1, 4), (4, 10**400)])
def test_impossible_sizes(size: tuple[int, int]) -> None:
    for policy in (TilePolicy(), TilePolicy(dynamic=False)):
        with pytest.raises(MediaError):
            policy.tiles(*size)


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(ConfigError, match="no grid has 4 to 3 tiles"):
        choose_grid(4, 4, min_tiles=4, max_tiles=3, tile_size=448)


def test_thumbnails_are_counted_unless_the_grid_is_one_tile() -> None:
    policy = TilePolicy()
    assert [policy.tiles(*size) for size in ((800, 1300), (448, 448), (1920, 1080), (640, 480))] == [7, 1, 9, 13]
    assert policy.grid(800, 1300) == Grid(2, 3)
    assert TilePolicy(thumbnail=False).tiles(800, 1300) == 6
    assert TilePolicy(max_tiles=40).tiles(800, 1300) == 41
    assert TilePolicy(dynamic=False).tiles(800, 1300) == 1


@pytest.mark.parametrize(("images", "share"), [(1, 12), (2, 6), (5, 2), (7, 1), (13, 1), (100, 1)])
def test_a_budget_is_shared(images: int, share: int) -> None:
    shared = TilePolicy(budget=12, min_tiles=2).for_images(images)
    assert (shared.max_tiles, shared.min_tiles, shared.budget) == (share, min(2, share), None)


def test_a_budget_never_raises_the_limit() -> None:
    assert TilePolicy(budget=100, max_tiles=6).for_images(2).max_tiles == 6
    assert TilePolicy().for_images(7) == TilePolicy()
    for images in (0, -1, 1.5):
        with pytest.raises(ConfigError, match="at least 1 picture"):
            TilePolicy(budget=4).for_images(images)  # type: ignore[arg-type]


def test_another_limit_for_one_picture() -> None:
    assert TilePolicy(min_tiles=4, max_tiles=6).with_max_tiles(2) == TilePolicy(min_tiles=2, max_tiles=2)
    assert TilePolicy(dynamic=False).with_max_tiles(1).max_tiles == 1
    with pytest.raises(ConfigError, match="needs dynamic=True"):
        TilePolicy(dynamic=False).with_max_tiles(2)
    with pytest.raises(ConfigError, match="min_tiles <= max_tiles"):
        TilePolicy().with_max_tiles(0)


@pytest.mark.parametrize(
    "fields",
    [
        {"tile_size": 0},
        {"tile_size": -448},
        {"tile_size": 10**6},
        {"tile_size": 448.0},
        {"tile_size": True},
        {"min_tiles": 0},
        {"min_tiles": 13},
        {"max_tiles": 0},
        {"max_tiles": MAX_TILES + 1},
        {"max_tiles": 10**12},
        {"max_tiles": "12"},
        {"max_tiles": None},
        {"budget": 0},
        {"budget": 2.5},
        {"thumbnail": 1},
        {"dynamic": "yes"},
        {"pad_to_square": None},
        {"max_num": 12},
        {"max_tile": 12, "tile": 1},
    ],
)
def test_impossible_policies(fields: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as caught:
        TilePolicy.from_dict(fields)
    assert next(iter(fields)) in str(caught.value)


def test_dictionaries() -> None:
    policy = TilePolicy(tile_size=56, min_tiles=2, max_tiles=40, thumbnail=False, budget=24)
    assert TilePolicy.from_dict(json.loads(json.dumps(policy.to_dict()))) == policy
    assert TilePolicy.from_dict({}) == TilePolicy()
    with pytest.raises(ConfigError, match="has no max_num; its fields are tile_size"):
        TilePolicy.from_dict({"max_num": 12})


def test_policies_read_well() -> None:
    assert str(TilePolicy()) == "1-12 tiles of 448 px, with thumbnail"
    assert str(TilePolicy(budget=24, thumbnail=False)) == "1-12 tiles of 448 px, no thumbnail, 24 tiles shared by all pictures"
    assert str(TilePolicy(dynamic=False)) == "1 tile of 448 px, squashed"
    assert str(TilePolicy(dynamic=False, pad_to_square=True)) == "1 tile of 448 px, padded to a square"
