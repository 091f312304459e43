"""What a search found: a table, the shapes that none beats in both score and speed, and a picture.

Found x n -> table (Markdown), search.png: loss and recall against pictures a second and against parameters
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.design_search.proxy import KS, Score
from recipes.design_search.space import Candidate

from internvl.eval.plot_figure import colour, figure_for
from internvl.models.vision.variants import multiply_adds, parameters

MARKERS = "os^Dv*"


@dataclass(frozen=True)
class Found:
    """A shape with its scores, one a seed, and the pictures a second it sees on this machine by batch size."""

    candidate: Candidate
    scores: tuple[Score, ...]
    speed: dict[int, float]

    @property
    def loss(self) -> float:
        """Mean over the seeds."""
        return sum(score.loss for score in self.scores) / len(self.scores)

    @property
    def recall(self) -> float:
        """Mean over seeds, ways and ks, in percent."""
        return sum(score.recall for score in self.scores) / len(self.scores)

    @property
    def spread(self) -> float:
        """How far apart the seeds' losses lie."""
        losses = [score.loss for score in self.scores]
        return max(losses) - min(losses)

    @property
    def parameters(self) -> int:
        """Of the vision encoder."""
        return parameters(self.candidate.variant.config)

    @property
    def fastest(self) -> float:
        """Pictures a second at the largest batch."""
        return self.speed[max(self.speed)]


def best_trades(found: Sequence[Found]) -> set[str]:
    """Names of the shapes that no other beats in both loss and speed."""
    return {
        one.candidate.name
        for one in found
        if not any(
            other.loss <= one.loss and other.fastest >= one.fastest and (other.loss, other.fastest) != (one.loss, one.fastest)
            for other in found
        )
    }


def table(found: Sequence[Found]) -> str:
    """Markdown, the lowest loss first; what none beats in both loss and speed is bold."""
    trades, seeds = best_trades(found), max(len(each.scores) for each in found)
    heads = ["depth", "width", "heads of", "MLP x", "parameters", "M multiply-adds"]
    heads += [f"pictures/s, batch {batch}" for batch in sorted(found[0].speed)]
    heads += ["loss", *(["between seeds"] if seeds > 1 else []), *(f"name@{k}" for k in KS), *(f"picture@{k}" for k in KS)]
    lines = [f"| {' | '.join(heads)} |", f"|{'---:|' * len(heads)}"]
    for each in sorted(found, key=lambda one: one.loss):
        cells = _cells(each, seeds > 1)
        bold = each.candidate.name in trades
        lines.append(f"| {' | '.join(f'**{cell}**' if bold else cell for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _cells(each: Found, several_seeds: bool) -> list[str]:
    shape = each.candidate.variant
    side = shape.side
    cells = [str(shape.depth), str(shape.width), str(shape.width // shape.heads), str(shape.mlp // shape.width)]
    cells += [f"{each.parameters:,}", f"{multiply_adds(shape.config, side=side) / 1e6:.2f}"]
    cells += [f"{each.speed[batch]:.0f}" for batch in sorted(each.speed)]
    cells += [f"{each.loss:.3f}", *([f"{each.spread:.3f}"] if several_seeds else [])]
    return cells + [f"{_mean(each, way, k):.1f}" for way in ("name_at", "picture_at") for k in KS]


def _mean(each: Found, way: str, k: int) -> float:
    return sum(getattr(score, way)[k] for score in each.scores) / len(each.scores)


def plot(found: Sequence[Found], path: Path) -> None:
    """Four panels. Colours are depths, signs head widths, hollow ones the larger MLP ratios; bars reach over the seeds.

    Raises MissingDependencyError without matplotlib.
    """
    shapes = [each.candidate.variant for each in found]
    depths = sorted({shape.depth for shape in shapes})
    widths = sorted({shape.width // shape.heads for shape in shapes})
    smallest = min(shape.mlp // shape.width for shape in shapes)
    scores = (("held-out loss", "loss"), ("held-out recall, %", "recall"))
    with figure_for(path, (9, 7)) as figure:
        for row, (label, score) in enumerate(scores):
            for column, (title, value) in enumerate((("pictures a second", "fastest"), ("parameters of the encoder", "parameters"))):
                axes = figure.add_subplot(2, 2, 1 + 2 * row + column)
                for each, shape in zip(found, shapes, strict=True):
                    marker = MARKERS[widths.index(shape.width // shape.heads) % len(MARKERS)]
                    shade, filled = colour(depths.index(shape.depth)), shape.mlp // shape.width == smallest
                    _dot(axes, each, value, score, shade, marker, filled)
                axes.set(xlabel=title, ylabel=label)
                axes.locator_params(axis="x", nbins=5)  # six digits a tick
                axes.grid(alpha=0.25)
                axes.spines[["top", "right"]].set_visible(False)
        _legend(figure, depths, widths, smallest)


def _dot(axes: Any, each: Found, value: str, score: str, shade: str, marker: str, filled: bool) -> None:
    x, values = getattr(each, value), [getattr(one, score) for one in each.scores]
    if len(values) > 1:
        axes.plot([x, x], [min(values), max(values)], color=shade, linewidth=1)
    axes.plot([x], [sum(values) / len(values)], marker, color=shade, markerfacecolor=shade if filled else "white", markersize=8)


def _legend(figure: Any, depths: Sequence[int], widths: Sequence[int], smallest: int) -> None:
    from matplotlib.lines import Line2D

    signs = [Line2D([], [], marker="o", linestyle="", color=colour(i), label=f"{depth} layers") for i, depth in enumerate(depths)]
    signs += [
        Line2D([], [], marker=MARKERS[i % len(MARKERS)], linestyle="", color="0.4", label=f"heads of {width}")
        for i, width in enumerate(widths)
    ]
    signs += [
        Line2D([], [], marker="o", linestyle="", color="0.4", markerfacecolor="0.4" if filled else "white", label=label)
        for filled, label in ((True, f"MLP x {smallest}"), (False, "MLP wider"))
    ]
    figure.legend(handles=signs, loc="outside upper center", ncols=4, frameon=False, fontsize=8)
