"""`internvl data plan`: what cleaning billions of pairs takes, from the speeds of a run over some thousand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from internvl.cli import pipeline_options
from internvl.cli.console import Justify, UsageError, bytes_in_words, print_facts, print_table, write_json

if TYPE_CHECKING:
    from internvl.pipelines.capacity import Capacity, Fleet

COLUMNS: tuple[tuple[str, Justify], ...] = (
    ("operator", "left"),
    ("on", "left"),
    ("samples", "right"),
    ("samples/s", "right"),
    ("days of one", "right"),
    ("share", "right"),
)


def plan(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run over a sample of the data.")],
    pairs: Annotated[float, typer.Option("--pairs", "-n", metavar="N", help="How many pairs to plan for, such as 6e9.")],
    days: Annotated[float, typer.Option("--days", help="How long it may take.")] = 7.0,
    cores: Annotated[int, typer.Option("--cores", min=1, help="Cores of a machine.")] = 64,
    gpus: Annotated[int, typer.Option("--gpus", min=1, help="GPUs of a machine that has some.")] = 8,
    utilisation: Annotated[float, typer.Option("--utilisation", help="Share of the time that a core does measured work.")] = 0.8,
    on_gpu: Annotated[
        list[str] | None,
        typer.Option("--on-gpu", metavar="OPERATOR=RATE", show_default=False, help="Samples a second of one GPU; may be repeated."),
    ] = None,
    slower: Annotated[
        list[str] | None,
        typer.Option(
            "--slower", metavar="OPERATOR=TIMES", show_default=False, help="Real samples take so many times longer; may be repeated."
        ),
    ] = None,
    pair_bytes: Annotated[
        float | None, typer.Option("--pair-bytes", show_default=False, help="Bytes of a real pair, instead of the sample's.")
    ] = None,
    rules: Annotated[
        str | None, typer.Option("--rules", metavar="NAME", show_default=False, help="Rules whose shards count, such as stage1.")
    ] = None,
    as_json: pipeline_options.Json = False,
) -> None:
    """Plan machines, days and storage before the first of them is paid for.

    [bold]internvl data clean sample.parquet --out sample[/bold]

    [bold]internvl data plan sample --pairs 6e9 --rules stage1 --days 14 --on-gpu similarity=3000[/bold]

    Speeds and bytes are those measured in RUN; all that is assumed beside them stands in the options and in the answer.
    """
    from internvl.pipelines.capacity import Fleet, capacity, measured_run

    fleet = Fleet(
        days=days,
        cores=cores,
        gpus=gpus,
        utilisation=utilisation,
        on_gpu=_numbers(on_gpu, "--on-gpu"),
        slower=_numbers(slower, "--slower"),
        pair_bytes=pair_bytes,
    )
    answer = capacity(measured_run(run, rules=rules), pairs, fleet=fleet)
    if as_json:
        write_json(answer.to_dict(), indent=2)
    else:
        _print(answer, fleet)


def _numbers(given: list[str] | None, option: str) -> dict[str, float]:
    """`similarity=3000` -> {"similarity": 3000.0}. Raises UsageError."""
    found = {}
    for each in given or ():
        name, equals, value = each.partition("=")
        try:
            found[name] = float(value)
        except ValueError as error:
            raise UsageError(f"{option} takes OPERATOR=NUMBER, not {each!r}") from error
        if not name or not equals:
            raise UsageError(f"{option} takes OPERATOR=NUMBER, not {each!r}")
    return found


def _print(answer: Capacity, fleet: Fleet) -> None:
    rows = []
    for step in answer.steps:
        total = answer.gpu_days if step.gpu else answer.core_days
        cells = (f"{step.samples:,.0f}", f"{step.rate:,.1f}", f"{step.days:,.1f}", f"{100 * step.days / max(total, 1e-12):.1f} %")
        rows.append((step.name, "GPU" if step.gpu else "core", *cells))
    print_table(COLUMNS, rows, title=f"{answer.pairs:,.0f} pairs")
    print_facts(_facts(answer, fleet))


def _facts(answer: Capacity, fleet: Fleet) -> list[tuple[str, str]]:
    per_day = f"{100 * fleet.utilisation:.0f} % busy, {fleet.days:g} days"
    facts = [("CPU machines", f"{answer.cpu_machines:,} of {fleet.cores} cores, {per_day}: {answer.core_days:,.0f} core days")]
    if answer.gpu_days:
        facts.append(("GPU machines", f"{answer.gpu_machines:,} of {fleet.gpus} GPUs, {per_day}: {answer.gpu_days:,.0f} GPU days"))
    return [
        *facts,
        ("kept", f"{answer.kept:,.0f} pairs"),
        ("read", f"{_size(answer.input_bytes)}, {_size(answer.read_bytes_s)}/s over all machines"),
        ("columns", f"{_size(answer.column_bytes)} of scores"),
        ("duplicates", f"{_size(answer.feature_bytes)} on disk while they are looked for"),
        ("shards", f"{_size(answer.shard_bytes)} of kept pairs"),
    ]


def _size(count: float) -> str:
    """Terabytes from a hundredth of one on."""
    return f"{count / 1e12:,.2f} TB" if count >= 1e10 else bytes_in_words(round(count))
