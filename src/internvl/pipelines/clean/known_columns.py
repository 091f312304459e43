"""The columns that rules may name: what each is, who makes it, and how its histogram is drawn.

"similarity" -> Column(type, operator, scale, meaning)        group columns come from the whole run, all others from one sample
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal, TypeAlias

from internvl.pipelines.operator import ColumnType

Scale: TypeAlias = Literal["unit", "signed", "log", "none"]
"""unit: 0..1. signed: -1..1. log: 1, 2, 4, ... none: no number."""

GROUP = "duplicates"
"""The operator named by columns that need all samples of a run."""


@dataclass(frozen=True)
class Column:
    """One column. operator: whose it is. meaning: one line for help and report."""

    type: ColumnType
    operator: str
    scale: Scale
    meaning: str


COLUMNS: dict[str, Column] = {
    "width": Column("int", "picture", "log", "width in pixels"),
    "height": Column("int", "picture", "log", "height in pixels"),
    "pixels": Column("int", "picture", "log", "width times height"),
    "aspect": Column("float", "picture", "log", "long side over short side"),
    "contrast": Column("float", "picture", "log", "standard deviation of luminance, levels of 255; 0 is one plain colour"),
    "format": Column("str", "picture", "none", "PNG, JPEG, WEBP, GIF, BMP, TIFF"),
    "similarity": Column("float", "similarity", "signed", "cosine of picture and caption"),
    "characters": Column("int", "caption", "log", "length of the caption in characters"),
    "words": Column("int", "caption", "log", "length in words; a Chinese character is one"),
    "letters": Column("float", "caption", "unit", "share of letters among the characters"),
    "repetition": Column("float", "caption", "unit", "share of the caption that repeats itself"),
    "boilerplate": Column("bool", "caption", "none", "menus, error pages, legal lines"),
    "placeholder": Column("bool", "caption", "none", "file names, 'untitled', unfilled templates"),
    "code": Column("bool", "caption", "none", "markup or source code"),
    "unreadable": Column("bool", "caption", "none", "wrongly decoded or scrambled text"),
    "truncated": Column("bool", "caption", "none", "ends in the middle"),
    "blocked": Column("bool", "caption", "none", "holds a word of the blocklist"),
    "detected_language": Column("str", "language", "none", "ISO 639 code of the caption's language"),
    "language_confidence": Column("float", "language", "unit", "its probability"),
    "language_agrees": Column("bool", "language", "none", "false if the declared language is another"),
    "watermark": Column("float", "watermark", "unit", "probability of a watermark"),
    "aesthetic": Column("float", "aesthetic", "unit", "how good the picture looks"),
    "unsafe": Column("float", "unsafe", "unit", "probability of content that is not safe for work"),
    "caption_copies": Column("int", GROUP, "log", "samples of the run whose caption says exactly this"),
    "caption_near_copies": Column("int", GROUP, "log", "samples of the run whose caption says nearly this"),
}


def nearest(name: str, known: list[str] | tuple[str, ...]) -> str:
    """ "; did you mean 'x'?" or nothing: the end of a message about an unknown name."""
    meant = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {meant[0]!r}?" if meant else ""
