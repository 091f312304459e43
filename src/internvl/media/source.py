"""Open the file behind a picture or a clip: a path or bytes, never a URL, so that nothing here touches the network."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

from internvl.errors import MediaError

MAX_SHOWN = 200


def named(source: str | Path | bytes) -> str:
    """What messages call the source: its path, shortened, or how many bytes it has."""
    if isinstance(source, bytes):
        return f"a file of {len(source)} bytes"
    text = str(source)
    return repr(text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "...")


def open_source(source: str | Path | bytes) -> BinaryIO:
    """The file, open for reading; the caller closes it. Raises `MediaError` for a URL or a file that can't be opened."""
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if str(source).startswith(("http://", "https://", "data:")):
        raise MediaError(f"{named(source)} is a URL: download or decode it first, and pass a path or the bytes")
    try:
        return open(source, "rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable path"
        raise MediaError(f"can't open {named(source)}: {reason}") from error
