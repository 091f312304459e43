"""MMBench and CCBench: a question counts only if it is answered right in every rotation of its options (Liu et al. 2023).

TSV rows, index = base + k x 1,000,000 for rotation k --> answers --> a hit for each base question --> accuracy, by ability

The test splits' answers are held by the OpenCompass server; `submission` is the table that it takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from internvl.eval.kinds import prompts, summary
from internvl.eval.kinds.letters import INTERNVL_SERVER, LetterTask
from internvl.eval.kinds.protocols import EVALKIT, EVALKIT_2024, INTERNVL, NO_JUDGE, evalkit, internvl
from internvl.eval.readers import Row
from internvl.eval.sample import Scored
from internvl.eval.task import Protocol

ROTATION = 1_000_000
"""What separates the indices of a question's rotations."""


class CircularTask(LetterTask):
    """chinese: which letter prompt the original repository gives the set. dropped, place: how it shapes the table for the server."""

    variants: ClassVar[Mapping[str, Protocol]] = {**internvl(6, 100, NO_JUDGE), **evalkit(6, NO_JUDGE)}
    rules: ClassVar[Mapping[str, str]] = {INTERNVL: INTERNVL_SERVER, EVALKIT_2024: EVALKIT_2024, EVALKIT: EVALKIT}
    chinese: ClassVar[bool]
    dropped: ClassVar[tuple[str, ...]] = ("hint", "category", "source", "image", "comment", "l2-category")
    place: ClassVar[int] = 6

    def prompt(self, row: Row, options: Mapping[str, str], variant: str) -> str:
        """The text of a question in the variant's wording."""
        if variant == INTERNVL:
            return prompts.letter_internvl(row.text("question"), row.optional_text("hint"), options, chinese=self.chinese)
        return super().prompt(row, options, variant)

    def extra(self, row: Row) -> dict[str, Any]:
        """The base question's number, and the columns of the server's table."""
        index = row.text("index")
        if not (index.isascii() and index.isdigit() and len(index) < 19):
            raise row.error(f"'index' must be a whole number, not {index!r:.60}: rotations of a question are found by it")
        columns = [[name, value] for name, value in row.fields.items() if name not in self.dropped]
        return {**super().extra(row), "group": int(index) % ROTATION, "columns": columns}

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        """{accuracy over base questions, report: VLMEvalKit's table, single_rows: accuracy over all rows}."""
        from internvl.eval.metrics.mmbench import mcq_report_acc

        known = summary.labelled(rows)
        groups: dict[int, list[Scored]] = {}
        for row in known:
            groups.setdefault(int(row.extra["group"]), []).append(row)
        hits = [min(summary.points(members)) for members in groups.values()]
        scores: dict[str, Any] = {self.metric: summary.mean(hits), "single_rows": summary.mean(summary.points(known))}
        if hits:
            # A rotation has its base question's groups; the base question is the first of its rows.
            scores["report"] = mcq_report_acc([dict(members[0].extra) for members in groups.values()], hits)
        return summary.with_blind(scores, rows)

    def submission(self, rows: Sequence[Scored]) -> dict[str, Any]:
        """{"columns": names, "rows": lists}: the benchmark's table with a column `prediction`, as the server takes it."""
        from internvl.eval.metrics.choices import internvl_mcq_post_process

        table, names = [], []
        for row in rows:
            columns = [tuple(pair) for pair in row.extra["columns"]]
            prediction = internvl_mcq_post_process(summary.last(row.answers), row.extra["choices"])
            columns.insert(self.place, ("prediction", prediction))
            names = [name for name, _ in columns]
            table.append([value for _, value in columns])
        return {"columns": names, "rows": table}
