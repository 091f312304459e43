"""The loss curve as a picture: the lines of log.jsonl -> OUT/loss.png, with matplotlib if it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from internvl.errors import MissingDependencyError

_SMOOTHING = 0.9


def plot_losses(lines: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw loss over step, with its running mean, and evaluations as dots.

    Raises MissingDependencyError without matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError("drawing the loss curve needs matplotlib: pip install 'internvl[plot]'") from error
    steps, losses = _points(lines, "loss")
    figure = Figure(figsize=(7, 4), dpi=120, layout="constrained")
    axes = figure.subplots()
    axes.plot(steps, losses, color="0.75", linewidth=1, label="loss")
    axes.plot(steps, smoothed(losses), color="C0", label="running mean")
    held_steps, held = _points(lines, "held_back/loss")
    if held:
        axes.plot(held_steps, held, "o-", color="C1", markersize=3, label="held back")
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    figure.savefig(path)


def smoothed(values: Sequence[float], *, decay: float = _SMOOTHING) -> list[float]:
    """Exponential running mean without a bias towards zero at the start."""
    means, total, weight = [], 0.0, 0.0
    for value in values:
        total, weight = decay * total + value, decay * weight + 1.0
        means.append(total / weight)
    return means


def _points(lines: Sequence[Mapping[str, Any]], name: str) -> tuple[list[int], list[float]]:
    found = [(line["step"], line[name]) for line in lines if isinstance(line.get(name), int | float)]
    return [step for step, _ in found], [value for _, value in found]
