"""`internvl compare`: runs side by side, with paired intervals, per-sample differences, published scores, a plot and a report."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from internvl.cli import options
from internvl.cli.console import UsageError, bytes_in_words, note, print_table, write_json, write_line

if TYPE_CHECKING:
    from internvl.eval.compare import Comparison, Run

NO_MODELS, ALL_MODELS = "none", "all"


class PlotKind(StrEnum):
    """How scores are drawn; `tiles` is score against tile limit."""

    AUTO = "auto"
    BARS = "bars"
    RADAR = "radar"
    TILES = "tiles"


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...", help="Folders that `internvl eval` wrote, or single results in them. The first is the baseline."
        ),
    ],
    published: Annotated[
        str | None,
        typer.Option(
            "--published",
            metavar="MODEL,...",
            show_default=False,
            help="Quote these models' published scores; 'all' or 'none'. Unless said, those of the models that were run.",
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", show_default=False, help="Draw the scores as .png, .svg or .pdf.")
    ] = None,
    kind: Annotated[PlotKind, typer.Option("--kind", help="What --plot draws.")] = PlotKind.AUTO,
    log_x: Annotated[bool, typer.Option("--log-x", help="With --kind tiles: the tile axis is logarithmic.")] = False,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE.html", show_default=False, help="Write one HTML file with the pictures of wrong answers."
        ),
    ] = None,
    data: Annotated[
        Path, typer.Option("--data", "-d", help="Folder below which the benchmarks' files lie, for questions and pictures in --report.")
    ] = Path("data"),
    max_cards: Annotated[int, typer.Option("--max-cards", min=0, help="Wrong answers a benchmark in --report.")] = 100,
    max_mb: Annotated[float, typer.Option("--max-mb", min=0, help="Megabytes of pictures in --report.")] = 20,
    differences: Annotated[
        Path | None,
        typer.Option(
            "--differences",
            metavar="FILE.jsonl",
            show_default=False,
            help="Write the samples that a run scored otherwise than the first.",
        ),
    ] = None,
    group_by: Annotated[
        str | None,
        typer.Option(
            "--group-by", metavar="KEY", show_default=False, help="Draw samples with the same value of this extra field together."
        ),
    ] = None,
    resamples: Annotated[int, typer.Option("--resamples", min=1, help="Bootstrap resamples.")] = 10_000,
    confidence: Annotated[float, typer.Option("--confidence", min=0.01, max=0.9999, help="Of the intervals.")] = 0.95,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the bootstrap.")] = 0,
    as_json: options.Json = False,
) -> None:
    """Set evaluations side by side.

    [bold]internvl compare runs/before runs/after --published InternVL2-2B --report report.html --data data[/bold]

    Differences are paired over the samples both runs have, with a bootstrap interval and an exact sign test (McNemar's for scores of
    0 and 1). Published scores stand in columns of their own; notes say where recipes differ.
    """
    from internvl.eval.compare import Statistics, compare_runs, load_runs

    _check_files(plot, report, kind=kind, log_x=log_x)
    loaded = load_runs(runs)
    statistics = Statistics(resamples=resamples, confidence=confidence, seed=seed, group_by=group_by)
    found = compare_runs(loaded, models=_models(published, loaded), statistics=statistics)
    if as_json:
        from internvl.eval.score_table import to_dict

        write_json(to_dict(found), indent=2)
    else:
        _print(found)
    if differences is not None:
        _write_differences(found, differences)
    if plot is not None:
        _plot(found, plot, kind, log_x=log_x)
    if report is not None:
        _report(found, report, data, max_cards=max_cards, max_mb=max_mb)


def _check_files(plot: Path | None, report: Path | None, *, kind: PlotKind, log_x: bool) -> None:
    """Refuse before anything is computed."""
    if report is not None and report.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--report writes HTML: give FILE.html, not {report.name}")
    if plot is None and (kind is not PlotKind.AUTO or log_x):
        raise UsageError("--kind and --log-x say how to draw; --plot FILE says where")
    if log_x and kind is not PlotKind.TILES:
        raise UsageError("--log-x goes with --kind tiles: other plots have no tile axis")


def _models(published: str | None, runs: Sequence[Run]) -> tuple[str, ...]:
    """The published models to quote: those named, or those that were run under a published name."""
    from internvl.eval.published import published_model, published_models, same_model

    if published is None:
        ran = (same_model(name) for run in runs for result in run.results for name in (result.model,))
        return tuple(dict.fromkeys(model for model in ran if model is not None))
    if published == NO_MODELS:
        return ()
    if published == ALL_MODELS:
        return published_models()
    return tuple(dict.fromkeys(published_model(name.strip()) for name in published.split(",") if name.strip()))


def _print(found: Comparison) -> None:
    from internvl.eval.score_table import columns, rows

    print_table(columns(found), rows(found))
    for line in found.lines:
        for flag in line.flags:
            write_line(f"{line.name}: {flag}")
    for line in found.lines:
        for score in line.published:
            note(f"{score.model}, {score.row}: {score.metric}, from the {score.source} ({score.document})")


def _write_differences(found: Comparison, path: Path) -> None:
    from internvl.eval.compare import all_differences
    from internvl.eval.results import dump_json, write_atomically

    lines = [dump_json(row, f"sample {row['id']}") + b"\n" for row in all_differences(found)]
    write_atomically(path, lines)
    note(f"{path}: {len(lines):,} samples scored otherwise than by {found.runs[0].name}")


def _plot(found: Comparison, path: Path, kind: PlotKind, *, log_x: bool) -> None:
    if kind is PlotKind.TILES:
        from internvl.eval.ablation import ablation_of, plot_ablation

        ablation = ablation_of([result for run in found.runs for result in run.results])
        plot_ablation(ablation, path, log_x=log_x)
        for sentence in ablation.notes:
            note(sentence)
    else:
        from internvl.eval.plot_scores import plot_scores

        plot_scores(found, path, kind=kind.value)
    note(f"{path}: {kind.value}")


def _report(found: Comparison, path: Path, data: Path, *, max_cards: int, max_mb: float) -> None:
    from internvl.eval.report_html import ReportLimits, write_report

    size = write_report(found, path, root=data, limits=ReportLimits(cards=max_cards, picture_bytes=int(max_mb * 1e6)))
    note(f"{path}: {bytes_in_words(size)}, opens in any browser and asks no server for anything")
