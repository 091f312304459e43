"""The rules that look at one sample: a table of columns in, and for each rule which rows it takes out, and why.

pyarrow.Table[n], ColumnRule -> fails bool[n], reason(row) "similarity: 0.12 is below 0.2"
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy

from internvl.pipelines.clean.pairs import Array
from internvl.pipelines.clean.rules import ColumnRule, Rules
from internvl.pipelines.errors import PipelineError

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True)
class Failed:
    """The rows that a rule takes out, and the values they have."""

    rule: ColumnRule
    fails: Array
    values: Sequence[Any]

    def reason(self, row: int) -> str:
        """Why this row goes: the column, then what is wrong with its value."""
        value, rule = self.values[row], self.rule
        if value is None:
            return f"{rule.column}: has no value"
        if rule.keep is not None and value not in rule.keep:
            return f"{rule.column}: {value} is none of {', '.join(rule.keep)}"
        if rule.equals is not None and value != rule.equals:
            return f"{rule.column}: is {_shown(value)}"
        below = rule.min is not None and value < rule.min
        return f"{rule.column}: {_shown(value)} is {'below' if below else 'above'} {rule.min if below else rule.max:g}"


def check_rows(table: pyarrow.Table, rules: Rules) -> list[Failed]:
    """Every rule on every row. Rows dropped before they were scored are failed by none. PipelineError for a column that isn't there."""
    alive = numpy.asarray(table["dropped"].is_null().to_numpy(), dtype=bool)
    return [_checked(table, rule, alive) for rule in rules.columns]


def _checked(table: pyarrow.Table, rule: ColumnRule, alive: Array) -> Failed:
    if rule.column not in table.column_names:
        raise PipelineError(f"the run has no column {rule.column!r}; score again with the operator that adds it, and --restart")
    column = table[rule.column]
    there = ~numpy.asarray(column.is_null().to_numpy(), dtype=bool)
    values: list[Any] = column.to_pylist()
    fails = ~there if rule.missing == "drop" else numpy.zeros(len(values), bool)
    if rule.min is not None or rule.max is not None:
        numbers = numpy.array([numpy.nan if value is None else float(value) for value in values], dtype=numpy.float64)
        fails = (
            fails
            | (numbers < (-numpy.inf if rule.min is None else rule.min))
            | (numbers > (numpy.inf if rule.max is None else rule.max))
        )
    if rule.equals is not None:
        fails = fails | (there & numpy.array([value != rule.equals for value in values], dtype=bool))
    if rule.keep is not None:
        fails = fails | (there & numpy.array([value not in rule.keep for value in values], dtype=bool))
    return Failed(rule, fails & alive, values)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)
