"""Rows of predictions scored by a metric of the table, one by one.

    {"id", "prediction", "reference", "extra"} --arguments of the metric--> its function --> the score, as JSON

Rows are read as they are asked for, so a file may be larger than memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from internvl.eval.errors import EvalError
from internvl.eval.metrics import load_function, metric_named
from internvl.eval.metrics.form import Argument, shown

MIXED = "mixed"
"""In place of a metric's name: every row is scored by the one that its field "metric" names."""


def score_row(row: Mapping[str, Any], *, metric: str = MIXED, number: int = 1, **options: Any) -> Any:
    """The score of one row by a metric, or by the row's own. options: keywords of the metric's function.

    Raises EvalError that names the row when a part of it is absent or has another form, and for an unknown metric.
    """
    return RowScorer(metric, options).score(row, f"row {number}")


def score_file(path: Path, metric: str, **options: Any) -> Iterator[dict[str, Any]]:
    """`{"id", "score"}` for each line of a JSONL file, in its order. Raises EvalError that names file and line."""
    from internvl.eval.readers.jsonl import read_jsonl

    scorer = RowScorer(metric, options)
    for number, row in read_jsonl(path, ("id",)):
        where = f"{path}, row {number}"
        yield {"id": _id_of(row, where), "score": scorer.score(row, where)}


class RowScorer:
    """Scores rows by one metric or, with `mixed`, by those that the rows name; functions are imported when first needed."""

    def __init__(self, metric: str, options: Mapping[str, Any] | None = None) -> None:
        """Raises EvalError for an unknown metric, and for options that it doesn't have."""
        self._fixed = _Prepared.of(metric, options or {}) if metric != MIXED else None
        self._by_name: dict[str, _Prepared] = {}
        if metric == MIXED and options:
            raise EvalError(f"options belong to one metric; with {MIXED!r} there are none")

    def score(self, row: Mapping[str, Any], where: str) -> Any:
        """The score of one row. Raises EvalError that begins with `where`."""
        try:
            return self._prepared_for(row).score(row)
        except EvalError as error:
            raise EvalError(f"{where}: {error}") from error

    def _prepared_for(self, row: Mapping[str, Any]) -> _Prepared:
        name = row.get("metric")
        if self._fixed is not None:
            if name not in (None, self._fixed.name):
                raise EvalError(f"the row is for the metric {shown(name)}, not for {self._fixed.name!r}; `{MIXED}` takes them all")
            return self._fixed
        if not isinstance(name, str):
            raise EvalError(f"metric must be the name of one, not {shown(name)}")
        if name not in self._by_name:
            self._by_name[name] = _Prepared.of(name, {})
        return self._by_name[name]


@dataclass(frozen=True)
class _Prepared:
    """A metric whose function is loaded."""

    name: str
    arguments: tuple[Argument, ...]
    function: Callable[..., Any]
    options: Mapping[str, Any]

    @classmethod
    def of(cls, name: str, options: Mapping[str, Any]) -> _Prepared:
        metric = metric_named(name)
        unknown = [option for option in options if option not in metric.options]
        if unknown:
            there = ", ".join(metric.options) or "it has none"
            raise EvalError(f"{name} has no option {unknown[0]!r}; options: {there}")
        return cls(name, metric.arguments, load_function(name), options)

    def score(self, row: Mapping[str, Any]) -> Any:
        places: list[Any] = []
        keywords = dict(self.options)
        for argument in self.arguments:
            value = argument.of(row)
            if not argument.keyword:
                places.append(value)
            elif value is not None:
                keywords[argument.keyword] = value
        return self.function(*places, **keywords)


def _id_of(row: Mapping[str, Any], where: str) -> str | int:
    value = row["id"]
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise EvalError(f"{where}: id must be a text or a whole number, not {shown(value)}")
    return value
