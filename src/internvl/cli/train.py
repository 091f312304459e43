"""`internvl train`: any stage of the family, or a finetuning on one's own records, from one command on one process or under torchrun.

RECIPE + --data, --model, --out, --set -> TrainConfig -> Trainer -> OUT/model, and what it answers before and after
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from internvl.cli import options
from internvl.cli.config_fields import names_of, with_settings
from internvl.cli.console import UsageError, note, print_facts, print_table, progress, write_json
from internvl.cli.recipe import LAPTOP, recipe_named

if TYPE_CHECKING:
    from internvl.data.record import Record
    from internvl.train.before_after import BeforeAfter
    from internvl.train.callbacks import TrainResult
    from internvl.train.config import TrainConfig

SHOWN_ANSWERS = 6


def train(
    recipe: Annotated[
        str,
        typer.Argument(metavar="[RECIPE]", help="laptop, a stage, a published run (--list), or FILE.py:FUNCTION.", show_default=False),
    ] = LAPTOP,
    data: Annotated[
        Path | None,
        typer.Option("--data", "-d", show_default=False, help="Records (JSONL, JSON, Parquet, tar) or a meta JSON of data sets."),
    ] = None,
    root: Annotated[
        Path | None, typer.Option("--root", show_default=False, help="Folder of the pictures, if not that of the records.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", show_default=False, help="Model to start from, instead of the recipe's.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", show_default=False, help="Folder of the run.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", show_default=False, help="A field of TrainConfig, such as optim.lr=1e-4."),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option("--allow", metavar="NAME", show_default=False, help="Go on although this field differs from the run's beginning."),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Show stages and published runs, and exit.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be trained, how, and exit.")] = False,
    compare: Annotated[bool, typer.Option("--compare/--no-compare", help="Ask held-back questions before and after.")] = True,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train or finetune a model.

    [bold]internvl train --data records.jsonl --out runs/mine[/bold]
    adapters on the embedded model, a few minutes on a laptop; a tenth of the records is held back and asked before and after.

    [bold]torchrun --nproc-per-node 8 -m internvl train internvl2-8b-lora --data meta.json[/bold]
    a published run on eight GPUs. Start the same command again and it goes on from its last checkpoint.

    [bold]internvl data check records.jsonl[/bold] first tells what is wrong with the records.
    """
    if listed:
        _list()
        return
    config = _configured(recipe, data=data, root=root, model=model, out=out, settings=settings or [])
    if dry_run:
        _show(config, as_json=as_json)
        return
    if config.data.manifest is None:
        raise UsageError("there is nothing to train on; give --data FILE (records or a meta JSON)")
    from internvl.train.trainer import Trainer

    result = Trainer(config, allow=allow or (), quiet=quiet).run()
    if int(os.environ.get("RANK", "0")):
        return
    compared = _compared(config, result, quiet=quiet) if compare and result.model is not None else None
    _report(config, result, compared, as_json=as_json, quiet=quiet)


def _configured(
    recipe: str, *, data: Path | None, root: Path | None, model: str | None, out: Path | None, settings: Sequence[str]
) -> TrainConfig:
    config = recipe_named(recipe)
    where = replace(config.data, manifest=data or config.data.manifest, root=root or config.data.root)
    config = replace(config, data=where, model=model or config.model, out=out or config.out)
    return with_settings(config, settings)


def _compared(config: TrainConfig, result: TrainResult, *, quiet: bool) -> BeforeAfter | None:
    """Answers before and after on held-back questions; None without any."""
    from internvl.engine.vlm import VLM
    from internvl.train.before_after import before_after

    records = _held_back(config)
    if not records or result.model is None:
        return None
    with progress("questions", quiet=quiet) as bar:
        task = bar.add_task("before and after", total=None, rate=0.0)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, rate=bar.tasks[0].speed or 0.0)

        return before_after(VLM.load(config.model), VLM.load(result.model), records, config.out, progress=advance)


def _held_back(config: TrainConfig) -> list[Record]:
    from internvl.data.held_back import held_back_records
    from internvl.data.manifest import load_manifest

    if not config.data.held_back or config.data.manifest is None or config.objective != "sft":
        return []
    return [record for _, record in held_back_records(load_manifest(config.data.manifest, root=config.data.root), config.data)]


def _report(config: TrainConfig, result: TrainResult, compared: BeforeAfter | None, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        values = {name: value for name, value in vars(result).items() if name != "evaluations"} | {"evaluations": result.evaluations}
        if compared is not None:
            values |= {"asked": len(compared.rows), "right_before": compared.right_before, "right_after": compared.right_after}
        write_json({name: str(value) if isinstance(value, Path) else value for name, value in values.items()})
        return
    if compared is not None and compared.rows:
        rows = [(_asked(row.question), row.expected, row.before, row.after) for row in compared.rows[:SHOWN_ANSWERS]]
        print_table((("question", "left"), ("right answer", "left"), ("before", "left"), ("after", "left")), rows)
        print_facts(
            [
                ("held-back questions", str(len(compared.rows))),
                ("right before", f"{compared.right_before} ({compared.right_before / len(compared.rows):.0%})"),
                ("right after", f"{compared.right_after} ({compared.right_after / len(compared.rows):.0%})"),
            ]
        )
    if result.model is not None and not quiet:
        note(f"now: internvl chat PICTURE --model {result.model}")


def _asked(question: str) -> str:
    """A question on one line, without the marks of its pictures."""
    return " ".join(question.replace("<image>", " ").replace("<video>", " ").split())


def _show(config: TrainConfig, *, as_json: bool) -> None:
    from internvl.train.continuation import config_facts

    facts = config_facts(config)
    if as_json:
        write_json(facts, indent=1)
        return
    print_facts([(name, str(facts.get(name, "-"))) for name in names_of(config)], title="TrainConfig (every name can be --set)")


def _list() -> None:
    from internvl.train.published import PUBLISHED
    from internvl.train.stages import STAGES

    print_table(
        (("stage", "left"), ("learns", "left"), ("lr", "right"), ("rows", "right"), ("source", "left")),
        [(name, row.learns, f"{row.lr:g}", f"{row.batch_size:,}", row.source) for name, row in STAGES.items()],
        title="Stages",
    )
    print_table(
        (("published run", "left"), ("model", "left"), ("learns", "left"), ("lr", "right"), ("rows", "right"), ("GPUs", "right")),
        [
            (
                run.name, run.model, "LoRA" if run.lora_rank else ", ".join(sorted(run.train_parts)),
                f"{run.lr:g}", str(run.batch_size), str(run.gpus),
            )
            for run in PUBLISHED.values()
        ],
        title="Published runs",
    )  # fmt: skip
