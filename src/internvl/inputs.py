"""What models eat: one sequence of ids, and the tiles whose visual tokens stand at its placeholders.

ids        [L]           prompt with `<IMG_CONTEXT>` at every visual token
pixels     [T,3,S,S]     all tiles in prompt order, or None when nothing visual is in the prompt
tile_keys  T strings     content hash of each tile: equal pixels have equal keys, so they need encoding once only
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from internvl.errors import PlaceholderCountError


@dataclass(frozen=True, kw_only=True)
class ModelInputs:
    """One prompt, ready for the model. `placeholder_id` marks where visual tokens go, `tokens_per_tile` how many a tile has."""

    ids: Tensor
    placeholder_id: int
    tokens_per_tile: int
    pixels: Tensor | None = None
    tile_keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.ids.dim() != 1 or self.ids.dtype != torch.long:
            raise ValueError(f"ids must be int64[L], not {self.ids.dtype}{list(self.ids.shape)}")
        expected = int((self.ids == self.placeholder_id).sum())
        given = self.tiles * self.tokens_per_tile
        if expected != given:
            raise PlaceholderCountError(
                f"the prompt holds {expected} placeholders, but {self.tiles} tiles of {self.tokens_per_tile} tokens give {given}",
                expected=expected,
                given=given,
            )

    @property
    def tiles(self) -> int:
        """How many tiles the prompt shows."""
        return 0 if self.pixels is None else int(self.pixels.shape[0])

    @property
    def tokens(self) -> int:
        """Length of the prompt in tokens, visual ones included."""
        return int(self.ids.shape[0])

    @property
    def visual_tokens(self) -> int:
        """How many of the tokens are visual."""
        return self.tiles * self.tokens_per_tile
