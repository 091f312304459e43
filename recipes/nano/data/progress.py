"""How far a run is: a bar on a terminal, else a plain line every half minute, for logs.

(total, done before, quiet) -> counting(...) -> advance(), to be called once a sample
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

SECONDS_A_LINE = 30.0


@contextmanager
def counting(total: int, done: int, quiet: bool) -> Iterator[Callable[[], None]]:
    """Progress over all samples on standard error, those of earlier runs included; calling what it gives counts one more."""
    if quiet or not sys.stderr.isatty():
        yield (lambda: None) if quiet else PlainLines(total, done, sys.stderr).advance
        return
    columns = (TextColumn("samples"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("samples", total=total, completed=done)
        yield lambda: progress.update(task, advance=1)


class PlainLines:
    """Writes `120 of 1000 samples, 4.0 a second, 4 min left` when `every` seconds have gone by, and at the end."""

    def __init__(
        self, total: int, done: int, stream: TextIO, *, every: float = SECONDS_A_LINE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total, self._before, self._done = total, done, done
        self._stream, self._every, self._clock = stream, every, clock
        self._start = self._told = clock()

    def advance(self) -> None:
        """One sample more."""
        self._done += 1
        now = self._clock()
        if self._done < self._total and now - self._told < self._every:
            return
        self._told = now
        rate = (self._done - self._before) / max(now - self._start, 1e-3)
        left = (self._total - self._done) / rate / 60
        print(f"{self._done} of {self._total} samples, {rate:.1f} a second, {left:.0f} min left", file=self._stream, flush=True)
