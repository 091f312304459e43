"""One data set through its converter into a file of released records, with a ledger of what was left out.

    annotations --Converter.samples--> Sample --merge turns, look at the picture, read_record--> OUT.jsonl
                                       Refusal ------------------------------------------------> OUT.ledger.jsonl

The output appears under its name only when it is whole. The same input gives the same bytes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from internvl.data.ledger import Ledger
from internvl.data.record import Origin, RecordError
from internvl.data.record_fields import kind_of, read_record
from internvl.pipelines.convert.converter import Converter, Inputs
from internvl.pipelines.convert.pictures import Pictures
from internvl.pipelines.convert.sample import Outcome, Refusal, Refused, Sample
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.whole_file import whole_file

IMAGE = "<image>"
META = ".meta.json"


@dataclass
class ConvertReport:
    """What came out: records by kind, answers, and annotations that were refused by kind of reason."""

    records: int = 0
    answers: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        kinds, refused = dict(sorted(self.kinds.items())), dict(self.refused.most_common())
        return {"records": self.records, "answers": self.answers, "kinds": kinds, "refused": refused}


def convert(
    converter: Converter,
    inputs: Inputs,
    *,
    out: Path,
    ledger: Path | None = None,
    check_images: bool = False,
    turns: int = 1,
    limit: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> ConvertReport:
    """Write `out`, a JSONL file of released records, a meta file for it (.meta.json), and the ledger (.ledger.jsonl by default).

    check_images: open each picture's header; missing and damaged ones are refused, and sizes filled in. turns: questions about one
    picture that follow each other in the file share a record, up to so many. limit: records after which to stop. progress(records).
    Raises PipelineError when no record comes out, or a file is not what the converter reads; `out` is then left as it was.
    """
    if out.suffix != ".jsonl":
        raise PipelineError(f"--out must end in .jsonl, not {out.name}")
    report = ConvertReport()
    book = _new_ledger(ledger or out.with_suffix(".ledger.jsonl"))
    out.parent.mkdir(parents=True, exist_ok=True)
    records = _records(converter, inputs, _merged(converter.samples(inputs), turns), book, report, check_images=check_images)
    with whole_file(out) as file:
        for record in islice(records, limit):
            file.write(record)
            if progress is not None:
                progress(report.records)
        if not report.records:
            refused = sum(report.refused.values())
            raise PipelineError(f"nothing was converted, {refused:,} annotations were refused: {_first_reasons(book)}")
    _write_meta(out, inputs.pictures, report)
    return report


def _records(
    converter: Converter, inputs: Inputs, outcomes: Iterator[Outcome], book: Ledger, report: ConvertReport, *, check_images: bool
) -> Iterator[bytes]:
    """The lines of the output. Whatever is refused goes to the ledger."""
    for outcome in outcomes:
        if isinstance(outcome, Sample):
            try:
                record, kind = _checked(outcome, inputs.pictures, check_images=check_images)
            except Refused as error:
                outcome = Refusal(outcome.place, str(error))
            else:
                report.records += 1
                report.answers += sum(turn.speaker == "gpt" for turn in outcome.turns)
                report.kinds[kind] += 1
                yield record
                continue
        report.refused[outcome.reason.partition(":")[0]] += 1
        book.drop(Origin(converter.name, outcome.place.file, outcome.place.row), outcome.reason)


def _checked(sample: Sample, pictures: Pictures, *, check_images: bool) -> tuple[bytes, str]:
    """The record's line and its kind, once the picture and the rules of records allow it. Raises Refused."""
    record = _record(_sized(sample, pictures) if check_images and sample.content is None else sample)
    try:
        kind = kind_of(read_record(record, Origin("", sample.place.file, sample.place.row)))
        line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
    except RecordError as error:
        raise Refused(f"not a record: {error.reason}") from error
    except UnicodeEncodeError as error:
        raise Refused("not a record: a name holds half of a surrogate pair") from error
    if sample.content is not None and sample.image is not None:
        pictures.store(sample.image, sample.content)
    return line, kind


def _record(sample: Sample) -> dict[str, Any]:
    """The released form. The mark of the picture stands first in the first question, unless the data set put it somewhere."""
    marked = sample.image is None or any(IMAGE in turn.text for turn in sample.turns if turn.speaker == "human")
    turns = []
    for turn in sample.turns:
        add = not marked and turn.speaker == "human"
        marked = marked or add
        turns.append({"from": turn.speaker, "value": f"{IMAGE}\n{turn.text}" if add else turn.text})
    record: dict[str, Any] = {"id": sample.id or str(sample.place.row)}
    if sample.image is not None:
        record["image"] = sample.image
        if sample.size is not None:
            record["width"], record["height"] = sample.size
    return {**record, "conversations": turns}


def _sized(sample: Sample, pictures: Pictures) -> Sample:
    if sample.image is None:
        return sample
    size = pictures.size(sample.image)
    if sample.size not in (None, size):
        told = f"{sample.size[0]} x {sample.size[1]}" if sample.size else ""
        raise Refused(f"other size: {sample.image} has {size[0]} x {size[1]} pixels, the annotation says {told}")
    return replace(sample, size=size)


def _merged(outcomes: Iterator[Outcome], most: int) -> Iterator[Outcome]:
    """Samples with up to `most` questions each, those about one picture that follow each other being put together."""
    if most == 1:
        yield from outcomes
        return
    open_one: Sample | None = None
    for outcome in outcomes:
        if open_one is not None and isinstance(outcome, Sample) and _fits(open_one, outcome, most):
            open_one = replace(open_one, turns=open_one.turns + outcome.turns)
            continue
        if open_one is not None:
            yield open_one
        open_one = outcome if isinstance(outcome, Sample) else None
        if open_one is None:
            yield outcome
    if open_one is not None:
        yield open_one


def _fits(first: Sample, second: Sample, most: int) -> bool:
    same = first.image is not None and (first.image, first.size) == (second.image, second.size)
    plain = all(turn.speaker != "system" and IMAGE not in turn.text for turn in second.turns)
    return same and plain and (len(first.turns) + len(second.turns)) // 2 <= most


def _write_meta(out: Path, pictures: Pictures, report: ConvertReport) -> None:
    """A meta file with this data set alone, which training reads as it is and `internvl data mix` gathers."""
    root = "" if pictures.root is None else str(pictures.root.absolute())
    entry = {"root": root, "annotation": str(out.absolute()), "length": report.records}
    out.with_suffix(META).write_text(json.dumps({out.stem: entry}, ensure_ascii=False, indent=2) + "\n", "utf-8")


def _new_ledger(path: Path) -> Ledger:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    return Ledger(path)


def _first_reasons(book: Ledger) -> str:
    return "; ".join(list(book.by_reason())[:3]) or "the files hold no annotations"
