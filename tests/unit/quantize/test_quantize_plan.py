"""Which layers a plan means, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from quantised_folders import tiny_model

from internvl.errors import ConfigError
from internvl.quantize.formats import formats_of, layer_names
from internvl.quantize.plan import EMBEDDING, HEAD, PRESETS, QuantPlan, group_for

CONFIG = tiny_model().config
TIED = tiny_model(tied=True).config


def test_presets_name_a_kind_for_each_part() -> None:
    kinds = {name: layer.kind for name, layer in formats_of(PRESETS["int4"], CONFIG).items()}
    assert {kind for name, kind in kinds.items() if name.startswith("language_model.layers")} == {"int4"}
    assert {kind for name, kind in kinds.items() if not name.startswith("language_model.layers")} == {"int8"}
    assert set(kinds) == set(layer_names(CONFIG))


def test_layers_are_kept_by_name_or_pattern() -> None:
    plan = replace(PRESETS["int8"], keep=("projector", "*.mlp.down", "vision_encoder.layers.1"))
    left = set(layer_names(CONFIG)) - set(formats_of(plan, CONFIG))
    downs = {f"{part}.layers.{i}.mlp.down" for part in ("vision_encoder", "language_model") for i in (0, 1)}
    last = {f"vision_encoder.layers.1.{name}" for name in ("attention.qkv", "attention.out", "mlp.up", "mlp.down")}
    assert left == {"projector.up", "projector.out"} | downs | last
    with pytest.raises(ConfigError, match=r"no layer is called 'projector\.upp'"):
        formats_of(replace(plan, keep=("projector.upp",)), CONFIG)


def test_a_tied_head_that_stays_keeps_its_table() -> None:
    assert {HEAD, EMBEDDING} <= formats_of(PRESETS["int8"], TIED).keys()
    assert not {HEAD, EMBEDDING} & formats_of(replace(PRESETS["int8"], head="float"), TIED).keys()
    assert HEAD not in layer_names(TIED)


@pytest.mark.parametrize(
    ("columns", "group", "expected"), [(896, 128, 128), (192, 128, 96), (192, 64, 64), (48, 64, 64), (4864, 256, 256)]
)
def test_groups_divide_widths_where_they_can(columns: int, group: int, expected: int) -> None:
    assert group_for(columns, group) == expected


@pytest.mark.parametrize(
    "wrong", [{"language_model": "int3"}, {"group": 48}, {"embedding": "int4"}, {"int8_limit": 0.0}, {"int4_limit": -1.0}]
)
def test_impossible_plans_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        QuantPlan(**wrong)  # type: ignore[arg-type]
