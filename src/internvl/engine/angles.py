"""Rotary angles for the native pass: float32 cosines and sines [tokens, head width / 2] of neighbouring positions.

Where angles depend on the position alone they come from a table that grows; beyond the length from which they depend on the length too
(InternLM2, Phi-3), they are computed for each call. What angles are is `models.language.rope`'s business.
"""

from __future__ import annotations

import torch
from torch import Tensor

from internvl.engine.prefix import angle_limit
from internvl.models.config import LanguageConfig
from internvl.models.language.rope import Rotary

TABLE_STEP = 1024  # positions


class Angles:
    """Cosines and sines of one model."""

    def __init__(self, rotary: Rotary, config: LanguageConfig) -> None:
        self._rotary = rotary
        self._limit = angle_limit(config)
        self._table = (torch.empty(0), torch.empty(0))

    def read(self, start: int, count: int, total: int) -> tuple[Tensor, Tensor]:
        """Of tokens of a prompt of `total` tokens, whose length selects the scaling for all of them."""
        if self._plain(max(total, start + count)):
            return self._looked_up(start, count)
        return self._computed(torch.arange(start, start + count)[None], max(total, start + count), None)

    def decode(self, start: int, count: int) -> tuple[Tensor, Tensor]:
        """Of tokens of an answer: each one's own length, up to itself, selects its scaling."""
        if self._plain(start + count):
            return self._looked_up(start, count)
        positions = torch.arange(start, start + count)[None]
        return self._computed(positions, start + count, positions + 1)

    def _plain(self, length: int) -> bool:
        return self._limit is None or length <= self._limit

    def _looked_up(self, start: int, count: int) -> tuple[Tensor, Tensor]:
        cosines, sines = self._table
        if start + count > len(cosines):
            # A new table beside the old one: a call in another thread may still read that.
            positions = torch.arange(-(-(start + count) // TABLE_STEP) * TABLE_STEP)[None]
            self._table = cosines, sines = self._computed(positions, 1, None)
        return cosines[start : start + count], sines[start : start + count]

    def _computed(self, positions: Tensor, length: int, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        cosines, sines = self._rotary(positions, length, torch.float32, lengths)  # [1,1,L,d]: both halves of d are alike
        half = cosines.shape[-1] // 2
        return cosines[0, 0, :, :half].contiguous(), sines[0, 0, :, :half].contiguous()
