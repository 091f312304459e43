"""One name for many files: `train-{000..041}.tar`, `{a,b}.parquet`, `shards/*.jsonl`.

pattern -> files, in the order of the braces, or sorted where stars are used
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from pathlib import Path

_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
MAX_FILES = 1_000_000


def is_pattern(path: Path) -> bool:
    """Whether the name stands for several files."""
    return any(mark in str(path) for mark in "*?[{")


def files_of(path: Path) -> list[Path]:
    """The files that a name stands for. A file that has exactly this name is that file.

    Raises FileNotFoundError when a file of a brace range is missing or nothing fits.
    """
    if path.is_file() or not is_pattern(path):
        return [_existing(path)]
    found: list[Path] = []
    for name in _expanded(str(path)):
        if any(mark in name for mark in "*?["):
            found += [Path(each) for each in sorted(glob.glob(name, recursive=True)) if Path(each).is_file()]
        else:
            found.append(_existing(Path(name)))
        if len(found) > MAX_FILES:
            raise FileNotFoundError(f"{path} stands for more than {MAX_FILES} files")
    if not found:
        raise FileNotFoundError(f"no file fits {path}")
    return found


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    return path


def _expanded(name: str) -> Iterator[str]:
    braces = _BRACES.search(name)
    if braces is None:
        yield name
        return
    for choice in _choices(braces[1]):
        yield from _expanded(name[: braces.start()] + choice + name[braces.end() :])


def _choices(inside: str) -> Iterator[str]:
    for item in inside.split(","):
        ends = _RANGE.fullmatch(item)
        if ends is None:
            yield item
            continue
        width = len(ends[1]) if ends[1].startswith("0") or len(ends[1]) == len(ends[2]) else 0
        yield from (str(number).zfill(width) for number in range(int(ends[1]), int(ends[2]) + 1))
