"""Histograms of lengths as a picture. Needs matplotlib.

DataReport -> two panels: tokens with the limit, tiles -> PNG
"""

from __future__ import annotations

from pathlib import Path

import numpy

from internvl.data.check_report import DataReport
from internvl.errors import MissingDependencyError

TOKEN_BINS = 50
NEAR = 0.5


def plot_lengths(report: DataReport, path: Path) -> None:
    """Write the histograms of a report. MissingDependencyError without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError("drawing histograms needs matplotlib: pip install 'internvl[plot]'") from error
    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)  # draws into a file; no window, whatever the machine has
    left, right = figure.subplots(1, 2)
    left.hist(report.tokens, bins=TOKEN_BINS)
    longest = int(report.tokens.max(initial=1))
    label = f"tokens, visual ones included (longest {longest:,}, max_tokens {report.max_tokens:,})"
    if longest > NEAR * report.max_tokens:  # far from the limit, its line would squeeze all bars into one
        left.axvline(report.max_tokens, color="tab:red", linewidth=1)
    left.set(xlabel=label, ylabel="records")
    if len(report.tokens):
        left.set_yscale("symlog", linthresh=1)
    most = int(report.tiles.max(initial=1))
    right.hist(report.tiles, bins=numpy.arange(-0.5, most + 1.5))
    right.set(xlabel="tiles", ylabel="records")
    figure.suptitle(f"{report.records:,} records, {report.bad:,} bad")
    figure.savefig(path, dpi=120)
