"""Where pictures and clips are decoded: in this process, unless whoever reads files of strangers gives a better place.

    Image | Video --sizes, from headers--> (width, height) of each still
                  --cut--> Cut of each still: uint8[T, S, S, 3] and a grid

A processor asks an `Opener`; `LocalOpener` works here and now, a server's works in a process with limits.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

import PIL.Image

from internvl.media.cutting import Colour, Cut, cut
from internvl.media.image import MAX_PIXELS, image_size, open_image
from internvl.media.tiling import TilePolicy
from internvl.media.video import plan_clip, read_frames
from internvl.messages import Image, Video

Size: TypeAlias = tuple[int, int]

DEFAULT_FRAMES = 8
"""As in the model card's examples: a clip is shown as this many stills unless the user asks for another number."""


class Opener(Protocol):
    """Opens pictures and clips. Both methods raise `MediaError`, and `MissingDependencyError` without PyAV."""

    def sizes(self, part: Image | Video) -> tuple[Size | None, ...]:
        """(width, height) of each still, from headers; None for the stills of a clip that need no size because they are one tile."""

    def cut(self, part: Image | Video, policy: TilePolicy, padding: Colour) -> tuple[Cut, ...]:
        """The tiles of each still: one for a picture, several for a clip."""


class LocalOpener:
    """Opens in this process. `max_pixels`: of one picture."""

    def __init__(self, max_pixels: int = MAX_PIXELS) -> None:
        self.max_pixels = max_pixels

    def sizes(self, part: Image | Video) -> tuple[Size | None, ...]:
        """See `Opener`. Stills of several tiles need their clip's size, so it is decoded."""
        if isinstance(part, Image):
            return (image_size(part.source, max_pixels=self.max_pixels),)
        if part.sampling.max_tiles == 1:
            return (None,) * len(plan_clip(part, default_frames=DEFAULT_FRAMES).indices)
        return tuple(image.size for image in read_frames(part, default_frames=DEFAULT_FRAMES).images)

    def cut(self, part: Image | Video, policy: TilePolicy, padding: Colour) -> tuple[Cut, ...]:
        """See `Opener`."""
        return tuple(cut(image, policy, padding) for image in self.images(part))

    def images(self, part: Image | Video) -> tuple[PIL.Image.Image, ...]:
        """The picture, or the stills of the clip, upright and RGB. Raises as `cut`."""
        if isinstance(part, Image):
            return (open_image(part.source, max_pixels=self.max_pixels),)
        return read_frames(part, default_frames=DEFAULT_FRAMES).images
