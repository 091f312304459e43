"""What a record names as picture or clip, as something to open: a path, or the bytes of a file.

    "a.png"   "file:///data/a.png"   "data:image/png;base64,..."   bytes   {"bytes": ..., "path": ...}   ->   Path | bytes

Nothing is fetched: training that waits for somebody's server, or trains on its error pages, is worse than a clear refusal.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from internvl.data.record import MediaSource, RecordError

# Two letters at least: `C:` at the start of a path is a drive.
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_SHOWN = 80


def media_source(value: object, what: str) -> MediaSource:
    """The path or bytes behind `value`; `what` ("image", "video") is for the reason. Paths stay as written, without a root.

    Raises RecordError for an empty name, an address on the network, a damaged data: URL, and anything that is none of these.
    """
    if isinstance(value, bytes | bytearray | memoryview):
        return _filled(bytes(value), what)
    if isinstance(value, str):
        return _from_text(value, what)
    if isinstance(value, Mapping):
        for name in ("bytes", "path", "url"):
            if value.get(name) is not None:
                return media_source(value[name], what)
    raise RecordError(f"{what} must be a path, bytes, or an object with bytes or path, not {shortened(value)}")


def media_list(value: object, what: str) -> list[MediaSource]:
    """One or several of them; null, an empty text and an empty list are none."""
    if value is None or value == "" or value == []:
        return []
    values = value if isinstance(value, list | tuple) else [value]
    return [media_source(each, what) for each in values]


def shortened(value: object) -> str:
    """A value from a file as it may stand in a reason."""
    text = "null" if value is None else repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def _from_text(text: str, what: str) -> MediaSource:
    if not text.strip():
        raise RecordError(f"{what} is an empty name")
    scheme = _SCHEME.match(text)
    name = scheme[1].lower() if scheme else ""
    if name == "data":
        return _from_data_url(text, what)
    if name == "file":
        return _from_file_url(text, what)
    if name and text[len(name) + 1 :].startswith("//"):
        raise RecordError(f"{what} {shortened(text)} lies on the network: download it first and give its path")
    return Path(text)


def _from_data_url(text: str, what: str) -> bytes:
    head, comma, body = text.partition(",")
    if not comma or not head.endswith(";base64"):
        raise RecordError(f"{what} {shortened(head)} is a data: URL without base64 content")
    try:
        return _filled(base64.b64decode("".join(body.split()), validate=True), what)
    except ValueError as error:
        raise RecordError(f"{what} is a data: URL whose base64 content is damaged ({error})") from error


def _from_file_url(text: str, what: str) -> Path:
    parts = urlsplit(text)
    if parts.netloc not in ("", "localhost") or not parts.path:
        raise RecordError(f"{what} {shortened(text)} names another machine: write file:///path, or the path alone")
    return Path(unquote(parts.path))


def _filled(content: bytes, what: str) -> bytes:
    if not content:
        raise RecordError(f"{what} has 0 bytes")
    return content
