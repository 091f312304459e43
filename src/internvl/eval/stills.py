"""Stills of a clip as pictures of a question, decoded when somebody looks at them.

    clip, n --evalkit_frames--> frame numbers --decode, JPEG--> Still x n (Pillow pictures without pixels until they are needed)
    Still x n, text --frames_in_front--> Message

VLMEvalKit keeps stills as JPEG files of Pillow's default quality and shows these; the same is done here, in memory. Questions
about one clip share its JPEGs, which go away with them.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import PIL.Image

from internvl.eval.readers import Row
from internvl.media.video import plan_clip, read_chosen
from internvl.messages import Image, Message, Part, Video, user


def evalkit_frames(total: int, count: int) -> list[int]:
    """`count` frame numbers of a clip of `total` frames, the inner marks of `count` + 1 equal parts (VLMEvalKit)."""
    step = total / (count + 1)
    return [int(number * step) for number in range(1, count + 1)]


def frames_in_front(images: Sequence[Image], text: str) -> Message:
    """`Frame1: ` still ` Frame2: ` still ... on one line, then the text, as VLMEvalKit's adapter of 2024 writes them."""
    shown: list[Part] = []
    for number, image in enumerate(images, start=1):
        shown += [f"{' ' if number > 1 else ''}Frame{number}: ", image]
    return user(*shown, f"\n{text}")


def clip_of(row: Row, path: Path, count: int, previous: ClipStills | None) -> ClipStills:
    """The clip of a row; the one of the row before where it is the same. Raises BenchmarkFileError for one that is absent."""
    if previous is not None and (previous.path, previous.count) == (path, count):
        return previous
    if not path.is_file():
        raise row.error(f"the clip {path} is absent")
    return ClipStills(path, count)


class ClipStills:
    """`count` stills of a clip, by VLMEvalKit's rule. Nothing is opened before it is needed; safe to share between threads."""

    def __init__(self, path: Path, count: int) -> None:
        self.path = path
        self.count = count
        self._files: list[bytes] = []
        self._lock = threading.Lock()

    def images(self) -> tuple[Image, ...]:
        """The stills in order, each to be shown as one tile."""
        return tuple(Image(Still(self, number), max_tiles=1) for number in range(self.count))

    def times_ms(self) -> list[int]:
        """When each still is shown, in whole milliseconds by the clip's average rate; reads packets only. Raises MediaError."""
        plan = plan_clip(Video(self.path, frames=1))
        return [round(index * (1000 / plan.fps)) for index in evalkit_frames(plan.total_frames, self.count)]

    def file(self, number: int) -> bytes:
        """One still as a JPEG file. The first call decodes all. Raises MediaError, MissingDependencyError without PyAV."""
        with self._lock:
            if not self._files:
                clip = read_chosen(Video(self.path), lambda total, _: evalkit_frames(total, self.count))
                self._files = _jpegs(clip.images)
            return self._files[number]


class Still(PIL.Image.Image):
    """A picture that decodes its still when its size or its pixels are asked for, as Pillow does with files."""

    def __init__(self, clip: ClipStills, number: int) -> None:
        super().__init__()
        self.clip = clip
        self.number = number
        self._mode = "RGB"

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels. Raises MediaError as `load` does."""
        self.load()
        return self._size

    def load(self) -> Any:
        """The pixels. Raises MediaError for a clip that can't be read."""
        if self._im is None:
            picture = PIL.Image.open(io.BytesIO(self.clip.file(self.number)))
            picture.load()
            self._im, self._size = picture.im, picture.size
        return super().load()

    def __repr__(self) -> str:
        return f"Still({str(self.clip.path)!r}, {self.number + 1} of {self.clip.count})"


def _jpegs(images: Sequence[PIL.Image.Image]) -> list[bytes]:
    files: dict[int, bytes] = {}
    for image in images:
        if id(image) not in files:  # a short clip repeats stills
            stream = io.BytesIO()
            image.save(stream, "JPEG")
            files[id(image)] = stream.getvalue()
    return [files[id(image)] for image in images]
