"""Sheets of Excel workbooks (.xlsx), as ConvBench is published: a header row, then a record a row. Only texts and numbers are read.

zip: xl/worksheets/sheet1.xml (cells) + xl/sharedStrings.xml (texts) --> (row number from 1, {column: text})
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from internvl.eval.errors import BenchmarkFileError

MAX_PART_BYTES = 256 << 20
"""The largest part of a workbook that is unpacked."""

_MOST_DIGITS = 19  # of a whole number

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_PLACE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")


def read_xlsx(path: Path, columns: Sequence[str] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    """(row number, {column: text}) of the first sheet; the header is not counted, and "" stands for an empty cell.

    columns: those that must be in the header. Raises BenchmarkFileError for what is no workbook, has no rows, or lacks columns.
    """
    rows = _rows(path)
    header = {column: name.strip() for column, name in next(rows, {}).items() if name.strip()}
    missing = [name for name in columns if name not in header.values()]
    if missing:
        raise BenchmarkFileError(f"{path}: the columns {', '.join(missing)} are missing; the header has {', '.join(header.values())}")
    number = 0
    for cells in rows:
        if any(text.strip() for text in cells.values()):
            number += 1
            yield number, {name: cells.get(column, "") for column, name in header.items()}
    if number == 0:
        raise BenchmarkFileError(f"{path} has a header but no rows")


def _rows(path: Path) -> Iterator[dict[str, str]]:
    """The cells of each row by their column's letters."""
    sheet = _part(path, "xl/worksheets/sheet1.xml")
    shared = _texts(_part(path, "xl/sharedStrings.xml", optional=True))
    for row in sheet.iter(f"{_MAIN}row"):
        cells = {}
        for cell in row.iter(f"{_MAIN}c"):
            place = _PLACE.fullmatch(cell.get("r", ""))
            if place is None:
                raise BenchmarkFileError(f"{path}: a cell has the place {cell.get('r')!r:.40}, not one such as B7")
            cells[place[1]] = _text(path, cell, shared)
        yield cells


def _text(path: Path, cell: ElementTree.Element, shared: Sequence[str]) -> str:
    if cell.get("t") == "inlineStr":
        return _joined(cell)
    value = cell.findtext(f"{_MAIN}v") or ""
    if cell.get("t") != "s":
        return value
    if not (value.isdecimal() and len(value) < _MOST_DIGITS) or int(value) >= len(shared):
        raise BenchmarkFileError(f"{path}: cell {cell.get('r')} names text {value[:20]!r} of {len(shared)}")
    return shared[int(value)]


def _texts(part: ElementTree.Element) -> list[str]:
    return [_joined(item) for item in part.iter(f"{_MAIN}si")]


def _joined(item: ElementTree.Element) -> str:
    """The words of a text that may be cut into runs of one style each; notes on pronunciation are left out."""
    runs = [item, *item.iter(f"{_MAIN}r"), *item.iter(f"{_MAIN}is")]
    return "".join(text.text or "" for run in runs for text in run.findall(f"{_MAIN}t"))


def _part(path: Path, name: str, *, optional: bool = False) -> ElementTree.Element:
    """A part of the workbook, parsed; an empty element for an optional one that is not there."""
    try:
        with zipfile.ZipFile(path) as workbook:
            if optional and name not in workbook.namelist():
                return ElementTree.Element("none")
            if workbook.getinfo(name).file_size > MAX_PART_BYTES:
                raise BenchmarkFileError(f"{path}: {name} is larger than {MAX_PART_BYTES >> 20} MB unpacked")
            content = workbook.read(name)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise BenchmarkFileError(f"{path} can't be read as an Excel workbook: {error}") from error
    if b"<!DOCTYPE" in content or b"\0" in content:  # UTF-16, which could hide one, has null bytes
        raise BenchmarkFileError(f"{path}: {name} declares a document type or is not UTF-8, which no workbook needs")
    try:
        return ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise BenchmarkFileError(f"{path}: {name} is damaged: {error}") from error
