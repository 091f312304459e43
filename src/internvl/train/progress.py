"""What a person sees of a run, on stderr: a bar on a terminal, else one plain line every few steps."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

_SHOWN = (
    ("loss", "loss {:.4f}"), ("accuracy", "acc {:.3f}"), ("lr", "lr {:.2e}"), ("tokens_per_s", "{:,.0f} tok/s"),
    ("tiles_per_s", "{:,.1f} tiles/s"), ("mfu", "MFU {:.1%}"), ("memory_gb", "{:.1f} GiB"),
)  # fmt: skip


TOLD_EVERY_S = 5.0


class Reporter:
    """Says sentences and shows steps. quiet: nothing at all (ranks other than the first)."""

    def __init__(self, total: int, *, every: int = 1, quiet: bool = False) -> None:
        self.total, self.every, self.quiet = total, max(1, every), quiet
        self._console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self._bar: Progress | None = None
        self._told = time.monotonic()

    def say(self, sentence: str) -> None:
        """One line, above the bar."""
        self._console.print(sentence, markup=False)

    def measured(self, name: str, done: int, total: int) -> None:
        """How far measuring a data set is, once it takes longer."""
        if time.monotonic() - self._told > TOLD_EVERY_S:
            self._told = time.monotonic()
            self.say(f"measuring {name}: {done:,} of {total:,} records")

    def begin(self, step: int) -> None:
        """Show the bar, from `step` steps on, if this is a terminal."""
        if self.quiet or not sys.stderr.isatty():
            return
        columns = (TextColumn("step"), MofNCompleteColumn(), BarColumn(bar_width=24), TextColumn("{task.description}"))
        self._bar = Progress(*columns, console=self._console)
        self._bar.start()
        self._bar.add_task("", total=self.total, completed=step)

    def step(self, step: int, values: Mapping[str, object], *, time_left_s: float | None) -> None:
        """Show a step that is done."""
        text = "  ".join(form.format(value) for name, form in _SHOWN if isinstance(value := values.get(name), int | float))
        if time_left_s is not None:
            text += f"  {clock(time_left_s)} left"
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=step, description=text)
        elif step % self.every == 0 or step == self.total:
            self.say(f"step {step}/{self.total}  {text}")

    def end(self) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def clock(seconds: float) -> str:
    """1:02:03, or 2:03 within the hour."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
