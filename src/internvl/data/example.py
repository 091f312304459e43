"""One training item: ids with labels, and the tiles behind the placeholders.

Record -> media cut into tiles -> conversation with placeholders -> Example (ids [L], labels [L], pixels [T,3,S,S])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from internvl.data.record import Origin

if TYPE_CHECKING:
    from internvl.data.pairs import PairTexts


@dataclass(frozen=True, kw_only=True)
class Example:
    """A record made ready. `pixels` is None without pictures: no dummy tile is made up.

    ids, labels     int64 [L], labels -100 where there is no loss; nothing is shifted
    pixels          float32 [T,3,S,S], normalised
    rejected_ids, rejected_labels   the same prompt with the worse answer (preference training), else None
    pair            the other texts of a picture and its caption (dual encoders), else None
    """

    origin: Origin
    ids: Tensor
    labels: Tensor
    pixels: Tensor | None = None
    rejected_ids: Tensor | None = None
    rejected_labels: Tensor | None = None
    pair: PairTexts | None = None

    @property
    def tokens(self) -> int:
        """Length of the sequence, visual tokens included."""
        return int(self.ids.shape[0])

    @property
    def tiles(self) -> int:
        """How many tiles."""
        return 0 if self.pixels is None else int(self.pixels.shape[0])
