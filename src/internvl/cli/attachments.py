"""Pictures and clips named on a command line, checked before a model is loaded for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from internvl.cli.console import UsageError
from internvl.errors import MediaError
from internvl.messages import Image, Video

CLIP_SUFFIXES = frozenset((".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".flv", ".wmv", ".ogv", ".apng"))


def attach(paths: Sequence[str], *, clip: Mapping[str, Any]) -> list[Image | Video]:
    """Each path as a picture or a clip. `clip` holds the fields of VideoSampling that were set.

    Raises UsageError for a file that is not there, MediaError for one that is no picture, PromptError for impossible fields.
    """
    return [attach_clip(path, clip) if _is_clip(path) else attach_picture(path) for path in paths]


def attach_picture(path: str) -> Image:
    """A picture; its header is read now, its pixels later."""
    from internvl.media.image import image_size

    image_size(_existing(path))
    return Image(path)


def attach_clip(path: str, clip: Mapping[str, Any]) -> Video:
    """A clip; it is opened later."""
    return Video(str(_existing(path)), **clip)


def clip_fields(frames: int | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of VideoSampling from `--frames` and `--set`; what `--set` says counts."""
    return dict(settings) if frames is None else {"frames": frames, **settings}


def _is_clip(path: str) -> bool:
    suffix = Path(path).suffix.lower()
    return suffix in CLIP_SUFFIXES or (suffix == ".gif" and _is_animated(path))


def _is_animated(path: str) -> bool:
    """Whether a GIF is refused as a picture, as one of several frames is. A damaged one is then refused as a clip."""
    from internvl.media.image import image_size

    try:
        image_size(_existing(path))
    except MediaError:
        return True
    return False


def _existing(path: str) -> Path:
    file = Path(path).expanduser()
    if file.is_dir():
        raise UsageError(f"{path} is a folder; pictures and clips are files, and a model is given with --model {path}")
    if not file.exists():
        raise UsageError(f"there is no file {path!r}; a picture or clip was expected (a model is given with --model)")
    return file
