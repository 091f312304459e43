"""The step that needs all samples at once: which pictures and captions of a run occur again. Thresholds of rules are not applied here.

    units --features--> arrays --pairs, components--> pictures.npy (row, group), captions.npy (row, copies, near copies)

Kept in `out`/groups and made anew only when the run, the widest limits, or the lists to compare with have changed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy

from internvl.eval.fingerprint import file_hash
from internvl.pipelines.clean.against import HashList
from internvl.pipelines.clean.caption_groups import near_words, same_words
from internvl.pipelines.clean.components import components
from internvl.pipelines.clean.features import COLUMNS, Features, open_features, write_features
from internvl.pipelines.clean.pairs import ROWS_PER_PART, Array, Matcher, find_pairs
from internvl.pipelines.clean.picture_groups import picture_matchers
from internvl.pipelines.clean.tasks import tasks_for
from internvl.pipelines.folder import RUN_FILE
from internvl.pipelines.units import read_units
from internvl.pipelines.whole_file import whole_file

if TYPE_CHECKING:
    import pyarrow

FOLDER = "groups"
_VERSION = 1
_ABOUT, _PICTURES, _CAPTIONS, _FEATURES, _WORK = "groups.json", "pictures.npy", "captions.npy", "features", "work"
_PICTURE = numpy.dtype([("row", "<u8"), ("group", "<u8")])
_CAPTION = numpy.dtype([("row", "<u8"), ("copies", "<u8"), ("near", "<u8")])


@dataclass(frozen=True, kw_only=True)
class GroupConfig:
    """The widest limits that any rules of a call ask for. bits: None without near duplicates. captions: look for near copies too."""

    bits: int | None = 6
    colours: float = 24.0
    captions: bool = True
    rows_per_part: int = ROWS_PER_PART


@dataclass(frozen=True)
class Groups:
    """What was found. pictures: rows that are not alone, with their group; captions: rows whose caption occurs more than once."""

    features: Features
    pictures: Array
    captions: Array

    def copies_of(self, start: int, stop: int) -> tuple[Array, Array]:
        """Copies and near copies of the captions of rows start..stop, int64; a caption that is alone has one copy, itself."""
        copies, near = numpy.ones(stop - start, numpy.int64), numpy.ones(stop - start, numpy.int64)
        first, last = numpy.searchsorted(self.captions["row"], [start, stop])
        inside = self.captions[first:last]
        places = (inside["row"] - numpy.uint64(start)).astype(numpy.int64)
        copies[places], near[places] = inside["copies"].astype(numpy.int64), inside["near"].astype(numpy.int64)
        return copies, near


def group_run(
    out: Path, config: GroupConfig, *, against: Sequence[HashList] = (), workers: int = 1, address: str | None = None
) -> Groups:
    """The groups of a finished run, read from `out`/groups where they are up to date. Results do not depend on parts or workers.

    Ray is used where it was asked for and there is more than one part.
    """
    folder = out / FOLDER
    about = _about(out, config, against)
    if not _is_current(folder, about):
        _make(out, folder, config, against, (workers, address))
        with whole_file(folder / _ABOUT) as file:
            file.write(json.dumps(about, indent=2).encode())
    return Groups(open_features(folder / _FEATURES), numpy.load(folder / _PICTURES), numpy.load(folder / _CAPTIONS))


def forget_groups(out: Path) -> None:
    """Delete what was found, as for inputs that have changed without a change of size."""
    shutil.rmtree(out / FOLDER, ignore_errors=True)


def _make(out: Path, folder: Path, config: GroupConfig, against: Sequence[HashList], hands: tuple[int, str | None]) -> None:
    (folder / _ABOUT).unlink(missing_ok=True)  # first: what follows may be interrupted
    shutil.rmtree(folder / _WORK, ignore_errors=True)
    store = folder / _FEATURES
    features = write_features(store, _run_tables(out), _listed(against))
    workers, address = hands if features.total > config.rows_per_part else (1, None)
    with tasks_for(workers=workers, address=address) as run_tasks:

        def grouped(matchers: Sequence[Matcher]) -> tuple[Array, Array]:
            return components(find_pairs(store, matchers, folder / _WORK, run_tasks=run_tasks, rows_per_part=config.rows_per_part))

        members, group = grouped(picture_matchers(features.total, bits=config.bits, colours=config.colours))
        exact = grouped(same_words())
        near = grouped(near_words()) if config.captions else exact
    _save(folder / _PICTURES, _structured(_PICTURE, row=members, group=group))
    rows = near[0]
    _save(folder / _CAPTIONS, _structured(_CAPTION, row=rows, copies=_sizes(exact, rows), near=_sizes(near, rows)))
    shutil.rmtree(folder / _WORK, ignore_errors=True)


def _sizes(found: tuple[Array, Array], rows: Array) -> Array:
    """How large the group of each row is; 1 for a row that has none. All members are among `rows`."""
    members, group = found
    _, place, counts = numpy.unique(group, return_inverse=True, return_counts=True)
    sizes = numpy.ones(len(rows), numpy.uint64)
    sizes[numpy.searchsorted(rows, members)] = counts[place]
    return sizes


def _run_tables(out: Path) -> Iterable[pyarrow.Table]:
    # Columns that a run lacks, as one without captions does, are passed over by the reader.
    return read_units(out, COLUMNS)


def _listed(against: Sequence[HashList]) -> Iterable[pyarrow.Table]:
    return (table for each in against for table in each.tables())


def _about(out: Path, config: GroupConfig, against: Sequence[HashList]) -> dict[str, Any]:
    """What the groups depend on; parts are no part of it."""
    run = hashlib.sha256((out / RUN_FILE).read_bytes()).hexdigest()
    lists = [file_hash(each.path) for each in against]
    return {
        "version": _VERSION,
        "run": run,
        "against": lists,
        "bits": config.bits,
        "colours": config.colours,
        "captions": config.captions,
    }


def _is_current(folder: Path, about: dict[str, Any]) -> bool:
    try:
        stored = json.loads((folder / _ABOUT).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(stored == about)


def _structured(kind: numpy.dtype[Any], **columns: Array) -> Array:
    table = numpy.empty(len(columns["row"]), kind)
    for name, values in columns.items():
        table[name] = values
    return table


def _save(path: Path, values: Array) -> None:
    with whole_file(path) as file:
        numpy.save(file, values)
