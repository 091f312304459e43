"""Where visual tokens stand in a prompt, and the marks people use for them.

    "Image-1: <image>\\nWhich is older?"  --split_marks-->  "Image-1: ", slot, "\\nWhich is older?"
    slot of 512 visual tokens             --slot_ids----->  <img> <IMG_CONTEXT> x 512 </img>, as ids

Slots become ids directly. They are never written into a string that is tokenised afterwards, so no text can imitate one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from internvl.errors import PlaceholderCountError
from internvl.prompt.tokenizer import Tokenizer

IMAGE_START = "<img>"
IMAGE_END = "</img>"
PLACEHOLDER = "<IMG_CONTEXT>"
IMAGE_MARK = "<image>"
VIDEO_MARK = "<video>"
REF = ("<ref>", "</ref>")
BOX = ("<box>", "</box>")
QUAD = ("<quad>", "</quad>")
# In the order in which training adds them to a vocabulary that lacks them.
ADDED_TOKENS = (IMAGE_START, IMAGE_END, PLACEHOLDER, *QUAD, *REF, *BOX)
GROUNDING_MARKS = frozenset((*REF, *BOX, *QUAD))


@dataclass(frozen=True)
class Mark:
    """An `<image>` or `<video>` mark found in a text."""

    name: str


def split_marks(text: str) -> list[str | Mark]:
    """The text cut at its `<image>` and `<video>` marks; empty stretches are left out."""
    # The group keeps the marks, so that texts and marks alternate.
    parts = re.split(f"({IMAGE_MARK}|{VIDEO_MARK})", text)
    return [Mark(part) if index % 2 else part for index, part in enumerate(parts) if part]


def slot_ids(tokenizer: Tokenizer, visual_tokens: int) -> list[int]:
    """The ids of one picture: start, placeholders, end."""
    inside = [tokenizer.token_id(PLACEHOLDER)] * visual_tokens
    return [tokenizer.token_id(IMAGE_START), *inside, tokenizer.token_id(IMAGE_END)]


def check_mark_count(marks: int, given: int, *, mark: str = IMAGE_MARK, what: str = "images") -> None:
    """Raise PlaceholderCountError unless the text has one mark for each thing given."""
    if marks != given:
        raise PlaceholderCountError(
            f"the text has {marks} {mark} marks, but {given} {what} were given; "
            f"write one {mark} for each of them, or none at all to have them put in front",
            expected=marks,
            given=given,
        )
