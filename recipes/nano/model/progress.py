"""How a reading run went, as a plot: `python -m recipes.nano.model.progress runs/nano-read --out docs/images/nano_reading.png`.

log.jsonl -> share of characters named right, by step, beside how hard the lessons were
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from recipes.nano.model.read import Lesson

LATIN, HANZI = "#4477aa", "#cc6677"


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Letters and hanzi that were right, and under it the share of tiles with lines, of hanzi among these, and of all hanzi in use."""
    from matplotlib.figure import Figure

    steps = [row["step"] for row in rows]
    lessons = [Lesson.at(step) for step in steps]
    figure = Figure(figsize=(8, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    above.plot(steps, [row["latin"] for row in rows], color=LATIN, label="letters, digits, marks")
    kept = [(row["step"], row["hanzi"]) for row, lesson in zip(rows, lessons, strict=True) if lesson.chinese > 0]
    above.plot([step for step, _ in kept], [share for _, share in kept], color=HANZI, label="hanzi")
    above.set(ylabel="named right, fresh tiles", ylim=(0, 1))
    most = Lesson.at(1 << 30).common
    below.plot(steps, [lesson.crowded for lesson in lessons], color="#888888", label="tiles with lines of text")
    below.plot(steps, [lesson.chinese for lesson in lessons], color=HANZI, linestyle="--", label="lines in Chinese")
    below.plot(steps, [lesson.common / most for lesson in lessons], color=HANZI, linestyle=":", label=f"hanzi in use, of {most:,}")
    below.set(xlabel="step", ylabel="lesson", ylim=(0, 1.05))
    for axes in (above, below):
        axes.legend(fontsize="small")
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Parse and draw."""
    parser = argparse.ArgumentParser(description="Plot a run of recipes.nano.model.read.")
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="a PNG file")
    options = parser.parse_args()
    rows = map(json.loads, (options.run / "log.jsonl").read_text("utf-8").splitlines())
    by_step = {row["step"]: row for row in rows}  # what a killed run did again stands there twice
    plot([by_step[step] for step in sorted(by_step)], options.out)


if __name__ == "__main__":
    main()
