"""MMT-Bench: multiple choice over 162 subtasks in 32 meta-tasks (Ying et al., 2024), as VLMEvalKit asks and scores it.

MMT-Bench_VAL.tsv, MMT-Bench_ALL.tsv --> answers --> Overall, Overall* without visual recognition, a mean a meta-task

Options run up to I. Questions about several pictures come with these joined into one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from internvl.eval.kinds import protocols, summary
from internvl.eval.kinds.letters import LetterTask
from internvl.eval.metrics.mmt import mmt_report_acc
from internvl.eval.readers.files import at_evalkit
from internvl.eval.sample import Scored


class MMTBench(LetterTask):
    """6 tiles; published by VLMEvalKit only."""

    name = "mmt_bench"
    title = "MMT-Bench"
    splits = ("val", "all")
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {"val": at_evalkit("MMT-Bench_VAL"), "all": at_evalkit("MMT-Bench_ALL")}
    variants = protocols.evalkit(6, protocols.NO_JUDGE)
    blind: ClassVar[frozenset[str]] = frozenset({"all"})
    published: ClassVar[Mapping[str, str]] = {"all": "MMT-Bench Overall / Overall*"}

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        """{accuracy: over all questions, "Overall*", meta-tasks: means over their subtasks, subtasks}; a table a split as well."""
        known = summary.labelled(rows)
        if not known:
            return summary.with_blind({self.metric: None}, rows)
        table = mmt_report_acc([row.extra for row in known], summary.points(known))
        return summary.with_blind({self.metric: table.pop("Overall"), **table}, rows)


TASK = MMTBench
