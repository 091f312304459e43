"""Clips through data: URLs, and where pictures stand among the words of a message."""

from __future__ import annotations

from pathlib import Path

import pytest
from serve_fakes import FakeScheduler, body, client_of, data_url, png, survives

from internvl.messages import Image
from internvl.serve.translate import laid_out

av = pytest.importorskip("av")
CHAT = "/v1/chat/completions"


def clip(path: Path, frames: int) -> bytes:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=4)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(frames):
            container.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(stream.encode())
    return path.read_bytes()


def test_a_clip_is_shown_as_the_stills_asked_for(tmp_path: Path) -> None:
    scheduler = FakeScheduler()
    url = data_url(clip(tmp_path / "clip.mp4", 12), "video/mp4")
    with client_of(scheduler) as client:
        for options, stills in (({"frames": 5}, 5), ({}, 8), ({"fps": 2.0}, 6)):
            part = {"type": "video_url", "video_url": {"url": url, **options}}
            response = client.post(CHAT, json=body("What happens?", part))
            assert response.status_code == 200, response.text
            assert scheduler.submitted[-1].inputs.tiles == stills


def test_a_damaged_clip_is_a_422(tmp_path: Path) -> None:
    whole = clip(tmp_path / "clip.mp4", 3)
    with client_of() as client:
        for data in (whole[: len(whole) // 2], b"", b"not a clip"):
            part = {"type": "video_url", "video_url": {"url": data_url(data, "video/mp4"), "frames": 2}}
            response = client.post(CHAT, json=body("What?", part))
            assert response.status_code == 422, data[:20]
        assert survives(client)


def test_pictures_stand_in_front_unless_text_parts_them() -> None:
    one, two = Image(png(8, 8)), Image(png(9, 9))
    assert laid_out(["Q", one]) == laid_out([one, "Q"]) == [one, "\n", "Q"]
    assert laid_out(["Q", one, two]) == ["Image-1: ", one, "\n", "Image-2: ", two, "\n", "Q"]
    assert laid_out([one, "then", two, "Q"]) == [one, "\n", "then", "\n", two, "\n", "Q"]
