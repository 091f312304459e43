"""Samples chosen out of a finished run, as files that training reads.

    units + (file, row) of the chosen --in order, rows_per_shard each--> pictures read again --> 00000.parquet | .tar | .jsonl

A shard is there whole or not at all, and index.jsonl says what each was made of: the same call after a kill goes on behind the last
one, and another choice writes anew what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from internvl.pipelines.errors import PipelineError
from internvl.pipelines.folder import RUN_FILE, read_state
from internvl.pipelines.shard_forms import Form, ShardForm, form_of
from internvl.pipelines.shard_index import ShardIndex
from internvl.pipelines.shard_samples import Chosen, LeftOut, Line, SampleReader, ShardSample, chosen_lines
from internvl.pipelines.whole_file import remove_parts


@dataclass(frozen=True, kw_only=True)
class ShardReport:
    """What was written. rows: samples in the shards. left_out: chosen samples whose pictures could not be read again, listed with
    reasons in index.jsonl. shards_before: files that an earlier call had finished. bytes: without pictures beside the shards."""

    folder: Path
    rows: int
    left_out: int
    shards: int
    shards_before: int
    bytes: int


def write_shards(
    out: str | Path,
    rows: Iterable[Chosen] | None = None,
    *,
    to: str | Path | None = None,
    form: Form = "parquet",
    rows_per_shard: int = 10_000,
    copy_images: bool = True,
    restart: bool = False,
    progress: Callable[[int], None] | None = None,
) -> ShardReport:
    """Write samples of the run in `out` as shards into `to` (`out`/shards if not given).

    rows: (file, row) of the chosen in the order of the run, which takes all items that a row became, or (file, row, sub) for one of
    them. None takes all that the run did not drop. form: "parquet", "webdataset" or "jsonl", whose pictures are files beside it;
    without copy_images it names pictures that are files already where they are. restart: write all shards anew. progress: called
    with the number of samples that are there. Text, fields and columns are the run's; pictures are read again from the input unless
    the run kept them.

    Raises PipelineError for a run that is not finished, a choice that is not in it or out of order, and where all pictures of a shard
    are gone.
    """
    run = Path(out)
    state = read_state(run)
    if state is None:
        raise PipelineError(f"{run} holds no run: there is no {RUN_FILE} in it")
    if rows_per_shard < 1:
        raise PipelineError(f"rows_per_shard must be 1 or more, not {rows_per_shard}")
    folder = run / "shards" if to is None else Path(to)
    folder.mkdir(parents=True, exist_ok=True)
    remove_parts(folder)
    samples = SampleReader(run, state)
    writer = form_of(form, folder, samples.added, copy_images=copy_images)
    index = ShardIndex(folder, form, state, [rows_per_shard, copy_images], restart=restart)
    return _write_all(chosen_lines(run, state, rows), samples, writer, index, rows_per_shard, progress)


def _write_all(
    lines: Iterator[Line],
    samples: SampleReader,
    writer: ShardForm,
    index: ShardIndex,
    rows_per_shard: int,
    progress: Callable[[int], None] | None,
) -> ShardReport:
    shards = rows = before = 0
    while batch := list(islice(lines, rows_per_shard)):
        made_of = index.made_of(batch)
        name = writer.name(shards)
        if index.has(shards, name, made_of):
            before += 1
        else:
            left_out: list[LeftOut] = []
            writer.write(shards, rows, _found(samples.read(batch), left_out, len(batch)))
            index.add(shards, name, len(batch) - len(left_out), made_of, left_out)
        shards, rows = shards + 1, rows + len(batch)
        if progress is not None:
            progress(rows)
    index.end(shards)
    return ShardReport(
        folder=index.folder, rows=index.rows, left_out=index.left_out, shards=shards, shards_before=before, bytes=index.bytes
    )


def _found(samples: Iterator[ShardSample | LeftOut], left_out: list[LeftOut], count: int) -> Iterator[ShardSample]:
    """The samples of a shard, and in `left_out` those that are none. A disk that is not there must not look like a small loss."""
    for sample in samples:
        if isinstance(sample, ShardSample):
            yield sample
            continue
        left_out.append(sample)
        if len(left_out) == count:
            first = left_out[0]
            raise PipelineError(f"none of the {count} samples of a shard can be read again; the first, {first.origin}: {first.reason}")
