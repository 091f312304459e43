"""The benchmarks by name, as a table of strings: nothing is imported before a task is asked for.

task_named("docvqa") -> internvl.eval.tasks.docvqa.TASK()
task_named("refcoco_plus") -> internvl.eval.tasks.refcoco.TASKS["refcoco_plus"]
registered("imagenet") -> internvl.eval.tasks.zero_shot_images.TASKS["imagenet"], of vectors
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from types import MappingProxyType

from internvl.eval.embedding_task import EmbeddingTask
from internvl.eval.errors import EvalError
from internvl.eval.task import Task

_PACKAGE = "internvl.eval.tasks"

# A benchmark with a module of its own is that module's TASK.
_SINGLE = (
    *("docvqa", "infovqa", "chartqa", "textvqa", "ai2d", "ocrvqa", "ocrbench", "mme", "realworldqa", "mmmu"),
    *("mmbench_en", "mmbench_cn", "ccbench", "seed", "hallusionbench"),
    *("mmvet", "mathvista", "convbench", "mmt_bench", "mvbench", "mmbench_video", "videomme"),
)
# Benchmarks that are one with parameters are rows of a module's TASKS.
_FAMILIES = {
    "refcoco": ("refcoco", "refcoco_plus", "refcocog"),
    "captions": ("coco_caption", "flickr30k_caption", "nocaps"),
    "zero_shot_images": ("imagenet", "imagenet_a", "imagenet_r", "imagenet_v2", "imagenet_sketch", "objectnet"),
    "retrieval": ("flickr30k_retrieval", "coco_retrieval", "flickr30k_cn", "coco_cn", "xtd"),
}
_SINGLE_EMBEDDING = ("kinetics", "msrvtt", "linear_probe", "attentive_probe", "ade20k")

REGISTRY: Mapping[str, str] = MappingProxyType(
    {name: f"{_PACKAGE}.{name}:TASK" for name in _SINGLE}
    | {name: f"{_PACKAGE}.{module}:TASKS" for module, names in _FAMILIES.items() for name in names}
    | {name: f"{_PACKAGE}.{name}:TASK" for name in _SINGLE_EMBEDDING}
)


def task_names() -> tuple[str, ...]:
    """Every benchmark `internvl eval` knows, in the order of the table."""
    return tuple(REGISTRY)


def task_named(name: str) -> Task:
    """The benchmark of this name, for `run_task`. Raises EvalError with the nearest names, and for a benchmark of vectors."""
    task = registered(name)
    if isinstance(task, EmbeddingTask):
        raise EvalError(f"{name} asks no questions but compares vectors: call internvl.eval.embedding_runner.run_embedding_task")
    return task


def registered(name: str) -> Task | EmbeddingTask:
    """What stands in the table under this name: a Task, or a task of vectors. Raises EvalError with the nearest names."""
    if name not in REGISTRY:
        near = difflib.get_close_matches(name, REGISTRY, n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "`internvl eval --list` shows them"
        raise EvalError(f"no benchmark is named {name!r:.60}; {hint}")
    module_name, _, attribute = REGISTRY[name].partition(":")
    module = importlib.import_module(module_name)
    entry = module.TASK if attribute == "TASK" else module.TASKS[name]
    task: Task | EmbeddingTask = entry() if isinstance(entry, type) else entry
    return task
