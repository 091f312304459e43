"""Tiny stand-ins of the clip benchmarks: real videos whose frames can be told apart, and the files that ask about them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from benchmark_files import put_text, put_tsv

from internvl.eval.tasks.mvbench import KINDS


def put_clip(path: Path, *, frames: int = 20, rate: int = 10, size: tuple[int, int] = (32, 24)) -> Path:
    """An MP4 whose frame i is grey of level `level(i)`."""
    av = pytest.importorskip("av")
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp4") as container:
        track = container.add_stream("mpeg4", rate=rate)
        track.width, track.height, track.pix_fmt = *size, "yuv420p"
        for number in range(frames):
            grey = np.full((size[1], size[0], 3), level(number), np.uint8)
            container.mux(track.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(track.encode())
    return path


def level(number: int) -> int:
    return 15 + number * 10


def number_of(image: PIL.Image.Image) -> int:
    """Which frame of `put_clip` a picture shows."""
    return round((float(np.asarray(image.convert("L")).mean()) - 15) / 10)


def put_frame_folder(folder: Path, count: int) -> Path:
    """Pictures 00001.jpg, 00002.jpg, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    stream = io.BytesIO()
    PIL.Image.new("RGB", (16, 12), (90, 90, 90)).save(stream, "JPEG")
    for number in range(1, count + 1):
        (folder / f"{number:05d}.jpg").write_bytes(stream.getvalue())
    return folder


def put_mvbench(root: Path, *, change: Mapping[str, Any] | None = None) -> None:
    """All twenty kinds, a question each; a part of the clip where the kind has bounds."""
    clip = put_clip(root / "clip.mp4").read_bytes()
    for name, kind in KINDS.items():
        record: dict[str, Any] = {
            "video": "shown" if kind.folders else "shown.mp4",
            "question": f"What of {kind.title}?",
            "candidates": ["a dog runs", "a cat sits", "nothing."],
            "answer": "a cat sits",
        }
        if kind.bounded:
            record |= {"start": 0.5, "end": 1.5}
        place = root / "data/MVBench/video" / kind.clips / record["video"]
        if kind.folders:
            put_frame_folder(place, 6)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(clip)
        put_text(root / f"data/MVBench/json/{name}.json", json.dumps([{**record, **(change or {})}]))


def put_mmbench_video(root: Path, **change: Any) -> None:
    put_clip(root / "MMBench-Video/video/one.mp4")
    put_clip(root / "MMBench-Video/video/two.mp4", frames=5)
    rows = [
        {"index": 0, "video": "one", "question": "What is sold?", "answer": "Tea", "dimensions": "['OCR', 'Counting']"},
        {"index": 1, "video": "one", "question": "Why?", "answer": "Thirst", "dimensions": "['Causal Reasoning']"},
        {"index": 2, "video": "two", "question": "Who?", "answer": "Anna", "dimensions": "['Video Topic']"},
    ]
    put_tsv(root / "MMBench-Video/MMBench-Video.tsv", [{**row, **change} for row in rows])


VIDEOMME: Sequence[dict[str, Any]] = (
    {"duration": "short", "domain": "Knowledge", "sub_category": "Law", "task_type": "Counting Problem"},
    {"duration": "short", "domain": "Knowledge", "sub_category": "Law", "task_type": "OCR Problems"},
    {"duration": "long", "domain": "Film & Television", "sub_category": "Movie Trailer", "task_type": "OCR Problems"},
)


def put_videomme(root: Path, *, candidates: bool = False, **change: Any) -> None:
    """VLMEvalKit's TSV: options in the question as in 2024, or in a column of their own."""
    options = ["A. one", "B. two", "C. three", "D. four"]
    rows = []
    for number, groups in enumerate(VIDEOMME):
        put_clip(root / f"Video-MME/video/v{number}.mp4")
        row: dict[str, Any] = {"index": number, "video": f"v{number}", "question": f"How many at {number}?", "answer": "ABC"[number]}
        row |= {"candidates": repr(options)} if candidates else {"question": "\n".join([row["question"], *options])}
        rows.append({**row, **groups, **change})
    put_tsv(root / "Video-MME/Video-MME.tsv", rows)
    put_text(root / "Video-MME/subtitle/v0.srt", SUBTITLES)


SUBTITLES = """\ufeff1
00:00:00,000 --> 00:00:00,450
<i>Good morning,</i>
everybody

2
00:00:00,450 --> 00:00:01,000
how are you?

3
00:00:01,000 --> 00:00:01,000
never

4
00:00:01,650 --> 00:00:05,000
Bye
2
"""
