"""DocVQA: questions about scanned documents, scored by ANLS. The test split's answers are held by the RRC server.

data/docvqa/val.jsonl + val/val_v1.0.json, or DocVQA_VAL.tsv --> answers --> ANLS (Mathew et al. 2021)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from internvl.eval.kinds import protocols, summary
from internvl.eval.kinds.anls_vqa import AnlsVQA
from internvl.eval.readers.files import at_evalkit, at_repository
from internvl.eval.sample import Scored
from internvl.eval.task import Protocol


class DocVQA(AnlsVQA):
    """18 tiles; the published number is the test split's."""

    name = "docvqa"
    title = "DocVQA"
    splits = ("val", "test")
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "val": (*at_repository("docvqa/val.jsonl"), *at_evalkit("DocVQA_VAL")),
        "test": (*at_repository("docvqa/test.jsonl"), *at_evalkit("DocVQA_TEST")),
    }
    annotations = at_repository("docvqa/val/val_v1.0.json")
    variants: ClassVar[Mapping[str, Protocol]] = {**protocols.internvl(18, 100), **protocols.evalkit(18)}
    published: ClassVar[Mapping[str, str]] = {"test": "DocVQA test"}

    def submission(self, rows: Sequence[Scored]) -> list[dict[str, Any]]:
        """For the server: `questionId` and `answer`; with gold also question and annotation."""
        if all(row.reference is None for row in rows):
            return [{"questionId": row.extra["question_id"], "answer": summary.last(row.answers)} for row in rows]
        return super().submission(rows)


TASK = DocVQA
