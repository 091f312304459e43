"""Rules as TOML: the presets are sound, and every slip is named with what may have been meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from internvl.pipelines.clean.known_columns import COLUMNS, GROUP
from internvl.pipelines.clean.rules import PRESETS, ColumnRule, DuplicateRule, load_preset, load_rules, parse_rules, preset_text
from internvl.pipelines.clean.scoring import SCORES, check_columns, operators_for, without_scores
from internvl.pipelines.errors import PipelineError


def parsed(text: str):
    return parse_rules(text, name="mine", where="mine.toml")


def test_the_strict_preset_is_stricter() -> None:
    light, strict = (load_preset(name) for name in PRESETS)
    assert len(strict.columns) > len(light.columns)
    assert strict.duplicates.near
    assert not light.duplicates.near
    floors = [{rule.column: rule.min for rule in each.columns} for each in (light, strict)]
    assert floors[0]["similarity"] < floors[1]["similarity"]


def test_every_rule_of_a_preset_is_on_a_column_that_is_scored() -> None:
    for name in PRESETS:
        check_columns(load_preset(name), operators_for())
    added = {column for operator in operators_for() for column in operator.columns()}
    assert {name for name, column in COLUMNS.items() if column.operator != GROUP} <= added


def test_keys_and_values() -> None:
    rules = parsed(
        """
        title = "my rules"
        [rules.width]
        min = 10
        max = 20
        [rules.detected_language]
        keep = ["en", "zh"]
        missing = "keep"
        [rules.code]
        equals = false
        [duplicates]
        near_bits = 3
        keep = "pixels"
        [evaluation]
        remove = false
        """
    )
    assert rules.columns == (
        ColumnRule(column="width", min=10, max=20),
        ColumnRule(column="detected_language", keep=("en", "zh"), missing="keep"),
        ColumnRule(column="code", equals=False),
    )
    assert rules.duplicates == DuplicateRule(near_bits=3, keep="pixels")
    assert (rules.name, rules.title, rules.evaluation) == ("mine", "my rules", False)
    assert [str(rule) for rule in rules.columns] == [
        "width at least 10 and at most 20",
        "detected_language one of en, zh",
        "code is false",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[rules.similarty]\nmin = 1", "no column 'similarty'; did you mean 'similarity'?"),
        ("[rules.width]\nminimum = 1", "no key 'minimum'; did you mean 'min'?"),
        ("[rule.width]\nmin = 1", "no key 'rule'; did you mean 'rules'?"),
        ("[rules.width]\nmin = true", "rules.width.min must be int or float, not True"),
        ("[rules.width]\nmin = nan", "is not a number"),
        ("[rules.width]\nmin = 5\nmax = 4", "min 5 is above max 4"),
        ("[rules.code]\nmin = 1", "code is a bool"),
        ("[rules.code]\nequals = 'no'", "must be bool"),
        ("[rules.width]\nkeep = ['a']", "for a column of texts"),
        ("[rules.format]\nkeep = []", "one or more texts"),
        ("[rules.width]\nmissing = 'keep'", "says nothing"),
        ("[rules.width]\nmin = 1\nmissing = 'maybe'", "'drop' or 'keep'"),
        ("[rules]\nwidth = 5", "must be a table"),
        ("rules = 5", "rules must be a table"),
        ("title = 5", "title must be str"),
        ("[duplicates]\nnear_bits = 20", "from 0 to 12, not 20"),
        ("[duplicates]\nkeep = 'last'", "one of first, similarity, pixels, not 'last'"),
        ("[duplicates]\nexact = 1", "must be bool"),
        ("[evaluation]\nremoved = true", "did you mean 'remove'?"),
        ("[rules.width", "is no TOML"),
    ],
)
def test_slips_are_named(text: str, told: str) -> None:
    with pytest.raises(PipelineError) as caught:
        parsed(text)
    assert told in str(caught.value)
    assert "mine.toml" in str(caught.value)


def test_files_and_presets(tmp_path: Path) -> None:
    (tmp_path / "my rules.toml").write_text(preset_text("stage2"), "utf-8")
    rules = load_rules(tmp_path / "my rules.toml")
    assert rules.name == "my rules"
    assert rules.columns == load_preset("stage2").columns
    (tmp_path / "latin.toml").write_bytes(b'title = "\xe9"')
    with pytest.raises(PipelineError, match="UTF-8"):
        load_rules(tmp_path / "latin.toml")
    with pytest.raises(PipelineError, match="did you mean 'stage1'"):
        load_preset("stage_1")
    with pytest.raises(FileNotFoundError):
        load_rules(tmp_path / "none.toml")


def test_scores_and_rules_must_fit() -> None:
    strict = load_preset("stage2")
    with pytest.raises(PipelineError, match="stage 2 has a rule on 'watermark', which is not scored"):
        check_columns(without_scores(strict, SCORES), operators_for(["similarity"]))
    fitted = without_scores(strict, [])
    check_columns(fitted, operators_for([]))
    assert fitted.duplicates.keep == "first"
    with pytest.raises(PipelineError, match="did you mean 'aesthetic'"):
        operators_for(["aestetic"])
