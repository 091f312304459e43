"""The pictures of a benchmark's rows: base64 text, bytes of an image file, or a path.

    base64 text | {index of another row} | ['...', '...'] | path --> Image, its header checked; BenchmarkFileError with the row

Pictures inside a file are checked by their header when their row is read, so that a damaged one is found before a model runs.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from pathlib import Path

from internvl.errors import MediaError
from internvl.eval.readers.cells import Row, python_list, shown
from internvl.eval.readers.tsv import read_tsv
from internvl.messages import Image

MAX_REFERENCE = 64
"""Up to this many characters an `image` cell of VLMEvalKit's TSV is the index of the row that carries the picture."""

_LINE_ENDS = str.maketrans("", "", "\r\n")


def picture_from_base64(text: str, path: Path, row: int) -> Image:
    """The picture that base64 text holds. Raises BenchmarkFileError for text that is no base64, or no picture."""
    place = Row(path, row, {})
    try:
        content = base64.b64decode(text.translate(_LINE_ENDS).encode("ascii"), validate=True)
    except UnicodeEncodeError as error:
        raise place.error(f"the picture is not base64: {shown(text[error.start])} is not of its alphabet") from error
    except (binascii.Error, ValueError) as error:
        raise place.error(f"the picture is not base64: {error}") from error
    return picture_from_bytes(content, path, row)


def picture_from_bytes(content: bytes, path: Path, row: int) -> Image:
    """The picture in the bytes of an image file, whose header is checked. Raises BenchmarkFileError."""
    from internvl.media.image import image_size

    try:
        image_size(content)
    except MediaError as error:
        raise Row(path, row, {}).error(f"the picture can't be used: {error}") from error
    return Image(content)


def picture_at(name: str, root: Path, path: Path, row: int, *, folders: tuple[str, ...] = ()) -> Image:
    """The picture at a path as a benchmark file writes it: below the data root, or beside the file, or in `folders` beside it.

    The original repository writes `data/...` from the folder above its data; a root that is the data folder itself is taken too.
    Raises BenchmarkFileError for a picture that is in none of these places.
    """
    places = [root / name, path.parent / name, *(path.parent / folder / name for folder in folders)]
    if name.startswith("data/"):
        places.append(root / name.removeprefix("data/"))
    for place in places:
        if _is_file(place):
            return Image(place)
    tried = ", ".join(str(place) for place in dict.fromkeys(places))
    raise Row(path, row, {}).error(f"the picture {shown(name)} is absent; looked at {tried}"[:1000])


def _is_file(place: Path) -> bool:
    try:
        return place.is_file()
    except (OSError, ValueError):  # a name that no file system takes: too long, or with a null character
        return False


class TsvPictures:
    """The pictures of a VLMEvalKit TSV: in the row, in another row it points to, or in files that `image_path` names."""

    def __init__(self, path: Path, root: Path) -> None:
        self.path = path
        self.root = root
        self._shared: dict[str, tuple[Image, ...]] | None = None

    def of(self, row: Row) -> tuple[Image, ...]:
        """The pictures of a row, in order; () where it has none. Raises BenchmarkFileError with the row."""
        cell = row.optional_text("image").strip()
        if cell and not _is_reference(cell):
            return self._decoded(cell, row.number)
        if cell:
            return self._referenced(cell, row)
        names = row.optional_text("image_path").strip()
        if not names:
            return ()
        listed = python_list(names, row) if names.startswith("[") else [names]
        folders = ("images", f"images/{self.path.stem}")
        return tuple(picture_at(name, self.root, self.path, row.number, folders=folders) for name in listed)

    def one(self, row: Row) -> Image:
        """The picture of a row that must have exactly one."""
        pictures = self.of(row)
        if len(pictures) != 1:
            raise row.error(f"exactly one picture is expected in 'image' (or 'image_path'), there are {len(pictures)}")
        return pictures[0]

    def _decoded(self, cell: str, number: int) -> tuple[Image, ...]:
        if not cell.startswith("["):
            return (picture_from_base64(cell, self.path, number),)
        # Base64 has neither quotes nor commas: a list of megabytes needs no parser.
        items = (item.strip().strip("'\"") for item in cell.strip("[]").split(","))
        return tuple(picture_from_base64(item, self.path, number) for item in items)

    def _referenced(self, index: str, row: Row) -> tuple[Image, ...]:
        if self._shared is None:
            self._shared = self._gather()
        if index not in self._shared:
            raise row.error(f"'image' is {shown(index)}: neither a picture in base64 nor the index of a row that has one")
        return self._shared[index]

    def _gather(self) -> dict[str, tuple[Image, ...]]:
        """Pictures of the rows that other rows point to. Only these are kept; the rows may stand in any order."""
        wanted = {record["image"].strip() for _, record in self._rows() if _is_reference(record["image"].strip())}
        found = {}
        for number, record in self._rows():
            cell = record["image"].strip()
            if record["index"] in wanted and cell and not _is_reference(cell):
                found[record["index"]] = self._decoded(cell, number)
        return found

    def _rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        return read_tsv(self.path, ("image",))


def _is_reference(cell: str) -> bool:
    return 0 < len(cell) <= MAX_REFERENCE and not cell.startswith("[")
