"""Which questions a run asks, found out before the first is asked, and how they are dealt out to processes.

    task.samples -> ids, digest (nothing kept in memory but these) -> contiguous range of a shard -> samples still to be asked

The benchmark's files are read through once before the first answer: a bad row is refused at the start, not after hours.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Set
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from internvl.eval.errors import BenchmarkFileError, EvalError
from internvl.eval.results import dump_json
from internvl.messages import Box, Image, Part, Ref, Video

if TYPE_CHECKING:
    from internvl.eval.embedding_task import EmbeddingTask
    from internvl.eval.sample import Sample
    from internvl.eval.task import Task


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The samples of a run in file order. ids: those that are asked; total: how many the file has; digest: of all questions."""

    split: str
    ids: tuple[str, ...]
    total: int
    digest: str


def read_plan(task: Task, root: Path, split: str, variant: str, limit: int | None = None) -> Plan:
    """Read the benchmark through. Raises BenchmarkFileError, also for an id that comes twice and for a file without samples."""
    rows: dict[str, int] = {}
    digest = hashlib.sha256()
    for sample in task.samples(root, split, variant):
        if sample.id in rows:
            raise BenchmarkFileError(f"{task.name} {split}: rows {rows[sample.id]} and {sample.row} have the same id {sample.id!r}")
        rows[sample.id] = sample.row
        digest.update(_question_bytes(sample, root))
    if not rows:
        raise BenchmarkFileError(f"{task.name} {split}: there are no samples in {' or '.join(task.files.get(split, ()))} below {root}")
    ids = tuple(rows)
    return Plan(split=split, ids=ids[:limit], total=len(ids), digest=f"sha256:{digest.hexdigest()}")


def find_choice(task: Task | EmbeddingTask, kind: Literal["splits", "variants"], wanted: str | None) -> str:
    """The split or variant asked for, the task's first one for None. Raises EvalError that lists them."""
    known: tuple[str, ...] = tuple(task.splits if kind == "splits" else task.variants)
    if wanted is None:
        return known[0]
    if wanted not in known:
        raise EvalError(f"{task.name} has the {kind} {', '.join(known)}, not {wanted!r}")
    return wanted


def remaining(task: Task, plan: Plan, root: Path, variant: str, *, shard: tuple[int, int], done: Set[str]) -> Iterator[Sample]:
    """The samples of a shard that have no answer yet, read again from the file one by one."""
    share = shard_range(len(plan.ids), shard)
    for sample in islice(task.samples(root, plan.split, variant), share.start, share.stop):
        if sample.id not in done:
            yield sample


def shard_range(samples: int, shard: tuple[int, int]) -> range:
    """The contiguous share of a process, as the original deals: N // W samples each, the first N % W processes one more."""
    index, count = check_shard(shard)
    each, more = divmod(samples, count)
    start = index * each + min(index, more)
    return range(start, start + each + (index < more))


def check_shard(shard: tuple[int, int]) -> tuple[int, int]:
    """The shard. Raises EvalError unless 0 <= index < count."""
    index, count = shard
    if not 0 <= index < count:
        raise EvalError(f"a shard I/N has I from 0 to N-1, not {index}/{count}")
    return shard


def shard_of_process() -> tuple[int, int]:
    """The shard of this process under torchrun (RANK of WORLD_SIZE); (0, 1) elsewhere. Raises EvalError for nonsense in them."""
    rank, world = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1")
    if not (rank.isdecimal() and world.isdecimal()):
        raise EvalError(f"RANK and WORLD_SIZE are whole numbers, not {rank!r} and {world!r}")
    return check_shard((int(rank), int(world)))


def _question_bytes(sample: Sample, root: Path) -> bytes:
    """What makes a question this question. Pictures inside the file count through the file's own hash."""
    said = [[message.role, [_part(part, root) for part in message.parts]] for message in sample.messages]
    return dump_json([sample.id, said, sample.reference, sample.extra], f"sample {sample.id}, row {sample.row}") + b"\n"


def _part(part: Part, root: Path) -> object:
    if isinstance(part, str):
        return part
    if isinstance(part, Image):
        return ["image", _source(part.source, root), part.max_tiles]
    if isinstance(part, Video):
        return ["video", _source(part.source, root), vars(part.sampling)]
    return [type(part).__name__, vars(part)] if isinstance(part, Ref | Box) else str(type(part))


def _source(source: object, root: Path) -> str:
    """A path as it stands below the data root, so that the root may move."""
    if not isinstance(source, str | Path):
        return type(source).__name__
    path = Path(source)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
