"""OCRBench: a thousand questions about text in pictures; one point where the reference occurs in the answer (Liu et al. 2023).

OCRBench.tsv {index, image, question, answer, category} --> answers --> Final Score of 1,000, and five groups
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from internvl.eval.kinds import protocols, summary
from internvl.eval.kinds.short_vqa import Question, ShortVQA
from internvl.eval.metrics.ocrbench import GROUPS, ocrbench_hit
from internvl.eval.readers.files import at_evalkit
from internvl.eval.sample import Sample, Scored
from internvl.eval.task import Protocol


class OCRBench(ShortVQA):
    """24 tiles; published by VLMEvalKit only."""

    name = "ocrbench"
    title = "OCRBench"
    splits = ("test",)
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {"test": at_evalkit("OCRBench")}
    variants: ClassVar[Mapping[str, Protocol]] = protocols.evalkit(24)
    metric = "final_score"
    scale = 1.0
    rules: ClassVar[Mapping[str, str]] = dict.fromkeys(variants, "ocrbench_hit")
    published: ClassVar[Mapping[str, str]] = {"test": "OCRBench"}

    def extra(self, question: Question, path: Path) -> dict[str, Any]:
        """The category, which decides how blanks and case count."""
        del path
        category = question.row.text("category")
        if category not in GROUPS:
            raise question.row.error(f"'category' is {category!r:.60}; OCRBench has {', '.join(GROUPS)}")
        return {"category": category}

    def points(self, prediction: str, sample: Sample) -> float:
        """1 where a reference occurs in the answer."""
        return float(ocrbench_hit(prediction, sample.reference, str(sample.extra["category"])))

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        """{final_score: points, final_score_norm: its tenth, group: points}; on the whole set of 1,000 questions."""
        groups = dict.fromkeys(GROUPS.values(), 0.0)
        for category, members in summary.by(rows, "category").items():
            groups[GROUPS[category]] += sum(summary.points(members))
        total = sum(groups.values())
        return {"final_score": total, "final_score_norm": total / 10, **groups}


TASK = OCRBench
