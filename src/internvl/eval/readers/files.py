"""Where a benchmark's file lies below the data root."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from internvl.eval.errors import BenchmarkFileError


def find_file(root: Path, candidates: Sequence[str], *, prefer: str = "") -> Path:
    """The first of these paths below the root that exists; those that end in `prefer` are looked for first.

    Raises BenchmarkFileError that lists them all.
    """
    for name in sorted(candidates, key=lambda name: not name.endswith(prefer)):
        path = root / name
        if path.exists():
            return path
    listed = ", ".join(candidates)
    raise BenchmarkFileError(f"none of the benchmark's files is below {root}: {listed}. Download one of them to that place")


def at_evalkit(*names: str) -> tuple[str, ...]:
    """Where VLMEvalKit's TSV of these names may lie: in the root itself or in its folder LMUData."""
    return tuple(place for name in names for place in (f"{name}.tsv", f"LMUData/{name}.tsv"))


def at_repository(*names: str) -> tuple[str, ...]:
    """Where the original repository's files may lie: in its folder `data`, or in a root that is that folder."""
    return tuple(place for name in names for place in (f"data/{name}", name))
