"""A task asked and scored as the runner does it, with fakes for model and judge; rows come back through JSON as they are stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from internvl.eval.asking import ask_all
from internvl.eval.generator import Ask
from internvl.eval.generators.fake import FakeGenerator
from internvl.eval.judge import Judge
from internvl.eval.results import dump_row, parse_row
from internvl.eval.sample import Sample, Scored
from internvl.eval.scoring import score_all
from internvl.eval.task import Task

Reply = Callable[[Ask], str] | str


def read(task: Task, root: Path, *, split: str | None = None, variant: str | None = None) -> list[Sample]:
    """The samples of a split; their ids differ."""
    samples = list(task.samples(root, split or task.splits[0], variant or next(iter(task.variants))))
    assert len({sample.id for sample in samples}) == len(samples)
    return samples


def asked(task: Task, samples: Sequence[Sample], reply: Reply, judge: Judge | None = None) -> list[Scored]:
    """What is kept of each sample when the model replies like this."""
    protocol = next(iter(task.variants.values()))
    rows = score_all(task, ask_all(task, FakeGenerator(reply), protocol, samples), judge)
    return [parse_row(dump_row(row), row.id) for row in rows]


def headline(task: Task, samples: Sequence[Sample], reply: Reply, judge: Judge | None = None) -> Any:
    """The number that a table would print."""
    return task.aggregate(asked(task, samples, reply, judge))[task.metric] * task.scale


def text_of(sample: Sample) -> str:
    """The words of the first question."""
    return sample.messages[0].text


def judge_that(reply: Reply, name: str = "gpt-4-turbo") -> Judge:
    """A judge that replies like this, under this name."""
    return Judge(FakeGenerator(reply, name=name))
