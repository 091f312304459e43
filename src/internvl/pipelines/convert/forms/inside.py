"""Pictures inside of Parquet tables, as the hub's tables have them: {bytes, path}.

row --> (path below the root where the picture will be stored, content of its file); Refused for what is no picture
"""

from __future__ import annotations

from pathlib import Path

from internvl.errors import MediaError
from internvl.media.image import image_size
from internvl.pipelines.convert.rows import Row
from internvl.pipelines.convert.sample import Refused

_SUFFIXES = {b"\xff\xd8\xff": "jpg", b"\x89PNG": "png", b"RIFF": "webp"}


def picture_inside(row: Row, name: str) -> tuple[str, bytes]:
    """Where the picture of a row goes, and its file. name: of the data set."""
    content = row.inside("image").fields.get("bytes")
    if not isinstance(content, bytes) or not content:
        raise Refused("missing picture: the table has no bytes of it")
    try:
        image_size(content)
    except MediaError as error:
        raise Refused(f"unreadable picture: {' '.join(str(error).split())}") from error
    suffix = next((suffix for start, suffix in _SUFFIXES.items() if content.startswith(start)), "img")
    return f"{name}/{Path(row.place.file).stem}/{row.place.row:08d}.{suffix}", content
