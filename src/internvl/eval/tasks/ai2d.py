"""AI2D: lettered questions about school-book diagrams (Kembhavi et al. 2016), options as letters in the masked diagram.

data/ai2diagram/test_vlmevalkit.jsonl, or AI2D_TEST.tsv --> answers --> exact match of the letter

The split `test_no_mask` shows the texts in the diagram, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from internvl.eval.kinds import protocols, summary
from internvl.eval.kinds.ready_letters import EXACT, ReadyLetters
from internvl.eval.readers.files import at_evalkit, at_repository
from internvl.eval.sample import Scored
from internvl.eval.task import Protocol


class AI2D(ReadyLetters):
    """6 tiles, 10 new tokens; the file's question id holds the picture's path."""

    name = "ai2d"
    title = "AI2D"
    splits = ("test", "test_no_mask")
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "test": (*at_repository("ai2diagram/test_vlmevalkit.jsonl"), *at_evalkit("AI2D_TEST")),
        "test_no_mask": at_evalkit("AI2D_TEST_NO_MASK"),
    }
    variants: ClassVar[Mapping[str, Protocol]] = {**protocols.internvl(6, 10), **protocols.evalkit(6, protocols.NO_JUDGE)}
    rules: ClassVar[Mapping[str, str]] = {**ReadyLetters.rules, protocols.INTERNVL: EXACT}
    text_field = "question"
    unique_ids = False
    published: ClassVar[Mapping[str, str]] = {"test": "AI2D test"}

    def submission(self, rows: Sequence[Scored]) -> list[dict[str, Any]]:
        """The original repository's record: question, image, answer, annotation."""
        return [
            {
                "question": row.extra.get("question"),
                "image": row.extra.get("question_id"),
                "answer": summary.last(row.answers),
                "annotation": row.reference,
            }
            for row in rows
        ]


TASK = AI2D
