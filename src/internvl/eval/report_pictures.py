"""The pictures of a report: scaled down, each kept once however many questions ask about it, up to a number of bytes.

Image or Video of a sample -> thumbnail JPEG -> "data:image/jpeg;base64,..." in a list; a card refers to it by its place
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

import PIL.Image

from internvl.errors import MediaError, MissingDependencyError
from internvl.media.image import open_image
from internvl.messages import Image, Video

QUALITY = 80
STILLS = 4


@dataclass(frozen=True)
class Shown:
    """A picture in the page. place: in `PictureStore.urls`; None if it isn't shown, for a `reason`. size: of the original."""

    place: int | None
    size: tuple[int, int] = (0, 0)
    reason: str = ""


@dataclass
class PictureStore:
    """All pictures of a page. side: longest, in pixels. max_bytes: of all data URLs together; what is beyond is left out, counted."""

    side: int
    max_bytes: int
    urls: list[str] = field(default_factory=list)
    bytes_used: int = 0
    left_out: int = 0
    _places: dict[str, int] = field(default_factory=dict)

    def add(self, part: Image | Video) -> Iterator[Shown]:
        """The picture, or stills of the clip. One that can't be opened is shown as a sentence; the report is still of use."""
        try:
            for picture in _pictures(part):
                yield self._add(picture)
        except (MediaError, MissingDependencyError, OSError) as error:
            yield Shown(None, reason=str(error))

    def _add(self, picture: PIL.Image.Image) -> Shown:
        content = _jpeg(picture, self.side)
        key = hashlib.sha256(content).hexdigest()
        if key in self._places:
            return Shown(self._places[key], picture.size)
        url = "data:image/jpeg;base64," + base64.b64encode(content).decode("ascii")
        if self.bytes_used + len(url) > self.max_bytes:
            self.left_out += 1
            return Shown(None, picture.size, "left out: the page has its limit of bytes")
        self._places[key] = len(self.urls)
        self.urls.append(url)
        self.bytes_used += len(url)
        return Shown(self._places[key], picture.size)


def _pictures(part: Image | Video) -> Iterator[PIL.Image.Image]:
    if isinstance(part, Image):
        yield open_image(part.source)
        return
    from internvl.media.video import read_frames

    start_s, end_s = part.sampling.start_s, part.sampling.end_s
    yield from read_frames(Video(part.source, frames=STILLS, start_s=start_s, end_s=end_s)).images


def _jpeg(picture: PIL.Image.Image, side: int) -> bytes:
    small = picture.copy()
    small.thumbnail((side, side), PIL.Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    small.convert("RGB").save(stream, "JPEG", quality=QUALITY, optimize=True)
    return stream.getvalue()
