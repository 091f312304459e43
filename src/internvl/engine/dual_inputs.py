"""What people hand to a dual encoder, checked before anything is computed: lists of pictures, texts and names; pixels and ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from internvl.errors import ConfigError

Item = TypeVar("Item")


def named_list(name: str, values: Sequence[Item], kind: type[Item]) -> list[Item]:
    """The values as a list. Raises ConfigError for one value instead of a list (a text has letters, but is none), and for a value of
    another kind, with its place."""
    given: Any = values
    if isinstance(given, str | bytes | kind):
        raise ConfigError(f"{name} is a list of {kind.__name__}, not one alone: put {given!r:.60} in brackets")
    try:
        items = list(given)
    except TypeError as error:
        raise ConfigError(f"{name} is a list of {kind.__name__}, not {given!r:.60}") from error
    for place, item in enumerate(items):
        if not isinstance(item, kind):
            hint = "; a path becomes one by internvl.Image(path)" if kind.__name__ == "Image" else ""
            raise ConfigError(f"{name}[{place}] must be of the kind {kind.__name__}, not {item!r:.60}{hint}")
    return items


def checked_pixels(pixels: Tensor) -> Tensor:
    """[B,3,S,S] of numbers with a point. Raises ConfigError."""
    if not isinstance(pixels, Tensor) or pixels.ndim != 4 or pixels.shape[1] != 3 or not pixels.is_floating_point():
        raise ConfigError(f"pictures are a float tensor [B,3,S,S], not {_told(pixels)}")
    return pixels


def checked_ids(ids: Tensor, vocabulary: int) -> Tensor:
    """Whole numbers [B,L] that are words of the model. Raises ConfigError."""
    if not isinstance(ids, Tensor) or ids.ndim != 2 or ids.is_floating_point() or ids.dtype == torch.bool:
        raise ConfigError(f"token ids are a tensor of whole numbers [B,L], not {_told(ids)}")
    least, most = (int(ids.min()), int(ids.max())) if ids.numel() else (0, 0)
    if least < 0 or most >= vocabulary:
        raise ConfigError(f"token ids go from 0 to {vocabulary - 1}, not from {least} to {most}; is the tokenizer the model's own?")
    return ids


def _told(value: Any) -> str:
    return f"{value.dtype} {list(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
