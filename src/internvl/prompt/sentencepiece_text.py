"""Ids of a SentencePiece tokenizer to text, as the slow tokenizers of the releases do it, one id at a time.

    ids -> passages between added tokens -> (runs between control tokens inside a passage) -> pieces -> text

A piece's `▁` is a space, except the one that encoding put before the text; byte pieces such as `<0xE4>` join to characters. The rules
that differ between the Llama and the InternLM2 class are in `PassageRules`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from internvl.prompt.detokenize import CleanUp
from internvl.prompt.sentencepiece_proto import BYTE, CONTROL, UNKNOWN, ModelFacts

MARK = "▁"
UNKNOWN_SHOWN = " ⁇ "
_BYTE_NAME = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def byte_of(text: str) -> int | None:
    """The value of a byte piece: `<0xE4>` is 228; None for any other text."""
    match = _BYTE_NAME.fullmatch(text)
    return int(match[1], 16) if match else None


@dataclass(frozen=True, kw_only=True)
class PassageRules:
    """How a tokenizer class turns the ids between two added tokens into text.

    drop_first_mark: the first piece of a passage loses a leading `▁` before SentencePiece sees it (Llama).
    space_before_control: where a space is put before the run of text that ends at a control token.
    clean_up: each passage is cleaned of spaces before punctuation (InternLM2).
    """

    drop_first_mark: bool
    space_before_control: Literal["never", "after first", "always"]
    clean_up: bool


class PieceDecoder:
    """What SentencePiece's own decoder does, on one run of ids that arrives in parts."""

    def __init__(self, facts: ModelFacts, *, dummy_prefix: bool) -> None:
        self._facts = facts
        self._drops_mark = dummy_prefix or facts.remove_extra_spaces
        self._at_start = True
        self._bytes = b""

    def push(self, piece_id: int, *, drop_mark: bool = False) -> str:
        """Take one id. `drop_mark`: first take a leading `▁` off the piece's text, and look that text up again."""
        text = self._facts.texts[piece_id]
        if drop_mark and text.startswith(MARK):
            text = text[1:]
            piece_id = self._facts.ids.get(text, -1)
        kind = self._facts.types[piece_id] if piece_id >= 0 else UNKNOWN
        if kind == BYTE:
            self._bytes += bytes([byte_of(text) or 0])
            return self._take_bytes(final=False)
        return self._take_bytes(final=True) + self._take_text(piece_id, text, kind)

    def finish(self) -> str:
        """Return what was kept back; the next id begins a new text."""
        text = self._take_bytes(final=True)
        self._at_start = True
        return text

    def _take_bytes(self, *, final: bool) -> str:
        text, self._bytes = split_characters(self._bytes, final=final)
        self._at_start = self._at_start and not text
        return text

    def _take_text(self, piece_id: int, text: str, kind: int) -> str:
        if kind == CONTROL:
            return ""
        if kind == UNKNOWN:
            # A piece that isn't in the vocabulary is shown as it is; only the unknown piece itself becomes the unknown sign.
            shown = UNKNOWN_SHOWN if piece_id >= 0 else text
        else:
            mark_goes = self._at_start and self._drops_mark and text.startswith(MARK)
            if mark_goes and not self._facts.remove_extra_spaces:
                self._at_start = False
            shown = (text[1:] if mark_goes else text).replace(MARK, " ")
        self._at_start = self._at_start and not shown
        return shown


def split_characters(data: bytes, *, final: bool) -> tuple[str, bytes]:
    """The text of the whole characters, and the bytes of one that has only begun (none when `final`).

    A byte that can't be part of a character becomes U+FFFD on its own, as in SentencePiece.
    """
    out, position = [], 0
    while position < len(data):
        length = _character_length(data[position])
        character = data[position : position + length]
        if len(character) < length and not final and all(byte & 0xC0 == 0x80 for byte in character[1:]):
            break
        text = character.decode("utf-8", errors="ignore") if len(character) == length else ""
        valid = len(text) == 1 and len(text.encode("utf-8")) == length
        out.append(text if valid else "\N{REPLACEMENT CHARACTER}")
        position += length if valid else 1
    return "".join(out), data[position:]


def _character_length(lead: int) -> int:
    if lead >= 0xF0:
        return 4
    if lead >= 0xE0:
        return 3
    return 2 if lead >= 0xC0 else 1


class SentencePieceDecoder:
    """Passages of pieces with added tokens between them; a space stands between the two, except beside `bare` tokens.

    apart: added tokens that end a passage, with the text that shows them. inside: control tokens that stay within one.
    """

    def __init__(
        self,
        pieces: PieceDecoder,
        rules: PassageRules,
        *,
        size: int,
        apart: Mapping[int, str],
        inside: Mapping[int, str],
        bare: Mapping[int, str],
        holds_runs: bool,
    ) -> None:
        self._pieces = pieces
        self._rules = rules
        self._size = size
        self._apart, self._inside, self._bare = apart, inside, bare
        # A control token decides whether a space goes before the run that it ends, so a run waits for its end.
        self._holds_runs = holds_runs and rules.space_before_control != "never"
        self._clean_up = CleanUp() if rules.clean_up else None
        self._needs_space = False
        self._begin_passage()

    def push(self, token_id: int) -> str:
        """Take one id; ids beyond the vocabulary say nothing."""
        if token_id in self._bare:
            text = self._end_passage(final=False) + self._bare[token_id]
            self._needs_space = False
            return text
        if token_id in self._apart:
            text = self._end_passage(final=False) + self._space() + self._apart[token_id]
            self._needs_space = True
            return text
        if token_id in self._inside:
            return self._show(self._end_run(self._inside[token_id]))
        return self._show(self._take_piece(token_id)) if 0 <= token_id < self._size else ""

    def finish(self) -> str:
        """Return what was kept back."""
        return self._end_passage(final=True)

    def _begin_passage(self) -> None:
        self._count = 0
        self._shown = False
        self._after_control = False
        self._run = ""

    def _take_piece(self, piece_id: int) -> str:
        text = self._pieces.push(piece_id, drop_mark=self._rules.drop_first_mark and self._count == 0)
        self._count += 1
        self._after_control = False
        if not self._holds_runs:
            return text
        self._run += text
        return ""

    def _end_run(self, control: str) -> str:
        """A control token inside the passage: the run before it, perhaps behind a space, then its own text."""
        where = self._rules.space_before_control
        spaced = not self._after_control and (where == "always" or (where == "after first" and self._count > 0))
        run, self._run = self._run + self._pieces.finish(), ""
        self._count += 1
        self._after_control = True
        return (" " if spaced else "") + run + control

    def _end_passage(self, *, final: bool) -> str:
        rest, self._run = self._run + self._pieces.finish(), ""
        text = self._show(rest)
        if self._clean_up:
            text += self._mark_shown(self._clean_up.finish())
        if final and self._count and not self._shown:
            text += self._space()  # the last passage counts even when it is empty, as in the original
        self._needs_space = self._needs_space or self._shown
        self._begin_passage()
        return text

    def _show(self, text: str) -> str:
        return self._mark_shown(self._clean_up.push(text) if self._clean_up else text)

    def _mark_shown(self, text: str) -> str:
        if not text or self._shown:
            return text
        self._shown = True
        return self._space() + text

    def _space(self) -> str:
        space, self._needs_space = (" " if self._needs_space else ""), False
        return space
