"""How many tokens and tiles each record of a data set will have, measured once and kept in a file.

    rows --worker processes, text and file headers only--> tokens int32[N], tiles int32[N], failures {row: reason}  --> cache .npz

Needed to sort by length, to know the number of batches before a run, and to check data. The file's name tells what was measured and
with what, so that a changed data set, tokenizer or limit is measured again; it is written whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy
import torch
from torch.utils.data import DataLoader, Dataset

from internvl.data.reading import Builder
from internvl.data.record import RecordError
from internvl.data.shard_names import files_of
from internvl.data.sources import Source
from internvl.errors import ConfigError

Counts: TypeAlias = numpy.ndarray[Any, numpy.dtype[numpy.int32]]
Progress: TypeAlias = Callable[[str, int, int], None]  # name of the data set, rows measured, rows in all

_FORMAT = 1  # part of the file's name: raise it when measuring changes
_CHUNK = 64


@dataclass(frozen=True)
class Lengths:
    """Of every row: tokens and tiles (-1 for a failure), whether it has a clip, whose stills differ from visit to visit (counted are
    the most it can have); and the reason of each failure."""

    tokens: Counts
    tiles: Counts
    has_clip: Counts
    failures: Mapping[int, str]


def measured(
    source: Source,
    builder: Builder,
    *,
    workers: int = 0,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> Lengths:
    """The lengths of all rows, from the cache in `folder` (default: `cache_folder()`) or measured by `workers` processes (0: here).

    Raises ConfigError when the folder can't be written to, before anything is measured.
    """
    path = _cache_file(folder or cache_folder(), source, builder)
    if path is None:
        return _measure(source, builder, workers, progress)
    cached = _read(path, len(source))
    if cached is not None:
        return cached
    _check_writable(path.parent)
    found = _measure(source, builder, workers, progress)
    _write(path, found)
    return found


def cache_folder() -> Path:
    """$INTERNVL_CACHE, or `internvl` in the user's cache folder."""
    chosen = os.environ.get("INTERNVL_CACHE")
    if chosen:
        return Path(chosen) / "lengths"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "internvl" / "lengths"


def _measure(source: Source, builder: Builder, workers: int, progress: Progress | None) -> Lengths:
    rows = len(source)
    columns = numpy.full((3, rows), -1, dtype=numpy.int32)
    failures: dict[int, str] = {}
    starts = list(range(0, rows, _CHUNK))
    # A generator of its own: the loader would draw from the global one, and with it change the run that follows.
    loader: DataLoader[Any] = DataLoader(
        _Chunks(source, builder), sampler=starts, batch_size=None, num_workers=min(workers, len(starts)), generator=torch.Generator()
    )
    for start, (chunk, failed) in zip(starts, loader, strict=True):
        values = numpy.asarray(chunk, dtype=numpy.int32).T
        columns[:, start : start + values.shape[1]] = values
        failures |= failed
        if progress is not None:
            progress(source.spec.name, min(start + _CHUNK, rows), rows)
    return Lengths(columns[0], columns[1], columns[2], failures)


class _Chunks(Dataset[Any]):
    """Measures rows start ... start + _CHUNK - 1: a message between processes for each row would cost more than measuring text."""

    def __init__(self, source: Source, builder: Builder) -> None:
        self._source, self._builder = source, builder

    def __getitem__(self, start: int) -> tuple[list[tuple[int, int, int]], dict[int, str]]:
        failed: dict[int, str] = {}
        stop = min(start + _CHUNK, len(self._source))
        return [self._row(row, failed) for row in range(start, stop)], failed

    def _row(self, row: int, failed: dict[int, str]) -> tuple[int, int, int]:
        try:
            record = self._source.record(row)
            measure = self._builder.measure(record, self._source.spec)
        except RecordError as error:
            failed[row] = error.reason
            return -1, -1, 0
        except Exception as error:
            error.add_note(f"while measuring {self._source.origin(row)} of data set {self._source.spec.name!r}")
            raise
        return measure.tokens, measure.tiles, int(bool(record.videos))


def _cache_file(folder: Path, source: Source, builder: Builder) -> Path | None:
    """Where the lengths are kept. None for a source without files, or a builder without `fingerprint()`: nobody could tell whether
    either has changed."""
    spec, fingerprint = source.spec, getattr(builder, "fingerprint", None)
    if fingerprint is None:
        return None
    try:
        files = [(str(path.absolute()), path.stat().st_size, path.stat().st_mtime_ns) for path in files_of(spec.annotation)]
    except FileNotFoundError:
        return None
    facts = [_FORMAT, files, str(spec.root), spec.max_tiles, fingerprint()]
    name = "".join(letter if letter.isalnum() else "_" for letter in spec.name)[:40]
    return folder / f"{name}-{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]}.npz"


def _read(path: Path, rows: int) -> Lengths | None:
    """What the cache holds; None when there is nothing, or nothing that can be used: it can be measured again."""
    try:
        with numpy.load(path, allow_pickle=False) as file:
            tokens, tiles, has_clip = file["tokens"], file["tiles"], file["has_clip"]
            failures = {int(row): reason for row, reason in json.loads(str(file["failures"])).items()}
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile):
        return None
    if any(column.shape != (rows,) or column.dtype != numpy.int32 for column in (tokens, tiles, has_clip)):
        return None
    return Lengths(tokens, tiles, has_clip, failures)


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(
            f"measured lengths can't be kept in {folder} ({error.strerror}); set INTERNVL_CACHE to a folder that can be written to"
        ) from error


def _write(path: Path, found: Lengths) -> None:
    failures = json.dumps({str(row): reason for row, reason in found.failures.items()})
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
        try:
            numpy.savez(file, tokens=found.tokens, tiles=found.tiles, has_clip=found.has_clip, failures=numpy.array(failures))
            file.close()
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise
