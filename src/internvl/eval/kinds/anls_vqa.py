"""Questions about documents that are scored by ANLS: DocVQA and InfoVQA.

question file + annotations {data: [{questionId, answers}]} --> Sample --> ANLS
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from internvl.eval.kinds.short_vqa import ShortVQA, annotated
from internvl.eval.readers import Row, read_json_list
from internvl.eval.sample import Scored


class AnlsVQA(ShortVQA):
    """ANLS with its threshold of one half; `annotations`: where the val split's accepted answers may lie."""

    metric = "anls"
    rules: ClassVar[Mapping[str, str]] = dict.fromkeys(("internvl", "vlmevalkit-2024", "vlmevalkit"), "anls")
    blind: ClassVar[frozenset[str]] = frozenset({"test"})
    annotations: ClassVar[tuple[str, ...]]

    def gold(self, root: Path, split: str) -> Mapping[str, list[str]]:
        """Accepted answers by question id from the official annotations, where the file is there."""
        path = next((root / name for name in self.annotations if (root / name).exists()), None)
        if split != "val" or path is None:
            return {}
        found = {}
        for number, record in read_json_list(path, ("answers",), under="data", key="questionId"):
            found[str(record["questionId"])] = Row(path, number, record).texts("answers")
        return found

    def submission(self, rows: Sequence[Scored]) -> list[dict[str, Any]]:
        """What the official scorer compares with its annotations: question, `questionId`, answer, annotation."""
        return annotated(rows, "questionId")
