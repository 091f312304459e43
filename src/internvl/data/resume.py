"""What the state of a run's data says, and whether it can be continued with the data and settings at hand.

    facts {"datasets": [...], "config": {...}, "rank": 0, "world": 8, "rows": 1}  +  progress {"position": 512, "open": [[509], ...]}

Going on with other data or another order would read some records twice and others never, without a word.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from internvl.data.config import DataConfig
from internvl.data.shard_names import files_of
from internvl.data.sources import Source
from internvl.errors import ConfigError

# Where files lie and how many processes read them changes no batch.
_FREE = ("manifest", "root", "workers")
_PROGRESS = ("position", "batches", "examples", "dropped")
_FORMAT = 1


def run_facts(sources: Sequence[Source], config: DataConfig, *, rank: int, world: int, rows: int) -> dict[str, Any]:
    """Everything that the batches of a rank depend on, as JSON values."""
    settings = {name: value for name, value in dataclasses.asdict(config).items() if name not in _FREE}
    facts = {
        "format": _FORMAT,
        "datasets": [_data_set(source) for source in sources],
        "config": settings,
        "rank": rank,
        "world": world,
        "rows": rows,
    }
    return dict(json.loads(json.dumps(facts)))


def start() -> dict[str, Any]:
    """The progress of a run that has not begun. open: positions of the examples in each open pack."""
    return {**dict.fromkeys(_PROGRESS, 0), "open": []}


def progress_of(state: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """The progress in a state. ConfigError names the first thing that differs from `facts`, or what is missing."""
    missing = [name for name in (*facts, *_PROGRESS, "open") if name not in state]
    if missing or state["format"] != _FORMAT:
        raise ConfigError(f"this is no state of a run's data of format {_FORMAT}: it lacks {', '.join(missing) or 'that format'}")
    _compare_data(state["datasets"], facts["datasets"])
    for name, value in facts["config"].items():
        if state["config"].get(name) != value:
            raise ConfigError(f"the run was made with data.{name} = {state['config'].get(name)}, it can't go on with {value}")
    _compare_ranks(state, facts)
    return {**{name: state[name] for name in _PROGRESS}, "open": [list(pack) for pack in state["open"]]}


def _data_set(source: Source) -> dict[str, Any]:
    spec = source.spec
    return {
        "name": spec.name,
        "rows": len(source),
        "bytes": _size(source),
        "repeat_time": spec.repeat_time,
        "weight": spec.weight,
        "max_tiles": spec.max_tiles,
        "data_augment": spec.data_augment,
    }


def _size(source: Source) -> int | None:
    """Bytes of the annotation files; None for a source that has none."""
    try:
        return sum(path.stat().st_size for path in files_of(source.spec.annotation))
    except FileNotFoundError:
        return None


def _compare_data(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> None:
    names_before, names_now = [each["name"] for each in before], [each["name"] for each in now]
    if names_before != names_now:
        raise ConfigError(f"the run was made with the data sets {', '.join(names_before)}; it can't go on with {', '.join(names_now)}")
    for old, new in zip(before, now, strict=True):
        changed = [f"{fact} {old.get(fact)} became {new[fact]}" for fact in new if old.get(fact) != new[fact]]
        if changed:
            raise ConfigError(f"data set {new['name']!r} has changed since the run began: {', '.join(changed)}; begin a new run")


def _compare_ranks(state: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    for name, what in (("world", "ranks"), ("rank", "as rank")):
        if state[name] != facts[name]:
            raise ConfigError(
                f"the state was saved with {name} {state[name]} and can't be read with {name} {facts[name]} ({what}): each rank "
                "remembers what it has read itself; go on with as many ranks as before, or begin a new run"
            )
    if facts["config"]["group_by_length"] and state["rows"] != facts["rows"]:
        raise ConfigError(f"with group_by_length a run with {state['rows']} rows in a forward pass can't go on with {facts['rows']}")
