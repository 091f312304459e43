"""What one step of training eats: rows of one or more sequences, padded on the right, and all their tiles.

row 0:  [ sequence 0 | sequence 1 | sequence 2 | padding ]       segments 0 0 0 1 1 2 2 2 -1      positions restart at each
row 1:  [ sequence 3 |            padding            ]
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from internvl.data.record import Origin


@dataclass(frozen=True, kw_only=True)
class PairBatch:
    """The other texts of pairs, one row a pair, padded with id 0 and label -100; `image_keys` int64 [B]: equal for equal pictures.

    kept: int64 [B,K], the patches of each picture that are shown; None: all.
    """

    matching: Tensor
    caption_ids: Tensor
    caption_labels: Tensor
    image_keys: Tensor
    kept: Tensor | None = None

    def to(self, device: torch.device) -> PairBatch:
        """The same on a device."""
        names = ("matching", "caption_ids", "caption_labels", "image_keys")
        moved: dict[str, Tensor] = {name: getattr(self, name).to(device, non_blocking=True) for name in names}
        return PairBatch(**moved, kept=None if self.kept is None else self.kept.to(device, non_blocking=True))


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Rows of sequences.

    ids, labels, positions   int64 [B,L]; labels -100 and positions 0 at padding
    segments                 int64 [B,L]: number of the sequence within its row, from 0; -1 at padding. No token sees another segment
    weights                  float32 [B,L]: weight of each token's loss, at the place of the label (not shifted); 0 without label
    pixels                   float32 [T,3,S,S] in the order of the placeholders, row by row, or None
    origins                  where each sequence came from, row by row
    rejected                 the same batch with the worse answers (preference training), sharing `pixels`
    pairs                    the other texts of pictures and captions, row by row (dual encoders)
    """

    ids: Tensor
    labels: Tensor
    positions: Tensor
    segments: Tensor
    weights: Tensor
    pixels: Tensor | None = None
    origins: tuple[Origin, ...] = ()
    rejected: Batch | None = None
    pairs: PairBatch | None = None

    @property
    def tokens(self) -> int:
        """Tokens that are not padding."""
        return int((self.segments >= 0).sum())

    @property
    def tiles(self) -> int:
        """How many tiles."""
        return 0 if self.pixels is None else int(self.pixels.shape[0])

    def to(self, device: torch.device) -> Batch:
        """The same on a device."""
        pixels = None if self.pixels is None else self.pixels.to(device, non_blocking=True)
        return self._moved(device, pixels)

    def _moved(self, device: torch.device, pixels: Tensor | None) -> Batch:
        """Everything but the pixels, which the worse answers share instead of moving them a second time."""
        names = ("ids", "labels", "positions", "segments", "weights")
        moved = {name: getattr(self, name).to(device, non_blocking=True) for name in names}
        rejected = None if self.rejected is None else self.rejected._moved(device, pixels)
        pairs = None if self.pairs is None else self.pairs.to(device)
        return replace(self, pixels=pixels, rejected=rejected, pairs=pairs, **moved)
