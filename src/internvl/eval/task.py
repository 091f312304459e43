"""What a benchmark is: where its questions are, how they are asked, how answers are scored and summed up.

    files -> samples() -> [generator] -> score() or judged() -> aggregate() -> {metric: number, groups ...}

A task holds no loop and keeps no state: asking, resuming, sharding and judging are the runner's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from internvl.eval.errors import EvalError
from internvl.eval.sample import Sample, Scored
from internvl.messages import Message

if TYPE_CHECKING:
    from internvl.eval.judge import JudgeSpec


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How an answer is decoded: greedy unless a temperature or beams are given."""

    max_new_tokens: int
    min_new_tokens: int = 1
    num_beams: int = 1
    temperature: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A named way to ask a benchmark's questions.

    max_tiles: tiles a picture is cut into at most, without its thumbnail. dynamic: False squashes a picture into one tile.
    frames: stills of a clip. note: a sentence for the reader of a result.
    """

    max_tiles: int
    decoding: Decoding
    dynamic: bool = True
    frames: int | None = None
    note: str = ""


class Task(ABC):
    """One benchmark: `internvl.eval.tasks.<name>`. Class constants say what `internvl eval --list` shows.

    splits: the first is the default. files: split -> paths below the data root, of which the first that exists is read.
    variants: "internvl" as the original repository asks, "vlmevalkit" where that tool differs; the first is the default.
    metric: the headline's key in what `aggregate` returns; times `scale` it is the printed number.
    published: split -> row of the published table. judge: the judge model that the protocol names.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    splits: ClassVar[tuple[str, ...]]
    files: ClassVar[Mapping[str, tuple[str, ...]]]
    variants: ClassVar[Mapping[str, Protocol]]
    metric: ClassVar[str]
    scale: ClassVar[float] = 100.0
    published: ClassVar[Mapping[str, str]] = {}
    judge: ClassVar[JudgeSpec | None] = None

    @abstractmethod
    def samples(self, root: Path, split: str, variant: str) -> Iterator[Sample]:
        """The questions below the data root, in file order. Raises BenchmarkFileError with row numbers."""

    def follow_up(self, sample: Sample, answers: Sequence[str]) -> Message | None:
        """What is asked after these answers; None when the conversation is over."""
        del sample, answers
        return None

    @abstractmethod
    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        """{"score": float, "prediction": ..., ...} of the answers to one sample. A pure function; an empty answer is never right."""

    def judge_request(self, sample: Sample, answers: Sequence[str]) -> str:
        """The text a judge is asked about these answers."""
        raise EvalError(f"{self.name} asks no judge, sample {sample.id} with {len(answers)} answers")

    def judged(self, sample: Sample, answers: Sequence[str], reply: str) -> Mapping[str, Any]:
        """The score that follows from a judge's reply. Raises EvalError for a reply that can't be read; it is then asked again."""
        raise EvalError(f"{self.name} asks no judge, sample {sample.id} with {len(answers)} answers, reply {reply[:80]!r}")

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        """The numbers of a run: {metric: mean score in 0...1}. Rows are all the samples of the split, failed ones with score 0.

        Where no right answer is published the metric is None and "unlabelled" counts the rows; a row without a reference is one.
        """
        return {self.metric: sum(float(row.score["score"]) for row in rows) / len(rows) if rows else 0.0}

    def submission(self, rows: Sequence[Scored]) -> Any:
        """What the benchmark's own scorer or server takes: JSON, {"columns", "rows"} or {"<name>.txt": lines}; None for nothing."""
        del rows
