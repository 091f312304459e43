"""A sample of every data set, looked at row by row: what training makes of it, what its words and its picture are like.

Manifest -> rows of each data set, chosen by hash -> record -> Finding (tokens, tiles, what is wrong)
                                                           \\-> operators of the cleaning -> facts: language, words, size, hashes
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy

from internvl.data.check import Cost, Finding, Measurer, RowCheck
from internvl.data.config import DataConfig
from internvl.data.manifest import DatasetSpec, Manifest, rows_of, shares
from internvl.data.record import Origin, Record
from internvl.data.sources import Source, open_source
from internvl.pipelines.clean.caption import CaptionFacts
from internvl.pipelines.clean.language import UNKNOWN, LanguageId
from internvl.pipelines.clean.picture import PictureFacts
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.item import Drop, Item
from internvl.pipelines.operator import Operator
from internvl.pipelines.reading.slices import ReadOptions
from internvl.pipelines.rows import picture_content
from internvl.pipelines.steps import Clock, Sample, Steps
from internvl.pipelines.translate.kept import prose
from internvl.pipelines.translate.written_in import units_by_script

ROWS_AT_ONCE = 32
ALL = 0
LEAST_LETTERS = 16
SHARED_SCRIPTS = ("Latin", "Cyrillic", "Arabic", "Devanagari")
"""Scripts of many languages, among which a word or two decide nothing."""


@dataclass(frozen=True, kw_only=True)
class Looked:
    """One row. facts: the columns of the operators; none for a row that training would leave out. said: hash of all its words."""

    origin: Origin
    finding: Finding
    facts: Mapping[str, Any]
    turns: int = 0
    pictures: int = 0
    said: str = ""


@dataclass(frozen=True, kw_only=True)
class Surveyed:
    """One data set. records: rows of its files; rows: of an epoch, with repeats; share: of the run; looked: the sample."""

    spec: DatasetSpec
    source: Source
    records: int
    rows: int
    share: float
    looked: tuple[Looked, ...]

    @property
    def good(self) -> list[Looked]:
        """What training would read."""
        return [each for each in self.looked if each.finding.reason is None]


def survey(
    manifest: Manifest,
    measurer: Measurer,
    config: DataConfig,
    *,
    sample: int = 1000,
    scorers: Sequence[Operator] = (),
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Surveyed, ...]:
    """Look at `sample` rows of each data set (ALL: every one), spread over its files and the same in every call.

    scorers: further operators for pictures, such as WatermarkScore. progress(done, total). Raises ManifestError for a data file that
    can't be opened, PipelineError for a negative sample, and MissingDependencyError without what the operators need.
    """
    if sample < 0:
        raise PipelineError(f"a sample has 1 row or more, or {ALL} for all of them; not {sample}")
    sources = [open_source(spec) for spec in manifest.datasets]
    specs = [source.spec for source in sources]
    rows = [len(rows_of(source.spec, len(source))) for source in sources]
    parts = shares(specs, rows, config.mixing)
    chosen = [_chosen(source, sample) for source in sources]
    look = _Look(sources, measurer, config, scorers)
    total, done = sum(map(len, chosen)), 0
    found = []
    for number, source in enumerate(sources):
        looked: list[Looked] = []
        for some in _batches(chosen[number]):
            looked += look.at(source, some)
            done += len(some)
            if progress is not None:
                progress(done, total)
        found.append(
            Surveyed(spec=source.spec, source=source, records=len(source), rows=rows[number], share=parts[number], looked=tuple(looked))
        )
    return tuple(found)


class _Look:
    """Reads rows and measures what is in them."""

    def __init__(self, sources: Sequence[Source], measurer: Measurer, config: DataConfig, scorers: Sequence[Operator]) -> None:
        self._seen = _Seen(measurer)
        self._check = RowCheck(sources=sources, measurer=self._seen, config=config, decode=False, jobs=())
        # The facts of the picture come last: they drop what has none.
        self._facts = Steps([CaptionFacts(), *scorers, PictureFacts()])
        self._language = Steps([LanguageId()])

    def at(self, source: Source, rows: Sequence[int]) -> list[Looked]:
        """What these rows are like, in order."""
        records = [self._read(source, row) for row in rows]
        good = [(finding, record) for finding, record in records if record is not None and finding.reason is None]
        facts = iter(self._measured([record for _, record in good]))
        return [
            _looked(source.origin(finding.row), finding, record, next(facts) if record is not None and finding.reason is None else {})
            for finding, record in records
        ]

    def _read(self, source: Source, row: int) -> tuple[Finding, Record | None]:
        self._seen.record = None
        return self._check.find(source, row), self._seen.record

    def _measured(self, records: Sequence[Record]) -> list[dict[str, Any]]:
        """The facts of each record."""
        items = [_item(record) for record in records]
        described = self._facts.apply([Sample(item) for item in items], Clock())
        # Marks and numbers are in no language.
        words = [Sample(replace(item, image=None, text=prose(item.text))) for item in items]
        spoken = self._language.apply(words, Clock())
        return [_facts(one, other) for one, other in zip(described, spoken, strict=True)]


class _Seen:
    """A measurer that remembers the record it was given last."""

    def __init__(self, measurer: Measurer) -> None:
        self._measurer = measurer
        self.record: Record | None = None

    def measure(self, record: Record, spec: DatasetSpec) -> Cost:
        self.record = record
        return self._measurer.measure(record, spec)


def _chosen(source: Source, sample: int) -> list[int]:
    """Rows by the hash that a fractional repeat_time chooses by: a larger sample contains a smaller one."""
    rows = len(source)
    if sample == ALL or sample >= rows:
        return list(range(rows))
    chosen: numpy.ndarray[Any, Any] = rows_of(replace(source.spec, repeat_time=sample / rows), rows).used()
    return [int(row) for row in chosen]


def _batches(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    yield from (rows[start : start + ROWS_AT_ONCE] for start in range(0, len(rows), ROWS_AT_ONCE))


def _item(record: Record) -> Item:
    """What the assistant says, and the first picture."""
    said = "\n".join(each.text for each in record.utterances if each.role == "assistant")
    content = picture_content(record.images[0], Path(), ReadOptions()) if record.images else None
    return Item(origin=record.origin, text=said, image=None if isinstance(content, Drop) else content)


def _facts(described: Sample, spoken: Sample) -> dict[str, Any]:
    fault = described.drop.reason if described.drop is not None and described.item.image is not None else None
    language = spoken.item.fields["detected_language"] if _tells(spoken.item.text) else UNKNOWN
    return {**described.item.fields, "detected_language": language, "picture_fault": fault}


def _tells(words: str) -> bool:
    """Whether there is enough to know a language by: a script of its own, or some words where many share one."""
    units = units_by_script(words)
    letters = sum(character.isalpha() for character in words)
    return letters >= LEAST_LETTERS or (bool(units) and units.most_common(1)[0][0] not in SHARED_SCRIPTS)


def _looked(origin: Origin, finding: Finding, record: Record | None, facts: Mapping[str, Any]) -> Looked:
    if record is None:
        return Looked(origin=origin, finding=finding, facts=facts)
    # Pictures are told apart by their pixels, which a clip's file stands in for.
    clips = [hashlib.sha256(each).hexdigest() if isinstance(each, bytes) else str(each) for each in record.videos]
    words = "\0".join([*(f"{each.role} {each.text}" for each in record.utterances), *clips])
    return Looked(
        origin=origin,
        finding=finding,
        facts=facts,
        turns=sum(each.role == "assistant" for each in record.utterances),
        pictures=len(record.images),
        said=hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest(),
    )
