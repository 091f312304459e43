"""`internvl data check`: what is wrong with a data set and what it costs, before anything is trained."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from internvl.cli import options
from internvl.cli.config_fields import with_settings
from internvl.cli.console import Justify, note, print_table, progress, write_json, write_line
from internvl.cli.loading import load_processor
from internvl.errors import MissingDependencyError

if TYPE_CHECKING:
    from internvl.data.check import Measurer
    from internvl.data.check_report import DataReport, DatasetReport
    from internvl.data.config import DataConfig
    from internvl.data.manifest import Manifest
    from internvl.processor import Processor

COLUMNS: tuple[tuple[str, Justify], ...] = (
    ("data set", "left"),
    ("records", "right"),
    ("bad", "right"),
    ("rows", "right"),
    ("share", "right"),
    ("text tokens", "right"),
    ("visual tokens", "right"),
    ("tiles", "right"),
    ("longest", "right"),
    ("kinds", "left"),
)
BAD_FILE, SUMMARY_FILE, PICTURE_FILE = "bad.jsonl", "summary.json", "lengths.png"
BAR_WIDTH = 40


def check(
    manifest: Annotated[
        Path, typer.Argument(metavar="MANIFEST", help="A meta file, or one data file: JSONL, JSON list, Parquet, tar or a pattern.")
    ],
    model: options.Model = options.DEFAULT_MODEL,
    root: Annotated[Path | None, typer.Option("--root", show_default=False, help="Where relative paths start.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", show_default=False, help=f"Folder for {BAD_FILE}, {SUMMARY_FILE} and {PICTURE_FILE}.")
    ] = None,
    decode: Annotated[bool, typer.Option("--decode", help="Decode all pixels and stills, not only headers.")] = False,
    allow_bad: Annotated[bool, typer.Option("--allow-bad", help="Exit code 0 even with bad records.")] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", show_default=False, help="A field of DataConfig, such as max_tokens=16384."),
    ] = None,
    as_json: options.Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Read a whole data set before it costs a GPU hour.

    [bold]internvl data check meta.json --model OpenGVLab/InternVL2-8B --out report --set max_tokens=4096[/bold]

    Every record that training would leave out is listed with file, line and reason. Lengths are counted with the model's tokenizer and
    the headers of the media; no weights are opened. The exit code is 1 when a record is bad.
    """
    from internvl.data.config import DataConfig
    from internvl.data.manifest import load_manifest

    config = with_settings(DataConfig(manifest=manifest, root=root), settings or ())
    loaded = load_manifest(manifest, root=root)
    processor, _ = load_processor(model, policy={}, max_tiles=None)
    report = _check(loaded, processor, config, decode=decode, out=out, quiet=quiet)
    if out is not None:
        _write(report, out)
    if as_json:
        write_json({"manifest": str(manifest), "model": model, **report.to_dict()}, indent=2)
    else:
        _print(report, out)
    if report.bad and not allow_bad:
        raise typer.Exit(1)


class ByKind:
    """Measures conversations and preference pairs, each as its own training would.

    Conversations of any length are measured, so that the histogram shows what a higher limit would let in.
    """

    def __init__(self, processor: Processor, config: DataConfig) -> None:
        from internvl.data.builder import ExampleBuilder

        self._plain = ExampleBuilder(processor, replace(config, max_tokens=2**62))
        self._pairs = ExampleBuilder(processor, config, preference=True)

    def measure(self, record: Any, spec: Any) -> Any:
        return (self._plain if record.rejected is None else self._pairs).measure(record, spec)


def _check(manifest: Manifest, processor: Processor, config: DataConfig, *, decode: bool, out: Path | None, quiet: bool) -> DataReport:
    from internvl.data.check import check_data
    from internvl.data.ledger import Ledger

    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / BAD_FILE).unlink(missing_ok=True)
    measurer: Measurer = ByKind(processor, config)
    started = time.perf_counter()
    with progress("records", quiet=quiet) as bar:

        def advance(done: int, total: int) -> None:
            task = bar.task_ids[0] if bar.task_ids else bar.add_task(manifest.path.name, total=total, rate=0.0)
            bar.update(task, completed=done, rate=done / max(time.perf_counter() - started, 1e-9))

        ledger = Ledger(None if out is None else out / BAD_FILE)
        per_tile = processor.tokens_per_tile
        return check_data(manifest, measurer, config, tokens_per_tile=per_tile, decode=decode, ledger=ledger, progress=advance)


def _write(report: DataReport, out: Path) -> None:
    from internvl.data.check_plot import plot_lengths

    (out / BAD_FILE).touch()
    (out / SUMMARY_FILE).write_text(json.dumps(report.to_dict(), ensure_ascii=False, indent=2) + "\n", "utf-8")
    try:
        plot_lengths(report, out / PICTURE_FILE)
    except MissingDependencyError as error:
        note(f"no {PICTURE_FILE}: {error}")


def _print(report: DataReport, out: Path | None) -> None:
    from internvl.data.check_report import TILE_STARTS, TOKEN_STARTS, histogram

    print_table(COLUMNS, [_row(each) for each in report.datasets])
    for name, values, starts in (("tokens", report.tokens, TOKEN_STARTS), ("tiles", report.tiles, TILE_STARTS)):
        _print_histogram(name, histogram(values, starts))
    for origin, reason in report.first_bad:
        write_line(f"{origin}: {reason}")
    more = report.bad - len(report.first_bad)
    if more:
        write_line(f"... and {more:,} more" + (f", all in {out / BAD_FILE}" if out else "; --out FOLDER writes all of them"))
    write_line(f"{report.records:,} records, {report.bad:,} bad")


def _row(each: DatasetReport) -> tuple[str, ...]:
    numbers = (each.text_tokens, each.visual_tokens, each.tiles, each.longest)
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in each.kinds.most_common())
    counts = (f"{each.records:,}", f"{each.bad:,}", f"{each.rows:,}", f"{100 * each.share:.1f} %")
    return (each.name, *counts, *(f"{number:,}" for number in numbers), kinds)


def _print_histogram(name: str, classes: dict[str, int]) -> None:
    most = max(classes.values(), default=1)
    rows = [(label, f"{count:,}", "#" * -(-BAR_WIDTH * count // most)) for label, count in classes.items()]
    print_table(((name, "right"), ("records", "right"), ("", "left")), rows)
