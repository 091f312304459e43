"""The files of `internvl generate`: records to answer, and the answers of this and earlier runs.

    in   {"id": 7, "question": "What is it?", "images": ["a.png"]}     {"id": 8, "messages": [...], "videos": ["b.mp4"]}
    out  {"id": 7, "answer": "...", "finish_reason": "stop", "usage": {...}, "timings": {...}}     {"id": 8, "error": "..."}

Ids tie the two together, so a run that was killed goes on where it stopped. Both files are read line by line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from internvl.cli.transcript import from_json
from internvl.errors import InternVLError, PromptError
from internvl.messages import Image, Message, Video
from internvl.messages import system as system_turn

Id: TypeAlias = str | int
OUR_LINE = b'{"id": '


class RecordError(InternVLError, ValueError):
    """A line of the input or output file can't be used; the message names file and line."""


@dataclass(frozen=True)
class Finished:
    """What an output file holds already. `whole_bytes` is where its last whole line ends, `size` where the file does."""

    ids: frozenset[Id]
    failed: int
    whole_bytes: int
    size: int

    @property
    def torn(self) -> bool:
        """Whether the last line was cut while it was written."""
        return self.size > self.whole_bytes


def check_ids(path: Path) -> frozenset[Id]:
    """All ids of the input. RecordError for a line that is no JSON object, and for an id that is missing or comes twice."""
    first_lines: dict[Id, int] = {}
    for number, record in _objects(path):
        record_id = _id_of(record, path, number)
        if record_id in first_lines:
            raise RecordError(f"{path}:{number}: the id {record_id!r} stands on line {first_lines[record_id]} too; ids must differ")
        first_lines[record_id] = number
    return frozenset(first_lines)


def read_records(path: Path, *, skip: Set[Id]) -> Iterator[dict[str, Any]]:
    """The records whose ids are not in `skip`, in the order of the file."""
    for _, record in _objects(path):
        if record["id"] not in skip:
            yield record


def read_finished(path: Path) -> Finished:
    """What an earlier run wrote. RecordError for a line that no run of ours wrote."""
    if not path.exists():
        return Finished(frozenset(), 0, 0, 0)
    ids, failed, whole = set(), 0, 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n") and _begins_like_ours(line):
                break
            record = _parsed(line)
            if record is None:
                raise RecordError(f"{path}:{number}: not a JSON object; is this the output of an earlier run?")
            ids.add(_id_of(record, path, number))
            failed += "error" in record
            whole += len(line)
    return Finished(frozenset(ids), failed, whole, path.stat().st_size)


def check_continues(finished: Finished, ids: Set[Id], source: Path, target: Path) -> None:
    """RecordError when the output belongs to another input."""
    strange = sorted(finished.ids - ids, key=str)
    if strange:
        raise RecordError(
            f"{target} holds {len(strange)} ids that {source} lacks, first {strange[0]!r}; "
            "it is the output of another file, so give another name"
        )


def conversation_of(record: Mapping[str, Any], root: Path, clip: Mapping[str, Any]) -> list[Message]:
    """The messages of a record; paths are relative to `root`. Raises PromptError, PlaceholderCountError."""

    def open_media(kind: str, path: str) -> Image | Video:
        file = str(root / Path(path).expanduser())
        return Image(file) if kind == "image" else Video(file, **clip)

    media = [open_media("image", path) for path in _paths(record, "images")]
    media += [open_media("video", path) for path in _paths(record, "videos")]
    question, turns = record.get("question"), record.get("messages")
    if (question is None) == (turns is None):
        raise PromptError("a record has either a question or messages")
    turns = [{"role": "user", "content": question}] if turns is None else turns
    conversation = from_json(turns, media, open_media)
    system = record.get("system")
    return [system_turn(str(system)), *conversation] if system is not None else conversation


def _objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line numbers and objects; blank lines are passed over."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            record = _parsed(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
            if record is None:
                raise RecordError(f'{path}:{number}: not a JSON object; each line is one, such as {{"id": 1, "question": "..."}}')
            yield number, record


def _begins_like_ours(line: bytes) -> bool:
    """Whether a line without an end is one of ours, torn. Anything else is somebody's file, and nothing of it is cut."""
    return line.startswith(OUR_LINE) or OUR_LINE.startswith(line)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _id_of(record: Mapping[str, Any], path: Path, number: int) -> Id:
    value = record.get("id")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise RecordError(f"{path}:{number}: the id must be a string or a whole number, not {value!r:.60}")
    return value


def _paths(record: Mapping[str, Any], name: str) -> list[str]:
    value = record.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(path, str) for path in value):
        raise PromptError(f"{name} must be a list of paths, not {value!r:.60}")
    return value
