"""What training changed, on records it never saw: the answers of the model before and after, side by side.

held-back records of one question -> answers of both models -> BeforeAfter (rows, shares that are right), OUT/before_after.jsonl
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from internvl.data.record import Record
from internvl.engine.vlm import VLM
from internvl.train.evaluation import answers_to, is_question, same_answer

FILE = "before_after.jsonl"
BATCH = 8


@dataclass(frozen=True)
class Answered:
    """One held-back record with both answers."""

    record: str
    question: str
    expected: str
    before: str
    after: str

    @property
    def right_before(self) -> bool:
        """Whether the old model's answer is the record's, but for case and white space at its ends."""
        return same_answer(self.before, self.expected)

    @property
    def right_after(self) -> bool:
        """Whether the new model's is."""
        return same_answer(self.after, self.expected)


@dataclass(frozen=True)
class BeforeAfter:
    """All rows; `records` counts those that could be asked."""

    rows: tuple[Answered, ...]

    @property
    def right_before(self) -> int:
        """Right answers before."""
        return sum(row.right_before for row in self.rows)

    @property
    def right_after(self) -> int:
        """Right answers after."""
        return sum(row.right_after for row in self.rows)


def before_after(
    before: VLM,
    after: VLM,
    records: Sequence[Record],
    out: Path,
    *,
    limit: int = 200,
    max_new_tokens: int = 64,
    progress: Callable[[int, int], None] | None = None,
) -> BeforeAfter:
    """Ask both models the held-back records of one question and one answer, at most `limit`, and write OUT/before_after.jsonl.

    `progress(done, total)` counts records. Answers are greedy.
    """
    asked = [record for record in records if is_question(record)][:limit]
    rows: list[Answered] = []
    for start in range(0, len(asked), BATCH):
        some = asked[start : start + BATCH]
        olds, news = (answers_to(vlm, some, max_new_tokens=max_new_tokens) for vlm in (before, after))
        rows += [_row(record, old, new) for record, old, new in zip(some, olds, news, strict=True)]
        if progress is not None:
            progress(len(rows), len(asked))
    with (out / FILE).open("w", encoding="utf-8") as file:
        for row in rows:
            line = asdict(row) | {"right_before": row.right_before, "right_after": row.right_after}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return BeforeAfter(tuple(rows))


def _row(record: Record, before: str, after: str) -> Answered:
    question, answer = (utterance.text for utterance in record.utterances)
    return Answered(str(record.origin), question, answer, before, after)
