"""ChartQA: questions about charts, one half written by people, one made from their tables; relaxed accuracy (Masry et al. 2022).

data/chartqa/test_human.jsonl + test_augmented.jsonl, or ChartQA_TEST.tsv --> answers --> mean of the halves' means

The original repository exchanges gold and answer when it measures the tolerance of five per cent. Both orders are reported:
`relaxed_accuracy` measures from the gold, `relaxed_accuracy_swapped` is what the published numbers were made with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from internvl.eval.kinds import protocols, summary
from internvl.eval.kinds.short_vqa import Question, ShortVQA, annotated
from internvl.eval.readers import find_file
from internvl.eval.readers.files import at_evalkit, at_repository
from internvl.eval.sample import Sample, Scored
from internvl.eval.task import Protocol

_HUMAN = at_repository("chartqa/test_human.jsonl")
_AUGMENTED = at_repository("chartqa/test_augmented.jsonl")
_TSV = at_evalkit("ChartQA_TEST")


class ChartQA(ShortVQA):
    """12 tiles; the headline is the plain mean of the two halves."""

    name = "chartqa"
    title = "ChartQA"
    splits = ("test", "test_human", "test_augmented")
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "test": (*_HUMAN, *_AUGMENTED, *_TSV),
        "test_human": _HUMAN,
        "test_augmented": _AUGMENTED,
    }
    variants: ClassVar[Mapping[str, Protocol]] = {**protocols.internvl(12, 100), **protocols.evalkit(12)}
    metric = "relaxed_accuracy"
    rules: ClassVar[Mapping[str, str]] = dict.fromkeys(variants, "relaxed_accuracy_standard")
    published: ClassVar[Mapping[str, str]] = {"test": "ChartQA test"}

    def paths(self, root: Path, split: str, variant: str) -> tuple[Path, ...]:
        """Both halves' files for "test", or the one file that holds both."""
        if split != "test":
            return super().paths(root, split, variant)
        found = find_file(root, self.files[split], prefer=".jsonl" if variant == protocols.INTERNVL else ".tsv")
        return (found,) if found.suffix == ".tsv" else (find_file(root, _HUMAN), find_file(root, _AUGMENTED))

    def sample_id(self, question: Question, path: Path) -> str:
        """The halves number their questions separately."""
        return question.id if path.suffix == ".tsv" else f"{_half(question, path)}-{question.id}"

    def extra(self, question: Question, path: Path) -> dict[str, Any]:
        """Which half a question belongs to."""
        return {"half": _half(question, path)}

    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        """The score in the standard order, and with gold and answer exchanged."""
        from internvl.eval.metrics.relaxed import relaxed_accuracy_internvl

        scored = super().score(sample, answers)
        filled = bool(scored["prediction"]) and sample.reference is not None
        swapped = relaxed_accuracy_internvl(summary.last(answers), sample.reference) if filled else 0
        return {**scored, "score_swapped": float(swapped)}

    def points(self, prediction: str, sample: Sample) -> float:
        """Blanks around an answer are not part of it, as in the original repository."""
        return super().points(prediction.strip(), sample)

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        """{relaxed_accuracy, relaxed_accuracy_swapped, human, augmented}."""
        halves = summary.by(rows, "half")
        standard = {half: summary.mean(summary.points(members)) for half, members in halves.items()}
        swapped = [summary.mean(summary.points(members, "score_swapped")) for members in halves.values()]
        return {
            "relaxed_accuracy": summary.mean(value for value in standard.values() if value is not None),
            "relaxed_accuracy_swapped": summary.mean(value for value in swapped if value is not None),
            **standard,
        }

    def submission(self, rows: Sequence[Scored]) -> list[dict[str, Any]]:
        """The original repository's record: question, answer, annotation."""
        return [{name: value for name, value in record.items() if name != "id"} for record in annotated(rows, "id")]


def _half(question: Question, path: Path) -> str:
    """ "human" or "augmented": by the file, or by the `split` column of a TSV; "test" where it has none."""
    name = path.stem if path.suffix != ".tsv" else str(question.row.fields.get("split") or "test")
    return name.removeprefix("test_")


TASK = ChartQA
