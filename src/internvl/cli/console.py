"""What the terminal sees: answers and tables on stdout, everything else on stderr.

Consoles are made when they are needed: tests and pipes exchange `sys.stdout` behind our back.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from internvl.errors import InternVLError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

# A pipe has no width of its own; rich would assume 80 columns and cut the tables that people pipe into grep.
PIPE_WIDTH = 200
Justify = Literal["left", "right"]


class UsageError(InternVLError):
    """The command line asks for something that can't be; exit code 2."""


def out() -> Console:
    """The console of results."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() or "COLUMNS" in os.environ else Console(width=PIPE_WIDTH)


def err() -> Console:
    """The console of everything that is not a result."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def complain(error: Exception) -> None:
    """An error as one sentence on stderr."""
    write_error(f"error: {sentence(error)}")


def sentence(error: Exception) -> str:
    """What an error says, on one line. The system's errors are put as `FILE: reason`."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def write(text: str) -> None:
    """Text to stdout at once. A terminal gets no control characters: a picture may have taught the model to print some."""
    sys.stdout.write(printable(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


def write_line(text: str = "") -> None:
    """A line to stdout."""
    write(text + "\n")


def write_json(value: Any, *, indent: int | None = None) -> None:
    """JSON to stdout: one line, or indented."""
    write_line(json.dumps(value, ensure_ascii=False, indent=indent))


def write_error(text: str) -> None:
    """A line to stderr as it is, never wrapped."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def note(text: str) -> None:
    """A dim line on stderr: what was done and what it cost."""
    err().print(text, style="dim", markup=False, soft_wrap=True)


def printable(text: str) -> str:
    """The text with control characters, which could drive a terminal, shown as �."""
    return "".join(c if (c >= " " and not "\x7f" <= c <= "\x9f") or c in "\n\t" else "�" for c in text)


def bytes_in_words(size: int) -> str:
    """16.15 GB, 1.51 MB or 812 bytes."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if size >= 0.1 * factor:
            return f"{size / factor:.2f} {unit}"
    return f"{size} bytes"


def print_table(columns: Sequence[tuple[str, Justify]], rows: Iterable[Sequence[str]], *, title: str | None = None) -> None:
    """A table on stdout. Cells are text, never markup."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", header_style="bold", box=_box(), pad_edge=False, collapse_padding=True)
    for name, justify in columns:
        table.add_column(name, justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    out().print(table)


def print_facts(facts: Iterable[tuple[str, str]], *, title: str | None = None) -> None:
    """Names and values in two columns on stdout."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", title_style="bold", show_header=False, box=None)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(name, Text(value))
    out().print(table)


def progress(unit: str, *, quiet: bool = False) -> Progress:
    """A progress bar on stderr with count, rate and time left; nothing in a log file. Use as a context manager."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(f"{unit}, {{task.fields[rate]:.2f}}/s"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=err(),
        disable=quiet or not sys.stderr.isatty(),
    )


def _box() -> Any:
    from rich.box import SIMPLE_HEAD

    return SIMPLE_HEAD
