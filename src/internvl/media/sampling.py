"""Which stills of a clip are shown: arithmetic on frame numbers, no decoding.

    segment_indices   n stills, one from the middle of each of n equal segments, as the model card's video loader picks them
    fps_indices       one still from the middle of each 1/fps seconds, as the training loader picks them

Indices count frames in the order in which they are shown, from 0. Times are seconds from the clip's start and become frame
numbers by the clip's average rate.
"""

from __future__ import annotations

import math

import numpy

from internvl.errors import MediaError

MAX_FRAMES = 4096
"""The most stills one clip may give: a million visual tokens at 256 a tile, more than any model of the family reads."""


def segment_indices(total_frames: int, fps: float, frames: int, start_s: float | None = None, end_s: float | None = None) -> list[int]:
    """`frames` indices, ascending, spread over the clip or the part of it between the two times.

    A clip with fewer frames than asked for repeats some. An end after the clip's end means its end.
    Raises `MediaError` for an empty clip, a part that lies outside it, or more than `MAX_FRAMES` stills.
    """
    _check_count(frames)
    first, last = _bounds(total_frames, fps, start_s, end_s)
    segment = (last - first) / frames
    # numpy's rounding (half to even) inside, truncation outside: the card's order of operations decides ties.
    return [int(first + segment / 2 + numpy.round(segment * index)) for index in range(frames)]


def fps_indices(
    total_frames: int,
    fps: float,
    stills_per_second: float,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    max_frames: int | None = None,
) -> list[int]:
    """Indices of the frames nearest to the centres of successive intervals of 1 / `stills_per_second` seconds.

    max_frames keeps the first ones only. A part shorter than half an interval gives its middle frame. A rate above the clip's
    own repeats frames. Raises `MediaError` as `segment_indices` does.
    """
    if not (math.isfinite(stills_per_second) and stills_per_second > 0):
        raise MediaError(f"stills are taken at a positive rate, not at {stills_per_second} per second")
    first, last = _bounds(total_frames, fps, start_s, end_s)
    start, interval = start_s or 0.0, 1 / stills_per_second
    length = (last + 1) / fps - start
    wanted = max(1, int(length * stills_per_second))
    if max_frames is not None:
        wanted, length = min(wanted, max_frames), min(length, (max_frames + 1) * interval)
    _check_count(wanted)
    # numpy.arange and around as in the loader: a centre often falls between two frames, and the last bit then decides.
    centres = start + numpy.arange(interval / 2, length + interval / 2, interval)
    nearest = numpy.around(centres * fps).astype(int).tolist()
    indices = [index for index in nearest if first <= index <= last][:max_frames]
    return indices or [(first + last) // 2]


def _bounds(total_frames: int, fps: float, start_s: float | None, end_s: float | None) -> tuple[int, int]:
    """First and last frame of the part, both included."""
    if total_frames < 1:
        raise MediaError(f"the clip has {total_frames} frames: at least 1 is needed")
    if not (math.isfinite(fps) and fps > 0):
        raise MediaError(f"the clip's rate is {fps} frames per second: it must be positive")
    for name, value in (("start_s", start_s), ("end_s", end_s)):
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise MediaError(f"{name} is a time of 0 s or later, not {value}")
    first = 0 if start_s is None else round(start_s * fps)
    last = total_frames - 1 if end_s is None else min(round(end_s * fps), total_frames - 1)
    if first > last:
        wanted = f"{start_s or 0:g} s to {'its end' if end_s is None else f'{end_s:g} s'}"
        raise MediaError(
            f"the clip is {total_frames / fps:.2f} s long ({total_frames} frames at {fps:.2f} per second): {wanted} holds none of it"
        )
    return first, last


def _check_count(frames: int) -> None:
    if not 1 <= frames <= MAX_FRAMES:
        raise MediaError(f"a clip gives 1 to {MAX_FRAMES} stills, {frames} were asked for: use fewer, or a shorter part")
