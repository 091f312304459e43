"""Rows out of published files, one at a time: JSON of any size, JSON lines, Parquet, comma- and tab-separated text.

    {"images": [...], "annotations": [...]} --"annotations.item"--> Row, Row, ...        a.parquet --> Row, Row, ...

Only one element of a JSON file is held at a time. A line that is no JSON is a Refusal; a file that breaks off is an error.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from internvl.data.record import RecordError
from internvl.data.sources.file_reader import parse_json
from internvl.errors import MissingDependencyError
from internvl.eval.readers.parquet import read_parquet
from internvl.pipelines.convert.rows import Row
from internvl.pipelines.convert.sample import Place, Refusal
from internvl.pipelines.errors import PipelineError

_BOM = b"\xef\xbb\xbf"
_PICKLES = (".p", ".pk", ".pkl", ".pickle")


def file_rows(path: Path, prefix: str = "item") -> Iterator[Row | Refusal]:
    """Rows of a file by its suffix: .jsonl, .parquet, .csv, .tsv, or JSON, whose elements stand at `prefix` (ijson's notation)."""
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        return json_lines(path)
    if suffix == ".parquet":
        return parquet_rows(path)
    if suffix in (".csv", ".tsv"):
        return table_rows(path, "\t" if suffix == ".tsv" else ",")
    return json_items(path, prefix)


def json_items(path: Path, prefix: str = "item") -> Iterator[Row | Refusal]:
    """The elements of a list inside a JSON file, such as "item" of a plain list or "annotations.item" of COCO's object."""
    for number, value in _elements(path, "items", prefix):
        place = Place(str(path), number)
        yield (
            Row(place, value) if isinstance(value, dict) else Refusal(place, f"wrong element: an object is expected, not {value!r:.80}")
        )


def json_pairs(path: Path, prefix: str = "") -> Iterator[tuple[str, Any, Place]]:
    """(key, value, place) of an object inside a JSON file; "" is the file's own object."""
    for number, (key, value) in _elements(path, "kvitems", prefix):
        yield key, value, Place(str(path), number)


def keyed_rows(path: Path, prefix: str = "") -> Iterator[Row | Refusal]:
    """The objects by key of a JSON object, each with its key in the field "key"."""
    for key, value, place in json_pairs(path, prefix):
        ok = isinstance(value, dict)
        yield Row(place, {**value, "key": key}) if ok else Refusal(place, f"wrong element: {key!r} should be an object")


def json_value(path: Path, prefix: str) -> Any:
    """The first value at `prefix` of a JSON file, None where there is none."""
    return next((value for _, value in _elements(path, "items", prefix, needed=False)), None)


def json_lines(path: Path) -> Iterator[Row | Refusal]:
    """An object on each line; blank lines are passed over."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.removeprefix(_BOM).strip():
                yield _line_row(line.removeprefix(_BOM) if number == 1 else line, Place(str(path), number))


def parquet_rows(path: Path, columns: Sequence[str] = ()) -> Iterator[Row | Refusal]:
    """The rows of a Parquet file, a batch at a time. Needs pyarrow."""
    for number, fields in read_parquet(path, columns):
        yield Row(Place(str(path), number), fields)


def table_rows(path: Path, delimiter: str, header: Sequence[str] | None = None) -> Iterator[Row | Refusal]:
    """The rows of a text table. header: the names of its columns where the file has none of its own.

    A tab-separated table without a header is taken as it is, without quotes.
    """
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        bare = header is not None and delimiter == "\t"
        rows = csv.reader(file, delimiter=delimiter, quoting=csv.QUOTE_NONE if bare else csv.QUOTE_MINIMAL)
        names = list(header) if header is not None else next(rows, [])
        for number, cells in enumerate(rows, start=1):
            place = Place(str(path), number)
            if len(cells) == len(names):
                yield Row(place, dict(zip(names, cells, strict=True)))
            else:
                yield Refusal(place, f"wrong row: {len(names)} cells are expected, this row has {len(cells)}")


def refuse_pickle(path: Path, command: str) -> None:
    """Raise PipelineError for a pickle, which may run any code when it is opened. command: what turns it into JSON."""
    if path.suffix.lower() in _PICKLES:
        raise PipelineError(
            f"{path} is a pickle, which runs code of its author when it is opened, and is refused. If you trust it, convert it once: "
            + command.format(path=path, stem=path.with_suffix(""))
        )


def _line_row(line: bytes, place: Place) -> Row | Refusal:
    try:
        fields = parse_json(line)
    except RecordError as error:
        return Refusal(place, f"broken line: {error.reason}")
    return Row(place, fields) if isinstance(fields, dict) else Refusal(place, "wrong line: a JSON object is expected")


def _elements(path: Path, kind: str, prefix: str, *, needed: bool = True) -> Iterator[tuple[int, Any]]:
    """(number from 1, element) of what ijson finds; PipelineError for damaged JSON, or when nothing is there but something should."""
    ijson, number = _ijson(), 0
    with path.open("rb") as file:
        _pass_bom(file)
        read: Callable[..., Iterator[Any]] = getattr(ijson, kind)
        try:
            for number, value in enumerate(read(file, prefix, use_float=True), start=1):
                yield number, value
        except ijson.JSONError as error:
            where = f"after element {number} of {prefix!r}" if prefix else f"after entry {number}"
            raise PipelineError(f"{path}: not valid JSON, or cut off, {where}: {' '.join(str(error).split()):.120}") from error
    if needed and not number:
        raise PipelineError(f"{path} has nothing at {prefix or 'its top'!r}: it is another kind of file, or empty")


def _pass_bom(file: BinaryIO) -> None:
    if file.read(len(_BOM)) != _BOM:
        file.seek(0)


def _ijson() -> Any:
    try:
        import ijson
    except ImportError as error:
        raise MissingDependencyError("converting JSON annotations needs ijson: pip install 'internvl[pipelines]'") from error
    return ijson
