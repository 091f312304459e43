"""What `internvl eval` shows: a bar with the running score, and a table of results."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from internvl.cli.console import Justify, note, print_table, progress, write_json
from internvl.errors import MissingDependencyError

if TYPE_CHECKING:
    from internvl.eval.progress import Progress
    from internvl.eval.results import Result

ABLATION = "ablation.png"
COLUMNS: tuple[tuple[str, Justify], ...] = (
    ("benchmark", "left"), ("score", "right"), ("samples", "right"), ("failed", "right"), ("result", "left"),
)  # fmt: skip


class Bar:
    """The progress of one run on stderr: samples, rate, time left, running score."""

    def __init__(self, *, quiet: bool) -> None:
        self._bar = progress("samples", quiet=quiet)
        self._task: Any = None
        self._title = ""
        self._started = time.perf_counter()

    def show(self, state: Progress) -> None:
        """Take in what the runner reports. A probe's stages have titles and totals of their own."""
        running = "" if state.score is None else f" [bold]{state.score:.2f}[/bold] so far"
        failed = f", [red]{state.failed} failed[/red]" if state.failed else ""
        if self._task is None:
            self._task = self._bar.add_task(state.title, total=state.total, rate=0.0)
        if state.title != self._title:
            self._title, self._started = state.title, time.perf_counter()
            self._bar.reset(self._task, total=state.total)
        seconds = time.perf_counter() - self._started
        rate = (state.done - state.resumed) / seconds if seconds > 0 else 0.0
        self._bar.update(self._task, completed=state.done, description=f"{state.title}{running}{failed}", rate=rate)

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()


def show_results(results: Sequence[Result], *, out: Path, ablation: bool, as_json: bool, quiet: bool) -> None:
    """The table of results, or of tiles; notes and what can be submitted on stderr."""
    from internvl.eval.shown_score import headline_of

    # There is nothing to draw while samples are missing, and where the right answers are not published.
    curves = ablation and all(result.complete and headline_of(result) is not None for result in results)
    if as_json:
        write_json([_as_json(result) for result in results], indent=2)
    elif curves:
        _show_ablation(results)
    else:
        print_table(COLUMNS, [_row(result) for result in results])
    if curves:
        _plot(results, out / ABLATION, quiet=quiet)
    if not quiet:
        for result in results:
            for text in result.notes:
                note(f"{_name(result)}: {text}")
            if result.submission and result.folder:
                note(f"{_name(result)}: to submit: {result.folder / result.submission}")


def _has_number(result: Result) -> bool:
    """Whether a curve can show it: all its samples are there, and their answers are published."""
    from internvl.eval.shown_score import headline_of

    return result.complete and headline_of(result) is not None


def _row(result: Result) -> tuple[str, ...]:
    """A line of the table; a dash stands for the score while samples are missing."""
    from internvl.eval.shown_score import headline_text

    samples = f"{result.samples} of {result.total}" if result.samples < result.total else str(result.samples)
    score = headline_text(result) if result.complete else "-"
    return (_name(result), score, samples, str(result.failed), str(result.folder))


def _name(result: Result) -> str:
    tiles = _tiles(result)
    return f"{result.title} {result.split}, {result.variant}" + ("" if tiles is None else f", {tiles} tiles")


def _tiles(result: Result) -> int | None:
    """The tile limit; None for probes, which cut nothing."""
    found: int | None = result.recipe["protocol"].get("max_tiles")
    return found


def _as_json(result: Result) -> dict[str, Any]:
    names = ("task", "split", "variant", "metric", "headline", "scores", "unofficial", "samples", "failed", "total", "complete")
    rest = {"tiles": _tiles(result), "submission": result.submission, "notes": result.notes, "folder": str(result.folder)}
    return {name: getattr(result, name) for name in names} | rest


def _show_ablation(results: Sequence[Result]) -> None:
    from internvl.eval.ablation import ablation_of

    found = ablation_of(results)
    print_table((("tiles", "left"), *((str(tiles), "right") for tiles in found.tiles), ("best", "right")), found.rows())
    for text in found.notes:
        note(text)


def _plot(results: Sequence[Result], path: Path, *, quiet: bool) -> None:
    from internvl.eval.ablation import ablation_of, plot_ablation

    try:
        plot_ablation(ablation_of(results), path)
    except MissingDependencyError as error:
        # The runs are done and their table is shown; a picture can be drawn later.
        note(f"no plot: {error}")
        return
    if not quiet:
        note(f"plot: {path}")
