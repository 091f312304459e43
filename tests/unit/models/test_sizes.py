"""Parameter counts derived from the table equal those that were published or worked out by hand, and impossible sizes are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from internvl.errors import ConfigError
from internvl.models.build import build_model, count_parameters, meta_model
from internvl.models.config import InternVLConfig, LanguageConfig, RopeConfig, VisionConfig
from internvl.models.families import RELEASED, VISION, released_named
from internvl.models.vision.encoder import VisionEncoder

# Worked out from the shapes of the released tensors.
EXACT = {
    "InternVL2-1B": (304_012_288, 4_482_816, 629_663_872),
    "InternVL2-2B": (304_012_288, 12_595_200, 1_889_146_880),
    "InternVL2-4B": (304_012_288, 22_034_432, 3_820_809_216),
    "InternVL2-8B": (304_012_288, 33_570_816, 7_737_782_272),
    "InternVL2-26B": (5_536_496_000, 116_429_824, 19_861_260_288),
    "InternVL2-40B": (5_536_496_000, 143_170_560, 34_389_017_600),
    "InternVL2-Llama3-76B": (5_536_496_000, 172_008_448, 70_553_853_952),
}


@pytest.mark.parametrize("name", EXACT)
def test_each_part_has_the_released_number_of_parameters(name: str) -> None:
    count = count_parameters(meta_model(released_named(name).config()))
    assert (count.vision_encoder, count.projector, count.language_model) == EXACT[name]


@pytest.mark.parametrize("name", RELEASED)
def test_the_total_rounds_to_what_the_card_prints(name: str) -> None:
    row = released_named(name)
    total = count_parameters(meta_model(row.config())).total / 1e9
    digits = len(row.published.rstrip("B").partition(".")[2])
    if "rounds up" in row.note:
        assert round(total, 2) == 4.15
        return
    assert f"{total:.{digits}f}B" == row.published


def test_encoders_have_their_published_sizes() -> None:
    with torch.device("meta"):
        sizes = {name: sum(p.numel() for p in VisionEncoder(config).parameters()) for name, config in VISION.items()}
    assert sizes["InternViT-6B-224px"] == 5_902_793_600
    assert sizes["InternViT-6B-448px-V1-0"] == 5_905_251_200
    assert sizes["InternViT-6B-448px-V1-5"] == 5_536_496_000
    assert sizes["InternViT-300M-448px"] == 304_012_288


def test_a_tile_of_448_pixels_costs_256_tokens() -> None:
    assert released_named("OpenGVLab/InternVL2-8B").config().tokens_per_tile == 256


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"InternVL2-99B.*InternVL2-8B"):
        released_named("InternVL2-99B")


def tiny(**changes: Any) -> InternVLConfig:
    vision = VisionConfig(hidden_size=32, intermediate_size=48, num_layers=3, num_heads=4, image_size=56)
    language = LanguageConfig(
        family="qwen2", vocab_size=50, hidden_size=32, intermediate_size=48, num_layers=2, num_heads=4, num_kv_heads=2,
        head_dim=8, max_positions=64, qkv_bias=True,
    )  # fmt: skip
    return InternVLConfig(**({"vision": vision, "language": language, "template": "Hermes-2", "image_size": 56} | changes))


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("vision", {"hidden_size": -1}, "hidden_size"),
        ("vision", {"num_layers": 10**12}, "num_layers"),
        ("vision", {"num_heads": 5}, "must divide hidden_size"),
        ("vision", {"patch_size": 13}, "patch_size"),
        ("vision", {"norm": "group_norm"}, "norm must be one of"),
        ("vision", {"drop_path_rate": 1.0}, "drop_path_rate"),
        ("vision", {"norm_eps": float("nan")}, "norm_eps"),
        ("language", {"vocab_size": 0}, "vocab_size"),
        ("language", {"num_layers": True}, "num_layers"),
        ("language", {"num_kv_heads": 3}, "must divide num_heads"),
        ("language", {"head_dim": 7}, "head_dim"),
        (
            "language",
            {"rope": RopeConfig(kind="longrope", original_max_positions=8, short_factor=(1.0,), long_factor=(1.0,))},
            "factors",
        ),
    ],
)
def test_impossible_parts_are_refused(part: str, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(getattr(tiny(), part), **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"downsample_ratio": 0.0}, "downsample_ratio"),
        ({"downsample_ratio": 0.33}, "downsample_ratio"),
        ({"image_size": 60}, "patch_size"),
        ({"image_size": 70}, "must divide"),
        ({"pixel_shuffle": "v3"}, "ps_version"),
        ({"select_layer": -5}, "select_layer"),
        ({"min_tiles": 4, "max_tiles": 2}, "min"),
    ],
)
def test_impossible_models_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        tiny(**change)


@pytest.mark.parametrize(
    "options", [{"kind": "yarn"}, {"theta": 0.0}, {"factor": float("inf")}, {"kind": "longrope"}, {"kind": "llama3"}]
)
def test_impossible_ropes_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        RopeConfig(**options)


def test_building_from_a_seed_is_repeatable_and_complete() -> None:
    first, second, other = (build_model(tiny(), seed=seed) for seed in (1, 1, 2))
    for (name, a), b in zip(first.named_parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b), name
        assert torch.isfinite(a).all(), name
    assert not torch.equal(first.language_model.embedding.weight, other.language_model.embedding.weight)
    assert float(first.vision_encoder.blocks[0].scale1.detach()[0]) == pytest.approx(0.1)
