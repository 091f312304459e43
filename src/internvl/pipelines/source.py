"""What a run reads: data files, patterns of them, meta files and folders of pictures, as slices of rows and as items.

    inputs --find_inputs--> InputFile[F] --cut, one pass each--> Slice --read, any worker--> (Item, Drop | None) of every row

A file is never held; what can't be read is a row with its reason, be it a line, a picture, or the rest of a damaged shard.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from internvl.data.manifest import DatasetSpec, load_manifest
from internvl.data.record import Origin
from internvl.data.shard_names import files_of
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.item import Drop, Item
from internvl.pipelines.reading.json_lines import JsonLines
from internvl.pipelines.reading.json_list import JsonList
from internvl.pipelines.reading.parquet_rows import ParquetRows
from internvl.pipelines.reading.pictures import PictureFolder, picture_names
from internvl.pipelines.reading.slices import Kind, ReadOptions, Slice
from internvl.pipelines.reading.tar_samples import TarSamples
from internvl.pipelines.rows import Row, item_of, row_of

_KINDS: dict[str, type[Kind]] = {
    "jsonl": JsonLines,
    "json": JsonList,
    "parquet": ParquetRows,
    "tar": TarSamples,
    "pictures": PictureFolder,
}
KINDS = ".jsonl, .json (a list), .parquet, .tar, a picture, or a folder of pictures"


@dataclass(frozen=True, kw_only=True)
class InputFile:
    """One file, or one folder of pictures. path: as the user wrote it; base: what a relative path starts at; root: of its media."""

    dataset: str
    path: str
    kind: str
    base: str
    root: str

    @property
    def place(self) -> Path:
        """Where it is, from any folder and process."""
        return Path(self.base, self.path)


class Reader:
    """Reads slices of the inputs of a run. Each worker has one; the last file may stay open between slices."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._kinds: dict[str, Kind] = {}

    def cut(self, file: InputFile, rows: int) -> Iterator[Slice]:
        """The slices of a file, `rows` rows each at most. Raises nothing for what is in the file."""
        try:
            yield from self._kind(file).cut(file.place, rows, self._options)
        except OSError as error:
            yield Slice(first=1, rows=1, fault=f"unreadable file: {error.strerror or error}")

    def rows(self, file: InputFile, part: Slice) -> Iterator[Row]:
        """The rows of a slice, their pictures not read."""
        if part.fault is not None:
            yield Row(origin=_origin(file, part.first), drop=Drop(part.fault))
            return
        try:
            for each in self._kind(file).read(file.place, part, self._options):
                yield row_of(each.raw, _origin(file, each.row, each.below), self._options)
        except OSError as error:
            # Not a reason to drop: the same file could be read when the run was planned.
            raise PipelineError(f"{file.path} can't be read any more: {error.strerror or error}") from error

    def items(self, file: InputFile, part: Slice) -> Iterator[tuple[Item, Drop | None]]:
        """The items of a slice with their pictures, or why there is none."""
        for row in self.rows(file, part):
            yield item_of(row, Path(file.root), self._options)

    def close(self) -> None:
        """Let go of open files."""
        for kind in self._kinds.values():
            kind.close()

    def _kind(self, file: InputFile) -> Kind:
        if file.kind not in self._kinds:
            self._kinds[file.kind] = _KINDS[file.kind]()
        return self._kinds[file.kind]


def find_inputs(inputs: Sequence[str | Path], options: ReadOptions, *, root: str | Path | None = None) -> tuple[InputFile, ...]:
    """The files behind what the user named, in its order. root: where paths of media start, instead of beside their file.

    Raises PipelineError for what is not there, is of no known kind, or is named twice; ManifestError for a wrong meta file.
    """
    if not inputs:
        raise PipelineError("a run needs at least one input: a data file, a pattern, or a folder of pictures")
    found = [file for each in inputs for file in _files(Path(each), options, None if root is None else Path(root))]
    seen: set[Path] = set()
    for file in found:
        if file.place in seen:
            raise PipelineError(f"{file.path} is named twice: its samples would be doubled")
        seen.add(file.place)
    return tuple(found)


def input_facts(file: InputFile, options: ReadOptions) -> dict[str, Any]:
    """What tells that an input has changed: its size, and of a folder also the names in it."""
    if file.kind != "pictures" or file.place.is_file():
        return {"bytes": file.place.stat().st_size}
    names = picture_names(file.place, options)
    listed = hashlib.sha256(b"\0".join(os.fsencode(name) for name in names)).hexdigest()
    return {"bytes": sum((file.place / name).stat().st_size for name in names), "names": listed}


def _files(path: Path, options: ReadOptions, root: Path | None) -> Iterator[InputFile]:
    if path.is_dir():
        yield _folder(path, options)
        return
    if path.suffix[1:].lower() in options.suffixes:
        yield from (_file(each, "pictures", path.stem, each.parent) for each in _existing(path))
        return
    for spec in load_manifest(path, root=root).datasets:
        yield from (_data_file(spec, each, options) for each in _existing(spec.annotation))


def _folder(path: Path, options: ReadOptions) -> InputFile:
    if not picture_names(path, options):
        others = sorted({each.suffix for each in path.iterdir() if each.suffix in (".jsonl", ".json", ".parquet", ".tar")})
        hint = f"; name its data files: '{path}/*{others[0]}'" if others else ""
        raise PipelineError(f"the folder {path} holds no pictures ({', '.join(options.suffixes)}){hint}")
    return _file(path, "pictures", path.resolve().name, path)


def _data_file(spec: DatasetSpec, path: Path, options: ReadOptions) -> InputFile:
    kind = path.suffix[1:].lower()
    if kind in options.suffixes:
        return _file(path, "pictures", spec.name, path.parent)
    if kind not in _KINDS or kind == "pictures":
        raise PipelineError(f"{path} is of no known kind; known are {KINDS}")
    # Files of lines are named .json too.
    return _file(path, "jsonl" if kind == "json" and not _begins_with_bracket(path) else kind, spec.name, spec.root)


def _begins_with_bracket(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["


def _file(path: Path, kind: str, dataset: str, root: Path) -> InputFile:
    return InputFile(dataset=dataset, path=str(path), kind=kind, base=os.getcwd(), root=str(root.absolute()))


def _existing(path: Path) -> list[Path]:
    try:
        return files_of(path)
    except FileNotFoundError as error:
        raise PipelineError(str(error)) from error


def _origin(file: InputFile, row: int, below: str | None = None) -> Origin:
    shown = os.path.join(file.path, below) if below else file.path
    return Origin(_printable(file.dataset), _printable(shown), row)


def _printable(name: str) -> str:
    """A name of bytes that are no UTF-8 is shown with escapes: it has to fit into JSON and Parquet."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
