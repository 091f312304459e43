"""A folder of pictures: each is a row of its own, with a caption where a .txt of the same name stands beside it.

folder --walked once, sorted--> names --> {"image": name, "caption": text of name.txt}
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from internvl.pipelines.item import Drop
from internvl.pipelines.reading.json_lines import oversized
from internvl.pipelines.reading.slices import RawRow, ReadOptions, Slice


class PictureFolder:
    """Rows are picture files, in the order of their names, those of subfolders included. Also one picture alone."""

    def cut(self, path: Path, rows: int, options: ReadOptions) -> Iterator[Slice]:
        """Names relative to the folder; a picture alone has an empty one."""
        names = [""] if path.is_file() else picture_names(path, options)
        for first in range(0, len(names), rows):
            chosen = tuple(names[first : first + rows])
            yield Slice(first=first + 1, rows=len(chosen), names=chosen)

    def read(self, path: Path, part: Slice, options: ReadOptions) -> Iterator[RawRow]:
        """The name of each picture, as path below the folder, and its caption."""
        for name in part.names:
            picture = path / name if name else path
            yield RawRow(1, _with_caption(picture, name or path.name, options), below=name)

    def close(self) -> None:
        """Nothing is kept open."""


def picture_names(folder: Path, options: ReadOptions) -> list[str]:
    """Paths of the pictures in and below a folder, relative to it, sorted. Linked folders are not entered."""
    found = []
    for where, below, files in os.walk(folder, onerror=_stop):
        below.sort()
        inside = Path(where).relative_to(folder)
        found += [(inside / name).as_posix() for name in files if name.rpartition(".")[2].lower() in options.suffixes]
    return sorted(found)


def _with_caption(picture: Path, name: str, options: ReadOptions) -> dict[str, object] | Drop:
    beside = picture.with_suffix(".txt")
    raw: dict[str, object] = {"image": name}
    try:
        size = beside.stat().st_size if beside.is_file() else None
        if size is None:
            return raw
        if size > options.max_record_bytes:
            return oversized(size, options)
        return {**raw, "caption": beside.read_bytes().decode("utf-8-sig").strip()}
    except OSError as error:
        return Drop(f"unreadable caption: {beside.name}: {error.strerror}")
    except UnicodeDecodeError as error:
        return Drop(f"unreadable caption: {beside.name} is not UTF-8 text at byte {error.start}")


def _stop(error: OSError) -> None:
    # os.walk would pass over a folder that can't be listed, and its pictures would be lost unseen.
    raise error
