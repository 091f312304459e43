"""Every benchmark in every published file form and variant: whoever gives the gold gets everything, whoever is silent nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from benchmark_files import FORMS

from internvl.eval.errors import BenchmarkFileError
from internvl.eval.sample import Sample, Scored
from internvl.eval.task import Task
from internvl.eval.tasks import task_named

BEST = {"ocrbench": 3.0, "mme": 2800.0, "hallusionbench": 100.0}
"""Headlines that are points; all others are percentages of 1."""

CASES = [(name, form, variant) for name, forms in FORMS.items() for form in forms for variant in task_named(name).variants]
# VLMEvalKit's matching needs options in columns.
NEEDS_TSV = [
    (name, form, variant) for name, form, variant in CASES if name in ("ai2d", "seed") and form != "tsv" and variant != "internvl"
]
RUNNABLE = [case for case in CASES if case not in NEEDS_TSV]


def gold(sample: Sample) -> str:
    return sample.reference if isinstance(sample.reference, str) else sample.reference[0]


def scored(task: Task, samples: Sequence[Sample], answer: Callable[[Sample], str]) -> list[Scored]:
    """What the runner keeps of each sample, through JSON as it stores them."""
    rows = []
    for sample in samples:
        answers = (answer(sample),)
        kept = json.loads(json.dumps([sample.reference, dict(sample.extra), dict(task.score(sample, answers))]))
        rows.append(Scored(id=sample.id, row=sample.row, answers=answers, reference=kept[0], extra=kept[1], score=kept[2]))
    return rows


@pytest.mark.parametrize(("name", "form", "variant"), RUNNABLE)
def test_gold_gets_everything_and_silence_nothing(name: str, form: str, variant: str, tmp_path: Path) -> None:
    FORMS[name][form](tmp_path)
    task = task_named(name)
    samples = list(task.samples(tmp_path, task.splits[0], variant))
    assert len(samples) >= 2
    assert len({sample.id for sample in samples}) == len(samples)
    best = task.aggregate(scored(task, samples, gold))[task.metric]
    assert best * task.scale == pytest.approx(BEST.get(name, 100.0))
    for silence in ("", " \n\t ", "　"):
        assert task.aggregate(scored(task, samples, lambda _, silence=silence: silence))[task.metric] == 0


@pytest.mark.parametrize(("name", "form", "variant"), NEEDS_TSV)
def test_matching_options_needs_the_file_that_has_them(name: str, form: str, variant: str, tmp_path: Path) -> None:
    FORMS[name][form](tmp_path)
    task = task_named(name)
    with pytest.raises(BenchmarkFileError, match=r"none of the benchmark's files .*\.tsv"):
        list(task.samples(tmp_path, task.splits[0], variant))


@pytest.mark.parametrize("name", FORMS)
def test_answers_of_any_length_and_script_are_scored(name: str, tmp_path: Path) -> None:
    next(iter(FORMS[name].values()))(tmp_path)
    task = task_named(name)
    variant = next(iter(task.variants))
    sample = next(task.samples(tmp_path, task.splits[0], variant))
    for answer in ("a, 1.5 " * 140_000, "." * 1_000_000, "\N{PILE OF POO}\u202e\x00\ud800", "是" * 100_000):
        assert 0 <= float(task.score(sample, (answer,))["score"]) <= 1


@pytest.mark.parametrize("name", FORMS)
def test_a_root_without_files_says_where_they_are_expected(name: str, tmp_path: Path) -> None:
    task = task_named(name)
    for split in task.splits:
        for variant in task.variants:
            with pytest.raises(BenchmarkFileError, match="none of the benchmark's files is below"):
                next(task.samples(tmp_path, split, variant))
        assert task.files[split]
    assert set(task.published) <= set(task.splits)


@pytest.mark.parametrize("name", [name for name, forms in FORMS.items() if set(forms) & {"jsonl", "original", "folder", "annotated"}])
def test_the_root_may_be_the_data_folder_itself(name: str, tmp_path: Path) -> None:
    form = next(form for form in FORMS[name] if form in ("jsonl", "original", "folder", "annotated"))
    FORMS[name][form](tmp_path)
    if name == "mme":
        (tmp_path / "eval/mme/Your_Results").rename(tmp_path / "data/mme/Your_Results")
    task = task_named(name)
    assert list(task.samples(tmp_path / "data", task.splits[0], "internvl"))
