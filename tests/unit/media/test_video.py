"""Stills come from the frames they are said to come from, in bounded memory, or not at all."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import textwrap
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from internvl.errors import MediaError, MissingDependencyError
from internvl.media import video as video_module
from internvl.media.sampling import segment_indices
from internvl.media.video import plan_clip, read_frames
from internvl.messages import Video

av = pytest.importorskip("av")

KINDS = {
    "mp4-mpeg4": ("mp4", "mpeg4"),
    "mp4-h264": ("mp4", "libx264"),
    "mkv-h264": ("matroska", "libx264"),
    "webm-vp9": ("webm", "libvpx-vp9"),
    "avi-mpeg4": ("avi", "mpeg4"),
    "ts-h264": ("mpegts", "libx264"),
    "gif": ("gif", "gif"),
    "apng": ("apng", "apng"),
}
PIXELS = {"gif": "rgb8", "apng": "rgb24"}


def clip(kind: str, frames: int = 100, *, size: tuple[int, int] = (32, 24), rate: int = 10, **options: str) -> bytes:
    """A clip whose frame i is grey of level `level(i)`: its number can be read back from its pixels."""
    container_format, codec = KINDS[kind]
    stream = io.BytesIO()
    with av.open(stream, "w", format=container_format, options=options) as container:
        track = container.add_stream(codec, rate=rate)
        track.width, track.height, track.pix_fmt = *size, PIXELS.get(codec, "yuv420p")
        if codec not in PIXELS:
            track.gop_size, track.max_b_frames, track.bit_rate = 12, 0 if codec == "libvpx-vp9" else 2, 4_000_000
        for number in range(frames):
            grey = np.full((size[1], size[0], 3), level(number), np.uint8)
            container.mux(track.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(track.encode())
    return stream.getvalue()


def level(number: int) -> int:
    return 20 + number * 37 % 200


def brightness(image: PIL.Image.Image) -> float:
    return float(np.asarray(image).mean())


@pytest.mark.parametrize("kind", KINDS)
def test_the_right_frames_come_out(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "clip"
    path.write_bytes(clip(kind))
    found = read_frames(Video(path, frames=8))
    assert (found.total_frames, found.fps) == (100, 10.0)
    assert list(found.indices) == segment_indices(100, 10.0, 8)
    np.testing.assert_allclose(found.timestamps_s, [index / 10 for index in found.indices], atol=1e-3)
    exact = 40 if kind == "gif" else 8  # 3-3-2 bit colours
    for index, image in zip(found.indices, found.images, strict=True):
        assert (image.mode, image.size) == ("RGB", (32, 24))
        assert abs(brightness(image) - level(index)) <= exact
    plan = plan_clip(Video(path, frames=8))
    assert (plan.indices, plan.timestamps_s, plan.images) == (found.indices, found.timestamps_s, ())


@pytest.mark.parametrize("kind", KINDS)
def test_seeking_gives_the_frames_that_counting_gives(kind: str) -> None:
    movie = Video(clip(kind, 200))
    timeline = video_module._timeline(movie)
    for wanted in ([0], [0, 5, 100, 150, 199], [37, 38, 120], list(range(3, 200, 7))):
        counted, total = video_module._decode_by_count(movie, wanted)
        sought = video_module._decode_by_time(movie, timeline, wanted)
        assert total == 200
        assert sought is not None
        assert [sought[index].tobytes() for index in wanted] == [counted[index].tobytes() for index in wanted]


def test_open_groups_of_pictures() -> None:
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        track = container.add_stream("libx264", rate=25, options={"x264-params": "open-gop=1:bframes=3:keyint=15:scenecut=0"})
        track.width, track.height, track.pix_fmt = 32, 24, "yuv420p"
        for number in range(120):
            grey = np.full((24, 32, 3), level(number), np.uint8)
            container.mux(track.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(track.encode())
    movie = Video(stream.getvalue())
    wanted = list(range(1, 120, 13))
    sought = video_module._decode_by_time(movie, video_module._timeline(movie), wanted)
    counted, _ = video_module._decode_by_count(movie, wanted)
    assert sought is not None
    assert [sought[index].tobytes() for index in wanted] == [counted[index].tobytes() for index in wanted]


def test_where_times_name_no_frames_they_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The listing says 103 frames, decoding finds 100: the stills are chosen among 100."""
    real = video_module.list_frames
    monkeypatch.setattr(video_module, "list_frames", lambda *given: real(*given).counted(103))
    found = read_frames(Video(clip("mp4-h264"), frames=8))
    assert found.total_frames == 100
    assert list(found.indices) == segment_indices(100, 10.0, 8)
    assert all(abs(brightness(image) - level(index)) <= 8 for index, image in zip(found.indices, found.images, strict=True))


def test_bounds_rates_and_repeats() -> None:
    data = clip("mp4-h264")
    assert list(read_frames(Video(data, frames=2, start_s=2.0, end_s=4.0)).indices) == [25, 35]
    assert list(read_frames(Video(data, fps=1)).indices) == list(range(5, 100, 10))
    assert list(read_frames(Video(data, fps=1, frames=4)).indices) == [5, 15, 25, 35]
    assert len(read_frames(Video(data)).images) == 8
    assert len(read_frames(Video(data), default_frames=3).images) == 3
    short = read_frames(Video(clip("mp4-h264", 4), frames=8))
    assert list(short.indices) == [0, 0, 1, 1, 2, 2, 2, 3]
    assert short.images[0] is short.images[1]
    assert len({id(image) for image in short.images}) == 4
    assert list(read_frames(Video(clip("gif", 1), frames=2)).indices) == [0, 0]


def test_ten_thousand_frames_in_bounded_memory(tmp_path: Path) -> None:
    """All frames as pictures would take 10,000 x 160 x 120 x 3 = 576 MB. A process of its own shows the true peak."""
    path = tmp_path / "long.mp4"
    path.write_bytes(clip("mp4-mpeg4", 10_000, size=(160, 120), rate=30))
    warm = tmp_path / "short.mp4"
    warm.write_bytes(clip("mp4-mpeg4", 50, size=(160, 120), rate=30))
    script = f"""
        import resource
        from internvl.media.video import read_frames
        from internvl.messages import Video
        read_frames(Video({str(warm)!r}))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found = read_frames(Video({str(path)!r}, frames=16))
        assert found.total_frames == 10_000, found.total_frames
        assert found.indices[0] == 312 and found.indices[-1] == 9686, found.indices
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 40_000  # kB


def turned(data: bytes, matrix: tuple[int, ...]) -> bytes:
    """The MP4 with another display matrix in its track header: nine 16.16 numbers (the last column 2.30), 40 bytes in."""
    at = data.index(b"tkhd") + 4 + 40
    return data[:at] + struct.pack(">9i", *matrix) + data[at + 36 :]


@pytest.mark.parametrize(("quarter_turns", "corners"), [(0, "wkkk"), (1, "kwkk"), (2, "kkkw"), (3, "kkwk")])
def test_rotation_is_honoured(quarter_turns: int, corners: str) -> None:
    """A white corner, top left as stored, is shown turned clockwise. Corners: top left, top right, bottom left, bottom right."""
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        track = container.add_stream("mpeg4", rate=10)
        track.width, track.height, track.pix_fmt = 64, 32, "yuv420p"
        shown = np.zeros((32, 64, 3), np.uint8)
        shown[:16, :32] = 255
        for _ in range(5):
            container.mux(track.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
        container.mux(track.encode())
    cosine, sine = ((1, 0), (0, 1), (-1, 0), (0, -1))[quarter_turns]
    matrix = (cosine << 16, sine << 16, 0, -sine << 16, cosine << 16, 0, 0, 0, 1 << 30)
    image = read_frames(Video(turned(stream.getvalue(), matrix), frames=1)).images[0]
    assert image.size == ((64, 32) if quarter_turns % 2 == 0 else (32, 64))
    width, height = image.size
    places = [(4, 4), (width - 4, 4), (4, height - 4), (width - 4, height - 4)]
    assert "".join("w" if image.getpixel(place)[0] > 128 else "k" for place in places) == corners


def sound() -> bytes:
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        track = container.add_stream("aac", rate=16_000, layout="mono")
        for number in range(10):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 16_000, number * 1024, Fraction(1, 16_000)
            container.mux(track.encode(frame))
        container.mux(track.encode())
    return stream.getvalue()


def png() -> bytes:
    stream = io.BytesIO()
    PIL.Image.new("RGB", (8, 8)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 bytes"),
        (b"not a video at all" * 100, "no video of a known kind"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", "no video of a known kind"),
        (b"ffconcat version 1.0\nfile /etc/hostname\n", "no video of a known kind"),
        (png(), "no video of a known kind"),
        (sound(), "0 video streams among its 1"),
    ],
    ids=["empty", "text", "playlist", "concat", "picture", "sound"],
)
def test_what_is_no_video_is_refused(data: bytes, message: str) -> None:
    for read in (read_frames, plan_clip):
        with pytest.raises(MediaError, match=message) as caught:
            read(Video(data))
        assert "0x" not in str(caught.value)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "ts-h264"])
@pytest.mark.parametrize("kept", [0.85, 0.5, 0.1, 0.01])
def test_truncated_clips_are_refused(kind: str, kept: float) -> None:
    data = clip(kind, 200)
    with pytest.raises(MediaError):
        read_frames(Video(data[: int(len(data) * kept)]))


def test_a_truncated_clip_whose_header_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        track = container.add_stream("mpeg4", rate=10)
        track.width, track.height, track.pix_fmt = 64, 64, "yuv420p"
        rng = np.random.default_rng(0)
        for _ in range(100):
            noise = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
            container.mux(track.encode(av.VideoFrame.from_ndarray(noise, format="rgb24")))
        container.mux(track.encode())
    data = path.read_bytes()
    assert read_frames(Video(data)).total_frames == 100
    with pytest.raises(MediaError, match=r"truncated: its header says 100 frames, \d\d are there"):
        read_frames(Video(data[: len(data) // 2]))


@pytest.mark.parametrize("kind", ["mp4-h264", "avi-mpeg4", "mkv-h264"])
def test_clips_without_frames_are_refused(kind: str) -> None:
    with pytest.raises(MediaError):
        read_frames(Video(clip(kind, 0)))


def test_parts_outside_the_clip_are_refused() -> None:
    data = clip("mp4-h264")
    with pytest.raises(MediaError, match=r"10\.00 s long \(100 frames at 10\.00 per second\): 30 s to 40 s"):
        read_frames(Video(data, start_s=30.0, end_s=40.0))
    with pytest.raises(MediaError, match="5000 were asked for"):
        read_frames(Video(data, frames=5000))


def test_limits_on_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    data = clip("mp4-h264")
    monkeypatch.setattr(video_module, "MAX_CLIP_PIXELS", 32 * 24 * 7)
    assert len(read_frames(Video(data, frames=7)).images) == 7
    with pytest.raises(MediaError, match="8 stills of 32 x 24"):
        read_frames(Video(data, frames=8))
    monkeypatch.setattr(video_module, "MAX_PIXELS", 32 * 24 - 1)
    with pytest.raises(MediaError, match="frames are 32 x 24"):
        read_frames(Video(data, frames=1))


def test_missing_files_urls_and_other_types(tmp_path: Path) -> None:
    sources: list[tuple[Any, str]] = [
        (tmp_path / "no.mp4", "can't open.*No such file"),
        (tmp_path, "can't open"),
        ("https://example.org/a.mp4", "URL"),
        ("rtsp://example.org/a", "can't open"),
        (3, "not int"),
    ]
    for source, message in sources:
        with pytest.raises(MediaError, match=message):
            read_frames(Video(source))


def test_without_pyav_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'internvl\[video\]'"):
        read_frames(Video(b"anything"))
