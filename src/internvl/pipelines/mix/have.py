"""What there is to mix: data sets of a meta file, or data files of a folder, each with its rows, task and languages.

    FILE.json (a meta file)      FOLDER/docvqa.jsonl + docvqa.meta.json, synthdog_zh.parquet, ...   -->   Owned, ...

A name is matched with the table without case and punctuation, `docvqa` being DocVQA; an ending `_en` or `_zh` tells the language.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from internvl.data.manifest import DatasetSpec, load_manifest
from internvl.data.sources import open_source
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.mix.table import Listed, MixTable, MixTask

META = ".meta.json"
DATA_SUFFIXES = (".jsonl", ".json", ".parquet", ".tar")
_ENDINGS = ("en", "zh")


@dataclass(frozen=True)
class Owned:
    """A data set that is there. task and listed: its place in the table, None for one that the table doesn't list."""

    spec: DatasetSpec
    rows: int
    languages: tuple[str, ...] = ()
    task: MixTask | None = None
    listed: Listed | None = None


def find_data(place: Path) -> list[DatasetSpec]:
    """The data sets of a meta file, or of a folder: its meta files first, then its other data files, in order of their names.

    Media of a data file without a meta file start in a folder of its name beside it, or in the folder itself. Raises PipelineError.
    """
    if place.is_file():
        return list(load_manifest(place).datasets)
    if not place.is_dir():
        raise PipelineError(f"--have: there is no file or folder {place}")
    found: dict[str, DatasetSpec] = {}
    for path in sorted(place.glob(f"*{META}")):
        for spec in load_manifest(path).datasets:
            if spec.name in found:
                raise PipelineError(f"{path}: a data set {spec.name!r} is there twice")
            found[spec.name] = spec
    known = {spec.annotation.resolve() for spec in found.values()}
    for path in sorted(place.iterdir()):
        if path.suffix in DATA_SUFFIXES and not _is_note(path) and path.resolve() not in known:
            if path.stem in found:
                raise PipelineError(f"{path}: a data set {path.stem!r} is there twice")
            root = place / path.stem
            found[path.stem] = replace(load_manifest(path, root=root if root.is_dir() else place).datasets[0], name=path.stem)
    if not found:
        raise PipelineError(f"--have: {place} has no data file; known are {', '.join(DATA_SUFFIXES)}")
    return list(found.values())


def counted(spec: DatasetSpec) -> Owned:
    """The data set with its number of rows, which is read from its files: a `length` may be out of date. Raises ManifestError."""
    return Owned(spec, len(open_source(spec)))


def placed(owned: Owned, table: MixTable, tasks: Mapping[str, str]) -> Owned:
    """The data set with its task, by its name or as `tasks` says. Raises PipelineError when the table lists it under several."""
    name = owned.spec.name
    base, ending = _split(name)
    if name in tasks:
        task = table.task(tasks[name])
        found = [(task, each) for each in task.datasets if _matches(each, name) or _matches(each, base)]
        listed = found[0][1] if found else Listed(name, ())
    else:
        every = [(task, each) for task in table.tasks for each in task.datasets]
        # `laion_zh` is Laion-ZH by its whole name, and only failing that Laion with an ending.
        found = [pair for pair in every if _matches(pair[1], name)] or [pair for pair in every if _matches(pair[1], base)]
        if len(found) > 1:
            listed_in = ", ".join(task.name for task, _ in found)
            raise PipelineError(f"data set {name!r} is listed under {listed_in}: choose with --task {name}=TASK")
        if not found:
            return owned
        task, listed = found[0]
    return replace(owned, task=task, listed=listed, languages=(ending,) if ending else listed.languages)


def checked_tasks(tasks: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """`NAME=TASK` texts as a mapping. Raises PipelineError for a name that is not there."""
    given: dict[str, str] = {}
    for text in tasks:
        name, equals, task = text.partition("=")
        if not equals or name not in names:
            raise PipelineError(f"--task is NAME=TASK, with one of the data sets {', '.join(names)}; this is {text!r}")
        given[name] = task
    return given


def _matches(listed: Listed, name: str) -> bool:
    return _plain(name) in {_plain(each) for each in (listed.name, *listed.also)}


def _split(name: str) -> tuple[str, str]:
    """`synthdog_zh` is synthdog in Chinese."""
    for ending in _ENDINGS:
        for mark in "_-.":
            if name.lower().endswith(mark + ending):
                return name[: -len(ending) - 1], ending
    return name, ""


def _plain(name: str) -> str:
    """A name as it is compared: `COCO-Text`, `coco_text` and `CocoText` are one; a plus is kept, GeoQA is not GeoQA+."""
    return "".join(letter for letter in name.casefold() if letter.isalnum() or letter == "+")


def _is_note(path: Path) -> bool:
    """Ledgers and meta files stand beside data but are none."""
    if path.name.endswith((META, ".ledger.jsonl")) or path.name == "ledger.jsonl" or path.name.startswith("."):
        return True
    return path.suffix == ".json" and not _is_data(path)


def _is_data(path: Path) -> bool:
    """Whether a .json file is a list, or lines of records; an object alone, over several lines or not, is somebody's notes."""
    with path.open("rb") as file:
        start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"["):
        return True
    try:
        first: Any = json.loads(start.partition(b"\n")[0])
    except ValueError:
        return False
    return isinstance(first, dict) and ("conversations" in first or "messages" in first)
