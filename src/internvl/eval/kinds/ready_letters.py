"""Questions with lettered options whose JSONL text already holds options and instruction: AI2D and SEED.

JSONL {image, question or text, question_id, answer} --> Sample --> the answer itself, or its first character, against the letter
TSV --> as any lettered benchmark
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from internvl.eval.kinds import summary
from internvl.eval.kinds.layout import in_front
from internvl.eval.kinds.letters import LetterTask
from internvl.eval.kinds.protocols import INTERNVL
from internvl.eval.metrics.exact import exact_match
from internvl.eval.readers import Row, find_file, picture_at, question_rows
from internvl.eval.sample import Sample

EXACT = "exact_match"
FIRST_CHARACTER = "first_character"


class ReadyLetters(LetterTask):
    """text_field: where the JSONL file has the question. unique_ids: whether its `question_id` is one a question."""

    text_field: ClassVar[str]
    unique_ids: ClassVar[bool] = True

    def samples(self, root: Path, split: str, variant: str) -> Iterator[Sample]:
        """The questions of a split. VLMEvalKit's variants need its TSV, where options are columns. Raises BenchmarkFileError."""
        candidates = [name for name in self.files[split] if variant == INTERNVL or name.endswith(".tsv")]
        path = find_file(root, candidates, prefer=".jsonl")
        if path.suffix == ".tsv":
            yield from self.tsv_samples(path, root, split, variant)
            return
        facts = self.facts(root)
        for row in question_rows(path, self.text_field, unique_ids=self.unique_ids):
            yield self._ready(row, facts.get(row.key("question_id"), {}), root, variant)

    def facts(self, root: Path) -> Mapping[str, Mapping[str, Any]]:
        """What other files of the set say about a question, by question id; it goes into `extra`."""
        del root
        return {}

    def _ready(self, row: Row, facts: Mapping[str, Any], root: Path, variant: str) -> Sample:
        gold = row.text("answer").strip()
        picture = picture_at(row.text("image"), root, row.path, row.number)
        extra = {"rule": self.rules[variant], "question": row.text(self.text_field), "question_id": row.fields["question_id"]}
        return Sample(
            id=row.key("question_id") if self.unique_ids else f"row-{row.number}",
            messages=(in_front((picture,), row.text(self.text_field)),),
            reference=gold,
            extra={**extra, "image": row.text("image"), **facts},
            row=row.number,
        )

    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        """{"score": 0 or 1, "prediction"}: the original's literal comparison, or the matching of VLMEvalKit."""
        rule, answer = sample.extra["rule"], summary.last(answers)
        if rule not in (EXACT, FIRST_CHARACTER):
            return super().score(sample, answers)
        if not answer.strip() or sample.reference is None:
            return {"score": 0.0, "prediction": ""}
        prediction = answer if rule == EXACT else answer[:1]
        right = exact_match(prediction, [sample.reference]) if rule == EXACT else prediction == sample.reference
        return {"score": float(right), "prediction": prediction.strip()}
