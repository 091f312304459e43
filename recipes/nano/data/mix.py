"""How much of each family a stage of training sees.

"align", "pretrain", "instruct", "default", or a JSON file {"receipts": 2, "talk": 1}   ->   {family: weight}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from recipes.nano.data.registry import FAMILIES

Mix: TypeAlias = dict[str, float]

# Weights are relative: only their ratios count. Reading first, everything next, and at last what users ask for.
_READING: Mix = {"lines": 6.0, "pages": 3.0, "documents": 0.7, "receipts": 0.7, "screens": 0.6}
_EVERYTHING: Mix = {
    "lines": 3.0,
    "pages": 2.5,
    "documents": 1.5,
    "receipts": 1.5,
    "tables": 1.2,
    "charts": 1.5,
    "formulas": 0.7,
    "screens": 1.2,
    "scenes": 2.5,
    "pairs": 0.8,
    "clips": 0.5,
    "talk": 0.4,
}
_CONVERSATION: Mix = {
    "lines": 1.0,
    "pages": 1.2,
    "documents": 1.5,
    "receipts": 1.5,
    "tables": 1.3,
    "charts": 1.6,
    "formulas": 0.7,
    "screens": 1.3,
    "scenes": 2.2,
    "pairs": 1.0,
    "clips": 0.7,
    "talk": 1.0,
}
MIXES: dict[str, Mix] = {"align": _READING, "pretrain": _EVERYTHING, "instruct": _CONVERSATION, "default": _CONVERSATION}


def load_mix(name: str, known: Mapping[str, str] = FAMILIES) -> Mix:
    """The weights of a named mix or of a JSON file, families in alphabetical order. Raises ValueError for what can't be a mix."""
    if name in MIXES:
        return checked(MIXES[name], name, known)
    path = Path(name)
    if not path.is_file():
        raise ValueError(f"{name!r} is neither a mix ({', '.join(MIXES)}) nor a file")
    try:
        raw = json.loads(path.read_text("utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{name} is not JSON: {error}") from error
    return checked(raw, name, known)


def checked(raw: object, name: str, known: Mapping[str, str] = FAMILIES) -> Mix:
    """The same weights in alphabetical order, so that a mix means the same samples however its file is sorted."""
    if not isinstance(raw, Mapping) or not raw:
        raise ValueError(f"mix {name}: expected an object of family names and weights")
    unknown = sorted(set(raw) - set(known))
    if unknown:
        raise ValueError(f"mix {name}: there is no family {', '.join(map(str, unknown))}; known are {', '.join(sorted(known))}")
    for family, weight in raw.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < float("inf"):
            raise ValueError(f"mix {name}: the weight of {family} must be a number above 0, not {weight!r}")
    return {family: float(raw[family]) for family in sorted(raw)}
