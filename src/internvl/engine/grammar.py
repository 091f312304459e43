"""Grammars that answers are held to: made once for each form and vocabulary, kept, and begun anew for each answer.

    Form --grammar_text, try_out--> text --llguidance, the tokenizer's bytes--> Grammar --begin--> Constraint of one answer

A grammar knows, for any answer so far, which tokens may follow. It is compiled by whoever asks first: a server asks in its workers,
before the engine's thread needs it, and a form that was refused once is refused at once the next time.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from internvl.engine.constraint import Constraint
from internvl.engine.ending import shortest_ending
from internvl.engine.form import Form
from internvl.engine.grammar_text import MAX_LEXER_STATES, grammar_text, hints_of, opening_tokens, refused, try_out
from internvl.errors import GrammarError, MissingDependencyError
from internvl.prompt.byte_tokens import ByteTokens, ExactDecoder, byte_tokens
from internvl.prompt.placeholders import GROUNDING_MARKS
from internvl.prompt.tokenizer import Tokenizer

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

    from internvl.engine.sampling import SamplingParams

KEPT = 256
LONGEST_ENDING_BYTES, PATIENCE = 8192, 200
_Key: TypeAlias = tuple[Form, bool]


class Vocabulary:
    """The tokens of one model as llguidance knows them. `shown`: added tokens that an answer may have, as their names."""

    def __init__(self, tokenizer: Tokenizer, stop_ids: frozenset[int], shown: Collection[int]) -> None:
        from llguidance import LLTokenizer

        found = byte_tokens(tokenizer, shown=shown)
        self.tokens = found.tokens
        self.stop_ids = stop_ids
        self.opens_with_blank = found.opens_with_blank
        wrapped = _Wrapped(found, tokenizer, min(stop_ids))
        self.known = wrapped.known = LLTokenizer(wrapped, eos_token=sorted(stop_ids))  # type: ignore[arg-type]
        self.single_bytes = LLTokenizer("byte")
        self._of_byte = {token: id for id, token in enumerate(found.tokens) if len(token) == 1 and id not in found.hidden}

    def cut(self, text: bytes) -> list[int] | None:
        """Ids that spell a text, few of them; None when the vocabulary can't. The text may begin inside a character."""
        whole = text.lstrip(bytes(range(0x80, 0xC0)))
        rest = [self._of_byte.get(text[n : n + 1], -1) for n in range(len(text) - len(whole))]
        ids = rest + self.known.greedy_tokenize(whole.decode())
        return ids if -1 not in rest and b"".join(self.tokens[id] for id in ids) == text else None


class _Wrapped:
    """The attributes that llguidance reads."""

    is_tokenizer_wrapper = True
    bos_token_id = None

    def __init__(self, found: ByteTokens, tokenizer: Tokenizer, eos_token_id: int) -> None:
        self.tokens = list(found.tokens)
        self.special_token_ids = sorted(found.hidden | {eos_token_id})
        self.eos_token_id = eos_token_id
        self.known: LLTokenizer | None = None
        self._tokenizer = tokenizer

    def __call__(self, text: str) -> list[int]:
        """The ids of text that is the only one possible now. It stands inside an answer, so no blank may come in front of it."""
        ids = self._tokenizer.encode_text(text)
        if self.known is None or b"".join(self.tokens[id] for id in ids) == text.encode():
            return ids
        return self.known.greedy_tokenize(text)


@dataclass(frozen=True, eq=False)
class Grammar:
    """One form for one vocabulary; `matcher` and `over_bytes` are at its start and never advance.

    whole: the shortest text that satisfies it, in tokens, if one was found. drops_blank: a blank may open the answer that is not part
    of it, as this tokenizer's words begin with one. hints: words of its expressions, for endings. opening: how many tokens one more may
    make necessary, as is thought.
    """

    vocabulary: Vocabulary
    matcher: LLMatcher
    over_bytes: LLMatcher
    whole: tuple[int, ...] | None
    drops_blank: bool
    hints: tuple[bytes, ...]
    opening: int

    @property
    def shortest(self) -> int | None:
        """How many tokens the shortest text has, if one was found."""
        return None if self.whole is None else len(self.whole)


class Grammars:
    """All grammars of one model. Safe to share between threads. Without a tokenizer it has none."""

    def __init__(self, tokenizer: Tokenizer | None, stop_ids: frozenset[int]) -> None:
        self._tokenizer = tokenizer
        self._stop_ids = stop_ids
        self._lock = threading.Lock()
        self._made: OrderedDict[_Key, Grammar | GrammarError] = OrderedDict()

    def begin(self, params: SamplingParams, *, room: int) -> Constraint | None:
        """What holds one answer of at most `room` tokens to its form, None where it is free. Raises as `check`."""
        grammar = self.check(params, room=room)
        if grammar is None:
            return None
        with self._lock:
            # Copies of one matcher are made one at a time: llguidance lends it to one thread only.
            matcher, over_bytes = grammar.matcher.deep_copy(), grammar.over_bytes.deep_copy()
        return Constraint(grammar, matcher, over_bytes, room=room)

    def check(self, params: SamplingParams, *, room: int) -> Grammar | None:
        """The grammar of what is asked for, if it has one. Raises GrammarError, also when no text of the form is so short."""
        form = params.form
        if form is None:
            return None
        grammar = self.grammar(form, show_marks=params.show_marks)
        if grammar.shortest is not None and grammar.shortest > room:
            raise GrammarError(
                f"the shortest text of this {form.kind} has about {grammar.shortest} tokens, and the answer may have {room}; "
                "allow a larger max_new_tokens"
            )
        return grammar

    def decoder(self, params: SamplingParams) -> ExactDecoder | None:
        """A fresh decoder to the text of an answer that has a form, to the byte; None where it is free."""
        if params.form is None:
            return None
        grammar = self.grammar(params.form, show_marks=params.show_marks)
        return ExactDecoder(grammar.vocabulary.tokens.__getitem__, drops_blank=grammar.drops_blank)

    def grammar(self, form: Form, *, show_marks: bool) -> Grammar:
        """The grammar of a form, from what is kept or made now. Raises GrammarError, MissingDependencyError."""
        key = (form, show_marks)
        with self._lock:
            made = self._made.get(key)
        if made is None:
            # Not under the lock: whoever wants a kept grammar shall not wait for one that is made.
            try:
                made = self._make(form, show_marks=show_marks)
            except GrammarError as error:
                made = error
        with self._lock:
            self._made[key] = made
            self._made.move_to_end(key)
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
        if isinstance(made, GrammarError):
            raise GrammarError(str(made))
        return made

    def _make(self, form: Form, *, show_marks: bool) -> Grammar:
        vocabulary = self._vocabularies(show_marks)
        text = grammar_text(form)
        try_out(form, text)
        over_bytes = _matcher(form, vocabulary.single_bytes, text)
        drops_blank = vocabulary.opens_with_blank and not over_bytes.validate_tokens([ord(" ")])
        if drops_blank:
            text = grammar_text(form, blank_first=True)
            over_bytes = _matcher(form, vocabulary.single_bytes, text)
        matcher = _matcher(form, vocabulary.known, text)
        hints = hints_of(form)
        whole = _shortest(form, vocabulary, over_bytes, hints)
        return Grammar(vocabulary, matcher, over_bytes, whole, drops_blank, hints, opening_tokens(form))

    def _vocabularies(self, show_marks: bool) -> Vocabulary:
        return self._with_marks if show_marks else self._plain

    @cached_property
    def _plain(self) -> Vocabulary:
        return self._vocabulary(frozenset())

    @cached_property
    def _with_marks(self) -> Vocabulary:
        tokenizer = self._tokenizer
        marks = () if tokenizer is None else [tokenizer.token_id(mark) for mark in GROUNDING_MARKS if tokenizer.has(mark)]
        return self._vocabulary(frozenset(marks))

    def _vocabulary(self, shown: frozenset[int]) -> Vocabulary:
        if self._tokenizer is None or not self._stop_ids:
            raise GrammarError("an answer is held to a form by its text, and this engine has no tokenizer or no end token")
        try:
            return Vocabulary(self._tokenizer, self._stop_ids, shown)
        except ImportError as error:
            raise MissingDependencyError("answers of a given form need llguidance: pip install 'internvl[grammar]'") from error


def _shortest(form: Form, vocabulary: Vocabulary, over_bytes: LLMatcher, hints: Sequence[bytes]) -> tuple[int, ...] | None:
    """The shortest text of a form in tokens; of choices it is known, of others as good as found."""
    if form.kind == "choice":
        texts: list[bytes | None] = [text.encode() for text in json.loads(form.source)]
    else:
        texts = [shortest_ending(over_bytes, longest=LONGEST_ENDING_BYTES, hints=hints, patience=PATIENCE)]
    cuts = [vocabulary.cut(text) for text in texts if text is not None]
    return min((tuple(ids) for ids in cuts if ids is not None), key=len, default=None)


def _matcher(form: Form, tokens: LLTokenizer, text: str) -> LLMatcher:
    """A matcher at its start, of which it is known that something may come. Raises GrammarError."""
    from llguidance import LLMatcher, LLParserLimits

    limits = LLParserLimits(max_lexer_states=MAX_LEXER_STATES, precompute_large_lexemes=False, verbose_errors=False)
    matcher = LLMatcher(tokens, text, log_level=0, limits=limits)
    if not matcher.is_error():
        matcher.compute_bitmask()
    if matcher.is_error():
        raise refused(form, matcher.get_error())
    return matcher
