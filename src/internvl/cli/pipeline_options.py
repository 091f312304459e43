"""What the verbs of the data engine share: options, and a run with a bar.

options -> RunConfig -> run_with_bar -> RunReport -> print_report
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from internvl.cli.console import bytes_in_words, note, print_table, progress, write_json

if TYPE_CHECKING:
    from internvl.pipelines.operator import Operator
    from internvl.pipelines.run import RunConfig, RunProgress, RunReport
    from internvl.pipelines.shards import ShardReport

Form = Literal["parquet", "webdataset", "jsonl"]

Inputs: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT...", help="JSONL, JSON lists, Parquet, tar shards, patterns of them, meta files, folders of pictures."
    ),
]
Out: TypeAlias = Annotated[
    Path, typer.Option("--out", "-o", metavar="FOLDER", show_default=False, help="Where results go. The same call again goes on there.")
]
Root: TypeAlias = Annotated[
    Path | None,
    typer.Option("--root", show_default=False, help="Where relative paths of pictures start, instead of beside their file."),
]
Workers: TypeAlias = Annotated[int, typer.Option("--workers", "-w", min=1, help="Processes; more than one needs Ray.")]
Address: TypeAlias = Annotated[
    str | None,
    typer.Option("--address", show_default=False, help="A Ray cluster to work on: auto, HOST:PORT or ray://HOST:PORT."),
]
UnitRows: TypeAlias = Annotated[
    int, typer.Option("--unit-rows", min=1, help="Rows that are done at a time, and that a kill can cost each worker.")
]
TextField: TypeAlias = Annotated[
    str | None, typer.Option("--text-field", show_default=False, help="The caption's field, unless it is caption, text or TEXT.")
]
ImageField: TypeAlias = Annotated[
    str | None, typer.Option("--image-field", show_default=False, help="The picture's field, unless it is image, jpg or png.")
]
Format: TypeAlias = Annotated[Form, typer.Option("--format", help="What the chosen samples are written as.")]
RowsPerShard: TypeAlias = Annotated[int, typer.Option("--shard-rows", min=1, help="Samples of one file of the result.")]
Restart: TypeAlias = Annotated[bool, typer.Option("--restart", help="Delete what the folder holds of an earlier run, and begin anew.")]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the report as JSON on stdout, and nothing else there.")]
Quiet: TypeAlias = Annotated[bool, typer.Option("--quiet", help="No progress bar.")]


def run_with_bar(config: RunConfig, operators: Sequence[Operator], *, quiet: bool, unit: str = "samples") -> RunReport:
    """`pipelines.run.run` with a bar on stderr: samples done, samples a second of this call, time left."""
    from internvl.pipelines.run import run

    began = time.perf_counter()
    with progress(unit, quiet=quiet) as bar:
        task = bar.add_task("looking through the inputs", total=None, rate=0.0)

        def told(state: RunProgress) -> None:
            # What earlier calls did took no time of this one.
            rate = (state.rows_done - state.rows_before) / max(time.perf_counter() - began, 1e-9)
            words = f"{state.units_done:,} of {state.units:,} units, {state.dropped:,} dropped"
            if state.rows_done == state.rows_before:
                bar.reset(task, total=state.rows, completed=state.rows_before, description=words, rate=0.0)
            else:
                bar.update(task, description=words, completed=state.rows_done, rate=rate)

        report = run(config, operators, progress=told)
    if report.units_before:
        note(f"{report.units_before:,} of {report.units:,} units were done before")
    return report


def print_report(report: RunReport, *, as_json: bool) -> None:
    """Rows kept, and rows dropped by kind of reason; as JSON on demand."""
    if as_json:
        write_json(report.to_dict(), indent=2)
        return
    rows = [("kept", report.kept), *((f"dropped: {kind}", count) for kind, count in report.by_kind.items())]
    cells = [(name, f"{count:,}", f"{100 * count / max(report.rows, 1):.1f} %") for name, count in rows]
    print_table((("", "left"), ("samples", "right"), ("share", "right")), [*cells, ("all", f"{report.rows:,}", "")])
    note(
        f"{report.units:,} units in {report.out}, {report.seconds:.1f} s; what was dropped and why is in {report.out / 'ledger.jsonl'}"
    )


def note_shards(report: ShardReport) -> None:
    """Where the chosen samples are, and whether some could not be read again."""
    lost = f"; {report.left_out:,} could not be read again, {report.folder / 'index.jsonl'} says why" if report.left_out else ""
    note(f"{report.rows:,} samples in {report.shards:,} shards, {bytes_in_words(report.bytes)}, in {report.folder}{lost}")
