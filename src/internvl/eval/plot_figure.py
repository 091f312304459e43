"""A matplotlib figure that goes straight into a file: no window, no global state, and labels in any script.

    with figure_for(path, size) as figure: draw       ->  PNG, SVG or PDF by suffix

Needs the extra `plot`. Chinese, Japanese and Korean labels use whatever such font the machine has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from internvl.errors import MissingDependencyError
from internvl.eval.errors import EvalError

SUFFIXES = (".png", ".svg", ".pdf")
CJK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "SimHei",
    "Arial Unicode MS",
)
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6a3d9a", "#7f7f7f")
"""Okabe and Ito's palette, told apart by colour-blind readers, without its yellow and black."""
DPI = 150
LONGEST_LABEL = 60


@contextmanager
def figure_for(path: Path, size: tuple[float, float]) -> Iterator[Any]:
    """A Figure of `size` inches to draw on; written to `path` when the block ends without an error.

    Raises MissingDependencyError without matplotlib and EvalError for a suffix that is not drawn.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise EvalError(f"plots are written as {', '.join(SUFFIXES)}, not {path.name!r}")
    try:
        import matplotlib
        from matplotlib.figure import Figure
        from matplotlib.font_manager import fontManager
    except ImportError as error:
        raise MissingDependencyError("drawing needs matplotlib: pip install 'internvl[plot]'") from error
    installed = {font.name for font in fontManager.ttflist}
    fonts = ["DejaVu Sans", *(name for name in CJK_FONTS if name in installed)]
    with matplotlib.rc_context({"font.family": fonts, "svg.hashsalt": "internvl"}):
        figure = Figure(figsize=size, dpi=DPI, layout="constrained")
        yield figure
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)


def colour(index: int) -> str:
    """The colour of the series with this number."""
    return COLOURS[index % len(COLOURS)]


def label(text: str) -> str:
    """Text as a label: short, on one line, and never read as a formula."""
    line = " ".join(text.split())
    shown = line if len(line) <= LONGEST_LABEL else line[: LONGEST_LABEL - 1] + "…"
    return shown.replace("$", r"\$")
