"""One line of a data set, in the words it was written in, before any pixel is opened.

    {"image": "a.png", "conversations": [{"from": "human", ...}, {"from": "gpt", ...}]}  ->  Record

Every released kind (text, picture, several pictures, clip, grounding) and every foreign format ends up as this one class.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from internvl.errors import InternVLError
from internvl.messages import Role

# A path, or the bytes of a file that came out of a tar or Parquet shard.
MediaSource: TypeAlias = Path | bytes


class RecordError(InternVLError, ValueError):
    """A record can't be used. `reason` is one sentence without file and line; `Origin` says where it stands."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Origin:
    """Where a record stands: name of the data set, its file, and line (JSONL) or row (Parquet, tar, JSON list), from 1."""

    dataset: str
    file: str
    row: int

    def __str__(self) -> str:
        return f"{self.file}:{self.row}"


@dataclass(frozen=True)
class Utterance:
    """What one speaker says; `<image>` and `<video>` in it mark where media stand."""

    role: Role
    text: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """A conversation with its media.

    images, videos: in the order of their marks. clip: start and end in seconds. sizes: width and height of each picture where the
    record tells them. tokens: a text length that was computed before. rejected: the worse answer to the last question (preference
    training), the better one being the last utterance.
    """

    origin: Origin
    utterances: tuple[Utterance, ...]
    images: tuple[MediaSource, ...] = ()
    videos: tuple[MediaSource, ...] = ()
    clip: tuple[float, float] | None = None
    sizes: tuple[tuple[int, int], ...] | None = None
    tokens: int | None = None
    rejected: str | None = None
    id: str | None = None
