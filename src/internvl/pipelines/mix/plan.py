"""How often each data set is used, so that the tasks get their ratios and no record is used too often.

    ratios, rows, cap --fill, by task, then by data set--> share of each --> repeat_time (mixing "length") or weight --> meta file

A task that is too small for its ratio under the cap stops at the cap, and the others share the rest in proportion to their ratios.
What is reached is counted with the functions that training itself uses.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from internvl.data.manifest import DatasetSpec, rows_of, shares
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.mix.have import Owned
from internvl.pipelines.mix.table import MixTable
from internvl.pipelines.whole_file import whole_file

Mixing: TypeAlias = Literal["length", "sqrt_length", "manifest"]
Within: TypeAlias = Literal["length", "sqrt_length", "even"]
_WITHIN_POWER = {"length": 1.0, "sqrt_length": 0.5, "even": 0.0}
REPEAT_DIGITS = 9


@dataclass(frozen=True, kw_only=True)
class MixSettings:
    """How a table is followed.

    mixing: the `mixing` that the run will train with. examples: of an epoch; all rows once if None. max_repeat: how often a record may
    be used in an epoch. within: how a task's part is shared among its data sets. partial: tasks without data are left out.
    """

    mixing: Mixing = "length"
    examples: int | None = None
    max_repeat: float = 4.0
    within: Within = "length"
    partial: bool = False


@dataclass(frozen=True)
class Part:
    """A data set in the mixture. share: its part of the run, 0 to 1, as training will find it; passes: how often a record is used."""

    owned: Owned
    spec: DatasetSpec
    share: float
    passes: float


def plan_mix(table: MixTable, owned: Sequence[Owned], settings: MixSettings) -> list[Part]:
    """The data sets that the table lists, with repeats or weights. Raises PipelineError when the table can't be followed at all."""
    used = [each for each in owned if each.task is not None and each.rows]
    if not used:
        names = ", ".join(each.spec.name for each in owned)
        raise PipelineError(f"none of the data sets with rows is in the table {table.name}: {names}; place them with --task NAME=TASK")
    _check_absent(table, used, settings)
    total = sum(each.rows for each in used)
    examples = _examples(total, settings)
    wanted = _wanted(table, used, settings, examples)
    specs = [_spec(each, share, settings, examples) for each, share in zip(used, wanted, strict=True)]
    return reached(used, specs, settings.mixing)


def reached(owned: Sequence[Owned], specs: Sequence[DatasetSpec], mixing: Mixing) -> list[Part]:
    """What a run with these specs does, by the functions that training uses."""
    counts = [len(rows_of(spec, each.rows)) for spec, each in zip(specs, owned, strict=True)]
    parts, total = shares(specs, counts, mixing), sum(counts)
    return [Part(each, spec, share, share * total / each.rows) for each, spec, share in zip(owned, specs, parts, strict=True)]


def most_examples(table: MixTable, owned: Sequence[Owned], max_repeat: float) -> int | None:
    """The most examples of an epoch in which every task that has data gets its ratio under the cap; None without ratios."""
    rows = {task.name: sum(each.rows for each in owned if each.task is task) for task in table.tasks}
    present = [task for task in table.tasks if rows[task.name]]
    given = sum(task.ratio or 0.0 for task in present)
    bounds = [max_repeat * rows[task.name] * given / task.ratio for task in present if task.ratio]
    return math.floor(min(bounds)) if bounds else None


def meta_of(parts: Sequence[Part]) -> dict[str, Any]:
    """The meta file of the released scripts, with `weight` where the mixing needs it. Paths are absolute."""
    meta: dict[str, Any] = {}
    for part in parts:
        spec = part.spec
        entry: dict[str, Any] = {
            "root": str(spec.root),
            "annotation": str(spec.annotation.absolute()),
            "data_augment": spec.data_augment,
        }
        if spec.max_tiles is not None:
            entry["max_dynamic_patch"] = spec.max_tiles
        entry |= {"repeat_time": spec.repeat_time, "length": part.owned.rows}
        if spec.weight is not None:
            entry["weight"] = spec.weight
        meta[spec.name] = entry
    return meta


def write_meta(parts: Sequence[Part], out: Path) -> None:
    """Write the meta file, whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(out) as file:
        file.write(json.dumps(meta_of(parts), ensure_ascii=False, indent=2).encode() + b"\n")


def fill(wanted: Sequence[float], caps: Sequence[float], total: float) -> list[float]:
    """Parts in proportion to `wanted` that sum to `total`, none above its cap; what a capped one leaves goes to the others.

    Where the caps together are below `total`, each part is its cap.
    """
    parts = [cap if each > 0 else 0.0 for cap, each in zip(caps, wanted, strict=True)]
    open_ones, left = [index for index, each in enumerate(wanted) if each > 0], total
    while open_ones:
        scale = left / sum(wanted[index] for index in open_ones)
        capped = [index for index in open_ones if wanted[index] * scale > caps[index]]
        if not capped:
            for index in open_ones:
                parts[index] = wanted[index] * scale
            break
        left -= sum(caps[index] for index in capped)
        open_ones = [index for index in open_ones if index not in capped]
    return parts


def _check_absent(table: MixTable, used: Sequence[Owned], settings: MixSettings) -> None:
    present = {each.task.name for each in used if each.task is not None}
    absent = [task.name for task in table.tasks if task.name not in present and task.ratio]
    if absent and not settings.partial:
        raise PipelineError(f"there is no data for {', '.join(absent)} of {table.name}: add some, or share their part with --partial")
    if absent and not any(task.ratio for task in table.tasks if task.name in present):
        raise PipelineError(f"there is data only for tasks of {table.name} whose ratio is 0")


def _examples(total: int, settings: MixSettings) -> int:
    if settings.max_repeat <= 0 or (settings.max_repeat < 1 and settings.mixing != "length"):
        least = "above 0" if settings.mixing == "length" else f"1 or more with mixing {settings.mixing}"
        raise PipelineError(f"--max-repeat must be {least}, not {settings.max_repeat:g}")
    if settings.examples is None:
        return total if settings.max_repeat >= 1 else math.floor(total * settings.max_repeat)
    if settings.mixing != "length":
        raise PipelineError(f"with mixing {settings.mixing} an epoch has as many examples as there are rows; --examples is for length")
    if not 1 <= settings.examples <= settings.max_repeat * total:
        most = math.floor(settings.max_repeat * total)
        raise PipelineError(f"--examples must lie between 1 and {most:,}: {total:,} rows, each at most {settings.max_repeat:g} times")
    return settings.examples


def _wanted(table: MixTable, used: Sequence[Owned], settings: MixSettings, examples: int) -> list[float]:
    """The share of each data set, summing to 1."""
    caps = [settings.max_repeat * each.rows / examples for each in used]
    sizes = [each.rows ** _WITHIN_POWER[settings.within] for each in used]
    if all(task.ratio is None for task in table.tasks):
        return fill(sizes, caps, 1.0)
    by_task = {task.name: [index for index, each in enumerate(used) if each.task is task] for task in table.tasks}
    task_caps = [sum(caps[index] for index in by_task[task.name]) for task in table.tasks]
    ratios = [(task.ratio or 0.0) if by_task[task.name] else 0.0 for task in table.tasks]
    found = [0.0] * len(used)
    for task, part in zip(table.tasks, fill(ratios, task_caps, 1.0), strict=True):
        members = by_task[task.name]
        inside = fill([sizes[index] for index in members], [caps[index] for index in members], part)
        for index, share in zip(members, inside, strict=True):
            found[index] = share
    return found


def _spec(owned: Owned, share: float, settings: MixSettings, examples: int) -> DatasetSpec:
    if settings.mixing == "length":
        return replace(owned.spec, repeat_time=round(share * examples / owned.rows, REPEAT_DIGITS), weight=None, length=owned.rows)
    base = {"manifest": 1.0, "sqrt_length": math.sqrt(owned.rows)}[settings.mixing]
    return replace(owned.spec, repeat_time=1.0, weight=share / base, length=owned.rows)


def by_task(table: MixTable, parts: Sequence[Part]) -> Mapping[str, float]:
    """The share that each task gets, 0 to 1."""
    return {task.name: sum(part.share for part in parts if part.owned.task is task) for task in table.tasks}
