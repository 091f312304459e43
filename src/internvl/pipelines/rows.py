"""From the fields of a row to an Item: which field is the caption, which the picture, and the picture's file read.

    {"image": "a.png" | bytes | {"bytes", "path"}, "caption": "...", "url": "..."}             -> Row -> Item(image, text, fields)
    {"image": "a.png", "conversations": [...]}, checked as training would check it             -> text: what the assistant says

No picture is decoded here. What can't be used is an Item with the reason beside it: no row is lost.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from internvl.data.formats import draft_of
from internvl.data.media_source import media_list, shortened
from internvl.data.record import MediaSource, Origin, RecordError
from internvl.data.record_fields import read_record
from internvl.pipelines.item import Drop, Item
from internvl.pipelines.reading.slices import IMAGE_FIELDS, TEXT_FIELDS, TURN_FIELDS, ReadOptions


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the input before its picture is read. images: paths, relative ones under the root, or contents."""

    origin: Origin
    text: str = ""
    images: tuple[MediaSource, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    drop: Drop | None = None


def row_of(raw: Mapping[str, Any] | Drop, origin: Origin, options: ReadOptions) -> Row:
    """The row with these fields. With several pictures all are kept here, and the first is the Item's."""
    if isinstance(raw, Drop):
        return Row(origin=origin, drop=raw)
    fields: dict[str, Any] = {}
    try:
        fields = {str(name): plain(_named(value)) for name, value in raw.items() if value is None or _named(value) is not None}
        images, text = _media_and_text(raw, origin, options)
    except RecordError as error:
        return Row(origin=origin, fields=fields, drop=Drop(f"bad record: {error.reason}"))
    except RecursionError:
        return Row(origin=origin, drop=Drop("bad record: its fields are nested too deeply"))
    return Row(origin=origin, text=text, images=images, fields=fields)


def item_of(row: Row, root: Path, options: ReadOptions) -> tuple[Item, Drop | None]:
    """The item with the content of its picture's file, or without it and why."""
    item = Item(origin=row.origin, text=row.text, fields=row.fields)
    if row.drop is not None or not row.images or not options.images:
        return item, row.drop
    content = picture_content(row.images[0], root, options)
    if isinstance(content, Drop):
        return item, content
    return Item(origin=row.origin, image=content, text=row.text, fields=row.fields), None


def picture_content(source: MediaSource, root: Path, options: ReadOptions) -> bytes | Drop:
    """The bytes of a picture's file, never more than the limit."""
    if isinstance(source, bytes):
        return source if len(source) <= options.max_file_bytes else _oversized("the picture", len(source), options)
    # As it is written in the row: a result does not depend on the folder that a run was started in.
    shown = shortened(str(source))
    try:
        with open(root / source, "rb", opener=_without_waiting) as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                return Drop(f"missing picture: {shown} is no regular file")
            if about.st_size > options.max_file_bytes:
                return _oversized(shown, about.st_size, options)
            content = file.read(options.max_file_bytes)
    except (OSError, ValueError) as error:
        return Drop(f"missing picture: can't open {shown}: {getattr(error, 'strerror', None) or 'no usable path'}")
    return content or Drop(f"empty picture: {shown} has 0 bytes")


def plain(value: Any) -> Any:
    """A value as JSON has it. Times become texts; bytes, which are no field of a record, become null."""
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta | Decimal):
        return str(value)
    return None if isinstance(value, bytes | bytearray | memoryview) else value


def _media_and_text(raw: Mapping[str, Any], origin: Origin, options: ReadOptions) -> tuple[tuple[MediaSource, ...], str]:
    """Pictures and caption. Raises RecordError."""
    if not any(raw.get(name) is not None for name in TURN_FIELDS):
        name = _field(raw, options.image_field, IMAGE_FIELDS)
        images = media_list(raw[name], name) if name is not None and options.images else []
        return tuple(images), _caption(raw, options)
    # Without its pictures a record can't be checked whole: marks are counted against them.
    record = read_record(raw, origin) if options.images else draft_of(raw)
    said = "\n".join(each.text for each in record.utterances if each.role == "assistant")
    return tuple(record.images), said if options.text_field is None else _caption(raw, options)


def _named(value: Any) -> Any:
    """A field without the content of files: their names, or None where there are none."""
    if isinstance(value, bytes | bytearray | memoryview) or (isinstance(value, str) and value[:11].lower() == "data:image/"):
        return None
    if isinstance(value, Mapping) and "bytes" in value:
        return value.get("path")
    if isinstance(value, list | tuple):
        kept = [each if each is None else _named(each) for each in value]
        return None if value and all(each is None for each in kept) else kept
    return value


def _caption(raw: Mapping[str, Any], options: ReadOptions) -> str:
    name = _field(raw, options.text_field, TEXT_FIELDS)
    text = None if name is None else raw[name]
    if text is None:
        return ""
    if not isinstance(text, str):
        raise RecordError(f"{name} must be a text, not {shortened(text)}")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RecordError(f"{name} holds half of a surrogate pair at character {error.start}, which is no text") from error
    return text


def _field(raw: Mapping[str, Any], chosen: str | None, usual: tuple[str, ...]) -> str | None:
    """The name of the field to take; one that was asked for must be there."""
    if chosen is None:
        return next((name for name in usual if raw.get(name) is not None), None)
    if chosen not in raw:
        raise RecordError(f"there is no field {chosen!r}, only {', '.join(sorted(map(str, raw))) or 'none'}")
    return chosen


def _oversized(name: str, size: int, options: ReadOptions) -> Drop:
    return Drop(f"oversized file: {name} has {size:,} bytes, the limit is {options.max_file_bytes:,}")


def _without_waiting(path: str, flags: int) -> int:
    # A named pipe would otherwise hold the run for ever.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
