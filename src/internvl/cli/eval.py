"""`internvl eval`: any benchmark with any answerer: our engine, a service, or answers on file.

TASKS, --data, --model | --url | --replay -> run_task for each task and tile limit           -> folders below --out, a table
               --model's vision encoder   -> run_embedding_task for linear probes and ADE20K
               --model, a dual encoder    -> run_embedding_task for zero-shot classification and retrieval
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from internvl.cli import options
from internvl.cli.console import UsageError
from internvl.cli.eval_models import Judges, Models, own_device

if TYPE_CHECKING:
    from internvl.eval.embedding_task import EmbeddingTask
    from internvl.eval.progress import ProgressCallback
    from internvl.eval.results import Result
    from internvl.eval.task import Task

Run: TypeAlias = "Callable[[ProgressCallback], Result]"
"""A run that is ready to start: whatever it loads is loaded, because a bar can't be shown beside another display."""


def evaluate(
    tasks: Annotated[
        str | None, typer.Argument(metavar="TASK[,TASK...]", help="Benchmarks by name; --list shows them.", show_default=False)
    ] = None,
    data: Annotated[Path, typer.Option("--data", "-d", help="Folder below which the benchmarks' files lie.")] = Path("data"),
    model: options.Model = options.DEFAULT_MODEL,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where results go; an unfinished run there is continued.")] = Path("results"),
    split: Annotated[str | None, typer.Option("--split", show_default=False, help="Instead of the benchmark's first split.")] = None,
    variant: Annotated[
        str | None,
        typer.Option(
            "--variant", show_default=False, help="internvl (the original's prompts and tiles), vlmevalkit, or another listed."
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, show_default=False, help="Only the first samples.")] = None,
    tiles: Annotated[
        str | None,
        typer.Option("--tiles", metavar="N[,N...]", show_default=False, help="A run for each tile limit, then table and plot."),
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", show_default=False, help="Ask an OpenAI-compatible service; --model is its name there.")
    ] = None,
    key_env: Annotated[
        str | None, typer.Option("--key-env", metavar="NAME", show_default=False, help="Environment variable with the service's key.")
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option("--replay", show_default=False, help="Score answers on file: a result's folder, or id and prediction lines."),
    ] = None,
    judge_url: Annotated[
        str | None,
        typer.Option("--judge-url", show_default=False, help="OpenAI-compatible service of the judge, where a protocol has one."),
    ] = None,
    judge_model: Annotated[
        str | None, typer.Option("--judge-model", show_default=False, help="The judge, instead of the one the protocol names.")
    ] = None,
    judge_key_env: Annotated[
        str | None,
        typer.Option("--judge-key-env", metavar="NAME", show_default=False, help="Environment variable with the judge's key."),
    ] = None,
    batch: Annotated[int | None, typer.Option("--batch", min=1, show_default=False, help="Samples asked together.")] = None,
    shard: Annotated[
        str | None, typer.Option("--shard", metavar="I/N", show_default=False, help="This process's part, from 0/N to N-1/N.")
    ] = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Ask samples again that failed in an earlier run.")] = False,
    mode: Annotated[
        str, typer.Option("--mode", help="How a dual encoder sees pictures: InternVL-C, or InternVL-G, slower and better at retrieval.")
    ] = "InternVL-C",
    device: options.Device = "auto",
    dtype: options.Dtype = None,
    listed: Annotated[bool, typer.Option("--list", help="Show benchmarks, their files and published scores, and exit.")] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Score a model on benchmarks.

    [bold]internvl eval --list[/bold]   what there is, and which files each needs below --data.

    [bold]internvl eval docvqa,chartqa --data data --model OpenGVLab/InternVL2-8B[/bold]
    Start the same command again after an interruption: no sample is asked twice and none is left out.

    [bold]internvl eval ocrbench --limit 50[/bold]   a first look; without --limit it goes on from there.

    [bold]torchrun --nproc-per-node 8 -m internvl eval docvqa --split test[/bold]   eight processes share the samples.

    [bold]internvl eval chartqa --tiles 1,2,4,6,12,24,40[/bold]   the score over tiles, as a table and a plot.

    [bold]internvl eval linear_probe --split v2 --model OpenGVLab/InternVL2-8B[/bold]   a probe of the model's vision encoder.

    [bold]internvl eval imagenet,flickr30k_retrieval --model OpenGVLab/InternVL-14B-224px --mode InternVL-G[/bold]   a dual encoder.

    [bold]internvl eval mmvet --url http://localhost:8000/v1 --model NAME --judge-url URL --judge-key-env OPENAI_API_KEY[/bold]
    a model behind a service, graded by the judge of the protocol. Another judge's grades give no headline number.

    Each run leaves OUT/TASK_SPLIT_VARIANT/result.json with the whole recipe, and samples.jsonl with a line a sample.
    [bold]internvl compare[/bold] sets results side by side.
    """
    if listed:
        from internvl.cli.eval_list import show_list

        show_list(tasks, model=model, as_json=as_json)
        return
    if tasks is None:
        raise UsageError("there is nothing to run; name a benchmark, such as `internvl eval docvqa` (--list shows them)")
    asked = Asked(data, out, split, variant, limit, _numbers(tiles), _shard(shard), batch, retry_failed, quiet)
    chosen = chosen_tasks(tasks, asked)
    models = Models(model, url, key_env, replay, own_device(device, asked.shard), dtype, batch, mode)
    models.check(chosen, tiles=tiles is not None)
    results = list(run_all(chosen, models, Judges(judge_url, judge_model, judge_key_env), asked))
    if asked.shard[0] == 0 or any(result.complete for result in results):
        from internvl.cli.eval_show import show_results

        show_results(results, out=out, ablation=len(asked.tiles) > 1, as_json=as_json, quiet=quiet)


@dataclass(frozen=True)
class Asked:
    """What the command line says about every run."""

    data: Path
    out: Path
    split: str | None
    variant: str | None
    limit: int | None
    tiles: tuple[int | None, ...]
    shard: tuple[int, int]
    batch: int | None
    retry_failed: bool
    quiet: bool

    @property
    def place(self) -> dict[str, Any]:
        """What every kind of run is told: where data and results are, and which part of them."""
        return {"root": self.data, "split": self.split, "out": self.out, "limit": self.limit, "shard": self.shard}


def chosen_tasks(names: str, asked: Asked) -> list[Task | EmbeddingTask]:
    """The benchmarks of a list like "docvqa,mme". EvalError, UsageError before a model is loaded for what can't be run."""
    from internvl.eval.plan import find_choice
    from internvl.eval.readers.files import find_file
    from internvl.eval.tasks import registered

    chosen = [registered(name.strip()) for name in names.split(",") if name.strip()]
    if not chosen:
        raise UsageError("TASK names no benchmark; --list shows them")
    for task in chosen:
        find_choice(task, "variants", asked.variant)
        find_file(asked.data, task.files[find_choice(task, "splits", asked.split)])
    return chosen


def run_all(tasks: Sequence[Task | EmbeddingTask], models: Models, judges: Judges, asked: Asked) -> Iterator[Result]:
    """A result for each benchmark and tile limit."""
    from internvl.cli.eval_show import Bar
    from internvl.eval.embedding_task import EmbeddingTask

    for task in tasks:
        for tiles in asked.tiles:
            run = _probe(task, models, asked) if isinstance(task, EmbeddingTask) else _questions(task, models, judges, asked, tiles)
            with Bar(quiet=asked.quiet or asked.shard[0] > 0) as bar:
                yield run(bar.show)


def _questions(task: Task, models: Models, judges: Judges, asked: Asked, tiles: int | None) -> Run:
    """A run of `run_task`, its model loaded."""
    from internvl.eval.plan import find_choice
    from internvl.eval.runner import run_task

    variant = find_choice(task, "variants", asked.variant)
    generator, judge = models.generator, judges.of(task, variant)
    return lambda progress: run_task(
        task,
        generator,
        **asked.place,
        variant=variant,
        judge=judge,
        tiles=tiles,
        progress=progress,
        batch_size=asked.batch,
        retry_failed=asked.retry_failed,
    )


def _probe(task: EmbeddingTask, models: Models, asked: Asked) -> Run:
    """A run of `run_embedding_task`, its encoder loaded."""
    from internvl.eval.embedding_runner import run_embedding_task

    encoder = models.features if task.needs == "features" else models.embedder
    return lambda progress: run_embedding_task(task, encoder, **asked.place, variant=asked.variant, progress=progress)


def _numbers(text: str | None) -> tuple[int | None, ...]:
    """Tile limits in a list like "1,6,12"; (None,) for the protocol's own."""
    if text is None:
        return (None,)
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and int(word) >= 1 for word in words) or len(set(words)) < len(words):
        raise UsageError(f"--tiles is a list of different whole numbers from 1, such as 1,6,12; not {text!r}")
    return tuple(int(word) for word in words)


def _shard(text: str | None) -> tuple[int, int]:
    """--shard I/N, or this process's place under torchrun."""
    from internvl.eval.plan import check_shard, shard_of_process

    if text is None:
        return shard_of_process()
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal()):
        raise UsageError(f"--shard is I/N, such as 0/4, not {text!r}")
    return check_shard((int(index), int(count)))
