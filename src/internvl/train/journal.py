"""The run as JSON lines: one a step in OUT/log.jsonl, which nobody has to ask for.

    {"step": 12, "loss": 1.84, "accuracy": 0.61, "lr": 4e-05, "grad_norm": 0.9, "tokens": 8100, "tiles": 31, "seconds": 2.1, ...}

A continued run cuts off the lines after the step it continues from, so that each step stands there once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from internvl.checkpoint.shard_writer import write_text


class Journal:
    """Appends to a file of JSON lines. `path` None: writes nothing (ranks other than the first)."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def begin(self, step: int) -> None:
        """Keep the lines up to `step` steps; a new run (step 0) begins an empty file."""
        if self.path is None:
            return
        kept = [line for line in read_journal(self.path) if line["step"] <= step]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_text(self.path, "".join(_line(each) for each in kept))

    def write(self, values: Mapping[str, Any]) -> None:
        """Append one line; numbers that are none (nan) become null, which JSON knows."""
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_line(values))


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The lines of a log; [] without a file. A line that a kill tore is left out."""
    if not path.exists():
        return []
    lines = []
    for text in path.read_text("utf-8").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int):
            lines.append(line)
    return lines


def dropped_summary(by_reason: Mapping[str, int], *, most: int = 5) -> str:
    """What was left out of training, in one sentence; empty when nothing was."""
    total = sum(by_reason.values())
    if not total:
        return ""
    shown = "; ".join(f"{count} x {reason}" for reason, count in list(by_reason.items())[:most])
    rest = len(by_reason) - most
    return f"{total} records were left out: {shown}" + (f"; and {rest} more reasons" if rest > 0 else "")


def _line(values: Mapping[str, Any]) -> str:
    known = {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in values.items()}
    return json.dumps(known, ensure_ascii=False) + "\n"
