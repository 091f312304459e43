"""A picture with what it is called, whatever set it comes from, and the division into trained and unseen pictures.

emoji in five styles, Tux Paint's stamps (photographs and drawings), clip art
    -> Labelled (style, code, names by language, keywords, source)

A fifth emoji style is never trained; of stamps and clip art one in seven is held out, chosen by a hash of its name.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

HELD_OUT_OF = 7


@dataclass(frozen=True)
class Labelled:
    """A picture of a set. code: its name within the style, good for a file. source: an SVG text, or a picture or SVG file.

    keywords: further words for it, by language. cut_out: a photograph cut out of its ground, rather than a drawing.
    """

    style: str
    code: str
    names: dict[str, str]
    source: str | Path
    keywords: dict[str, tuple[str, ...]] = field(default_factory=dict)
    cut_out: bool = False

    @property
    def file(self) -> str:
        """Where the drawn picture lies."""
        return f"pictures/{self.style}/{self.code}.png"


def held_out(style: str, code: str) -> bool:
    """Whether a stamp or a piece of clip art is kept for measuring."""
    return int.from_bytes(hashlib.blake2b(f"{style}/{code}".encode(), digest_size=8).digest(), "little") % HELD_OUT_OF == 0
