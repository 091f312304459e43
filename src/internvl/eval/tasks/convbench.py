"""ConvBench: conversations of three turns about a picture: perception, reasoning, creation (Liu et al., 2024).

    ConvBench/ConvBench.xlsx {image_id, The_first_turn_instruction, ... [, first_turn_answer, ...]} + visit_bench_images/<image_id>
        --> Sample: picture, first question; follow_up: second, third --> judge, four questions --> wins against the human's answers

A judge compares with the human's answers turn by turn and then as a whole: S1, S2, S3, SO. R2 is the mean of the turns, R1 that of R2
and SO. What the judge is asked comes from the scripts in ConvBench/ConvBenchEval; they are read with the questions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from internvl.eval.errors import BenchmarkFileError, EvalError
from internvl.eval.judge import UNDECIDED, JudgeRequest, JudgeSpec
from internvl.eval.judge_scripts import STEPS, StepTexts, read_step_texts
from internvl.eval.kinds import protocols, summary
from internvl.eval.kinds.layout import in_front
from internvl.eval.metrics.convbench import convbench_r1_r2
from internvl.eval.readers import Row, find_file, picture_at
from internvl.eval.readers.xlsx import read_xlsx
from internvl.eval.sample import Sample, Scored
from internvl.eval.task import Protocol, Task
from internvl.messages import Message, user

TURNS = ("first", "second", "third")
WORKBOOK = "ConvBench/ConvBench.xlsx"
SCRIPTS = "ConvBench/ConvBenchEval"
NAMES = ("S1", "S2", "S3", "SO")


class ConvBench(Task):
    """Pairwise grading. An instance remembers the judge's texts that `samples` found beside the questions."""

    name = "convbench"
    title = "ConvBench"
    splits = ("pairwise",)
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {"pairwise": (WORKBOOK, SCRIPTS)}
    variants: ClassVar[Mapping[str, Protocol]] = protocols.evalkit(6)
    metric = "R1"
    published: ClassVar[Mapping[str, str]] = {"pairwise": "ConvBench pairwise R1 (R2,S1,S2,S3,SO)"}
    judge: ClassVar[JudgeSpec | None] = JudgeSpec(model="gpt-3.5-turbo", prompt_name="", max_tokens=512)

    def __init__(self) -> None:
        self._texts: Mapping[str, StepTexts] = {}

    def samples(self, root: Path, split: str, variant: str) -> Iterator[Sample]:
        """The conversations. Raises BenchmarkFileError."""
        path = find_file(root, (WORKBOOK,))
        scripts = root / SCRIPTS
        self._texts = read_step_texts(scripts) if scripts.is_dir() else {}
        places = _places(scripts / "pairwise.npy")
        for number, record in read_xlsx(path, ("image_id", *(f"The_{turn}_turn_instruction" for turn in TURNS))):
            row = Row(path, number, record)
            questions = [row.text(f"The_{turn}_turn_instruction") for turn in TURNS]
            name = row.text("image_id")
            yield Sample(
                id=str(number),
                messages=(in_front((picture_at(name, root, path, number, folders=("visit_bench_images",)),), questions[0]),),
                reference=_human_answers(row),
                extra={
                    "image": name,
                    "questions": questions,
                    "caption": row.optional_text("instruction-conditioned-caption"),
                    "demands": row.optional_text("third_turn_demands"),
                    "human_first": _human_first(places, number, name),
                    **_categories(row),
                },
                row=number,
            )

    def follow_up(self, sample: Sample, answers: Sequence[str]) -> Message | None:
        """The second and the third question."""
        questions = sample.extra["questions"]
        return user(str(questions[len(answers)])) if len(answers) < len(questions) else None

    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        """0 where nothing was answered; anything else is for the judge."""
        del sample
        silent = not any(answer.strip() for answer in answers)
        return {"score": 0.0, "prediction": summary.last(answers), "wins": [0, 0, 0, 0], **({} if silent else {UNDECIDED: True})}

    def judge_step(self, sample: Sample, answers: Sequence[str], replies: Sequence[str]) -> JudgeRequest | None:
        """Which answer to a turn is better, turn by turn, and then which conversation, given the three replies."""
        if len(replies) == len(STEPS):
            return None
        if not self._texts:
            raise EvalError(f"what ConvBench's judge is asked stands in {SCRIPTS} below the data root, which is absent")
        if sample.reference is None:
            raise EvalError(
                f"{WORKBOOK} has no column first_turn_answer: a judge needs the human's answers and the picture's description"
            )
        step = STEPS[len(replies)]
        conversations = [_conversation(sample, side) for side in _sides(sample, answers)]
        more = {"third_turn": [str(sample.extra["demands"]) or "nan"], "overall_conversation": list(replies)}.get(step, [])
        values = [str(sample.extra["caption"]), *conversations[0], *conversations[1], *more, step.replace("_", " ")]
        return self._texts[step].request(values)

    def check_step(self, sample: Sample, reply: str) -> None:
        """Raises EvalError for a reply that prefers neither or both."""
        del sample
        _better(reply)

    def judged_steps(self, sample: Sample, answers: Sequence[str], replies: Sequence[str]) -> Mapping[str, Any]:
        """{"score": R1 of the sample, "wins": of the turns and of the whole}. An empty answer never wins its turn."""
        model = "B" if sample.extra["human_first"] else "A"
        filled = [bool(answer.strip()) for answer in answers]
        counted = [*filled, any(filled)]
        wins = [int(_better(reply) == model and said) for reply, said in zip(replies, counted, strict=True)]
        return {"score": convbench_r1_r2(wins)["R1"], "prediction": summary.last(answers), "wins": wins}

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        """{"R1", "R2", "S1", "S2", "S3", "SO"}: shares of wins, 0...1."""
        known = summary.labelled(rows)
        if not known:
            return summary.with_blind({self.metric: None}, rows)
        shares = [sum(row.score["wins"][place] for row in known) / len(known) for place in range(len(NAMES))]
        return summary.with_blind({**convbench_r1_r2(shares), **dict(zip(NAMES, shares, strict=True))}, rows)


def _human_answers(row: Row) -> list[str] | None:
    """What the human answered; None where the workbook was given out without it."""
    if f"{TURNS[0]}_turn_answer" not in row.fields:
        return None
    row.text("instruction-conditioned-caption")  # what the judge is told of the picture
    return [row.text(f"{turn}_turn_answer") for turn in TURNS]


def _sides(sample: Sample, answers: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """The answers of assistants A and B."""
    return (sample.reference, answers) if sample.extra["human_first"] else (answers, sample.reference)


def _conversation(sample: Sample, answers: Sequence[str]) -> list[str]:
    return [text for pair in zip(sample.extra["questions"], answers, strict=True) for text in pair]


def _better(reply: str) -> str:
    """The one assistant whose response a reply calls better."""
    said = [name for name in "AB" if f"response {name.lower()} is better" in reply.lower()]
    if len(said) != 1:
        raise EvalError(
            f'"Overall, Response A is better." or the same of B was expected; the reply names {" and ".join(said) or "neither"}'
        )
    return said[0]


def _places(path: Path) -> Sequence[int] | None:
    """For each conversation 1 where the human is assistant A, as the benchmark drew it; None without the file."""
    import numpy

    if not path.is_file():
        return None
    try:
        places = numpy.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BenchmarkFileError(f"{path} can't be read as a numpy array: {error}") from error
    if places.ndim != 1 or not set(places.tolist()) <= {0, 1}:
        raise BenchmarkFileError(f"{path}: a list of 0 and 1 is expected, not an array {list(places.shape)}")
    return [int(place) for place in places]


def _human_first(places: Sequence[int] | None, number: int, name: str) -> bool:
    if places is None:
        return hashlib.sha256(name.encode()).digest()[0] % 2 == 1
    if number > len(places):
        raise BenchmarkFileError(f"{SCRIPTS}/pairwise.npy has {len(places)} places, conversation {number} is not among them")
    return bool(places[number - 1])


def _categories(row: Row) -> dict[str, str]:
    names = {f"category_{turn}": f"{turn.capitalize()}_turn_instruction_category" for turn in TURNS}
    return {key: row.optional_text(name) for key, name in names.items() if row.optional_text(name)}


TASK = ConvBench
