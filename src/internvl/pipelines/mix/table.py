"""Mixtures as tables: tasks, the share of each in a run, and its data sets with their languages.

    internvl1_5_pretrain.toml, or one's own file --> MixTable: captioning 53.9 % {Laion-EN en, Laion-ZH zh, ...}, detection 5.2 %, ...

A table gives a ratio for every task, in percent and 100 together, or for none: then every example counts alike.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from internvl.pipelines.errors import PipelineError

TOLERANCE_PERCENT = 0.05
"""By which ratios that were rounded to a digit may miss 100 together."""


@dataclass(frozen=True)
class Listed:
    """A data set as a table names it. also: other names it goes by."""

    name: str
    languages: tuple[str, ...]
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class MixTask:
    """A kind of data. ratio: its share of all examples of a run in percent, None where the table tells none."""

    name: str
    ratio: float | None
    datasets: tuple[Listed, ...]


@dataclass(frozen=True)
class MixTable:
    """The tasks of a mixture."""

    name: str
    title: str
    tasks: tuple[MixTask, ...]

    def task(self, name: str) -> MixTask:
        """The task of that name. Raises PipelineError."""
        for task in self.tasks:
            if task.name == name:
                return task
        raise PipelineError(f"{self.name} has no task {name!r}; it has {', '.join(task.name for task in self.tasks)}")


def published_tables() -> list[str]:
    """Names of the tables that come with the package."""
    return sorted(item.name.removesuffix(".toml") for item in files(__package__).iterdir() if item.name.endswith(".toml"))


def table_text(name: str | Path) -> str:
    """The TOML of a published table, or of one's own file. Raises PipelineError."""
    if str(name) in published_tables():
        return files(__package__).joinpath(f"{name}.toml").read_text("utf-8")
    path = Path(name)
    if not path.is_file():
        known = ", ".join(published_tables())
        raise PipelineError(
            f"no mixture {str(name)!r}: it is neither a TOML file nor one of those that come with the package ({known})"
        )
    return path.read_text("utf-8")


def load_table(name: str | Path) -> MixTable:
    """A published table by name, or one's own from a TOML file of the same form.

    Raises PipelineError for ratios that don't sum to 100, stand at some tasks only, or are no numbers, and for unknown keys.
    """
    text, where = table_text(name), str(name)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PipelineError(f"{where}: not valid TOML: {error}") from error
    title = raw.pop("title", Path(where).stem)
    tasks = tuple(_task(task, entry, where) for task, entry in raw.items())
    if not tasks:
        raise PipelineError(f"{where} names no task: a table [captioning] with ratio and datasets is expected for each")
    _check_ratios(tasks, where)
    return MixTable(Path(where).stem if where not in published_tables() else where, str(title), tasks)


def _check_ratios(tasks: tuple[MixTask, ...], where: str) -> None:
    without = [task.name for task in tasks if task.ratio is None]
    if len(without) == len(tasks):
        return
    if without:
        raise PipelineError(f"{where}: {', '.join(without)} without a ratio: either every task has one, or none")
    total = sum(task.ratio or 0.0 for task in tasks)
    if abs(total - 100) > TOLERANCE_PERCENT:
        raise PipelineError(f"{where}: the ratios sum to {total:g} %, not to 100 %")


def _task(name: str, entry: object, where: str) -> MixTask:
    place = f"{where}: [{name}]"
    if not isinstance(entry, Mapping):
        raise PipelineError(f"{place} should be a table with ratio and datasets, not {entry!r:.60}")
    _refuse_others(entry, ("ratio", "datasets"), place)
    datasets = entry.get("datasets")
    if not isinstance(datasets, list) or not datasets:
        raise PipelineError(f"{place} needs datasets, a list of {{ name, languages }}")
    listed = tuple(_listed(each, place) for each in datasets)
    names = [each.name for each in listed]
    if len(set(names)) != len(names):
        raise PipelineError(f"{place} names {next(each for each in names if names.count(each) > 1)!r} twice")
    return MixTask(name, _ratio(entry.get("ratio"), place), listed)


def _ratio(value: object, place: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value <= 100:
        raise PipelineError(f"{place}: ratio is a share in percent from 0 to 100, not {value!r}")
    return float(value)


def _listed(entry: object, place: str) -> Listed:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise PipelineError(f"{place}: a data set is {{ name = ..., languages = [...] }}, not {entry!r:.80}")
    _refuse_others(entry, ("name", "languages", "also"), f"{place} {entry['name']}")
    return Listed(str(entry["name"]), _texts(entry, "languages", place), _texts(entry, "also", place))


def _texts(entry: Mapping[str, Any], key: str, place: str) -> tuple[str, ...]:
    values = entry.get(key, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise PipelineError(f"{place}: {key} is a list of texts, not {values!r:.60}")
    return tuple(values)


def _refuse_others(entry: Mapping[str, Any], known: tuple[str, ...], place: str) -> None:
    other = [key for key in entry if key not in known]
    if other:
        raise PipelineError(f"{place} has no key {other[0]!r}; known are {', '.join(known)}")
