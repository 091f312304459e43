"""From answers to the lines that are kept: rules first, a judge where the protocol has one, failures as wrong and with their reason.

Asked [answers] -> judge_sample -> Scored [score, usage]
Asked [error]   -> the score of silence, "score": 0, "error": sentence
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from internvl.errors import InternVLError
from internvl.eval.asking import Asked, silent_answers
from internvl.eval.errors import EvalError
from internvl.eval.generator import Concurrent
from internvl.eval.judge import Judge, judge_sample
from internvl.eval.sample import Answer, Scored
from internvl.eval.task import Task


def score_all(task: Task, asked: Sequence[Asked], judge: Judge | None = None) -> list[Scored]:
    """A line for each sample, in order; a remote judge is asked about several at once."""
    threads = judge.generator.in_flight if judge is not None and isinstance(judge.generator, Concurrent) else 1
    if task.judge is None or threads == 1:
        return [score_one(task, each, judge) for each in asked]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda each: score_one(task, each, judge), asked))


def score_one(task: Task, asked: Asked, judge: Judge | None = None) -> Scored:
    """The line of one sample. A failed one never scores, whatever was said before it failed."""
    sample = asked.sample
    score = _failed(task, asked, asked.error) if asked.error is not None else judge_sample(judge, task, sample, asked.texts)
    return Scored(
        id=sample.id,
        row=sample.row,
        answers=asked.texts,
        reference=sample.reference,
        extra=sample.extra,
        score=_checked(score, task, sample.id),
        usage=usage_of(asked.answers),
    )


def usage_of(answers: Sequence[Answer]) -> dict[str, float]:
    """Tokens and seconds over all turns."""
    return {
        "seconds": round(sum(answer.seconds for answer in answers), 6),
        "prompt_tokens": sum(answer.prompt_tokens for answer in answers),
        "image_tokens": sum(answer.image_tokens for answer in answers),
        "new_tokens": sum(answer.new_tokens for answer in answers),
    }


def _failed(task: Task, asked: Asked, error: InternVLError) -> dict[str, Any]:
    """Silence has all the fields that sums over rows read."""
    silence = dict(task.score(asked.sample, silent_answers(task, asked.sample)))
    silence.pop("undecided", None)
    return {**silence, "score": 0.0, "error": f"{type(error).__name__}: {' '.join(str(error).split())}"}


def _checked(score: dict[str, Any], task: Task, sample_id: str) -> dict[str, Any]:
    if isinstance(score.get("score"), bool | int | float):
        return {**score, "score": float(score["score"])}
    raise EvalError(f"{task.name} gave sample {sample_id} no number as its score, but {score.get('score')!r:.60}")
