"""The table of the InternViT-6B search: our counts round to every printed number."""

from __future__ import annotations

import pytest

from internvl.errors import ConfigError
from internvl.models.families import VISION
from internvl.models.vision.variants import CHOSEN, VARIANTS, Variant, multiply_adds, parameters, within_budget


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_counts_are_those_printed(variant: Variant) -> None:
    assert variant.published is not None
    assert round(parameters(variant.config) / 1e6) == variant.published.parameters_m
    assert round(multiply_adds(variant.config) / 1e9) == variant.published.multiply_adds_g


def test_the_chosen_one_is_the_released_one() -> None:
    assert CHOSEN.config == VISION["InternViT-6B-224px"]


def test_compute_of_tiles_of_448_px() -> None:
    assert round(multiply_adds(VISION["InternViT-6B-448px-V1-5"], side=448) / 1e9) == 5972
    assert round(multiply_adds(VISION["InternViT-300M-448px"], side=448) / 1e9, 1) == 361.7


def test_a_toy_keeps_depth_and_heads() -> None:
    toy = CHOSEN.scaled(16)
    assert (toy.width, toy.mlp, toy.depth, toy.heads) == (200, 800, 48, 25)
    with pytest.raises(ConfigError, match="scaled down by 3"):
        CHOSEN.scaled(3)


def test_a_search_stays_near_its_budget() -> None:
    found = list(within_budget(1_000_000, depths=(2, 4, 8), head_widths=(16, 32), ratios=(4, 8)))
    assert len(found) == 12
    for variant in found:
        one_head_less = variant.width - variant.width // variant.heads
        assert abs(parameters(variant.config) / 1e6 - 1) < 0.5, variant
        assert one_head_less >= 0
        assert variant.mlp in (4 * variant.width, 8 * variant.width)
    with pytest.raises(ConfigError, match="more than the budget"):
        list(within_budget(1000, depths=(8,), head_widths=(64,), ratios=(4,)))
