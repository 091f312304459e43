"""The folder of a run: what was asked for, who is at work in it, and whether another call continues it or is another run.

run.json: inputs, reading, operators with settings, units        same again -> go on        another -> refused, the difference named
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from internvl.pipelines.errors import PipelineError
from internvl.pipelines.whole_file import PART, whole_file

RUN_FILE = "run.json"
FORMAT = 1
_LOCK_FILE = ".run.lock"
_SHOWN_DIFFERENCES = 5


def read_state(folder: Path) -> dict[str, Any] | None:
    """What run.json says, or None where there is none. Raises PipelineError for a file that is none of ours."""
    try:
        state = json.loads((folder / RUN_FILE).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise PipelineError(f"{folder / RUN_FILE} is damaged ({error}); begin the run anew with restart") from error
    if not isinstance(state, dict) or state.get("format") != FORMAT or not isinstance(state.get("units"), int):
        raise PipelineError(f"{folder / RUN_FILE} was not written by this version of the pipelines")
    return state


def write_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write run.json whole."""
    with whole_file(folder / RUN_FILE) as file:
        file.write(json.dumps({"format": FORMAT, **state}, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace"))


def check_same(folder: Path, asked: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Raises PipelineError when the folder's run was asked for something else than `asked`, with the first differences."""
    now, there = _flat(json.loads(json.dumps(asked))), _flat({name: state.get(name) for name in asked})
    different = [name for name in {**there, **now} if there.get(name, _ABSENT) != now.get(name, _ABSENT)]
    if not different:
        return
    told = "; ".join(f"{name} is {_shown(there, name)} there and {_shown(now, name)} now" for name in different[:_SHOWN_DIFFERENCES])
    more = f"; and {len(different) - _SHOWN_DIFFERENCES} more" if len(different) > _SHOWN_DIFFERENCES else ""
    raise PipelineError(f"{folder} holds another run: {told}{more}. Give another folder, or begin anew with restart")


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Only one process at a time runs in a folder; a kill lets go of it. Raises PipelineError when there is another."""
    with (folder / _LOCK_FILE).open("ab") as file:
        if not _lock(file):
            raise PipelineError(f"another run is at work in {folder}; wait for it, or give another folder")
        yield


def clear(folder: Path, names: tuple[str, ...]) -> None:
    """Delete what a run wrote: first the results, last what would say that they are there."""
    for name in names:
        place = folder / name
        if place.is_dir():
            for file in place.iterdir():
                if file.suffix in (".parquet", ".json", PART):
                    file.unlink()
        else:
            place.unlink(missing_ok=True)
    (folder / RUN_FILE).unlink(missing_ok=True)


_ABSENT = object()


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Leaves by dotted name; entries of a list that have a name go by it."""
    if isinstance(value, dict) and value:
        inside = value.items()
    elif isinstance(value, list) and value:
        inside = {_entry(each, place): each for place, each in enumerate(value)}.items()
    else:
        return {name: value}
    return {key: leaf for part, each in inside for key, leaf in _flat(each, f"{name}.{part}" if name else str(part)).items()}


def _entry(value: Any, place: int) -> str:
    named = value.get("name") or value.get("path") if isinstance(value, dict) else None
    return f"{place + 1}" if named is None else f"{place + 1} ({named})"


def _shown(leaves: Mapping[str, Any], name: str) -> str:
    return "absent" if name not in leaves else f"{leaves[name]!r:.80}"


def _lock(file: BinaryIO) -> bool:
    """Systems without fcntl go without."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
