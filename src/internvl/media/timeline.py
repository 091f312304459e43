"""When each frame of a clip is shown, from its packets alone: nothing is decoded.

    packets --list_frames--> Timeline: frame count, rate, the time of every frame, where decoding can start

The count is what the file holds, not what its header says; the header is used to notice that something is missing.
"""

from __future__ import annotations

import dataclasses
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy

from internvl.errors import MediaError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

Times: TypeAlias = numpy.ndarray[Any, numpy.dtype[numpy.int64]]

MAX_STREAM_FRAMES = 10_000_000
"""The longest clip that is listed, in frames: two days at 60 a second, 80 MB of times."""

SLACK_S = 0.04
"""How much earlier than promised an intact file may end, on top of half a frame: writers round."""


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """All frames of a stream. Times are in units of `time_base_s` seconds.

    times: int64[F], ascending; None when some are missing or equal, so that a time does not name a frame.
    keys: int64[K], times of the keyframes, ascending. seeks: int64[K], the time to seek to for each.
    """

    total: int
    fps: float
    time_base_s: float
    times: Times | None
    keys: Times
    seeks: Times

    def counted(self, total: int) -> Timeline:
        """The same stream with a frame count found by decoding; the times of packets then name no frames."""
        return dataclasses.replace(self, total=total, times=None)

    def seconds(self, index: int) -> float:
        """When frame `index` is shown, in seconds from the first."""
        if self.times is None:
            return index / self.fps
        return float(self.times[index] - self.times[0]) * self.time_base_s


@dataclass
class _Packets:
    """What is kept of the packets: 8 bytes a frame, so that hours of video stay small."""

    times: array[int] = field(default_factory=lambda: array("q"))
    keys: array[int] = field(default_factory=lambda: array("q"))
    seeks: array[int] = field(default_factory=lambda: array("q"))
    shown: int = 0
    hidden: int = 0
    last_end: int = 0  # of packets that say how long they are shown

    def end_s(self, stream: VideoStream) -> float:
        """When the last frame ends, at the latest: half a frame after what it says itself, or after its longest neighbour."""
        times = numpy.sort(numpy.asarray(self.times, dtype=numpy.int64))
        longest = int(numpy.diff(times).max(initial=0))
        end = max(self.last_end, int(times[-1]) if len(times) else 0)
        frames = 0.5 if self.last_end == end else 1.5
        return (end + frames * longest) * float(stream.time_base or 0)


def list_frames(container: InputContainer, stream: VideoStream) -> Timeline:
    """Read all packets of the stream. Raises `MediaError` if there are none, too many, or fewer than the header promises."""
    packets = _read(container, stream)
    _check_complete(stream, packets)
    time_base_s = float(stream.time_base or 0)
    times: Times | None = None
    if len(packets.times) == packets.shown and time_base_s > 0:
        times = numpy.sort(numpy.asarray(packets.times, dtype=numpy.int64))
        if bool((numpy.diff(times) == 0).any()):
            times = None
    keys = numpy.asarray(packets.keys, dtype=numpy.int64)
    order = numpy.argsort(keys, kind="stable")
    return Timeline(
        total=packets.shown,
        fps=_rate(stream, times, time_base_s),
        time_base_s=time_base_s,
        times=times,
        keys=keys[order],
        seeks=numpy.asarray(packets.seeks, dtype=numpy.int64)[order],
    )


def _read(container: InputContainer, stream: VideoStream) -> _Packets:
    packets = _Packets()
    for packet in container.demux(stream):
        if packet.size == 0:  # PyAV's mark that the file has ended
            continue
        if packet.is_discard:  # an edit list cuts it out
            packets.hidden += 1
            continue
        packets.shown += 1
        if packets.shown > MAX_STREAM_FRAMES:
            raise MediaError(f"the clip has more than {MAX_STREAM_FRAMES} frames: cut it into parts")
        if packet.pts is None:
            continue
        packets.times.append(packet.pts)
        if packet.duration:
            packets.last_end = max(packets.last_end, packet.pts + packet.duration)
        if packet.is_keyframe:
            packets.keys.append(packet.pts)
            # Demuxers look for this time among decoding times or presentation times; the earlier one is safe for both.
            packets.seeks.append(packet.pts if packet.dts is None else min(packet.dts, packet.pts))
    return packets


def _check_complete(stream: VideoStream, packets: _Packets) -> None:
    """MPEG-TS, made for broadcasts, promises nothing: a missing end can't be noticed there."""
    there = packets.shown + packets.hidden
    if packets.shown == 0:
        raise MediaError(f"the clip shows 0 frames (its header says {stream.frames}): it is empty or truncated")
    if stream.frames > there:
        raise MediaError(f"the clip is truncated: its header says {stream.frames} frames, {there} are there")
    if _promised_seconds(stream) > packets.end_s(stream) + SLACK_S:
        raise MediaError(
            f"the clip is truncated: its header says {_promised_seconds(stream):.2f} s, {packets.end_s(stream):.2f} s are there"
        )


def _promised_seconds(stream: VideoStream) -> float:
    """Matroska's DURATION tag, as in 00:01:05.480000000; 0 if there is none."""
    parts = stream.metadata.get("DURATION", "").split(":")
    try:
        hours, minutes, seconds = (float(part) for part in parts)
    except ValueError:
        return 0.0
    return hours * 3600 + minutes * 60 + seconds


def _rate(stream: VideoStream, times: Times | None, time_base_s: float) -> float:
    """Frames per second: the container's average, else what the times say, else (a single frame) 1."""
    if stream.average_rate:
        return float(stream.average_rate)
    if times is not None and len(times) > 1:
        return (len(times) - 1) / (float(times[-1] - times[0]) * time_base_s)
    return float(stream.guessed_rate or 1)
