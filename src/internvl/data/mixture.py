"""Mixtures by task, and how the data sets of a manifest are weighted to follow one.

    internvl1_5_pretrain: captioning 53.9 %, detection 5.2 %, ...   +   manifest   ->   the manifest with a weight for each data set

Reports tell the share of each task, not of each data set; within a task every example counts alike. Train on the result with
`mixing="manifest"`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from internvl.data.manifest import DatasetSpec, Manifest, ManifestError


@dataclass(frozen=True)
class Ingredient:
    """A data set as a report names it, with the languages of its texts."""

    name: str
    languages: tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """A kind of data and its share of all examples, 0 to 1."""

    name: str
    ratio: float
    datasets: tuple[Ingredient, ...]


@dataclass(frozen=True)
class Mixture:
    """Tasks whose ratios sum to 1."""

    name: str
    tasks: tuple[Task, ...]


def published_mixtures() -> list[str]:
    """Names of the mixtures that come with the package."""
    return sorted(item.name.removesuffix(".json") for item in files("internvl.data").joinpath("mixtures").iterdir())


def load_mixture(name: str | Path) -> Mixture:
    """A published mixture by name, or one's own from a JSON file of the same form. Raises ManifestError."""
    if str(name) in published_mixtures():
        return _parsed(files("internvl.data").joinpath("mixtures", f"{name}.json").read_text("utf-8"), str(name))
    path = Path(name)
    if not path.is_file():
        known = ", ".join(published_mixtures())
        raise ManifestError(f"no mixture {str(name)!r}: it is neither a file nor one of those that come with the package ({known})")
    return _parsed(path.read_text("utf-8"), str(path))


def apply_mixture(
    mixture: Mixture,
    manifest: Manifest,
    *,
    tasks: Mapping[str, str] | None = None,
    rows: Mapping[str, int] | None = None,
    partial: bool = False,
) -> Manifest:
    """The manifest with weights under which each task gets its ratio.

    tasks: data set -> task, for data sets that go by another name than the mixture's, or that it lists under several tasks.
    rows: data set -> number of rows, where the manifest has no `length`. partial: tasks without a data set are left out, and the
    others share their part; otherwise they are an error. Raises ManifestError for that, and for data sets of no or unclear task.
    """
    given = {spec.name: _task_of(spec.name, mixture, tasks or {}) for spec in manifest.datasets}
    absent = [task.name for task in mixture.tasks if task not in given.values()]
    if absent and not partial:
        raise ManifestError(
            f"{manifest.path} has no data set for {', '.join(absent)} of the mixture {mixture.name}; "
            "add one, or pass partial=True to share its part among the others"
        )
    sizes = {spec.name: _examples(spec, rows or {}) for spec in manifest.datasets}
    totals = {task.name: sum(sizes[name] for name, its in given.items() if its is task) for task in mixture.tasks}
    empty = [task.name for task in given.values() if not totals[task.name]]
    if empty:
        raise ManifestError(f"the data sets for {', '.join(dict.fromkeys(empty))} are empty")
    weights = {name: task.ratio * sizes[name] / totals[task.name] for name, task in given.items()}
    return Manifest(tuple(replace(spec, weight=weights[spec.name]) for spec in manifest.datasets), manifest.path)


def _task_of(name: str, mixture: Mixture, tasks: Mapping[str, str]) -> Task:
    if name in tasks:
        found = [task for task in mixture.tasks if task.name == tasks[name]]
        if not found:
            known = ", ".join(task.name for task in mixture.tasks)
            raise ManifestError(f"the mixture {mixture.name} has no task {tasks[name]!r}; it has {known}")
        return found[0]
    found = [task for task in mixture.tasks if any(_plain(each.name) == _plain(name) for each in task.datasets)]
    if len(found) != 1:
        listed = f"lists it under {', '.join(task.name for task in found)}" if found else "does not list it"
        raise ManifestError(f"data set {name!r}: the mixture {mixture.name} {listed}; name its task with tasks={{{name!r}: ...}}")
    return found[0]


def _plain(name: str) -> str:
    """A name as it is compared: `COCO-Text`, `coco_text` and `CocoText` are one."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _examples(spec: DatasetSpec, rows: Mapping[str, int]) -> float:
    count = rows.get(spec.name, spec.length)
    if count is None:
        raise ManifestError(
            f"data set {spec.name!r}: its number of rows is needed to share out its task; give it as `length` or in rows"
        )
    return count * spec.repeat_time


def _parsed(text: str, where: str) -> Mixture:
    try:
        raw = json.loads(text)
        mixture = Mixture(str(raw["name"]), tuple(_task(each) for each in raw["tasks"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ManifestError(f"{where}: not a mixture, an object with a name and tasks of name, ratio and datasets ({error})") from error
    ratios = [task.ratio for task in mixture.tasks]
    if any(ratio < 0 for ratio in ratios) or not math.isclose(sum(ratios), 1.0, abs_tol=1e-6):
        raise ManifestError(f"{where}: the ratios of the tasks are fractions that sum to 1, not to {sum(ratios):g}")
    return mixture


def _task(raw: Mapping[str, Any]) -> Task:
    datasets = (Ingredient(str(each["name"]), tuple(each["languages"])) for each in raw["datasets"])
    return Task(str(raw["name"]), float(raw["ratio"]), tuple(datasets))
