"""What a finished translation leaves behind: both languages side by side, training records, what was refused, and what it cost.

units --rows in order--> pairs.jsonl {"id", "from", "to", "source", "translation"}
                     \\-> records.jsonl: the records of both languages, or of one          -> report.json: counts, tokens, cost
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from internvl.pipelines.errors import PipelineError
from internvl.pipelines.item import Drop
from internvl.pipelines.reading.slices import IMAGE_FIELDS
from internvl.pipelines.translate.operator import ATTEMPTS, TRANSLATION, TranslateOperator
from internvl.pipelines.translate.texts import is_record
from internvl.pipelines.units import read_units
from internvl.pipelines.whole_file import whole_file

PAIRS_FILE, RECORDS_FILE, REPORT_FILE = "pairs.jsonl", "records.jsonl", "report.json"
_COLUMNS = ("file", "row", "text", "fields", TRANSLATION, ATTEMPTS, "dropped")
SHARDS = (".tar", ".parquet")

Wanted: TypeAlias = Literal["both", "translation", "source", "none"]
"""Which languages stand in records.jsonl."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A sample in both languages: two captions, or two records that differ in their texts only. attempts: answers it took.

    file: what it comes from.
    """

    id: str | int
    file: str
    fields: Mapping[str, Any]
    source: str | Mapping[str, Any]
    translation: str | Mapping[str, Any]
    attempts: int

    def record(self, which: Literal["source", "translation"], language: str) -> dict[str, Any]:
        """The one side as training reads it. A caption is what is said to its picture, or to nothing where there is none.

        Raises PipelineError for a caption out of a shard, whose picture has no path to name.
        """
        said = self.source if which == "source" else self.translation
        if isinstance(said, Mapping):
            return {"id": self.id, **said, "language": language}
        picture = next((self.fields[name] for name in IMAGE_FIELDS if isinstance(self.fields.get(name), str)), None)
        if picture is None and Path(self.file).suffix in SHARDS:
            raise PipelineError(
                f"{self.id}: its picture lies inside of {self.file}; write shards, which keep pictures, instead of records"
            )
        turns = [{"from": "human", "value": "<image>" if picture else ""}, {"from": "gpt", "value": said}]
        return {"id": self.id, **({"image": picture} if picture else {}), "language": language, "conversations": turns}


@dataclass(frozen=True, kw_only=True)
class TranslationReport:
    """The sums over a whole run. refused: by kind. requests, tokens: of all its calls; those of a shared cache are not among them."""

    model: str
    source: str
    target: str
    records: int
    translated: int
    refused: Mapping[str, int]
    attempts: Mapping[int, int]
    requests: int
    prompt_tokens: int
    new_tokens: int
    cost: float

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {**vars(self), "refused": dict(self.refused), "attempts": {str(key): count for key, count in self.attempts.items()}}


def write_output(folder: Path, operator: TranslateOperator, *, records: Wanted = "none") -> TranslationReport:
    """Write all files of a finished run, each whole or not at all. Raises PipelineError when units are missing."""
    languages = operator.task.source.code, operator.task.target.code
    refused: Counter[str] = Counter()
    attempts: Counter[int] = Counter()
    with ExitStack() as stack:
        pairs = stack.enter_context(whole_file(folder / PAIRS_FILE))
        training = None if records == "none" else stack.enter_context(whole_file(folder / RECORDS_FILE))
        for found in _rows(folder):
            if isinstance(found, Drop):
                refused[found.kind] += 1
                continue
            attempts[found.attempts] += 1
            pairs.write(_line(_aligned(found, *languages)))
            if training is not None:
                training.writelines(_line(record) for record in _records(found, records, *languages))
    report = _report(operator, refused, attempts)
    with whole_file(folder / REPORT_FILE) as file:
        file.write(_line(report.to_dict()))
    return report


def spent_so_far(operator: TranslateOperator) -> dict[str, Any]:
    """What all calls of the run have cost, also when it is not finished."""
    spent = operator.budget().spent()
    tokens = {"prompt_tokens": spent.prompt_tokens, "new_tokens": spent.new_tokens}
    return {"requests": spent.requests, **tokens, "cost": round(spent.cost(operator.prices), 6)}


def _report(operator: TranslateOperator, refused: Counter[str], attempts: Counter[int]) -> TranslationReport:
    task = operator.task
    return TranslationReport(
        model=task.model,
        source=task.source.code,
        target=task.target.code,
        records=attempts.total() + refused.total(),
        translated=attempts.total(),
        refused=dict(refused.most_common()),
        attempts=dict(sorted(attempts.items())),
        **spent_so_far(operator),
    )


def _rows(folder: Path) -> Iterator[Pair | Drop]:
    for table in read_units(folder, _COLUMNS):
        for row in table.to_pylist():
            yield Drop(row["dropped"]) if row["dropped"] is not None else _pair(row)


def _pair(row: Mapping[str, Any]) -> Pair:
    fields = json.loads(row["fields"])
    name = fields.get("id")
    return Pair(
        file=row["file"],
        id=f"{Path(row['file']).name}:{row['row']}" if name is None else name,
        fields=fields,
        source=fields if is_record(fields) else row["text"],
        translation=json.loads(row[TRANSLATION]),
        attempts=row[ATTEMPTS],
    )


def _aligned(pair: Pair, source: str, target: str) -> dict[str, Any]:
    return {"id": pair.id, "from": source, "to": target, "source": pair.source, "translation": pair.translation}


def _records(pair: Pair, wanted: Wanted, source: str, target: str) -> Iterator[dict[str, Any]]:
    """One record a language, the original first."""
    if wanted in ("both", "source"):
        yield pair.record("source", source)
    if wanted in ("both", "translation"):
        yield pair.record("translation", target)


def _line(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")
