"""Where training data come from, how records become batches, and in which order: plain data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from internvl.errors import ConfigError

LossWeighting: TypeAlias = Literal["token", "sample", "square"]


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Where examples come from and how they are batched.

    manifest: a meta JSON of the released format, or one data file (JSONL, JSON, Parquet, tar), whose media are relative to `root`.
    """

    manifest: Path | None = None
    root: Path | None = None
    held_back: float = 0.0  # fraction of records (chosen by hash) kept out of training for `eval`
    max_tokens: int = 8192  # longest sequence; longer records are dropped, never cut
    max_tiles: int = 12
    packing: bool = True
    pack_tokens: int = 8192
    pack_tiles: int = 40
    pack_buffer: int = 20
    group_by_length: bool = False  # without packing: batches of similar lengths
    loss_weighting: LossWeighting = "token"
    mixing: Literal["manifest", "length", "sqrt_length"] = "length"
    video_frames: tuple[int, int] = (8, 32)
    workers: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.held_back < 1:
            raise ConfigError(f"held_back is a fraction from 0 to below 1, not {self.held_back}")
        for name in ("max_tokens", "max_tiles", "pack_tokens", "pack_tiles", "pack_buffer"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be 1 or more, not {getattr(self, name)}")
        if self.workers < 0:
            raise ConfigError(f"workers must be 0 (this process reads) or more, not {self.workers}")
        if not 1 <= self.video_frames[0] <= self.video_frames[1]:
            raise ConfigError(f"video_frames are the least and the most stills of a clip, 1 or more, not {self.video_frames}")
