"""The table of benchmarks: every name leads to a task of that name, whose constants agree with each other."""

from __future__ import annotations

import subprocess
import sys

import pytest

from internvl.eval.embedding_task import EmbeddingTask
from internvl.eval.errors import EvalError
from internvl.eval.published import published_row
from internvl.eval.task import Task
from internvl.eval.tasks import registered, task_named, task_names


@pytest.mark.parametrize("name", task_names())
def test_every_name_leads_to_its_task(name: str) -> None:
    task = registered(name)
    assert isinstance(task, Task | EmbeddingTask)
    assert task.name == name
    assert task.title
    assert task.splits
    assert set(task.files) == set(task.splits)
    assert all(task.files[split] for split in task.splits)
    assert task.variants
    assert {key.partition("/")[0] for key in task.published} <= set(task.splits)


@pytest.mark.parametrize("name", task_names())
def test_what_is_called_published_is_in_the_tables(name: str) -> None:
    for row in registered(name).published.values():
        assert published_row(row).scores


def test_unknown_names_and_vectors_are_refused() -> None:
    with pytest.raises(EvalError, match="did you mean chartqa"):
        task_named("chartq")
    with pytest.raises(EvalError, match="compares vectors"):
        task_named("imagenet")


def test_the_runner_loads_nothing_heavy() -> None:
    code = "import sys, internvl.eval.runner, internvl.eval.tasks, internvl.eval.generators.remote; print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not [name for name in ("torch", "httpx", "pandas", "matplotlib", "pyarrow", "av") if f"'{name}'" in loaded]
