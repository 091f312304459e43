"""HallusionBench: yes-or-no questions on true and altered figures; whole figures and whole questions must be right (Guan et al. 2024).

HallusionBench.tsv {index, image, question, answer, category, l2-category} --> answers --> aAcc, fAcc, qAcc and their mean
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from internvl.eval.kinds import prompts, protocols, summary
from internvl.eval.kinds.layout import in_front
from internvl.eval.kinds.yes_no import evalkit_score, yes_or_no
from internvl.eval.metrics.hallusion import PIECES, hallusion_report
from internvl.eval.readers import Row, TsvPictures, find_file, read_tsv
from internvl.eval.readers.files import at_evalkit
from internvl.eval.sample import Sample, Scored
from internvl.eval.task import Protocol, Task


class HallusionBench(Task):
    """6 tiles; published by VLMEvalKit only. The index tells category, subcategory, set, figure and question."""

    name = "hallusionbench"
    title = "HallusionBench"
    splits = ("test",)
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {"test": at_evalkit("HallusionBench")}
    variants: ClassVar[Mapping[str, Protocol]] = protocols.evalkit(6, protocols.NO_JUDGE)
    metric = "avg"
    scale = 1.0
    published: ClassVar[Mapping[str, str]] = {"test": "HallBench avg"}

    def samples(self, root: Path, split: str, variant: str) -> Iterator[Sample]:
        """The questions; some have no picture. Raises BenchmarkFileError."""
        del variant
        path = find_file(root, self.files[split])
        pictures = TsvPictures(path, root)
        for number, record in read_tsv(path, ("question", "answer")):
            row = Row(path, number, record)
            if record["index"].count("_") < PIECES - 1:
                raise row.error(f"'index' needs six pieces such as VD_illusion_1_0_2_0, not {record['index']!r:.60}")
            text = f"{row.text('question')} {prompts.YES_NO} {prompts.SHORT}"
            yield Sample(
                id=record["index"],
                messages=(in_front(pictures.of(row), text),),
                reference=yes_or_no(row, "answer"),
                extra={name: row.optional_text(name) for name in ("category", "l2-category") if row.optional_text(name)},
                row=number,
            )

    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        """1 where the answer says the gold's word, and not the other."""
        return evalkit_score(sample.reference, answers)

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        """{aAcc, fAcc, qAcc, avg} in percent, and the same for each category and subcategory."""
        if not rows:
            return {self.metric: None}
        report = hallusion_report(summary.points(rows), [row.id for row in rows])
        return {**report.pop("Overall"), "groups": report}


TASK = HallusionBench
