"""Questions with lettered options: how answers are matched to a letter, and what their benchmarks share.

    TSV {index, image, question, hint, A, B, ..., answer, category, l2-category, split}
        --> Sample: picture, question, options, letter prompt; reference: the letter --> letter of the answer --> accuracy

Letters are read as the original repository or one of two states of VLMEvalKit does. No judge is asked: an answer that no rule can
read counts as wrong, as with VLMEvalKit's "exact_matching".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from internvl.eval.kinds import prompts, summary
from internvl.eval.kinds.layout import in_front
from internvl.eval.kinds.protocols import EVALKIT, EVALKIT_2024, INTERNVL
from internvl.eval.readers import Row, TsvPictures, find_file, read_tsv
from internvl.eval.sample import Sample, Scored
from internvl.eval.task import Task

INTERNVL_SERVER = "internvl-then-2024"
"""The original's post-processing, then the matching of the server that its file is sent to."""

GROUPS = ("category", "l2-category", "split")


class LetterTask(Task):
    """A set of questions with lettered options in VLMEvalKit's TSV.

    rules: variant -> matching rule, see `matched_letter`. blind: splits whose answers are not published.
    """

    metric = "accuracy"
    rules: ClassVar[Mapping[str, str]] = {INTERNVL: INTERNVL, EVALKIT_2024: EVALKIT_2024, EVALKIT: EVALKIT}
    blind: ClassVar[frozenset[str]] = frozenset()

    def samples(self, root: Path, split: str, variant: str) -> Iterator[Sample]:
        """The questions of a split. Raises BenchmarkFileError."""
        yield from self.tsv_samples(find_file(root, self.files[split]), root, split, variant)

    def tsv_samples(self, path: Path, root: Path, split: str, variant: str) -> Iterator[Sample]:
        """The questions of a TSV file."""
        pictures = TsvPictures(path, root)
        for number, record in read_tsv(path, ("question", "A", "B")):
            row = Row(path, number, record)
            options = row.options()
            gold = self.gold(row, options, split)
            yield Sample(
                id=record["index"],
                messages=(in_front((pictures.one(row),), self.prompt(row, options, variant)),),
                reference=gold,
                extra={"choices": options, "rule": self.rules[variant], **self.extra(row)},
                row=number,
            )

    def gold(self, row: Row, options: Mapping[str, str], split: str) -> str | None:
        """The right letter; None in a blind split. Raises BenchmarkFileError where it is missing elsewhere."""
        if len(options) < 2:
            raise row.error(f"at least two of the columns A, B, C, ... must be filled, {len(options)} are")
        letter = row.letter("answer", options)
        if letter is None and split not in self.blind:
            raise row.error(f"'answer' is empty or absent, and {split!r} is not a blind split")
        return letter

    def prompt(self, row: Row, options: Mapping[str, str], variant: str) -> str:
        """The text of a question."""
        del variant
        return prompts.letter_evalkit(row.text("question"), row.optional_text("hint"), options)

    def extra(self, row: Row) -> dict[str, Any]:
        """What grouping needs beside the options."""
        return {name: row.optional_text(name) for name in GROUPS if row.optional_text(name)}

    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        """{"score": 0 or 1, "prediction": the letter, or what no rule could read}."""
        answer = summary.last(answers)
        if not answer.strip():
            return {"score": 0.0, "prediction": ""}
        letter = matched_letter(answer, sample.extra["choices"], str(sample.extra["rule"]))
        right = letter is not None and letter == sample.reference
        return {"score": float(right), "prediction": answer.strip() if letter is None else letter}

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        """{accuracy, and by split, l2-category and category}; None where no answer is published."""
        known = summary.labelled(rows)
        scores: dict[str, Any] = {self.metric: summary.mean(summary.points(known))}
        for name in reversed(GROUPS):
            if groups := summary.means_by(known, name):
                scores[name] = groups
        return summary.with_blind(scores, rows)


def matched_letter(answer: str, choices: Mapping[str, str], rule: str) -> str | None:
    """The option's letter that an answer means (or "Z": none of them); None where the rule can't tell.

    rule: "internvl", "vlmevalkit-2024", "vlmevalkit", or INTERNVL_SERVER, which applies the first and then the second.
    """
    from internvl.eval.metrics.choices import internvl_mcq_post_process, mcq_can_infer_2024, mcq_can_infer_head

    if rule in (INTERNVL, INTERNVL_SERVER):
        answer = internvl_mcq_post_process(answer, choices)
        if answer in choices or rule == INTERNVL:
            return answer if answer in choices else None
    infer: Callable[[str, Mapping[str, str]], str | bool] = mcq_can_infer_head if rule == EVALKIT else mcq_can_infer_2024
    letter = infer(answer, choices)
    return letter if isinstance(letter, str) and letter else None
