"""Scores of an answer in JSON: which fields have exactly the right value.

text -> object -> {("items", 0, "price"): "2.25", ...} -> F1 over fields, and whether all agree
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]
DEPTH = 20


def json_score(answer: str, truth: str) -> dict[str, float]:
    """ "score": F1 over fields whose path and value agree; "exact": no field wrong, missing or too many; "valid": it is JSON at all."""
    found = read_object(answer)
    if found is None:
        return {"score": 0.0, "exact": 0.0, "valid": 0.0}
    given, wanted = dict(_fields(found)), dict(_fields(json.loads(truth)))
    right = sum(wanted.get(path) == value for path, value in given.items() if path in wanted)
    f1 = 2 * right / (len(given) + len(wanted)) if given or wanted else 0.0
    return {"score": f1, "exact": float(given == wanted), "valid": 1.0}


def read_object(text: str) -> dict[str, Any] | None:
    """The object that an answer is, also in a fence of code; None when it is none."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return None
    try:
        found = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _fields(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every leaf with its path; numbers and texts are compared as they are written."""
    if isinstance(value, dict) and len(path) < DEPTH:
        for name, inner in value.items():
            yield from _fields(inner, (*path, name))
    elif isinstance(value, list) and len(path) < DEPTH:
        for number, inner in enumerate(value):
            yield from _fields(inner, (*path, number))
    else:
        written = "" if value is None else value if isinstance(value, str) else json.dumps(value)
        yield path, " ".join(unicodedata.normalize("NFKC", written).split())
