"""Metrics: pure functions from answers and references to scores, and the table that names them all.

    METRICS[name] = Metric(function "module:name", arguments taken from a row, options)  --load_function--> the function

The table holds strings, so that one metric costs the import of one file.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from internvl.eval.errors import EvalError
from internvl.eval.metrics.form import Metric
from internvl.eval.metrics.table import METRICS

__all__ = ["METRICS", "load_function", "metric_named"]


def metric_named(name: str) -> Metric:
    """The table's row for a metric. Raises EvalError for a name that isn't there, with the names that resemble it."""
    metric = METRICS.get(name)
    if metric is None:
        from difflib import get_close_matches

        near = get_close_matches(name[:100], METRICS, n=3, cutoff=0.5)
        advice = f"near are {', '.join(near)}" if near else "`internvl score --list` has the names"
        raise EvalError(f"no metric is called {name!r:.60}; {advice}")
    return metric


def load_function(name: str) -> Callable[..., Any]:
    """The function of a metric, imported now. Raises EvalError for an unknown name."""
    module, _, function = metric_named(name).function.partition(":")
    loaded: Callable[..., Any] = getattr(import_module(module), function)
    return loaded
