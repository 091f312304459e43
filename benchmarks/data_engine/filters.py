"""Which filter should find which fault: the lines of the table of precision and recall.

fault planted --by what kinds of reasons it is found--> Filter;  score: the column that average precision is taken of
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Seen = Literal["scorers", "dual", "none"]
_UNREAD = "bad record, no picture, missing picture, empty picture, unreadable picture, damaged picture, too many pixels, oversized file"
READING = frozenset(_UNREAD.split(", "))


@dataclass(frozen=True, kw_only=True)
class Filter:
    """name: as in the table. kinds: how the ledger's reasons begin. seen: the model whose training pictures are left out.

    by: the part of a fault's detail that recall is also told by. model: only rows that have the score are judged.
    """

    name: str
    fault: str
    kinds: frozenset[str]
    score: str | None = None
    high_is_bad: bool = True
    seen: Seen = "none"
    by: str | None = None
    model: bool = False


def _by_rule(name: str, fault: str, *columns: str, **more: object) -> Filter:
    return Filter(name=name, fault=fault, kinds=frozenset(columns), **more)  # type: ignore[arg-type]


FILTERS = (
    Filter(name="damaged file: cut off", fault="truncated", kinds=READING),
    Filter(name="damaged file: 0 bytes", fault="zero_bytes", kinds=READING),
    Filter(name="200-megapixel bomb", fault="bomb", kinds=READING),
    _by_rule("resolution", "tiny", "width", "height", "pixels", score="pixels", high_is_bad=False),
    _by_rule("aspect", "extreme_aspect", "aspect", score="aspect"),
    _by_rule("similarity", "wrong_caption", "similarity", score="similarity", high_is_bad=False, seen="dual", model=True),
    _by_rule("watermark", "watermark", "watermark", score="watermark", seen="scorers", by="mark", model=True),
    _by_rule("aesthetic", "degraded", "aesthetic", score="aesthetic", high_is_bad=False, seen="scorers", by="damage", model=True),
    _by_rule("language", "mislabelled_language", "language_agrees", by="declared"),
    _by_rule("caption length: short", "caption_too_short", "characters below", "words below", score="characters", high_is_bad=False),
    _by_rule("caption length: long", "caption_too_long", "characters above", "words above", score="characters"),
    _by_rule("repetition", "caption_repeated", "repetition", score="repetition"),
    _by_rule("boilerplate", "caption_boilerplate", "boilerplate"),
    _by_rule("placeholder", "caption_placeholder", "placeholder"),
    _by_rule("source code", "caption_source_code", "code"),
    Filter(name="duplicates: same bytes", fault="same_bytes", kinds=frozenset({"duplicate"})),
    Filter(name="duplicates: same pixels", fault="same_pixels", kinds=frozenset({"duplicate"}), by="as"),
    Filter(name="duplicates: near", fault="near_duplicate", kinds=frozenset({"near duplicate"}), by="change"),
    Filter(name="evaluation set", fault="in_evaluation_set", kinds=frozenset({"evaluation set"}), by="copy"),
)
