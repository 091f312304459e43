"""Which stills of a clip a training example shows, drawn anew for each seed, and how they are read.

    clip --timeline, no decoding--> frames, rate --FrameDraw--> indices --read_stills--> RGB stills

A clip is a video file, or a folder of numbered pictures. It is cut into as many equal stretches as stills are wanted, and each gives
one frame: a random one (`rand`) or its middle one (`middle`). A clip with fewer frames than wanted gives all of them once; the
released loader repeats the last one, which costs tokens and shows nothing.
"""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import PIL.Image

from internvl.data.record import MediaSource
from internvl.errors import MediaError
from internvl.media import video
from internvl.media.image import open_image
from internvl.media.sampling import MAX_FRAMES
from internvl.messages import Video

FrameMethod: TypeAlias = Literal["rand", "middle"]

# What stands before each still. The model card, and so chat, writes no hyphen. The released training loader does, and the 2.5 report
# too: what is trained on goes on with the spelling that the models have learnt.
TRAINING_FRAME_TAG = "Frame-{}: "
CARD_FRAME_TAG = "Frame{}: "

FRAME_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})


@dataclass(frozen=True, kw_only=True)
class FrameDraw:
    """How stills are drawn. limits: least and most stills, both included; how many is drawn too. clip: start and end in seconds."""

    limits: tuple[int, int]
    seed: str
    method: FrameMethod = "rand"
    clip: tuple[float, float] | None = None

    @property
    def wanted(self) -> int:
        """How many stills, if the clip has as many frames."""
        return self._source().randint(*self.limits)

    def indices(self, total: int, fps: float) -> list[int]:
        """Ascending frame numbers, none twice, of a clip of `total` frames at `fps` a second. The same for the same seed.

        Raises MediaError for an empty clip or a part outside it.
        """
        first, last = _bounds(total, fps, self.clip)
        source = self._source()
        wanted = min(source.randint(*self.limits), last - first + 1, MAX_FRAMES)
        edges = [first + (last + 1 - first) * number // wanted for number in range(wanted + 1)]
        stretches = itertools.pairwise(edges)
        if self.method == "middle":
            return [(start + end - 1) // 2 for start, end in stretches]
        # Both ends included: the released loader never shows the last frame of a stretch.
        return [source.randint(start, end - 1) for start, end in stretches]

    def _source(self) -> random.Random:
        return random.Random(f"frames {self.seed}")


def count_stills(source: MediaSource, draw: FrameDraw) -> int:
    """How many stills `read_stills` will give, from the file's packets or the folder's listing alone. Raises MediaError."""
    files = _frame_files(source, draw)
    if files is not None:
        return len(draw.indices(len(files), 1.0))
    plan = video.plan_clip(Video(source))
    return len(draw.indices(plan.total_frames, plan.fps))


def read_stills(source: MediaSource, draw: FrameDraw) -> list[PIL.Image.Image]:
    """The drawn stills in order: upright RGB pictures. Raises MediaError, and MissingDependencyError without PyAV."""
    files = _frame_files(source, draw)
    if files is not None:
        return [open_image(files[index]) for index in draw.indices(len(files), 1.0)]
    return list(video.read_chosen(Video(source), draw.indices).images)


def _frame_files(source: MediaSource, draw: FrameDraw) -> Sequence[Path] | None:
    """The pictures of a folder in the order of the last number in their names; None for a file."""
    if isinstance(source, bytes) or not source.is_dir():
        return None
    if draw.clip is not None:
        raise MediaError(f"{source} is a folder of frames, which have no times: a clip in seconds can't be cut from it")
    files = [file for file in source.iterdir() if file.suffix.lower() in FRAME_SUFFIXES]
    if not files:
        raise MediaError(f"{source} is a folder without frames ({', '.join(sorted(FRAME_SUFFIXES))})")
    return sorted(files, key=lambda file: (_last_number(file.stem), file.name))


def _last_number(name: str) -> int:
    numbers = re.findall(r"\d+", name)
    return int(numbers[-1]) if numbers else -1


def _bounds(total: int, fps: float, clip: tuple[float, float] | None) -> tuple[int, int]:
    """First and last frame of the part, both included."""
    if total < 1:
        raise MediaError(f"the clip has {total} frames: at least 1 is needed")
    if clip is None:
        return 0, total - 1
    start_s, end_s = clip
    if not (math.isfinite(start_s) and math.isfinite(end_s)):
        raise MediaError(f"a part of a clip goes from one time in seconds to another, not from {start_s} to {end_s}")
    first, last = round(start_s * fps), min(round(end_s * fps), total - 1)
    if not 0 <= first <= last:
        raise MediaError(f"the clip is {total / fps:.2f} s long: {start_s:g} s to {end_s:g} s holds none of it")
    return first, last
