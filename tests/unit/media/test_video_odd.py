"""Clips that players disagree about: AV1, ten hours, frames that change their size, a huge first frame, uneven times."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy
import pytest

from internvl.errors import MediaError
from internvl.media.video import read_frames
from internvl.messages import Video


def _written(form: str, codec: str, frames: list[numpy.ndarray], *, times: list[int] | None = None, rate: int = 10) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, rate)
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number if times is None else times[number]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def _grey(level: int, *, width: int = 64, height: int = 64) -> numpy.ndarray:
    return numpy.full((height, width, 3), level, numpy.uint8)


@pytest.mark.parametrize("form", ["mp4", "webm", "matroska"])
def test_av1(form: str) -> None:
    if "libsvtav1" not in av.codecs_available:
        pytest.skip("this PyAV can't write AV1")
    clip = read_frames(Video(_written(form, "libsvtav1", [_grey(20 * number) for number in range(12)]), frames=4))
    assert clip.total_frames == 12
    for image, index in zip(clip.images, clip.indices, strict=True):
        assert abs(image.convert("L").getpixel((32, 32)) - 20 * index) <= 4


def test_ten_hours_are_sampled_without_decoding_them() -> None:
    """36,000 stills, one a second: those wanted are found by their times."""
    shades = [_grey(0, width=16, height=16), _grey(220, width=16, height=16)]
    content = _written("matroska", "mpeg4", [shades[number >= 18_000] for number in range(36_000)], rate=1)
    clip = read_frames(Video(content, frames=4))
    assert clip.total_frames == 36_000
    assert [round(time / 3600) for time in clip.timestamps_s] == [1, 4, 6, 9]
    assert [image.convert("L").getpixel((8, 8)) > 128 for image in clip.images] == [False, False, True, True]


def test_frames_that_change_their_size() -> None:
    """Broadcasts do so in the middle of a stream; each still has the size of its frame."""
    small = _written("mpegts", "mpeg2video", [_grey(40)] * 10)
    large = _written("mpegts", "mpeg2video", [_grey(200, width=128, height=96)] * 10, times=list(range(10, 20)))
    clip = read_frames(Video(small + large, frames=4))
    assert {image.size for image in clip.images} == {(64, 64), (128, 96)}
    assert clip.images[0].size == (64, 64)


def test_a_huge_frame_among_small_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit counts what is decoded, not what the first frame's header says."""
    small = _written("mpegts", "mpeg2video", [_grey(40)] * 10)
    large = _written("mpegts", "mpeg2video", [_grey(200, width=1024, height=512)] * 10, times=list(range(10, 20)))
    monkeypatch.setattr("internvl.media.video.MAX_PIXELS", 100_000)
    with pytest.raises(MediaError, match="1024 x 512"):
        read_frames(Video(small + large, frames=8))


def test_uneven_times_are_kept() -> None:
    times = [0, 1, 2, 30, 31, 90]
    clip = read_frames(Video(_written("matroska", "mpeg4", [_grey(40 * number) for number in range(6)], times=times), frames=5))
    assert [round(10 * time) for time in clip.timestamps_s] == [times[index] for index in clip.indices]
