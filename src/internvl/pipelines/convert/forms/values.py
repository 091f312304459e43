"""Answers that a file may hold as numbers, as a person writes them.

3 -> "3"    3.0 -> "3"    2.5 -> "2.5"    True -> "Yes"    "blue" -> "blue"
"""

from __future__ import annotations

from internvl.pipelines.convert.rows import Row


def written(row: Row, name: str) -> str:
    """A text, number or truth value as a text. Raises Refused for anything else."""
    value = row.fields.get(name)
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, int | float):
        return str(int(value)) if value == int(value) else repr(value)
    return row.text(name)
