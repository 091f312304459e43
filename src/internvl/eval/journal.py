"""The lines of a run while it grows: appended in whole batches, found again after a kill, put together when all are there.

    process 0 of 2 -> samples.0-of-2.jsonl  \\
    process 1 of 2 -> samples.1-of-2.jsonl  -> finished_rows -> {id: row} -> gather -> samples.jsonl, in file order

A batch is one write, so a kill costs the batch in flight and at most tears the last line, which is cut before the next append. The
disk is told to keep what it was given every few seconds and at the end: a power cut costs those seconds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from internvl.eval.errors import EvalError
from internvl.eval.results import SAMPLES_FILE, dump_row, parse_row, write_atomically
from internvl.eval.sample import Scored

SYNC_EVERY_S = 5.0
_LOCK_FILE = ".gather.lock"


class Journal:
    """The file one process appends to. Raises EvalError when another process has it open, or when it is somebody else's file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")
        if not _lock(self._file, wait=False):
            self._file.close()
            raise EvalError(f"{path} is being written by another run; wait for it, or give another folder")
        self._file.truncate(whole_bytes(path))
        self._synced = time.monotonic()

    def append(self, rows: Sequence[Scored]) -> None:
        """Add the lines of a batch; they survive a kill of this process once this returns."""
        self._file.write(b"".join(dump_row(row) for row in rows))
        self._file.flush()
        if time.monotonic() - self._synced > SYNC_EVERY_S:
            self._sync()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._sync()
        self._file.close()

    def _sync(self) -> None:
        os.fsync(self._file.fileno())
        self._synced = time.monotonic()


def journal_path(folder: Path, shard: tuple[int, int]) -> Path:
    """The file that this shard appends to: samples.jsonl itself for a run of one process."""
    index, count = shard
    return folder / (SAMPLES_FILE if count == 1 else f"samples.{index}-of-{count}.jsonl")


def whole_bytes(path: Path) -> int:
    """Where the last whole line ends. What stands behind it was torn by a kill.

    Raises EvalError when the last line has no end and does not begin like one of ours: nothing of a stranger's file is cut.
    """
    size = path.stat().st_size
    start = b'{"id": '
    with path.open("rb") as file:
        end = size
        while end > 0:
            begin = max(0, end - (1 << 16))
            file.seek(begin)
            found = file.read(end - begin).rfind(b"\n")
            if found >= 0:
                end = begin + found + 1
                break
            end = begin
        file.seek(end)
        torn = file.read(len(start))
    if not start.startswith(torn[: len(start)]):
        raise EvalError(f"{path} ends in a line that no run of ours wrote; give another folder")
    return end


def finished_rows(folder: Path) -> dict[str, Scored]:
    """Every whole line below the folder by sample id, whoever wrote it: runs may be continued with other numbers of processes.

    A failed line gives way to a later answer to the same sample. Raises EvalError for a broken line, and for a sample that has two
    different answers.
    """
    rows: dict[str, tuple[Scored, str]] = {}
    for path in journals(folder):
        for number, line in enumerate(_whole_lines(path), start=1):
            where = f"{path}:{number}"
            row = parse_row(line, where)
            earlier = rows.get(row.id)
            if earlier is None or "error" in earlier[0].score:
                rows[row.id] = (row, where)
            elif "error" not in row.score and row != earlier[0]:
                raise EvalError(f"sample {row.id} has two answers, at {earlier[1]} and at {where}; delete one of these lines")
    return {name: row for name, (row, _) in rows.items()}


def journals(folder: Path) -> list[Path]:
    """The files of samples in a run's folder: the gathered one first, then those of shards."""
    found = sorted(folder.glob("samples.*-of-*.jsonl"))
    whole = folder / SAMPLES_FILE
    return [whole, *found] if whole.exists() else found


def gather(folder: Path, ids: Sequence[str]) -> list[Scored] | None:
    """Make samples.jsonl hold exactly the samples `ids`, in this order, each once -> its rows; None while some are missing.

    Raises EvalError for samples beside these. The processes of a run may all call this: the last to finish finds all of them.
    """
    with _gathering(folder):
        rows = finished_rows(folder)
        check_asked(folder, rows, ids)
        if len(rows) < len(ids):
            return None
        ordered = [rows[name] for name in ids]
        content, whole = [dump_row(row) for row in ordered], folder / SAMPLES_FILE
        if not (whole.exists() and whole.read_bytes() == b"".join(content)):
            write_atomically(whole, content)
        for path in journals(folder)[1:]:
            path.unlink()
    return ordered


def check_asked(folder: Path, rows: Iterable[str], ids: Iterable[str]) -> None:
    """Raise EvalError when the folder holds samples that this run does not ask."""
    if strange := sorted(set(rows) - set(ids)):
        raise EvalError(
            f"{folder} holds {len(strange)} samples that this run does not ask, first {strange[0]}; "
            "raise the limit to include them, or give another folder"
        )


def _whole_lines(path: Path) -> Iterator[bytes]:
    """The lines with an end; the last one may just be being written by another process."""
    try:
        with path.open("rb") as file:
            yield from (line for line in file if line.endswith(b"\n"))
    except FileNotFoundError:
        # Another process has just gathered it into samples.jsonl.
        return


@contextmanager
def _gathering(folder: Path) -> Iterator[None]:
    """Only one process at a time puts files together."""
    with (folder / _LOCK_FILE).open("ab") as file:
        _lock(file, wait=True)
        yield


def _lock(file: BinaryIO, *, wait: bool) -> bool:
    """Whether this process now holds the file; a kill lets go of it. Systems without fcntl go without."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
