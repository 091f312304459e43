"""The pictures of a data set below one root: which of several names is there, how large it is, and where those inside tables go.

name -> root / name -> header -> (width, height) in pixels; Refused for a picture that is missing or unreadable
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from internvl.errors import MediaError
from internvl.media.image import image_size
from internvl.pipelines.convert.sample import Refused
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.whole_file import whole_file


class Pictures:
    """Pictures below `root`; without a root names are taken on trust."""

    def __init__(self, root: Path | None) -> None:
        if root is not None and not root.is_dir():
            raise PipelineError(f"--images: there is no folder {root}")
        self.root = root

    def find(self, names: Sequence[str]) -> str:
        """The first of the names that is there; the first of all where none is, or where there is no root to look in."""
        if self.root is not None:
            for name in names:
                if (self.root / name).is_file():
                    return name
        return names[0]

    def size(self, name: str) -> tuple[int, int]:
        """Width and height from the picture's header. Raises Refused, or PipelineError when there is no root."""
        if self.root is None:
            raise PipelineError("this data set does not tell the sizes of its pictures, which its boxes need: give --images ROOT")
        path = self.root / name
        if not path.is_file():
            raise Refused(f"missing picture: {path}")
        try:
            return image_size(path)
        except MediaError as error:
            raise Refused(f"unreadable picture: {' '.join(str(error).split())}") from error

    def store(self, name: str, content: bytes) -> None:
        """Write a picture that stood inside a table. Raises PipelineError without a root."""
        if self.root is None:
            raise PipelineError("this table carries its pictures inside: give --images FOLDER, where they are to be written")
        path = self.root / name
        if path.is_file() and path.stat().st_size == len(content):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(content)
