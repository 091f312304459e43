"""Text files of a benchmark: lists of names, captions, subtitles.

UTF-8, a byte order mark allowed --> text, or (line number from 1, line) of each line that is not blank
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from internvl.eval.errors import BenchmarkFileError


def read_text(path: Path) -> str:
    """The text of a file. Raises BenchmarkFileError when it can't be read or is not UTF-8."""
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise BenchmarkFileError(f"can't read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise BenchmarkFileError(f"{path} is not UTF-8 text: byte {error.start}") from error


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number from 1, text without outer blanks) of each line that is not blank. BenchmarkFileError if there are none."""
    lines = read_text(path).split("\n")
    if not any(line.strip() for line in lines):
        raise BenchmarkFileError(f"{path} has no lines")
    return ((number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip())
