"""`internvl score`: answers that exist already, scored by any metric of the package; no model, no torch.

rows.jsonl {"id", "prediction", "reference", "extra"} -> {"id", "score"} lines, in the same order
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from internvl.cli import options
from internvl.cli.config_fields import parsed
from internvl.cli.console import UsageError, note, print_table, write, write_json

if TYPE_CHECKING:
    from internvl.eval.metrics.form import Metric

LINES_A_WRITE = 1000


def score(
    metric: Annotated[
        str | None, typer.Argument(metavar="METRIC", show_default=False, help="A name of --list, or `mixed`: each row names its own.")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--in", metavar="ROWS.jsonl", show_default=False, help="Rows to score.", exists=True, dir_okay=False),
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", show_default=False, help="Where scores go; stdout if absent.", dir_okay=False),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", show_default=False, help="An option of the metric; may be repeated."),
    ] = None,
    list_all: Annotated[bool, typer.Option("--list", help="Show every metric, what it reads and its options.")] = False,
    as_json: options.Json = False,
) -> None:
    """Score answers with any metric of the benchmarks.

    [bold]internvl score anls --in answers.jsonl --out scores.jsonl[/bold]

    A row is {"id": 1, "prediction": "...", "reference": \\["..."], "extra": {}}; what each metric reads of it is shown by
    [bold]internvl score --list[/bold].
    Scores are JSON lines {"id": 1, "score": ...} in the order of the rows. A row that can't be scored ends the run.
    """
    if list_all:
        _show_metrics(as_json)
        return
    if metric is None or source is None:
        raise UsageError("needs a metric and rows, such as: internvl score anls --in rows.jsonl; `internvl score --list` has the names")
    if target is not None and target.exists() and target.samefile(source):
        raise UsageError(f"--out {target} is the file of the rows; give another name")
    from internvl.eval.score import score_file

    tally = Tally()
    lines = _lines(score_file(source, metric, **_options_of(metric, settings or ())), tally)
    if target is None:
        for chunk in _chunks(lines):
            write(chunk)
    else:
        _write_file(target, lines)
    note(f"{tally}{f' -> {target}' if target else ''}")


@dataclass
class Tally:
    """How many rows were scored, and the mean of those scores that are numbers."""

    rows: int = 0
    numbers: int = 0
    total: float = 0.0

    def add(self, value: Any) -> None:
        self.rows += 1
        if isinstance(value, int | float):
            self.numbers += 1
            self.total += value

    def __str__(self) -> str:
        mean = f", mean {self.total / self.numbers:.4f}" if self.numbers == self.rows else ""
        return f"{self.rows:,} row{'s' if self.rows != 1 else ''} scored{mean}"


def _chunks(lines: Iterator[str]) -> Iterator[str]:
    """Lines joined by the thousand: a write that is flushed for each would take longer than most metrics."""
    while chunk := "".join(islice(lines, LINES_A_WRITE)):
        yield chunk


def _lines(scores: Iterator[dict[str, Any]], tally: Tally) -> Iterator[str]:
    from internvl.eval.results import dump_json

    for each in scores:
        tally.add(each["score"])
        yield dump_json(each, f"the score of {each['id']!r:.60}").decode() + "\n"


def _write_file(path: Path, lines: Iterator[str]) -> None:
    """All lines or none: a run that fails leaves an earlier file as it was."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(lines)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _options_of(name: str, pairs: Sequence[str]) -> dict[str, Any]:
    """`NAME=VALUE` words as the keywords of a metric's function. Raises UsageError, and EvalError for an unknown metric."""
    from internvl.eval.metrics import metric_named
    from internvl.eval.score import MIXED

    known = metric_named(name).options if name != MIXED else {}
    values = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise UsageError(f"--set needs NAME=VALUE, not {pair!r}")
        if key not in known:
            raise UsageError(f"{name} has no option {key!r}; options: {', '.join(known) or 'none'}")
        values[key] = parsed(key, known[key].kind, text)
    return values


def _show_metrics(as_json: bool) -> None:
    from internvl.eval.metrics import METRICS

    if as_json:
        write_json([_as_json(name, metric) for name, metric in METRICS.items()], indent=2)
        return
    rows = [[name, metric.meaning, metric.form, _options_in_words(metric)] for name, metric in METRICS.items()]
    print_table([("metric", "left"), ("meaning", "left"), ("reads", "left"), ("options", "left")], rows)
    note(f"{len(METRICS)} metrics; options are set with --set NAME=VALUE")


def _as_json(name: str, metric: Metric) -> dict[str, Any]:
    return {
        "metric": name,
        "meaning": metric.meaning,
        "input": {each.field: each.kind.name + (", optional" if each.optional else "") for each in metric.arguments},
        "options": {key: option.meaning for key, option in metric.options.items()},
    }


def _options_in_words(metric: Metric) -> str:
    return "; ".join(f"{key}={_values_of(option.kind)}: {option.meaning}" for key, option in metric.options.items())


def _values_of(kind: Any) -> str:
    return "|".join(map(str, get_args(kind))) or ("true|false" if kind is bool else kind.__name__)
