"""`internvl data report`: what a mixture is made of, as one HTML page."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from internvl.cli import options
from internvl.cli.config_fields import with_settings
from internvl.cli.console import bytes_in_words, note, print_table, progress, write_json
from internvl.cli.data_check import ByKind
from internvl.cli.loading import load_processor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from internvl.data.config import DataConfig
    from internvl.data.manifest import Manifest
    from internvl.pipelines.operator import Operator
    from internvl.pipelines.report.statistics import Statistics
    from internvl.pipelines.report.survey import Surveyed
    from internvl.processor import Processor


def report(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="A meta file, or one data file, as `data check` reads it.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE.html", help="The page.")] = Path("report.html"),
    model: options.Model = options.DEFAULT_MODEL,
    root: Annotated[Path | None, typer.Option("--root", show_default=False, help="Where relative paths start.")] = None,
    table: Annotated[
        str | None,
        typer.Option("--table", show_default=False, help="The mixture that was asked for: a name as in `data mix --list`, or a file"),
    ] = None,
    sample: Annotated[int, typer.Option("--sample", min=0, help="Rows of each data set that are looked at; 0 is all of them.")] = 1000,
    shown: Annotated[int, typer.Option("--shown", min=0, help="Samples of each data set that are shown.")] = 6,
    side: Annotated[int, typer.Option("--side", min=16, help="Longest side of their pictures, in pixels.")] = 224,
    scores: Annotated[bool, typer.Option("--scores", help="Also watermark and aesthetic scores, which take longest.")] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", show_default=False, help="A field of DataConfig, such as max_tokens=16384."),
    ] = None,
    as_json: options.Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """See what a run would train on: tasks, languages, lengths, tiles, duplicates and quality, with samples.

    [bold]internvl data report meta.json --out report.html --table internvl1_5_finetune[/bold]

    A sample of every data set is read, its pictures decoded, and words and pictures compared with each other. The page is one file that
    runs no script and asks no server for anything. --json prints its numbers instead of tables.
    """
    from internvl.data.config import DataConfig
    from internvl.data.manifest import load_manifest
    from internvl.pipelines.mix.table import load_table
    from internvl.pipelines.report.duplicates import find_copies
    from internvl.pipelines.report.page import PageOptions, write_page
    from internvl.pipelines.report.statistics import statistics_of
    from internvl.pipelines.report.tasks import asked_shares, tasks_of

    config = with_settings(DataConfig(manifest=manifest, root=root), settings or ())
    loaded = load_manifest(manifest, root=root)
    mixture = None if table is None else load_table(table)
    tasks = tasks_of(loaded, mixture)
    processor, _ = load_processor(model, policy={}, max_tiles=None)
    surveyed = _survey(loaded, processor, config, sample=sample, scorers=_scorers(scores), quiet=quiet)
    numbers = statistics_of(
        surveyed, find_copies(surveyed), tasks=tasks, asked=asked_shares(mixture), tokens_per_tile=processor.tokens_per_tile
    )
    told = f"Counted with the tokenizer and tiles of {model}, {f'up to {sample:,}' if sample else 'all'} rows of each data set."
    size = write_page(out, numbers, surveyed, PageOptions(title=f"Mixture {manifest.name}", shown=shown, side=side, note=told))
    if as_json:
        write_json({"manifest": str(manifest), "model": model, **numbers.to_dict()}, indent=2)
    else:
        _print(numbers)
    note(f"{out}: {bytes_in_words(size)}")


def _scorers(wanted: bool) -> list[Operator]:
    if not wanted:
        return []
    from internvl.pipelines.scorers.aesthetic import AestheticScore
    from internvl.pipelines.scorers.watermark import WatermarkScore

    return [WatermarkScore(), AestheticScore()]


def _survey(
    manifest: Manifest, processor: Processor, config: DataConfig, *, sample: int, scorers: Sequence[Operator], quiet: bool
) -> tuple[Surveyed, ...]:
    from internvl.pipelines.report.survey import survey

    began = time.perf_counter()
    with progress("rows", quiet=quiet) as bar:
        task = bar.add_task(manifest.path.name, total=None, rate=0.0)

        def told(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, rate=done / max(time.perf_counter() - began, 1e-9))

        return survey(manifest, ByKind(processor, config), config, sample=sample, scorers=scorers, progress=told)


def _print(numbers: Statistics) -> None:
    rows = [
        (name, f"{100 * numbers.asked[name]:.1f} %" if name in numbers.asked else "", f"{100 * numbers.tasks.get(name, 0.0):.1f} %")
        for name in dict.fromkeys([*numbers.asked, *numbers.tasks])
    ]
    print_table((("task", "left"), ("asked for", "right"), ("there", "right")), rows)
    found = [(each.kind, f"{each.copies:,}", f"{each.of:,}") for each in numbers.copies]
    print_table((("the same is", "left"), ("copies", "right"), ("of", "right")), found)
