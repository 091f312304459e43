"""Subtitles of a clip: SubRip files, and what is said at a moment.

00:00:01,000 --> 00:00:02,500 + lines --read_srt--> Subtitle [start, end, text] --text_at--> the text at a time
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from internvl.eval.errors import BenchmarkFileError
from internvl.eval.readers import read_text

_TIMES = re.compile(r"(\d{1,4}):(\d\d):(\d\d)[.,](\d{1,3}) *--> *(\d{1,4}):(\d\d):(\d\d)[.,](\d{1,3})")
_TAG = re.compile(r"<[^<>]{0,200}>")


@dataclass(frozen=True)
class Subtitle:
    """One text and when it is shown, in milliseconds. Its lines are joined by blanks."""

    start_ms: int
    end_ms: int
    text: str


def read_srt(path: Path) -> tuple[Subtitle, ...]:
    """The subtitles of a SubRip file, in file order. Marks such as `<i>` are dropped. Raises BenchmarkFileError."""
    text = read_text(path)
    found = list(_entries(text.splitlines()))
    if not found and text.strip():
        raise BenchmarkFileError(f"{path} has no line such as 00:00:01,000 --> 00:00:02,500: it is no SubRip file")
    return tuple(found)


def text_at(subtitles: Sequence[Subtitle], time_ms: float) -> str:
    """The first subtitle that is shown at this time, its very start and end left out (VLMEvalKit, Video-MME); "" for none."""
    return next((each.text for each in subtitles if each.start_ms < time_ms < each.end_ms), "")


def _entries(lines: Sequence[str]) -> Iterator[Subtitle]:
    times = [(place, match) for place, line in enumerate(lines) if (match := _TIMES.match(line.strip()))]
    ends = [*(place for place, _ in times[1:]), len(lines)][: len(times)]
    for (place, match), end in zip(times, ends, strict=True):
        yield Subtitle(_milliseconds(match, 1), _milliseconds(match, 5), _joined(lines[place + 1 : end], last=end == len(lines)))


def _joined(lines: Sequence[str], *, last: bool) -> str:
    """The text's lines, without the number of the next subtitle; a number may also follow the last one, as pysubs2 reads it."""
    kept = "\n".join(lines).strip().split("\n")
    if kept[-1].strip().isdecimal() and (len(kept) > 1 or not last):
        kept.pop()
    return " ".join(_TAG.sub("", line).strip() for line in "\n".join(kept).strip().split("\n"))


def _milliseconds(match: re.Match[str], group: int) -> int:
    hours, minutes, seconds = (int(match.group(group + place)) for place in range(3))
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + int(match.group(group + 3).ljust(3, "0"))
