"""Rules: which samples stay, as a TOML file. Two presets ship: stage1 (light) and stage2 (strict).

    [rules.similarity]        [rules.detected_language]     [duplicates]
    min = 0.15                keep = ["en", "zh"]           near_bits = 6       ->   Rules

Every key is checked: a slip would otherwise keep what should go.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeAlias

from internvl.pipelines.clean.known_columns import COLUMNS, nearest
from internvl.pipelines.errors import PipelineError

PRESETS = ("stage1", "stage2")
Keep: TypeAlias = Literal["first", "similarity", "pixels"]
KEEP_CHOICES: tuple[Keep, ...] = ("first", "similarity", "pixels")
MOST_NEAR_BITS, MOST_NEAR_COLOURS = 12, 128.0
_RULE_KEYS = ("min", "max", "equals", "keep", "missing")
_TOP_KEYS = ("title", "rules", "duplicates", "evaluation")
_DUPLICATE_KEYS = ("exact", "near", "near_bits", "near_colours", "keep")


@dataclass(frozen=True, kw_only=True)
class ColumnRule:
    """What a column's value must be for a sample to stay. missing: what a sample without a value does: "drop" or "keep"."""

    column: str
    min: float | None = None
    max: float | None = None
    equals: bool | str | float | None = None
    keep: tuple[str, ...] | None = None
    missing: Literal["drop", "keep"] = "drop"

    def __str__(self) -> str:
        parts = [f"at least {self.min:g}" if self.min is not None else "", f"at most {self.max:g}" if self.max is not None else ""]
        parts += [
            f"is {str(self.equals).lower()}" if self.equals is not None else "",
            f"one of {', '.join(self.keep)}" if self.keep else "",
        ]
        return f"{self.column} " + " and ".join(part for part in parts if part)


@dataclass(frozen=True, kw_only=True)
class DuplicateRule:
    """exact: same pixels. near: same look, within near_bits of the hash's 64 and, in every block, near_colours levels of 255.

    keep: which of them stays: the first of the input, the one with the highest similarity, or with the most pixels.
    """

    exact: bool = True
    near: bool = True
    near_bits: int = 6
    near_colours: float = 24.0
    keep: Keep = "first"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """One set of rules. name: of its folder and of its column in the report. evaluation: pictures of evaluation sets go."""

    name: str
    title: str
    columns: tuple[ColumnRule, ...]
    duplicates: DuplicateRule = field(default_factory=DuplicateRule)
    evaluation: bool = True


def preset_text(name: str) -> str:
    """The TOML of a preset. Raises PipelineError for an unknown name."""
    if name not in PRESETS:
        raise PipelineError(f"there are the presets {', '.join(PRESETS)}, not {name!r}{nearest(name, PRESETS)}")
    return (files("internvl.pipelines.clean") / "presets" / f"{name}.toml").read_text("utf-8")


def load_preset(name: str) -> Rules:
    """A preset by name."""
    return parse_rules(preset_text(name), name=name, where=f"preset {name}")


def load_rules(path: Path) -> Rules:
    """The rules of a file; its stem names them. Raises PipelineError for a wrong file, OSError for none."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise PipelineError(f"{path} is no text in UTF-8") from error
    return parse_rules(text, name=path.stem, where=str(path))


def parse_rules(text: str, *, name: str, where: str) -> Rules:
    """TOML -> Rules. PipelineError names the key at fault, and the one that may have been meant."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PipelineError(f"{where} is no TOML: {error}") from error
    _only(values, _TOP_KEYS, where)
    rules = _table(values, "rules", where)
    title = values.get("title", name)
    return Rules(
        name=name,
        title=_typed(title, str, f"{where}: title"),
        columns=tuple(_column_rule(column, rule, f"{where}: rules.{column}") for column, rule in rules.items()),
        duplicates=_duplicates(_table(values, "duplicates", where), f"{where}: duplicates"),
        evaluation=_evaluation(_table(values, "evaluation", where), f"{where}: evaluation"),
    )


def _column_rule(column: str, values: object, where: str) -> ColumnRule:
    known = COLUMNS.get(column)
    if known is None:
        raise PipelineError(f"{where}: there is no column {column!r}{nearest(column, tuple(COLUMNS))}")
    if not isinstance(values, Mapping) or not values:
        raise PipelineError(f"{where} must be a table with one of {', '.join(_RULE_KEYS[:-1])}, not {values!r:.60}")
    _only(values, _RULE_KEYS, where)
    if not any(key in values for key in _RULE_KEYS[:-1]):
        raise PipelineError(f"{where} says nothing: give one of {', '.join(_RULE_KEYS[:-1])}")
    limits: dict[str, Any] = {key: _number(values[key], f"{where}.{key}") for key in ("min", "max") if key in values}
    if limits and known.type not in ("int", "float"):
        raise PipelineError(f"{where}: min and max are for numbers, {column} is a {known.type}; use equals or keep")
    if len(limits) == 2 and limits["min"] > limits["max"]:
        raise PipelineError(f"{where}: min {limits['min']:g} is above max {limits['max']:g}, nothing could stay")
    missing = values.get("missing", "drop")
    if missing not in ("drop", "keep"):
        raise PipelineError(f"{where}.missing is 'drop' or 'keep', not {missing!r}")
    return ColumnRule(column=column, **limits, **_chosen(values, known.type, where), missing=missing)


def _chosen(values: Mapping[str, Any], kind: str, where: str) -> dict[str, Any]:
    """`equals` and `keep`, of the column's own type."""
    found: dict[str, Any] = {}
    if "equals" in values:
        types: dict[str, type | tuple[type, ...]] = {"bool": bool, "str": str, "int": int, "float": (int, float)}
        found["equals"] = _typed(values["equals"], types[kind], f"{where}.equals")
    if "keep" in values:
        listed = _typed(values["keep"], list, f"{where}.keep")
        if kind != "str" or not listed or not all(isinstance(each, str) for each in listed):
            raise PipelineError(f"{where}.keep is a list of one or more texts, for a column of texts")
        found["keep"] = tuple(listed)
    return found


def _duplicates(values: Mapping[str, Any], where: str) -> DuplicateRule:
    _only(values, _DUPLICATE_KEYS, where)
    flags = {key: _typed(values[key], bool, f"{where}.{key}") for key in ("exact", "near") if key in values}
    numbers: dict[str, Any] = {}
    if "near_bits" in values:
        numbers["near_bits"] = _typed(values["near_bits"], int, f"{where}.near_bits")
        _within(numbers["near_bits"], MOST_NEAR_BITS, f"{where}.near_bits")
    if "near_colours" in values:
        numbers["near_colours"] = _number(values["near_colours"], f"{where}.near_colours")
        _within(numbers["near_colours"], MOST_NEAR_COLOURS, f"{where}.near_colours")
    keep = values.get("keep", "first")
    if keep not in KEEP_CHOICES:
        raise PipelineError(f"{where}.keep is one of {', '.join(KEEP_CHOICES)}, not {keep!r}")
    return DuplicateRule(**flags, **numbers, keep=keep)


def _evaluation(values: Mapping[str, Any], where: str) -> bool:
    _only(values, ("remove",), where)
    remove: bool = _typed(values.get("remove", True), bool, f"{where}.remove")
    return remove


def _only(values: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in values:
        if key not in known:
            raise PipelineError(f"{where} has no key {key!r}{nearest(key, known)}; known are {', '.join(known)}")


def _table(values: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    table = values.get(key, {})
    if not isinstance(table, Mapping):
        raise PipelineError(f"{where}: {key} must be a table, not {table!r:.60}")
    return table


def _typed(value: Any, kind: type | tuple[type, ...], where: str) -> Any:
    # TOML's true is a Python int as well; a flag where a number is meant is a slip.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        names = " or ".join(each.__name__ for each in (kind if isinstance(kind, tuple) else (kind,)))
        raise PipelineError(f"{where} must be {names}, not {value!r:.60}")
    return value


def _number(value: Any, where: str) -> float:
    number = float(_typed(value, (int, float), where))
    if number != number:
        raise PipelineError(f"{where} is not a number")
    return number


def _within(value: float, most: float, where: str) -> None:
    if not 0 <= value <= most:
        raise PipelineError(f"{where} is from 0 to {most:g}, not {value:g}")
