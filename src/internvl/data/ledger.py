"""What was left out and why: one JSON line for each record that could not be used.

    {"dataset": "coco", "file": "coco.jsonl", "row": 17, "reason": "can't open 'a.png': No such file or directory"}

A line is written once, however often an epoch meets the record again, and is on disk when `drop` returns.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TypeAlias

from internvl.data.record import Origin

_Entry: TypeAlias = tuple[Origin, str]


class Ledger:
    """The ledger in the file `path`, continued where an earlier run left it; with None it is kept in memory only.

    No file is held open, so that a ledger survives forks and pickling; drops are rare enough for that.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._entries: dict[_Entry, None] = {}
        self._ends_line = True
        if path is not None and path.exists():
            self._read(path)

    def drop(self, origin: Origin, reason: str) -> None:
        """Note that a record was left out. Raises OSError when the file can't be written."""
        if (origin, reason) in self._entries:
            return
        self._entries[origin, reason] = None
        if self.path is None:
            return
        entry = {"dataset": origin.dataset, "file": origin.file, "row": origin.row, "reason": reason}
        # A line that a kill tore is ended first, or ours would be lost with it.
        line = ("" if self._ends_line else "\n") + json.dumps(entry, ensure_ascii=False) + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write(line.encode(errors="backslashreplace"))
        self._ends_line = True

    @property
    def dropped(self) -> int:
        """How many entries, those of earlier runs in the same file included."""
        return len(self._entries)

    def by_reason(self) -> dict[str, int]:
        """How many records each reason took, the most frequent first."""
        return dict(Counter(reason for _, reason in self._entries).most_common())

    def _read(self, path: Path) -> None:
        with path.open("rb") as file:
            for line in file:
                self._ends_line = line.endswith(b"\n")
                entry = _entry(line)
                if entry is not None:
                    self._entries[entry] = None


def _entry(line: bytes) -> _Entry | None:
    """An earlier line; None for one that was torn or is somebody else's."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    match fields:
        case {"dataset": str(dataset), "file": str(file), "row": int(row), "reason": str(reason)}:
            return Origin(dataset, file, row), reason
    return None
