"""From the fields of one line to a Record, and every rule a line must keep.

    {"image": "a.png", "conversations": [...]}  --draft_of-->  utterances  --marks, order, boxes-->  Record

Only the text is looked at. What can't be right is a RecordError: a line is left out and listed, never bent into shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from internvl.data.formats import MARKS, draft_of
from internvl.data.media_source import media_list, shortened
from internvl.data.record import MediaSource, Origin, Record, RecordError, Utterance

_BOXED = re.compile(r"<box>(.*?)</box>", re.DOTALL)
# A list of numbers; the `[x1, y1, x2, y2]` of a prompt that explains the format is none.
_NUMBERS = re.compile(r"\[([-+\d\s.,eE]*\d[-+\d\s.,eE]*)\]")


def read_record(raw: object, origin: Origin) -> Record:
    """The record in a JSON object (or Parquet row, or tar sample) of any known format. Paths stay as written.

    Raises RecordError with the one thing that is wrong.
    """
    if not isinstance(raw, Mapping):
        raise RecordError(f"a record is a JSON object, not {shortened(raw)}")
    draft = draft_of(raw)
    images = _media(raw, ("image", "images"), draft.images)
    videos = _media(raw, ("video", "videos"), draft.videos)
    _check_speakers(draft.utterances)
    _check_answers(draft.utterances, draft.rejected)
    _check_boxes(draft.utterances)
    return Record(
        origin=origin,
        utterances=tuple(_marked(draft.utterances, len(images), len(videos))),
        images=tuple(images),
        videos=tuple(videos),
        clip=_clip(raw) if videos else None,
        sizes=_sizes(raw, len(images)),
        tokens=_whole(raw.get("length"), "length") if raw.get("length") is not None else None,
        rejected=draft.rejected,
        id=None if raw.get("id") is None else str(raw["id"]),
    )


def rooted(record: Record, root: Path) -> Record:
    """The same record with its relative paths under `root`."""

    def under(sources: tuple[MediaSource, ...]) -> tuple[MediaSource, ...]:
        return tuple(root / source if isinstance(source, Path) else source for source in sources)

    return replace(record, images=under(record.images), videos=under(record.videos))


def kind_of(record: Record) -> str:
    """What the record trains: text, image, several images, grounding, video or preference."""
    if record.rejected is not None:
        return "preference"
    if record.videos:
        return "video"
    if not record.images:
        return "text"
    if any("<box>" in each.text or "<ref>" in each.text for each in record.utterances):
        return "grounding"
    return "several images" if len(record.images) > 1 else "image"


def _media(raw: Mapping[str, Any], names: tuple[str, str], inside: list[MediaSource]) -> list[MediaSource]:
    """Media of the record's own fields, or of its messages."""
    listed = [source for name in names for source in media_list(raw.get(name), name)]
    if listed and inside:
        raise RecordError(f"{names[1]} stand both in the messages ({len(inside)}) and beside them ({len(listed)}): use one place")
    return listed or inside


def _check_speakers(utterances: Sequence[Utterance]) -> None:
    turns = utterances[1:] if utterances and utterances[0].role == "system" else utterances
    skipped = len(utterances) - len(turns)
    if not turns:
        raise RecordError("the conversation has no turns")
    for index, utterance in enumerate(turns):
        expected = "user" if index % 2 == 0 else "assistant"
        if utterance.role != expected:
            place = f"turn {index + 1 + skipped}"
            raise RecordError(f"{place} must be the {expected}'s, not the {utterance.role}'s: user and assistant alternate")
    if turns[-1].role != "assistant":
        raise RecordError(f"the last of {len(utterances)} turns is the user's: there is no answer to learn from")


def _check_answers(utterances: Sequence[Utterance], rejected: str | None) -> None:
    for number, utterance in enumerate(utterances, start=1):
        if utterance.role == "assistant" and not utterance.text.strip():
            raise RecordError(f"turn {number}: the answer is empty")
    if rejected is not None and not rejected.strip():
        raise RecordError("the rejected answer is empty")
    if rejected == utterances[-1].text:
        raise RecordError("the chosen and the rejected answer are the same")


def _check_boxes(utterances: Sequence[Utterance]) -> None:
    for number, utterance in enumerate(utterances, start=1):
        if "<box>" not in utterance.text:
            continue
        for inside in _BOXED.findall(utterance.text):
            for corners in _NUMBERS.findall(inside):
                _check_box(corners, number)


def _check_box(text: str, number: int) -> None:
    try:
        x1, y1, x2, y2 = (int(value) for value in text.split(","))
    except ValueError as error:
        raise RecordError(f"turn {number}: the box [{text:.60}] must be 4 whole numbers x1, y1, x2, y2 in thousandths") from error
    if not (0 <= x1 <= x2 <= 1000 and 0 <= y1 <= y2 <= 1000):
        raise RecordError(f"turn {number}: the box [{text:.60}] must keep 0 <= x1 <= x2 <= 1000 and 0 <= y1 <= y2 <= 1000")


def _marked(utterances: Sequence[Utterance], images: int, videos: int) -> Iterator[Utterance]:
    """The utterances, with the mark of an only picture or clip put first where none is written.

    Marks count in what the user says; in answers and system messages the characters are characters.
    """
    asked = "\n".join(each.text for each in utterances if each.role == "user")
    missing = ""
    for what, given, others in (("image", images, videos), ("video", videos, images)):
        marks = asked.count(MARKS[what])
        if given == 1 and not others and not marks:
            missing = MARKS[what] + "\n"
        elif marks != given:
            raise RecordError(f"the questions have {marks} {MARKS[what]} marks, but the record has {given} {what}s")
    for utterance in utterances:
        if missing and utterance.role == "user":
            utterance, missing = replace(utterance, text=missing + utterance.text), ""
        yield utterance


def _clip(raw: Mapping[str, Any]) -> tuple[float, float] | None:
    clip = raw.get("clip")
    if clip is None:
        return None
    numbers = [value for value in clip if _is_number(value)] if isinstance(clip, list | tuple) else []
    if len(numbers) != 2 or len(clip) != 2 or not 0 <= numbers[0] < numbers[1]:
        raise RecordError(f"clip must be [start, end] in seconds with 0 <= start < end, not {shortened(clip)}")
    return float(numbers[0]), float(numbers[1])


def _sizes(raw: Mapping[str, Any], images: int) -> tuple[tuple[int, int], ...] | None:
    """Width and height of each picture, where the record tells them."""
    if not images:
        return None
    sides = [_sides(raw, name, images) for name in ("width", "height")]
    if sides[0] is None and sides[1] is None:
        return None
    if sides[0] is None or sides[1] is None:
        raise RecordError("width and height go together; one of them is missing")
    return tuple(zip(*sides, strict=True))


def _sides(raw: Mapping[str, Any], name: str, images: int) -> list[int] | None:
    value = raw.get(f"{name}_list")
    value = raw.get(name) if value is None else value
    if value is None:
        return None
    values = value if isinstance(value, list | tuple) else [value]
    if len(values) != images:
        raise RecordError(f"{len(values)} {name}s are given for {images} images")
    return [_whole(each, name, least=1) for each in values]


def _whole(value: object, what: str, *, least: int = 0) -> int:
    """A whole number; 640.0 is one."""
    if _is_number(value) and value == int(value) and value >= least:  # type: ignore[operator, call-overload]
        return int(value)  # type: ignore[call-overload, no-any-return]
    raise RecordError(f"{what} must be a whole number from {least} on, not {shortened(value)}")


def _is_number(value: object) -> bool:
    # The bounds shut out NaN, Infinity, and integers that no float can hold.
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e15 < value < 1e15
