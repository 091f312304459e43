"""What holds of every picture size and every policy."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from internvl.media.tiling import MAX_SIDE, MAX_TILES, TilePolicy, choose_grid

sides = st.one_of(st.integers(1, 4000), st.integers(1, 100_000))


@st.composite
def policies(draw: st.DrawFn) -> TilePolicy:
    max_tiles = draw(st.integers(1, MAX_TILES))
    return TilePolicy(
        tile_size=draw(st.sampled_from([14, 56, 224, 336, 448])),
        min_tiles=draw(st.integers(1, max_tiles)),
        max_tiles=max_tiles,
        thumbnail=draw(st.booleans()),
        dynamic=draw(st.booleans()),
        pad_to_square=draw(st.booleans()),
        budget=draw(st.none() | st.integers(1, 200)),
    )


def card_grid(width: int, height: int, policy: TilePolicy) -> tuple[int, int]:
    """The model card's search, written down plainly: the best of all pairs, walked through from few tiles to many."""
    pairs = {
        (i, j)
        for i in range(1, policy.max_tiles + 1)
        for j in range(1, policy.max_tiles + 1)
        if policy.min_tiles <= i * j <= policy.max_tiles
    }
    best, best_gap = (1, 1), float("inf")
    for i, j in sorted(pairs, key=lambda pair: (pair[0] * pair[1], *pair)):
        gap = abs(width / height - i / j)
        if gap < best_gap:
            best, best_gap = (i, j), gap
        elif gap == best_gap and width * height > 0.5 * policy.tile_size**2 * i * j:
            best = (i, j)
    return best


@given(sides, sides, policies())
@settings(max_examples=300, deadline=None)
def test_the_grid_is_the_card_s(width: int, height: int, policy: TilePolicy) -> None:
    assert policy.grid(width, height) == (card_grid(width, height, policy) if policy.dynamic else (1, 1))


@given(sides, sides, policies())
@settings(max_examples=300, deadline=None)
def test_counts_stay_within_the_limits(width: int, height: int, policy: TilePolicy) -> None:
    grid, tiles = policy.grid(width, height), policy.tiles(width, height)
    if policy.dynamic:
        assert policy.min_tiles <= grid.tiles <= policy.max_tiles
    assert tiles - grid.tiles == int(policy.thumbnail and grid.tiles > 1)


@given(policies(), st.lists(st.tuples(sides, sides), min_size=1, max_size=30))
@settings(max_examples=200, deadline=None)
def test_pictures_stay_within_a_shared_budget(policy: TilePolicy, sizes: list[tuple[int, int]]) -> None:
    shared = policy.for_images(len(sizes))
    tiles = sum(shared.grid(*size).tiles for size in sizes)
    assert tiles <= len(sizes) * policy.max_tiles
    if policy.budget is not None:
        assert tiles <= max(policy.budget, len(sizes))
        assert shared.for_images(len(sizes)) == shared


@given(policies())
def test_policies_survive_a_dictionary(policy: TilePolicy) -> None:
    assert TilePolicy.from_dict(policy.to_dict()) == policy
    assert str(policy)


@given(sides, sides, st.integers(1, MAX_TILES))
@settings(max_examples=200, deadline=None)
def test_turning_a_picture_turns_its_grid_s_shape(width: int, height: int, max_tiles: int) -> None:
    """Not exactly: distances of ratios and of their inverses differ. But wide pictures never get tall grids."""
    grid = choose_grid(width, height, min_tiles=1, max_tiles=max_tiles, tile_size=448)
    assert grid.columns >= grid.rows if width >= height else grid.columns <= grid.rows


@pytest.mark.parametrize("max_tiles", [12, MAX_TILES])
def test_exact_midpoints_between_ratios_match_the_card(max_tiles: int) -> None:
    """Nowhere else can two ratios be equally close; areas are taken below and above what the tie rule asks for."""
    policy = TilePolicy(max_tiles=max_tiles)
    spans = range(1, max_tiles + 1)
    ratios = sorted({Fraction(i, j) for i in spans for j in spans if i * j <= max_tiles})
    for low, high in itertools.pairwise(ratios):
        middle = (low + high) / 2
        for scale in (1, 10, 100, 1000):
            width, height = middle.numerator * scale, middle.denominator * scale
            if max(width, height) <= MAX_SIDE:
                assert policy.grid(width, height) == card_grid(width, height, policy)
