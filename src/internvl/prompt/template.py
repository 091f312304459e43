"""A chat template: the strings around each turn, and the rule by which turns become one prompt.

    system_prefix SYSTEM system_suffix (user_prefix QUESTION user_suffix assistant_prefix ANSWER assistant_suffix)* generation

Only the template's own strings may become control tokens. What people typed enters as `Typed` text, so that a question holding
`<|im_end|>` is read as those characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from internvl.errors import PromptError
from internvl.messages import Role
from internvl.prompt.pieces import Trusted, Typed

Piece: TypeAlias = Trusted | Typed | int


@dataclass(frozen=True, kw_only=True)
class Template:
    """The strings of one template. `system_message` is what the released model says of itself when the user sets nothing."""

    name: str
    system_message: str
    system_prefix: str
    system_suffix: str
    user_prefix: str
    user_suffix: str
    assistant_prefix: str
    assistant_suffix: str
    generation: str  # opens the answer; not always equal to assistant_prefix
    stop: str  # the token that ends an answer


@dataclass(frozen=True)
class Turn:
    """One message with its content already in pieces (text, and ids for visual placeholders and marks)."""

    role: Role
    content: tuple[Piece, ...]


def render(template: Template, turns: Sequence[Turn], *, system_message: str | None = None) -> list[Piece]:
    """The whole prompt, ready for an answer.

    The system message is, in this order, the conversation's own first turn, `system_message`, or the template's.
    Raises PromptError when speakers don't alternate or the last turn is not the user's.
    """
    system, rest = _split_system(turns)
    _check_order(rest)
    if system is None:
        text = template.system_message if system_message is None else system_message
        system = Turn("system", (Typed(text),))
    pieces = [Trusted(template.system_prefix), *system.content, Trusted(template.system_suffix)]
    for turn in rest:
        pieces += render_turn(template, turn)
    return [*pieces, Trusted(template.generation)]


def render_turn(template: Template, turn: Turn) -> list[Piece]:
    """One turn of user or assistant with the strings around it."""
    if turn.role == "user":
        return [Trusted(template.user_prefix), *turn.content, Trusted(template.user_suffix)]
    return [Trusted(template.assistant_prefix), *turn.content, Trusted(template.assistant_suffix)]


def _split_system(turns: Sequence[Turn]) -> tuple[Turn | None, Sequence[Turn]]:
    if turns and turns[0].role == "system":
        return turns[0], turns[1:]
    return None, turns


def _check_order(turns: Sequence[Turn]) -> None:
    for index, turn in enumerate(turns):
        expected = "user" if index % 2 == 0 else "assistant"
        if turn.role != expected:
            raise PromptError(f"turn {index + 1} must be the {expected}'s, not the {turn.role}'s: user and assistant alternate")
    if not turns or turns[-1].role != "user":
        raise PromptError("a conversation must end with a user message for the model to answer")
