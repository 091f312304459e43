"""Stills of a clip, read with PyAV: the one door through which videos enter.

    file --timeline: packets, no decoding--> times of all frames --sampling--> indices --seek, decode--> RGB stills, upright

Only the wanted stills are kept: memory grows with them, not with the clip. Decoding starts at the keyframe before each wanted
frame, which is found again by its time; where times can't tell frames apart, all are decoded and counted.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy
import PIL.Image
from PIL.Image import Transpose

from internvl.errors import MediaError, MissingDependencyError
from internvl.media.image import MAX_PIXELS
from internvl.media.sampling import MAX_FRAMES, fps_indices, segment_indices
from internvl.media.source import named, open_source
from internvl.media.tiling import check_size
from internvl.media.timeline import Timeline, list_frames
from internvl.messages import Video

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["MAX_CLIP_PIXELS", "MAX_FRAMES", "Clip", "fps_indices", "plan_clip", "read_frames", "segment_indices"]

MAX_CLIP_PIXELS = 1_000_000_000
"""The most pixels all stills of a clip may have together: 3 GB, or 480 stills of full HD."""

FORMATS = "mov,mp4,matroska,webm,avi,gif,apng,mpegts,mpeg,mpegvideo,flv,asf,ogg,wav,mp3,aac,flac"
"""Demuxers that may run; sound only so that the error can say so. Playlists are left out, because they open other files."""

END_MARKS = {"gif": b"\x00;", "apng": b"IEND"}

SEEK_WORTH_FRAMES = 8
"""Frames that a seek must save; below, decoding on is cheaper."""

READ_BUFFER = 1 << 18

ROTATIONS = {90: Transpose.ROTATE_90, 180: Transpose.ROTATE_180, 270: Transpose.ROTATE_270}
"""Counter-clockwise turns, in degrees, that bring a clip upright; other angles are left alone."""

Stills = dict[int, PIL.Image.Image]
# Which frames are shown, given how many there are and how many a second.
Chooser = Callable[[int, float], list[int]]


@dataclass(frozen=True, kw_only=True)
class Clip:
    """Stills of a clip, in order. Equal indices share one picture.

    images: RGB pictures, upright; empty in a plan, which decodes nothing.
    indices: their frame numbers in order of presentation, from 0.
    timestamps_s: their times in seconds from the first frame.
    fps, total_frames: average rate and length of the whole clip.
    """

    images: tuple[PIL.Image.Image, ...]
    indices: tuple[int, ...]
    timestamps_s: tuple[float, ...]
    fps: float
    total_frames: int


def read_frames(video: Video, *, default_frames: int = 8) -> Clip:
    """Decode the stills that `video.sampling` asks for, `default_frames` of them if it does not say.

    Raises `MediaError` for a file that is missing, no video, damaged, truncated, or without frames, for a part outside the
    clip, and for frames or stills beyond the limits; `MissingDependencyError` without PyAV.
    """
    return read_chosen(video, lambda total, fps: _choose(video, total, fps, default_frames))


def read_chosen(video: Video, choose: Chooser) -> Clip:
    """Decode the stills whose indices `choose(total_frames, fps)` gives, whatever `video.sampling` says. Raises as `read_frames`."""
    timeline = _timeline(video)
    indices = choose(timeline.total, timeline.fps)
    stills = _decode_by_time(video, timeline, sorted(set(indices)))
    if stills is None:
        stills, total = _decode_by_count(video, sorted(set(indices)))
        if total != timeline.total:
            # Some packets hold no frame to show. Now that the true count is known, choose again and read again.
            timeline = timeline.counted(total)
            indices = choose(timeline.total, timeline.fps)
            stills, _ = _decode_by_count(video, sorted(set(indices)))
    return _clip(timeline, indices, tuple(stills[index] for index in indices))


def plan_clip(video: Video, *, default_frames: int = 8) -> Clip:
    """What `read_frames` would show, without decoding and without images. Raises as `read_frames`, except for damaged frames.

    A few clips (VP8 with hidden frames, recordings that start between keyframes) hold packets without a frame of their own;
    only decoding finds out, so their frame count can be too high here.
    """
    timeline = _timeline(video)
    return _clip(timeline, _choose(video, timeline.total, timeline.fps, default_frames), ())


def _timeline(video: Video) -> Timeline:
    with _opened(video.source) as (container, stream):
        return list_frames(container, stream)


def _choose(video: Video, total: int, fps: float, default_frames: int) -> list[int]:
    wanted = video.sampling
    bounds = {"start_s": wanted.start_s, "end_s": wanted.end_s}
    if wanted.fps is None:
        return segment_indices(total, fps, wanted.frames or default_frames, **bounds)
    return fps_indices(total, fps, wanted.fps, **bounds, max_frames=wanted.frames)


def _clip(timeline: Timeline, indices: list[int], images: tuple[PIL.Image.Image, ...]) -> Clip:
    return Clip(
        images=images,
        indices=tuple(indices),
        timestamps_s=tuple(timeline.seconds(index) for index in indices),
        fps=timeline.fps,
        total_frames=timeline.total,
    )


def _decode_by_time(video: Video, timeline: Timeline, wanted: list[int]) -> Stills | None:
    """The wanted frames by index, found by their times; None when a time leads to no frame."""
    times = timeline.times
    if times is None:
        return None
    stills: Stills = {}
    with _opened(video.source) as (container, stream):
        frames, position = container.decode(stream), -1
        for index in wanted:
            key = int(numpy.searchsorted(timeline.keys, times[index], side="right")) - 1
            if key < 0:
                return None
            if int(numpy.searchsorted(times, timeline.keys[key])) - position > SEEK_WORTH_FRAMES:
                container.seek(int(timeline.seeks[key]), stream=stream)
                frames = container.decode(stream)
            frame = _advance(frames, int(times[index]))
            if frame is None:
                return None
            stills[index] = _still(frame, len(wanted))
            position = index
    return stills


def _advance(frames: Iterator[VideoFrame], time: int) -> VideoFrame | None:
    """Decode on to the frame of that time; None if it is passed or never comes."""
    for frame in frames:
        if frame.pts is None or frame.pts > time:
            return None
        if frame.pts == time:
            return frame
    return None


def _decode_by_count(video: Video, wanted: list[int]) -> tuple[Stills, int]:
    """The wanted frames by index, and how many frames there are: all are decoded, the wanted ones kept."""
    stills: Stills = {}
    keep, total = set(wanted), 0
    with _opened(video.source) as (container, stream):
        for index, frame in enumerate(container.decode(stream)):
            if index in keep:
                stills[index] = _still(frame, len(wanted))
            total = index + 1
    return stills, total


def _still(frame: VideoFrame, stills: int) -> PIL.Image.Image:
    """An upright RGB picture of a frame, one of `stills` of about its size."""
    if frame.is_corrupt:
        raise MediaError(f"the frame at {frame.time or 0:.2f} s is damaged: repair or convert the clip, or choose another part")
    _check_frame_size(frame.width, frame.height)
    if frame.width * frame.height * stills > MAX_CLIP_PIXELS:
        raise MediaError(
            f"{stills} stills of {frame.width} x {frame.height} are more than {MAX_CLIP_PIXELS / 1e6:.0f} megapixels: "
            "ask for fewer frames, or scale the clip down"
        )
    image = PIL.Image.fromarray(frame.to_ndarray(format="rgb24"))
    turn = ROTATIONS.get(round(frame.rotation) % 360)
    return image if turn is None else image.transpose(turn)


@contextmanager
def _opened(source: str | Path | bytes) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its video stream. Whatever FFmpeg finds wrong inside the block becomes a `MediaError`."""
    try:
        import av
        import av.error
    except ImportError as error:
        raise MissingDependencyError("reading videos needs PyAV: pip install 'internvl[video]'") from error
    if not isinstance(source, str | Path | bytes):
        raise MediaError(f"a video is a path or the bytes of a video file, not {type(source).__name__}")
    # FFmpeg gets an open file, never a name: to FFmpeg, names can be URLs and protocols.
    with open_source(source) as file:
        try:
            with av.open(file, mode="r", options={"format_whitelist": FORMATS}, buffer_size=READ_BUFFER) as container:
                stream = _video_stream(container, named(source))
                _check_end(container.format.name, file, named(source))
                yield container, stream
        except av.error.FFmpegError as error:
            raise MediaError(f"{named(source)} is damaged, truncated, or no video of a known kind: {error.strerror}") from error


def _video_stream(container: InputContainer, label: str) -> VideoStream:
    """The first stream of moving pictures: the cover of a song is not one."""
    import av.stream

    covers = av.stream.Disposition.attached_pic
    streams = [each for each in container.streams.video if not each.disposition & covers]
    if not streams:
        raise MediaError(f"{label} has 0 video streams among its {len(container.streams)} streams: is it only sound?")
    stream = streams[0]
    if stream.codec_context is None:
        raise MediaError(f"{label} has a video stream that FFmpeg has no decoder for: convert it, for example to H.264")
    _check_frame_size(stream.codec_context.width, stream.codec_context.height)
    stream.thread_type = "AUTO"
    return stream


def _check_frame_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise MediaError(f"the clip's frames are {width} x {height}: it is empty or truncated")
    if width * height > MAX_PIXELS:
        raise MediaError(f"the clip's frames are {width} x {height}, the limit is {MAX_PIXELS / 1e6:.0f} megapixels: scale them down")
    check_size(width, height)


def _check_end(container_format: str, file: BinaryIO, label: str) -> None:
    """FFmpeg reads a GIF or APNG as far as it goes, and has no frame count to compare: look for the mark at its end."""
    mark = END_MARKS.get(container_format)
    if mark is None:
        return
    position = file.tell()
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 1024))
    tail = file.read()
    file.seek(position)
    if mark not in tail:
        raise MediaError(f"{label} is a truncated {container_format.upper()}: the mark that ends its {size} bytes is missing")
