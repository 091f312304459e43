"""The texts of a sample, and the sample with other texts: a caption, or a conversation in any dialect that training reads.

{"conversations": [{"from": "human", "value": "Why?"}, ...]} --texts_of--> ["Why?", ...] --translated, with_texts--> the same record
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

PREFERENCE = ("system", "question", "chosen", "rejected")
TURNS = ("conversations", "messages")
_WORDS = ("value", "content")


def is_record(fields: Mapping[str, Any]) -> bool:
    """Whether the fields are a conversation rather than a caption with columns beside it."""
    return any(fields.get(name) is not None for name in (*TURNS, "chosen"))


def texts_of(record: Mapping[str, Any]) -> list[str]:
    """Every text of a conversation, in order: the system message, each turn, and both answers of a preference pair."""
    found: list[str] = []
    _visit(record, found.append)
    return found


def with_texts(record: Mapping[str, Any], texts: Sequence[str]) -> dict[str, Any]:
    """The record with these texts in the places of its own. Everything else stays. ValueError for another number of texts."""
    if len(texts) != len(texts_of(record)):
        raise ValueError(f"{len(texts)} texts for a record that has {len(texts_of(record))}")
    following: Iterator[str] = iter(texts)
    return _visit(record, lambda text: next(following))


def _visit(record: Mapping[str, Any], change: Any) -> dict[str, Any]:
    """The record with `change` called on each text, and its result in the text's place where it is one."""

    def changed(value: Any) -> Any:
        return change(value) if isinstance(value, str) else value

    done = {name: changed(record[name]) for name in PREFERENCE if name in record}
    for name in TURNS:
        if isinstance(record.get(name), list | tuple):
            done[name] = [_turn(turn, changed) for turn in record[name]]
    return {**record, **done}


def _turn(turn: Any, changed: Any) -> Any:
    if not isinstance(turn, Mapping):
        return turn
    done = {name: _content(turn[name], changed) for name in _WORDS if turn.get(name) is not None}
    return {**turn, **done}


def _content(content: Any, changed: Any) -> Any:
    """A text, or parts of which some are text."""
    if not isinstance(content, list | tuple):
        return changed(content)
    is_text = [isinstance(part, Mapping) and part.get("type") == "text" for part in content]
    return [{**part, "text": changed(part.get("text"))} if text else part for part, text in zip(content, is_text, strict=True)]
