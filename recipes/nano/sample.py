"""One training conversation: tiles, ids, and labels on exactly the answers and their end token.

Scene + turns -> Sample(ids [L], labels [L], tiles)

Prompts and labels are the package's own, so training and chat can't drift apart.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from recipes.nano import questions
from recipes.nano.dialogue import small_talk, without_picture
from recipes.nano.draw import draw
from recipes.nano.fonts import FontSet
from recipes.nano.scene import random_scene
from recipes.nano.tiles import Tiles, cut
from recipes.nano.vocabulary import SYSTEM_MESSAGE

from internvl.prompt.labels import encode_turns
from internvl.prompt.pieces import Typed
from internvl.prompt.placeholders import slot_ids
from internvl.prompt.template import Piece, Template, Turn
from internvl.prompt.tokenizer import Tokenizer

TOKENS_PER_TILE = 16
MAX_TEXT_TOKENS = 84


@dataclass(frozen=True)
class Sample:
    """One conversation, ready to be batched. `tiles` is None when no picture is shown."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    tiles: Tiles | None


def picture_sample(source: random.Random, fonts: FontSet, tokenizer: Tokenizer, template: Template, tiles: str) -> Sample:
    """A picture and two to four turns about it."""
    scene = random_scene(source, fonts, tiles=tiles)
    turns = questions.turns(scene, source, source.choice((2, 3, 3, 4)))
    if source.random() < 0.06:
        turns.append(small_talk(source))
    pieces = cut(draw(scene), scene)
    visual_tokens = TOKENS_PER_TILE * pieces.pixels.shape[0]
    ids, labels = _encode_within(turns, tokenizer, template, visual_tokens)
    return Sample(ids, labels, pieces)


def text_sample(source: random.Random, fonts: FontSet, tokenizer: Tokenizer, template: Template) -> Sample:
    """One to three turns without a picture."""
    turns = []
    for _ in range(source.choice((1, 2, 3))):
        asked = questions.turns(random_scene(source, fonts), source, 1)
        turns.append(without_picture(source, asked[0] if asked else None))
    ids, labels = _encode_within(turns, tokenizer, template, 0)
    return Sample(ids, labels, None)


def encode(
    turns: list[questions.Turn], tokenizer: Tokenizer, template: Template, *, visual_tokens: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Ids and labels of a conversation; its first question shows a picture of that many visual tokens (0: none)."""
    conversation = []
    for number, turn in enumerate(turns):
        shows = number == 0 and visual_tokens > 0
        slot: list[Piece] = [*slot_ids(tokenizer, visual_tokens), Typed("\n")] if shows else []
        conversation += [Turn("user", (*slot, Typed(turn.question))), Turn("assistant", (Typed(turn.answer),))]
    ids, labels = encode_turns(tokenizer, template, conversation, system_message=SYSTEM_MESSAGE)
    return tuple(ids), tuple(labels)


def _encode_within(
    turns: list[questions.Turn], tokenizer: Tokenizer, template: Template, visual_tokens: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Drop turns from the end until the row is short: one long row makes the rest of its batch padding."""
    ids, labels = encode(turns, tokenizer, template, visual_tokens=visual_tokens)
    while len(ids) > visual_tokens + MAX_TEXT_TOKENS and len(turns) > 1:
        turns = turns[:-1]
        ids, labels = encode(turns, tokenizer, template, visual_tokens=visual_tokens)
    return ids, labels
