"""The dialects that conversations are written in, as utterances and the media between them.

{"conversations": [{"from": "human", "value": "..."}]}                     the released files, LLaVA, ShareGPT
{"messages": [{"role": "user", "content": "..." or [parts]}]}              OpenAI; parts are text, image_url, image, video
{"question": "...", "chosen": "...", "rejected": "..."}                    preference pairs
    -> Draft: who says what, with `<image>` and `<video>` where the parts have media
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from internvl.data.media_source import media_source, shortened
from internvl.data.record import MediaSource, RecordError, Utterance
from internvl.messages import Role

SPEAKERS: dict[str, Role] = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}
MARKS = {"image": "<image>", "video": "<video>"}
# What a part calls itself -> what it shows and the fields that may hold it.
_MEDIA_PARTS = {
    "image": ("image", ("image", "path", "url", "bytes")),
    "image_url": ("image", ("image_url",)),
    "video": ("video", ("video", "path", "url", "bytes")),
    "video_url": ("video", ("video_url",)),
}


@dataclass
class Draft:
    """A conversation as read, before its rules are checked. images, videos: media that stood inside of messages."""

    utterances: list[Utterance] = field(default_factory=list)
    images: list[MediaSource] = field(default_factory=list)
    videos: list[MediaSource] = field(default_factory=list)
    rejected: str | None = None


def draft_of(raw: Mapping[str, Any]) -> Draft:
    """Who says what in a record of any known dialect. Raises RecordError."""
    if raw.get("chosen") is not None or raw.get("rejected") is not None:
        return _preference(raw)
    forms = [name for name in ("conversations", "messages") if raw.get(name) is not None]
    if len(forms) != 1:
        wrong = "has both" if forms else f"has none of them, only {', '.join(sorted(map(str, raw))) or 'no field at all'}"
        raise RecordError(f"a record has `conversations`, `messages`, or `question` with `chosen` and `rejected`; this one {wrong}")
    turns = raw[forms[0]]
    if not isinstance(turns, list | tuple):
        raise RecordError(f"{forms[0]} must be a list of turns, not {shortened(turns)}")
    draft = Draft()
    if raw.get("system") not in (None, ""):
        draft.utterances.append(Utterance("system", _text(raw["system"], "system")))
    for number, turn in enumerate(turns, start=1):
        draft.utterances.append(_utterance(turn, number, draft))
    return draft


def _preference(raw: Mapping[str, Any]) -> Draft:
    for name in ("question", "chosen", "rejected"):
        if raw.get(name) is None:
            raise RecordError(f"a preference record has `question`, `chosen` and `rejected`; {name} is missing")
    utterances = [Utterance("user", _text(raw["question"], "question")), Utterance("assistant", _text(raw["chosen"], "chosen"))]
    if raw.get("system") not in (None, ""):
        utterances.insert(0, Utterance("system", _text(raw["system"], "system")))
    return Draft(utterances, rejected=_text(raw["rejected"], "rejected"))


def _utterance(turn: object, number: int, draft: Draft) -> Utterance:
    if not isinstance(turn, Mapping):
        raise RecordError(f"turn {number} must be an object with `from` and `value`, not {shortened(turn)}")
    speaker = _first(turn, "from", "role")
    if speaker is None:
        raise RecordError(f"turn {number} has neither `from` nor `role`, only {', '.join(sorted(map(str, turn))) or 'nothing'}")
    role = SPEAKERS.get(speaker) if isinstance(speaker, str) else None
    if role is None:
        raise RecordError(f"turn {number} is from {shortened(speaker)}; known are {', '.join(SPEAKERS)}")
    content = _first(turn, "value", "content")
    if content is None:
        hint = "; its words stand under `text`: rename it to `value`" if turn.get("text") is not None else ""
        raise RecordError(f"turn {number} (from {speaker}) has no `value`{hint}")
    if isinstance(content, list | tuple):
        return Utterance(role, _joined(list(_pieces(content, number, role, draft))))
    return Utterance(role, _text(content, f"turn {number}"))


def _first(turn: Mapping[str, Any], *names: str) -> Any:
    return next((turn[name] for name in names if turn.get(name) is not None), None)


def _pieces(parts: Sequence[object], number: int, role: Role, draft: Draft) -> Iterator[str]:
    """Texts and marks of a message's parts; the media go to the draft."""
    for part in parts:
        kind = part.get("type") if isinstance(part, Mapping) else None
        if not isinstance(part, Mapping) or not isinstance(kind, str):
            raise RecordError(f"turn {number}: a part is an object with a `type`, not {shortened(part)}")
        if kind == "text":
            yield _text(part.get("text"), f"turn {number}: a text part")
        elif kind in _MEDIA_PARTS:
            yield _media_mark(part, number, role, draft)
        else:
            raise RecordError(f"turn {number}: no use for a part of type {shortened(kind)}; known are text, {', '.join(_MEDIA_PARTS)}")


def _media_mark(part: Mapping[str, Any], number: int, role: Role, draft: Draft) -> str:
    shows, names = _MEDIA_PARTS[part["type"]]
    if role != "user":
        raise RecordError(f"turn {number}: the {role} shows {shows}s; only the user can")
    value = _first(part, *names)
    # Without a source of its own the part only says where the next picture of the record's `images` stands.
    if value is not None:
        (draft.images if shows == "image" else draft.videos).append(media_source(value, shows))
    return MARKS[shows]


def _joined(pieces: Sequence[str]) -> str:
    """Texts follow each other directly; a mark gets a line of its own, as in the released data."""
    text = ""
    for before, piece in zip(["", *pieces], pieces, strict=False):
        beside_mark = before in MARKS.values() or piece in MARKS.values()
        apart = text.endswith("\n") or piece.startswith("\n")
        text += "\n" + piece if text and beside_mark and not apart else piece
    return text


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise RecordError(f"{what} must be a text, not {shortened(value)}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise RecordError(f"{what} holds half of a surrogate pair at character {error.start}, which is no text") from error
    return value
