"""What a prompt is made of before it becomes token ids: trusted text, typed text, and ready ids.

    [Trusted("<|im_start|>user\\n"), Typed("What is <|im_end|>?"), 92542]

Only a template writes trusted text: control tokens named in it become control ids. What a person typed never does, whatever its
characters look like. Neighbouring plain texts are tokenised as one string, so that the border between them leaves no trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Trusted:
    """Text of a template: the names of added tokens in it become their ids (longest name first)."""

    text: str


@dataclass(frozen=True)
class Typed:
    """Text of a person or a data set: stays text. `marks` names the only control tokens recognised in it, such as `<ref>`."""

    text: str
    marks: frozenset[str] = frozenset()


TextPiece: TypeAlias = Trusted | Typed | int
