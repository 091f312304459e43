"""Tokenizers with a SentencePiece `tokenizer.model`: the InternLM2 class and the slow Llama class.

Every chunk between added tokens is one text for SentencePiece. The classes differ in what happens to the white space around it:
InternLM2 and "legacy" Llama give each chunk SentencePiece's own leading space; the newer Llama gives one to the whole prompt only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import sentencepiece

from internvl.errors import TokenizerError
from internvl.prompt.added_tokens import AddedTokens, Chunk
from internvl.prompt.detokenize import TextDecoder
from internvl.prompt.sentencepiece_proto import BYTE, CONTROL, ModelFacts, edit
from internvl.prompt.sentencepiece_text import MARK, PassageRules, PieceDecoder, SentencePieceDecoder, byte_of


@dataclass(frozen=True, kw_only=True)
class SentencePieceRules:
    """What a tokenizer class does around SentencePiece.

    prefix_each_chunk: each chunk gets the leading space of the model file; else the prompt gets one,
    and none if a special token opens it.
    """

    prefix_each_chunk: bool
    passage: PassageRules


INTERNLM2 = SentencePieceRules(
    prefix_each_chunk=True, passage=PassageRules(drop_first_mark=False, space_before_control="always", clean_up=True)
)
LLAMA_LEGACY = SentencePieceRules(
    prefix_each_chunk=True, passage=PassageRules(drop_first_mark=True, space_before_control="after first", clean_up=False)
)
LLAMA = SentencePieceRules(
    prefix_each_chunk=False, passage=PassageRules(drop_first_mark=True, space_before_control="never", clean_up=False)
)


class SentencePieceModel:
    """Chunks to ids and ids to text with one `tokenizer.model`.

    special_ids: the ids of tokens with a role. apart_ids: the added tokens that are shown apart from the text around them.
    """

    def __init__(
        self,
        proto: bytes,
        facts: ModelFacts,
        rules: SentencePieceRules,
        *,
        added: AddedTokens,
        special_ids: frozenset[int],
        apart_ids: frozenset[int],
        unk: str,
    ) -> None:
        self._facts = facts
        self.vocabulary = facts.ids
        self._rules = rules
        self._added = added
        self._special_ids = special_ids
        self._apart = {id: token.name for id, token in added.by_id.items() if id in apart_ids}
        self._inside = {id: token.name for id, token in added.by_id.items() if id not in apart_ids}
        self._processor = _load(edit(proto, control=added.by_id, dummy_prefix=rules.prefix_each_chunk))
        self._unk = unk
        self._unk_length = len(self._processor.encode(unk))

    def prepare(self, text: str) -> str:
        """Where the prompt gets one leading `▁` in all, a typed one is a space from the beginning."""
        return text if self._rules.prefix_each_chunk else text.replace(MARK, " ")

    def encode_chunks(self, chunks: Sequence[Chunk]) -> list[int]:
        """The ids of a prompt, or of its rest behind a bos."""
        if self._rules.prefix_each_chunk:
            return [id for chunk in chunks for id in (self._encode(chunk) if isinstance(chunk, str) else (chunk,))]
        return self._encode_as_one(chunks)

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._processor.encode(text)
        return ids

    def _encode_as_one(self, chunks: Sequence[Chunk]) -> list[int]:
        if not chunks:
            return []
        first, *rest = chunks
        if isinstance(first, int):
            opening = [] if first in self._special_ids else self._encode_exactly(MARK)
            ids = [*opening, first]
        else:
            ids = self._encode_exactly(MARK + first)
        for chunk in rest:
            ids += [chunk] if isinstance(chunk, int) else self._encode_exactly(chunk)
        return ids

    def _encode_exactly(self, text: str) -> list[int]:
        """SentencePiece drops a leading space; behind a word it keeps it, so the unknown token's text goes before and off again."""
        if not text.startswith((MARK, " ")):
            return self._encode(text)
        return self._encode(self._unk + text)[self._unk_length :]

    @cached_property
    def _bytes(self) -> list[bytes]:
        facts = zip(self._facts.texts, self._facts.types, strict=True)
        return [_piece_bytes(text, kind) for text, kind in facts]

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes of a piece; none for control pieces and ids beyond the vocabulary."""
        return self._bytes[token_id] if token_id < len(self._bytes) else b""

    def decoder(self, *, bare: Mapping[int, str], shows_special: bool) -> TextDecoder:
        """A fresh decoder."""
        return SentencePieceDecoder(
            PieceDecoder(self._facts, dummy_prefix=self._dummy_prefix),
            self._rules.passage,
            size=len(self._facts.texts),
            apart=self._apart,
            inside=self._inside,
            bare=bare,
            holds_runs=shows_special,
        )

    @property
    def _dummy_prefix(self) -> bool:
        return self._rules.prefix_each_chunk and self._facts.add_dummy_prefix


def _load(proto: bytes) -> sentencepiece.SentencePieceProcessor:
    processor = sentencepiece.SentencePieceProcessor()
    try:
        processor.LoadFromSerializedProto(proto)
    except RuntimeError as error:
        raise TokenizerError(f"SentencePiece can't read it ({error})") from error
    return processor


def _piece_bytes(text: str, kind: int) -> bytes:
    if kind == BYTE:
        return bytes([byte_of(text) or 0])
    return b"" if kind == CONTROL else text.replace(MARK, " ").encode("utf-8")
