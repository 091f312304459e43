"""Rotary positions: cosines and sines for given positions, in each scaling the family uses.

Angles are position * theta^(-2i/d). The released models add: nothing (Qwen, Llama, Yi), `dynamic` NTK above the trained length
(InternLM2), per-frequency factors with a gain (Phi-3's `su`, now called longrope), and Llama 3.1's smoothed stretching.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from internvl.models.config import LanguageConfig, RopeConfig


class Rotary(nn.Module):
    """cos and sin for positions, recomputed from the base each time: no table that a long prompt could leave changed."""

    def __init__(self, config: LanguageConfig) -> None:
        super().__init__()
        self.rope = config.rope
        self.head_dim = config.head_dim
        self.max_positions = config.max_positions
        self.gain = _gain(config.rope, config.max_positions)
        self._plain: dict[tuple[str, bool], Tensor] = {}

    def forward(self, positions: Tensor, length: int, dtype: torch.dtype, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """positions [B,L] -> cos, sin [B,1,L,d]. `length` is the longest sequence of the call: it selects the scaling.

        With `lengths` [B,L], every token's scaling is selected by the length of its own sequence (packed training).
        """
        if lengths is None or not self._scales(length):
            frequencies = self._frequencies(length, positions.device)
        else:
            frequencies = self._frequencies_of_each(lengths)
        angles = positions[:, :, None].float() * frequencies
        cos, sin = angles.cos() * self.gain, angles.sin() * self.gain
        return _twice(cos).to(dtype), _twice(sin).to(dtype)

    @property
    def unscaled(self) -> int | None:
        """Up to how many tokens a sequence turns by the angles of a short one; None: however long it is."""
        return {"dynamic": self.max_positions, "longrope": self.rope.original_max_positions or 0}.get(self.rope.kind)

    def _scales(self, length: int) -> bool:
        """Whether a sequence of this length turns by other angles than a short one."""
        return self.unscaled is not None and length > self.unscaled

    def _frequencies_of_each(self, lengths: Tensor) -> Tensor:
        """[B,L] -> [B,L,d/2]."""
        distinct, which = lengths.unique(return_inverse=True)
        return torch.stack([self._frequencies(length, lengths.device) for length in distinct.tolist()])[which]

    def _frequencies(self, length: int, device: torch.device) -> Tensor:
        if self.rope.kind == "dynamic" and self._scales(length):
            return inverse_frequencies(self.rope, self.head_dim, self.max_positions, length).to(device)
        long = self.rope.kind == "longrope" and self._scales(length)
        key = (str(device), long)
        if key not in self._plain:
            self._plain[key] = inverse_frequencies(self.rope, self.head_dim, self.max_positions, length).to(device)
        return self._plain[key]


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate pairs (i, i + d/2) of x [B,H,L,d] by the angles behind cos, sin [B,1,L,d]."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin


def inverse_frequencies(rope: RopeConfig, head_dim: int, max_positions: int, length: int) -> Tensor:
    """Angle per position of each pair, float32 [d/2], for a call whose longest sequence has `length` tokens."""
    exponents = torch.arange(0, head_dim, 2, dtype=torch.int64).float() / head_dim
    if rope.kind == "dynamic" and length > max_positions:
        stretch = rope.factor * length / max_positions - (rope.factor - 1)
        return 1.0 / (rope.theta * stretch ** (head_dim / (head_dim - 2))) ** exponents
    plain = 1.0 / rope.theta**exponents
    if rope.kind == "linear":
        return plain / rope.factor
    if rope.kind == "longrope":
        long = length > (rope.original_max_positions or 0)
        return 1.0 / (torch.tensor(rope.long_factor if long else rope.short_factor) * rope.theta**exponents)
    if rope.kind == "llama3":
        return _llama3(plain, rope)
    return plain


def _llama3(plain: Tensor, rope: RopeConfig) -> Tensor:
    """Slow waves are stretched by `factor`, fast ones kept, those between blended (Llama 3.1)."""
    original = float(rope.original_max_positions or 0)
    wavelength = 2 * math.pi / plain
    blend = (original / wavelength - rope.low_freq_factor) / (rope.high_freq_factor - rope.low_freq_factor)
    blend = blend.clamp(0, 1)
    return (1 - blend) * plain / rope.factor + blend * plain


def _gain(rope: RopeConfig, max_positions: int) -> float:
    """Phi-3 multiplies cos and sin by sqrt(1 + ln(max / original) / ln(original)), about 1.19 for 128k over 4k."""
    if rope.kind != "longrope" or not rope.original_max_positions:
        return 1.0
    scale = max_positions / rope.original_max_positions
    return 1.0 if scale <= 1 else math.sqrt(1 + math.log(scale) / math.log(rope.original_max_positions))


def _twice(half: Tensor) -> Tensor:
    """[B,L,d/2] -> [B,1,L,d]: both members of a pair turn by the same angle."""
    return torch.cat([half, half], dim=-1)[:, None]
