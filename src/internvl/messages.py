"""What users say: messages made of text, pictures and clips.

    Message(role="user", parts=("Which is older?", Image("a.png"), Image("b.png")))

Plain data without pixels: media are opened later, by `internvl.media`, when the processor needs them. Text is text: characters
that look like a special token stay characters. The marks of grounding are entered with `Ref` and `Box`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from internvl.errors import PromptError

if TYPE_CHECKING:
    import numpy
    import PIL.Image

Role: TypeAlias = Literal["system", "user", "assistant"]
ROLES: tuple[Role, ...] = ("system", "user", "assistant")


@dataclass(frozen=True)
class Image:
    """A picture: a path, the bytes of an image file, a `PIL.Image.Image`, or an RGB array `uint8[height, width, 3]`.

    max_tiles: this picture's own limit, instead of the one of the model's `TilePolicy`.
    """

    source: str | Path | bytes | PIL.Image.Image | numpy.ndarray[tuple[int, ...], numpy.dtype[numpy.uint8]]
    max_tiles: int | None = None


@dataclass(frozen=True, kw_only=True)
class VideoSampling:
    """Which stills of a clip are shown.

    frames: how many stills, spread over the clip by segments as the model card samples them; ignored when `fps` is given.
    fps: stills a second instead, at most `frames` of them when both are given.
    start_s, end_s: time bounds in seconds; None means the clip's own ends.
    max_tiles: tiles a still is cut into (1, as the model card does, unless more is asked for).
    """

    frames: int | None = None
    fps: float | None = None
    start_s: float | None = None
    end_s: float | None = None
    max_tiles: int = 1

    def __post_init__(self) -> None:
        if self.frames is not None and self.frames < 1:
            raise PromptError(f"a video needs at least 1 frame, not {self.frames}")
        if self.fps is not None and not 0 < self.fps < 1e4:
            raise PromptError(f"fps must be above 0 and below 10000, not {self.fps}")
        if self.start_s is not None and self.end_s is not None and self.end_s <= self.start_s:
            raise PromptError(f"a clip must end after it starts: start_s={self.start_s}, end_s={self.end_s}")


class Video:
    """A clip on disk (or the bytes of its file) and how its stills are chosen: `Video("clip.mp4", frames=16)`."""

    def __init__(
        self,
        source: str | Path | bytes,
        *,
        frames: int | None = None,
        fps: float | None = None,
        start_s: float | None = None,
        end_s: float | None = None,
        max_tiles: int = 1,
    ) -> None:
        self.source = source
        self.sampling = VideoSampling(frames=frames, fps=fps, start_s=start_s, end_s=end_s, max_tiles=max_tiles)

    def __repr__(self) -> str:
        shown = f"{len(self.source)} bytes" if isinstance(self.source, bytes) else str(self.source)
        return f"Video({shown!r}, {self.sampling})"


@dataclass(frozen=True)
class Ref:
    """A phrase to be located: enters the prompt as `<ref>phrase</ref>`, with the marks as control tokens."""

    phrase: str


@dataclass(frozen=True)
class Box:
    """A box in thousandths of width and height: enters as `<box>[[x1, y1, x2, y2]]</box>`, the marks as control tokens."""

    x1: int
    y1: int
    x2: int
    y2: int

    def __post_init__(self) -> None:
        corners = (self.x1, self.y1, self.x2, self.y2)
        if any(not 0 <= value <= 1000 for value in corners) or self.x1 > self.x2 or self.y1 > self.y2:
            raise PromptError(f"a box is x1 <= x2, y1 <= y2 in 0...1000 (thousandths of the picture), not {corners}")


Part: TypeAlias = str | Image | Video | Ref | Box
MEDIA = (Image, Video)


@dataclass(frozen=True)
class Message:
    """One turn: who speaks, and what is said, in order."""

    role: Role
    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise PromptError(f"a role is one of {', '.join(ROLES)}, not {self.role!r}")
        for part in self.parts:
            if not isinstance(part, str | Image | Video | Ref | Box):
                raise PromptError(f"a message is made of str, Image, Video, Ref and Box, not {type(part).__name__}")
            if self.role != "user" and isinstance(part, MEDIA):
                raise PromptError(f"pictures and clips belong in a user message, not in a {self.role} message")

    @property
    def text(self) -> str:
        """The text parts joined."""
        return "".join(part for part in self.parts if isinstance(part, str))

    @property
    def media(self) -> tuple[Image | Video, ...]:
        """The pictures and clips, in order."""
        return tuple(part for part in self.parts if isinstance(part, MEDIA))


def user(*parts: Part) -> Message:
    """What a user says: text, pictures and clips, in order."""
    return Message("user", parts)


def assistant(text: str) -> Message:
    """What the model said earlier."""
    return Message("assistant", (text,))


def system(text: str) -> Message:
    """The system message, instead of the template's own."""
    return Message("system", (text,))


def as_messages(question: str | Message | Sequence[Message]) -> tuple[Message, ...]:
    """A question in any accepted form as a tuple of messages."""
    if isinstance(question, str):
        return (user(question),)
    if isinstance(question, Message):
        return (question,)
    return tuple(question)
