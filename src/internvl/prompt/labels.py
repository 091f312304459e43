"""Ids and labels of a training conversation: loss on exactly what the assistant says and on the token that ends it.

    turns -> of each exchange: prompt ids, as chat sends them | answer ids | end id -> ids [L], labels [L] (-100: no loss)

Nothing is tokenised twice in the hope that lengths agree: an answer is what follows when its prompt is tokenised with it, and where
the two would melt into one token, the answer is tokenised as the continuation that the model has to write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from internvl.errors import PlaceholderCountError, PromptError
from internvl.messages import Role
from internvl.prompt.pieces import Trusted, Typed
from internvl.prompt.placeholders import GROUNDING_MARKS, IMAGE_MARK, VIDEO_MARK, Mark, slot_ids, split_marks
from internvl.prompt.template import Piece, Template, Turn, render, render_turn
from internvl.prompt.templates import template_named
from internvl.prompt.tokenizer import Tokenizer

IGNORED = -100
SPEAKERS: Mapping[str, Role] = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}

# The released loader of this template takes the white space around every message away; those of the others don't.
STRIPPING_TEMPLATES = frozenset({"internlm2-chat"})

# Put before a continuation where a tokenizer would give a new text a leading space. Tried until one stays a token of its own.
_ANCHORS = (".", "a", "0", "、", "的")


def encode_conversation(
    tokenizer: Tokenizer,
    template_name: str,
    conversations: Sequence[Mapping[str, str]],
    image_token_counts: Sequence[int],
    *,
    system_message: str | None = None,
) -> tuple[list[int], list[int]]:
    """Ids [L] and labels [L] of a conversation in the released form, a list of {"from": "human", "value": "..."}.

    image_token_counts: visual tokens of each picture, in the order of the `<image>` marks in the human turns. Marks in other turns
    are text. `<ref>`, `<box>`, `<quad>` and their ends are control tokens everywhere; nothing else that is typed is.
    Raises PlaceholderCountError for another number of marks, PromptError for a conversation that can't be learnt from,
    TokenizerError when the tokenizer lacks a token of the template.
    """
    template = template_named(template_name)
    said = [_utterance(number, each) for number, each in enumerate(conversations, start=1)]
    marks = sum(text.count(IMAGE_MARK) for role, text in said if role == "user")
    check_marks(marks, len(image_token_counts))
    slots = {IMAGE_MARK: iter([slot_ids(tokenizer, count) for count in image_token_counts])}
    turns = [text_turn(template, role, text, slots) for role, text in said]
    return encode_turns(tokenizer, template, turns, system_message=system_message)


def encode_turns(
    tokenizer: Tokenizer,
    template: Template,
    turns: Sequence[Turn],
    *,
    system_message: str | None = None,
    last_only: bool = False,
) -> tuple[list[int], list[int]]:
    """Ids [L] and labels [L] of turns with ready pieces; the first may be the system's, the last is the assistant's.

    system_message: instead of the template's own, where the turns have none. last_only: loss on the last answer alone (preference
    training compares two of them). Up to each answer the ids are those of the prompt that chat sends; a begin token stands first
    where the tokenizer's prompts have one. Raises PromptError for wrong order, an empty answer, or no answer at the end.
    """
    encoder = _Encoder(tokenizer, template)
    start = tokenizer.bos_id if tokenizer.add_bos else None
    ids = [] if start is None else [start]
    labels = [IGNORED] * len(ids)
    exchanges = _exchanges(template, turns, encoder.behind_end, system_message)
    for number, (asked, answer) in enumerate(exchanges, start=1):
        prompt, reply = encoder.exchange(asked, answer, first=number == 1)
        if len(reply) < 2 or _is_blank(answer):
            raise PromptError(f"answer {number} of the conversation is empty: there is nothing to learn from it")
        learnt = number == len(exchanges) or not last_only
        ids += prompt + reply
        labels += [IGNORED] * len(prompt) + (reply if learnt else [IGNORED] * len(reply))
    tail = encoder.behind_answer([Trusted(encoder.behind_end)])
    return ids + tail, labels + [IGNORED] * len(tail)


def text_turn(template: Template, role: Role, text: str, slots: Mapping[str, Iterator[Sequence[Piece]]]) -> Turn:
    """A turn from text. In the user's, each `<image>` (`<video>`) mark becomes the next of that kind's slots; a kind without
    slots stays text."""
    if template.name in STRIPPING_TEMPLATES:
        text = text.strip()
    if role != "user":
        return Turn(role, (typed(text),))
    content: list[Piece] = []
    behind_clip = False
    for part in split_marks(text):
        name = part.name if isinstance(part, Mark) else ""
        if name in slots:
            content += next(slots[name])
        else:
            plain = name or str(part)
            # The line of a clip's last still already ends the line that the mark stood on.
            content.append(typed(plain.removeprefix("\n") if behind_clip else plain))
        behind_clip = name == VIDEO_MARK and name in slots
    return Turn(role, tuple(content))


def typed(text: str) -> Typed:
    """Text of a data set: only the marks of grounding are control tokens in it. PromptError for what is no Unicode text."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:  # JSON can spell half of a surrogate pair, which no tokenizer takes
        raise PromptError(f"character {error.start} of a text is half of a surrogate pair: {text[error.start]!a}") from error
    return Typed(text, marks=GROUNDING_MARKS)


def check_marks(marks: int, given: int, *, mark: str = IMAGE_MARK, what: str = "pictures") -> None:
    """Raise PlaceholderCountError unless the user's turns have one mark for each thing given."""
    if marks != given:
        raise PlaceholderCountError(
            f"the questions hold {marks} {mark} marks, but {given} {what} came with them: one mark is needed for each",
            expected=marks,
            given=given,
        )


def _is_blank(content: Sequence[Piece]) -> bool:
    return all(isinstance(piece, Typed) and not piece.text.strip() for piece in content)


def _utterance(number: int, each: Mapping[str, str]) -> tuple[Role, str]:
    speaker, text = each.get("from"), each.get("value")
    if not isinstance(speaker, str) or speaker not in SPEAKERS:
        raise PromptError(f'turn {number}: "from" is one of {", ".join(SPEAKERS)}, not {speaker!r}')
    if not isinstance(text, str):
        raise PromptError(f'turn {number}: "value" is text, not {type(text).__name__}')
    return SPEAKERS[speaker], text


def _exchanges(
    template: Template, turns: Sequence[Turn], behind_end: str, system_message: str | None
) -> list[tuple[list[Piece], tuple[Piece, ...]]]:
    """Of each exchange, what stands between the last answer's end token and the string that opens the answer; and the answer."""
    first = 1 if turns and turns[0].role == "system" else 0
    for number, turn in enumerate(turns[first:], start=1):
        expected = "user" if number % 2 else "assistant"
        if turn.role != expected:
            raise PromptError(f"turn {number} must be the {expected}'s, not the {turn.role}'s: user and assistant alternate")
    questions, answers = turns[first::2], turns[first + 1 :: 2]
    if not answers or len(questions) != len(answers):
        raise PromptError("a training conversation must end with an answer")
    # Without the string that opens the answer, which `render` puts last.
    opening = render(template, [*turns[:first], questions[0]], system_message=system_message)[:-1]
    later = [[Trusted(behind_end), *render_turn(template, question)] for question in questions[1:]]
    return list(zip([opening, *later], [answer.content for answer in answers], strict=True))


class _Encoder:
    """Pieces to ids, exchange by exchange. Every exchange but the first stands behind the end token of an answer."""

    def __init__(self, tokenizer: Tokenizer, template: Template) -> None:
        self._tokenizer = tokenizer
        self._template = template
        end = template.assistant_suffix.rstrip()
        self._end_id = tokenizer.token_id(end)
        self._end_length = len(tokenizer.encode([self._end_id]))  # some tokenizers open a text with a space of its own
        self.behind_end = template.assistant_suffix[len(end) :]  # white space that nobody has to learn

    def exchange(self, asked: Sequence[Piece], answer: Sequence[Piece], *, first: bool) -> tuple[list[int], list[int]]:
        """The ids of the prompt, up to and with the string that opens the answer, and those of the answer with its end token."""
        encode = self._tokenizer.encode if first else self.behind_answer
        opened, prefix = self._template.generation, self._template.assistant_prefix
        prompt = encode([*asked, Trusted(opened)])
        whole = encode([*asked, Trusted(prefix), *answer, self._end_id])
        if whole[: len(prompt)] == prompt:
            return prompt, whole[len(prompt) :]
        # White space at the start of an answer melts with the newline before it, for example. In chat the newline is already there.
        return prompt, self._continuation([Trusted(prefix.removeprefix(opened)), *answer, self._end_id])

    def behind_answer(self, pieces: Sequence[Piece]) -> list[int]:
        """The ids of pieces that follow the end token of an answer."""
        return self._tokenizer.encode([self._end_id, *pieces])[self._end_length :]

    def _continuation(self, pieces: Sequence[Piece]) -> list[int]:
        """The ids of pieces that go on a text: without the space that some tokenizers put before each text."""
        if self._tokenizer.token_bytes(self.behind_answer([Typed("a")])[0]).startswith(b" "):
            for anchor in _ANCHORS:
                before = self.behind_answer([Typed(anchor)])
                whole = self.behind_answer([Typed(anchor), *pieces])
                if whole[: len(before)] == before:
                    return whole[len(before) :]
        return self.behind_answer(pieces)
