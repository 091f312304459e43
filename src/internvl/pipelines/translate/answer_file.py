"""A SQLite file that many threads and processes write into: what waits is written together, since each write waits for the disk.

thread, thread, thread --write--> rows that wait --one transaction by whoever is first--> file
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from internvl.pipelines.errors import PipelineError

WAIT_S = 60.0
"""How long one waits for other processes."""


class AnswerFile:
    """The file `path` with one table, made when it isn't there. Raises PipelineError for a file that is something else."""

    def __init__(self, path: Path, table: str) -> None:
        self.path = path
        self._waiting: list[tuple[str, Sequence[Any]]] = []
        self._listing, self._writing = threading.Lock(), threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PipelineError(f"{path} can't be made: {error.strerror or error}") from error
        with self._opened() as base:
            base.execute(table)

    def read(self, query: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row that a query finds."""
        with self._opened() as base:
            row: tuple[Any, ...] | None = base.execute(query, values).fetchone()
        return row

    def write(self, statement: str, values: Sequence[Any]) -> None:
        """Execute a statement, together with those of other threads; what it says is on disk when this returns."""
        with self._listing:
            self._waiting.append((statement, values))
        # Whoever waited here while another wrote finds its own statement written.
        with self._writing:
            with self._listing:
                batch, self._waiting = self._waiting, []
            if batch:
                with self._opened() as base:
                    for each in batch:
                        base.execute(*each)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """A connection for one transaction, which takes a fraction of a millisecond, so that no thread or fork shares one."""
        try:
            # Not in WAL mode, which shared folders of a cluster don't bear.
            with closing(sqlite3.connect(self.path, timeout=WAIT_S)) as base, base:
                yield base
        except sqlite3.Error as error:
            raise PipelineError(f"{self.path} can't be used to keep answers: {error}") from error
