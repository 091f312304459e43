"""OCR-VQA: questions about book covers, exact match without case (Mishra et al. 2019).

data/ocrvqa/ocrvqa_test.jsonl, or OCRVQA_TEST.tsv --> answers --> share that equals the reference
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from internvl.eval.kinds import protocols
from internvl.eval.kinds.short_vqa import ShortVQA, annotated
from internvl.eval.readers.files import at_evalkit, at_repository
from internvl.eval.sample import Scored
from internvl.eval.task import Protocol


class OCRVQA(ShortVQA):
    """6 tiles (12 in today's VLMEvalKit). Nothing is looked up by question id, so the row's number is the sample's."""

    name = "ocrvqa"
    title = "OCR-VQA"
    splits = ("test", "val")
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "test": (*at_repository("ocrvqa/ocrvqa_test.jsonl"), *at_evalkit("OCRVQA_TEST")),
        "val": at_repository("ocrvqa/ocrvqa_val.jsonl"),
    }
    variants: ClassVar[Mapping[str, Protocol]] = {**protocols.internvl(6, 100), **protocols.evalkit(6, head_tiles=12)}
    metric = "accuracy"
    rules: ClassVar[Mapping[str, str]] = dict.fromkeys(variants, "exact_match")
    unique_ids = False

    def submission(self, rows: Sequence[Scored]) -> list[dict[str, Any]]:
        """The original repository's record: question, `questionId`, answer, annotation."""
        return annotated(rows, "questionId")


TASK = OCRVQA
