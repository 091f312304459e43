"""Look through a whole data set before it costs a GPU hour: every record that training would leave out, and what the rest costs.

manifest -> rows int64[R] of each data set -> read, measure, media -> Finding -> DataReport, and the ledger of bad records
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

import numpy

from internvl.data.check_report import DataReport, DatasetReport
from internvl.data.config import DataConfig
from internvl.data.held_back import HeldBack
from internvl.data.ledger import Ledger
from internvl.data.manifest import DatasetSpec, Manifest, rows_of, shares
from internvl.data.packing import Packer
from internvl.data.record import MediaSource, Origin, Record, RecordError
from internvl.data.record_fields import kind_of
from internvl.data.row_plan import RowPlan, Rows
from internvl.data.sources import Source, open_source
from internvl.errors import MediaError, PromptError

if TYPE_CHECKING:
    from torch.utils.data import DataLoader

SHOWN_BAD = 20
ROWS_PER_JOB = 64
WORTH_WORKERS = 20_000
"""Rows from which on further processes repay the seconds they take to start."""


class Cost(Protocol):
    """What a record costs in training."""

    @property
    def tokens(self) -> int:
        """Length of the sequence, visual tokens included."""
        ...

    @property
    def tiles(self) -> int:
        """Tiles of all its media."""
        ...


class Measurer(Protocol):
    """Tells what a record will cost, as an ExampleBuilder does. Raises RecordError for one that can't be used."""

    def measure(self, record: Record, spec: DatasetSpec) -> Cost:
        """Tokens and tiles, from text and file headers."""
        ...


@dataclass(frozen=True)
class Finding:
    """What became of a row. kind is empty for what is no record, tokens -1 for what could not be measured; reason: what is wrong."""

    row: int
    kind: str = ""
    tokens: int = -1
    tiles: int = 0
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class RowCheck:
    """Checks rows of open sources. `jobs` are (data set, rows), so that worker processes can share the work."""

    sources: Sequence[Source]
    measurer: Measurer
    config: DataConfig
    decode: bool
    jobs: Sequence[tuple[int, Rows]]

    def __len__(self) -> int:
        return len(self.jobs)

    def __getitem__(self, job: int) -> tuple[int, list[Finding]]:
        dataset, rows = self.jobs[job]
        return dataset, [self.find(self.sources[dataset], int(row)) for row in rows]

    def find(self, source: Source, row: int) -> Finding:
        """Read, open, measure one row."""
        found = Finding(row)
        try:
            record = source.record(row)
            found = Finding(row, kind_of(record))
            cost = self.measurer.measure(record, source.spec)
            found = Finding(row, found.kind, cost.tokens, cost.tiles)
            _check_length(record, cost, self.config)
            _check_media(record, self.config, decode=self.decode)
        except (RecordError, MediaError, PromptError) as error:
            return Finding(row, found.kind, found.tokens, found.tiles, " ".join(str(error).split()))
        return found


def check_data(
    manifest: Manifest,
    measurer: Measurer,
    config: DataConfig,
    *,
    tokens_per_tile: int,
    decode: bool = False,
    ledger: Ledger | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> DataReport:
    """Look at every row that training would read, or hold back for evaluation, each once.

    measurer: an ExampleBuilder, or anything that measures. decode: also decode all pixels and stills, which finds damage behind
    sound headers and takes about as long as an epoch of loading. ledger: gets every bad record. progress(done, total).
    Raises ManifestError for a data file that can't be opened at all.
    """
    sources = [open_source(spec) for spec in manifest.datasets]
    held = [HeldBack(source.spec.name, len(source), config.held_back) for source in sources]
    plans = [rows_of(source.spec, each.kept) for source, each in zip(sources, held, strict=True)]
    used = [numpy.union1d(each.rows, each.kept_rows()[plan.used()]) for each, plan in zip(held, plans, strict=True)]
    reports = _empty_reports(sources, plans, used, config)
    total = sum(report.records for report in reports)
    check = RowCheck(sources=sources, measurer=measurer, config=config, decode=decode, jobs=list(_jobs(used)))
    tokens, tiles = array("q"), array("q")
    first_bad: list[tuple[Origin, str]] = []
    for done, (dataset, found) in enumerate(_findings(check, config.workers if total >= WORTH_WORKERS else 0), start=1):
        _count(reports[dataset], found, tokens_per_tile)
        if found.tokens >= 0:
            tokens.append(found.tokens)
            tiles.append(found.tiles)
        if found.reason is not None:
            origin = sources[dataset].origin(found.row)
            first_bad += [(origin, found.reason)] if len(first_bad) < SHOWN_BAD else []
            if ledger is not None:
                ledger.drop(origin, found.reason)
        if progress is not None:
            progress(done, total)
    return DataReport(
        datasets=tuple(reports),
        tokens=numpy.asarray(tokens, numpy.int64),
        tiles=numpy.asarray(tiles, numpy.int64),
        bad=sum(report.bad for report in reports),
        first_bad=tuple(first_bad),
        max_tokens=config.max_tokens,
    )


def _empty_reports(
    sources: Sequence[Source], plans: Sequence[RowPlan], used: Sequence[Rows], config: DataConfig
) -> list[DatasetReport]:
    specs = [source.spec for source in sources]
    parts = shares(specs, [len(plan) for plan in plans], config.mixing)
    return [
        DatasetReport(
            name=spec.name,
            annotation=str(spec.annotation),
            records=len(rows),
            rows=len(plan),
            repeat_time=spec.repeat_time,
            weight=spec.weight,
            share=share,
        )
        for spec, plan, rows, share in zip(specs, plans, used, parts, strict=True)
    ]


def _jobs(used: Sequence[Rows]) -> Iterator[tuple[int, Rows]]:
    for dataset, rows in enumerate(used):
        yield from ((dataset, rows[start : start + ROWS_PER_JOB]) for start in range(0, len(rows), ROWS_PER_JOB))


def _findings(check: RowCheck, workers: int) -> Iterator[tuple[int, Finding]]:
    """Data set and finding of every row, in order whatever the number of workers."""
    done = _loader(check, workers) if workers else (check[job] for job in range(len(check)))
    return chain.from_iterable(((dataset, found) for found in findings) for dataset, findings in done)


def _loader(check: RowCheck, workers: int) -> DataLoader[Any]:
    from torch.utils.data import DataLoader

    # Spawned, not forked: the tokenizer's threads may be running already.
    return DataLoader(check, batch_size=None, num_workers=workers, multiprocessing_context="spawn")  # type: ignore[arg-type]


def _count(report: DatasetReport, found: Finding, tokens_per_tile: int) -> None:
    if found.reason is not None:
        report.bad += 1
        return
    visual = found.tiles * tokens_per_tile
    report.kinds[found.kind] += 1
    report.text_tokens += found.tokens - visual
    report.visual_tokens += visual
    report.tiles += found.tiles
    report.longest = max(report.longest, found.tokens)


def _check_length(record: Record, cost: Cost, config: DataConfig) -> None:
    """Clips are counted with the most stills they can get: such a record would be left out now and then."""
    stills = f" with {config.video_frames[1]} stills a clip" if record.videos else ""
    if cost.tokens > config.max_tokens:
        raise RecordError(f"{cost.tokens} tokens{stills}, limit {config.max_tokens}")
    if config.packing:
        packer: Packer[Cost] = Packer(max_tokens=config.pack_tokens, max_tiles=config.pack_tiles, most_open=config.pack_buffer)
        reason = packer.refusal(cost)
        if reason is not None:
            raise RecordError(reason + stills)


def _check_media(record: Record, config: DataConfig, *, decode: bool) -> None:
    """What measuring does not look at: the sizes that the record tells, and, when asked for, the pixels themselves."""
    from internvl.data.frames import FrameDraw, read_stills
    from internvl.media.image import image_size, open_image

    for number, image in enumerate(record.images):
        size = open_image(image).size if decode else image_size(image)
        told = record.sizes[number] if record.sizes else size
        # Sizes are often those of the stored picture, before its EXIF rotation.
        if told != size and told != image_size(image, exif=False):
            raise RecordError(f"{_name(image)} has {size[0]} x {size[1]} pixels, the record says {told[0]} x {told[1]}")
    for video in record.videos if decode else ():
        most = config.video_frames[1]
        read_stills(video, FrameDraw(limits=(most, most), seed="check", method="middle", clip=record.clip))


def _name(source: MediaSource) -> str:
    return f"a picture of {len(source)} bytes" if isinstance(source, bytes) else str(source)
