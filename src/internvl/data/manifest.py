"""Which data sets a run reads: the released meta file, or one data file alone.

{"coco": {"root": "coco/", "annotation": "coco.jsonl", "repeat_time": 0.5, "weight": 2.0}, ...}   ->   Manifest
rows_of(spec, rows)   ->   which rows are used, and how often        shares(...)   ->   how much of a run each data set gets
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from internvl.data.row_plan import RowPlan
from internvl.data.shard_names import files_of
from internvl.errors import InternVLError
from internvl.media.tiling import MAX_TILES

_KEYS = ("root", "annotation", "data_augment", "max_dynamic_patch", "repeat_time", "length", "weight")
_META_SUFFIXES = (".json",)


class ManifestError(InternVLError, ValueError):
    """A meta file, or a data file as a whole, can't be used: missing, of an unknown kind, or with a wrong entry."""


@dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """One data set. annotation: its file, or a pattern such as `{000..041}.tar`; root: where its media start, absolute.

    max_tiles: its own limit for a picture, the original's `max_dynamic_patch`. weight: factor on its share of a run.
    """

    name: str
    annotation: Path
    root: Path
    data_augment: bool = False
    max_tiles: int | None = None
    repeat_time: float = 1.0
    length: int | None = None
    weight: float | None = None


@dataclass(frozen=True)
class Manifest:
    """The data sets of a run, in the order of the file they were read from."""

    datasets: tuple[DatasetSpec, ...]
    path: Path


def load_manifest(path: Path, *, root: Path | None = None) -> Manifest:
    """A meta file, or one data file (JSONL, JSON list, Parquet, tar, a pattern of them) as the only data set.

    Paths of a meta file start at `root`, or at the current folder as the original has it; what is not found there is looked for
    beside the meta file. Media of a single data file start at `root`, or at its own folder. Raises ManifestError.
    """
    if path.suffix in _META_SUFFIXES and path.is_file() and _begins_with_brace(path):
        return Manifest(tuple(_read_meta(path, root)), path)
    _existing_files(path, str(path))
    folder = path.parent if root is None else root
    return Manifest((DatasetSpec(name=path.stem, annotation=path, root=folder.absolute()),), path)


def rows_of(spec: DatasetSpec, rows: int) -> RowPlan:
    """Which of a data set's `rows` are used how often: (row, repeat) pairs, made when asked for.

    repeat_time 2.25 is every row twice and a quarter of them once more. The fraction is chosen by a hash of name and row, so it
    is spread over the file, the same on every machine, and a larger fraction contains a smaller one.
    """
    whole = math.floor(spec.repeat_time)
    chosen = math.floor((spec.repeat_time - whole) * rows + 0.5)
    if whole == 0 and spec.repeat_time > 0:
        chosen = max(chosen, min(1, rows))
    return RowPlan(spec.name, rows, whole, chosen)


def shares(
    datasets: Sequence[DatasetSpec], rows: Sequence[int], mixing: Literal["manifest", "length", "sqrt_length"]
) -> tuple[float, ...]:
    """The part of a run that each data set gets, summing to 1: rows (or their square root, or alike) times `weight`.

    rows: after repeats. A data set without rows gets nothing; without any rows all are 0.
    """
    base = {"manifest": lambda n: 1.0, "length": float, "sqrt_length": math.sqrt}[mixing]
    parts = [base(n) * (1.0 if spec.weight is None else spec.weight) if n else 0.0 for spec, n in zip(datasets, rows, strict=True)]
    total = sum(parts)
    return tuple(part / total if total else 0.0 for part in parts)


def _begins_with_brace(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def _read_meta(path: Path, root: Path | None) -> list[DatasetSpec]:
    try:
        meta = json.loads(path.read_text("utf-8-sig"), object_pairs_hook=lambda pairs: _without_twins(pairs, path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, ManifestError):
            raise
        raise ManifestError(f"{path}: not valid JSON ({error}); a file with a record on each line is named .jsonl") from error
    if not isinstance(meta, dict) or not meta:
        raise ManifestError(f"{path}: a meta file is an object of data sets by name, and this one names none")
    places = [root or Path(), path.parent]
    return [_read_entry(name, entry, f"{path}: data set {name!r}", places) for name, entry in meta.items()]


def _without_twins(pairs: list[tuple[str, Any]], path: Path) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        twice = next(key for key, _ in pairs if [other for other, _ in pairs].count(key) > 1)
        raise ManifestError(f"{path}: {twice!r} stands there twice; all but the last would be lost")
    return entries


def _read_entry(name: str, entry: object, where: str, places: Sequence[Path]) -> DatasetSpec:
    if not isinstance(entry, Mapping):
        raise ManifestError(f"{where} must be an object with `root` and `annotation`, not {type(entry).__name__}")
    _refuse_misspelt(entry, where)
    annotation, root = entry.get("annotation"), entry.get("root", "")
    if not isinstance(annotation, str) or not annotation:
        raise ManifestError(f"{where}: annotation must be the path of a data file, not {annotation!r}")
    if not isinstance(root, str) or "://" in root:
        raise ManifestError(f"{where}: root must be a local folder, not {root!r}")
    augment = entry.get("data_augment", False)
    if not isinstance(augment, bool):
        raise ManifestError(f"{where}: data_augment must be true or false, not {augment!r}")
    repeat = _number(entry, "repeat_time", where)
    return DatasetSpec(
        name=name,
        annotation=_find_annotation(annotation, where, places),
        root=_find_folder(root, places),
        data_augment=augment,
        max_tiles=_whole(entry, "max_dynamic_patch", where, most=MAX_TILES),
        repeat_time=1.0 if repeat is None else repeat,
        length=_whole(entry, "length", where, least=0),
        weight=_number(entry, "weight", where),
    )


def _refuse_misspelt(entry: Mapping[str, Any], where: str) -> None:
    """A key that nearly is one of ours is a slip that would change the run; other keys are somebody's notes."""
    for key in entry:
        meant = difflib.get_close_matches(key, _KEYS, n=1, cutoff=0.8)
        if key not in _KEYS and meant:
            raise ManifestError(f"{where} has no key {key!r}; did you mean {meant[0]!r}?")


def _find_annotation(annotation: str, where: str, places: Sequence[Path]) -> Path:
    for place in places:
        try:
            files_of(place / annotation)
        except FileNotFoundError:
            continue
        return place / annotation
    tried = " nor ".join(dict.fromkeys(str(place / annotation) for place in places))
    raise ManifestError(f"{where}: its annotation is not there: neither {tried}")


def _find_folder(root: str, places: Sequence[Path]) -> Path:
    # A root that is nowhere is not refused here: text alone needs none, and each missing picture is reported with its path.
    found = next((place / root for place in places if (place / root).is_dir()), places[0] / root)
    return found.absolute()


def _existing_files(path: Path, where: str) -> None:
    try:
        files_of(path)
    except FileNotFoundError as error:
        raise ManifestError(f"{where}: {error}" if str(path) not in str(error) else str(error)) from error


def _number(entry: Mapping[str, Any], key: str, where: str) -> float | None:
    value = entry.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
        raise ManifestError(f"{where}: {key} must be a number from 0 on, not {value!r}")
    return float(value)


def _whole(entry: Mapping[str, Any], key: str, where: str, *, least: int = 1, most: int | None = None) -> int | None:
    value = entry.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
        bounds = f"from {least} on" if most is None else f"from {least} to {most}"
        raise ManifestError(f"{where}: {key} must be a whole number {bounds}, not {value!r}")
    return value
