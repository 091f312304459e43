"""Tokenizers described by a `tokenizer.json` (or an equal object), run by the `tokenizers` library.

The added tokens are taken out of the object before the library sees it: it knows plain text only, and no text can produce a control id.
Supported are the byte-level BPE files (Llama 3, Qwen2) and SentencePiece-like ones with byte fallback (Llama 2).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import tokenizers

from internvl.errors import TokenizerError
from internvl.prompt.added_tokens import AddedTokens, Chunk
from internvl.prompt.byte_bpe import spelled_bytes
from internvl.prompt.detokenize import ByteLevelDecoder, FusedDecoder, TextDecoder
from internvl.prompt.sentencepiece_text import MARK, byte_of

_FUSED_STEPS = {"Replace", "ByteFallback", "Fuse", "Strip"}


class JsonModel:
    """Chunks to ids and ids to text with one `tokenizer.json` object.

    vocabulary: from `read_vocabulary`. unk_id: the one added id that plain text may yield.
    """

    def __init__(self, spec: Mapping[str, Any], vocabulary: dict[str, int], *, added: AddedTokens, unk_id: int | None) -> None:
        self.vocabulary = vocabulary
        self._added = added
        self._decoder_steps = _steps(spec.get("decoder"), "decoders")
        self._is_byte_level = _types(self._decoder_steps) == {"ByteLevel"}
        if not self._is_byte_level and not {"Fuse"} <= _types(self._decoder_steps) <= _FUSED_STEPS:
            raise TokenizerError(f"a decoder of {sorted(_types(self._decoder_steps))} is not supported")
        plain = _without(spec, self.vocabulary, [id for id in added.by_id if id != unk_id])
        self._first = _build(plain)
        self._later = _build(_prefix_never(plain)) if _prefixes_first_only(plain) else self._first

    def prepare(self, text: str) -> str:
        """The text as it is."""
        return text

    def encode_chunks(self, chunks: Sequence[Chunk]) -> list[int]:
        """The ids of a prompt, or of its rest behind a bos."""
        ids: list[int] = []
        for index, chunk in enumerate(chunks):
            model = self._later if index else self._first
            ids += [chunk] if isinstance(chunk, int) else model.encode(chunk, add_special_tokens=False).ids
        return ids

    @cached_property
    def _texts(self) -> dict[int, str]:
        """The vocabulary's spelling of each id."""
        return {id: text for text, id in self.vocabulary.items()} | {id: token.name for id, token in self._added.by_id.items()}

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes an id stands for; none beyond the vocabulary."""
        text = self._texts.get(token_id, "")
        if self._is_byte_level:
            return spelled_bytes(text)
        byte = byte_of(text)
        return bytes([byte]) if byte is not None else text.replace(MARK, " ").encode("utf-8")

    def decoder(self, *, bare: Mapping[int, str], shows_special: bool) -> TextDecoder:
        """A fresh decoder. Added tokens are shown without spaces in any case."""
        if self._is_byte_level:
            return ByteLevelDecoder(self.token_bytes)
        texts, byte_values = self._fused_texts
        strips = "Strip" in _types(self._decoder_steps)
        again = frozenset(bare) if self._later is self._first else frozenset[int]()
        return FusedDecoder(texts, byte_values, strips_space=strips, strips_again_after=again)

    @cached_property
    def _fused_texts(self) -> tuple[dict[int, str], dict[int, int]]:
        """What each id shows, and the values of byte pieces."""
        types = _types(self._decoder_steps)
        texts = {id: text.replace(MARK, " ") for id, text in self._texts.items()} if "Replace" in types else self._texts
        values = {id: byte_of(text) for id, text in self._texts.items()} if "ByteFallback" in types else {}
        return texts, {id: value for id, value in values.items() if value is not None}


def read_vocabulary(spec: Mapping[str, Any]) -> dict[str, int]:
    """Token text -> id of the model in the object, checked against its merges."""
    model = spec.get("model")
    model = model if isinstance(model, dict) else {}
    kind, vocab = model.get("type", "BPE"), model.get("vocab")
    if kind == "BPE" and isinstance(vocab, dict):
        _check_merges(vocab, model.get("merges") or [])
        return dict(vocab)
    if kind == "Unigram" and isinstance(vocab, list) and all(isinstance(entry, list) and len(entry) == 2 for entry in vocab):
        return {entry[0]: id for id, entry in enumerate(vocab)}
    raise TokenizerError(f"expected a BPE or Unigram model with a vocabulary, found {kind!r}")


def opening_token(spec: Mapping[str, Any]) -> str | None:
    """The special token that the post-processor puts before a text, if it does."""
    for step in _steps(spec.get("post_processor"), "processors"):
        if step.get("type") == "TemplateProcessing":
            first, *_ = step.get("single") or [{}]
            special = first.get("SpecialToken") if isinstance(first, dict) else None
            return str(special["id"]) if isinstance(special, dict) and "id" in special else None
    return None


def _check_merges(vocab: Mapping[str, int], merges: Sequence[object]) -> None:
    if len(set(vocab.values())) < len(vocab):
        raise TokenizerError("two tokens of the vocabulary have the same id")
    for pair in map(_pair, merges):
        if len(pair) != 2 or not (pair[0] in vocab and pair[1] in vocab and pair[0] + pair[1] in vocab):
            missing = [part for part in (*pair, "".join(pair)) if part not in vocab]
            raise TokenizerError(f"the merge {' '.join(pair)!r} names {missing or pair}, not in the vocabulary")


def _pair(merge: object) -> tuple[str, ...]:
    parts = merge.split(" ") if isinstance(merge, str) else merge
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise TokenizerError(f"a merge names two tokens, found {merge!r}")
    return tuple(parts)


def _without(spec: Mapping[str, Any], vocabulary: Mapping[str, int], ids: Collection[int]) -> dict[str, Any]:
    """The object without added tokens: those that are also in the vocabulary get an unspeakable name there."""
    plain = {**spec, "added_tokens": [], "truncation": None, "padding": None, "post_processor": None}
    model = plain["model"] = dict(spec["model"])
    gone = {text: id for text, id in vocabulary.items() if id in set(ids)}
    if not gone:
        return plain
    if isinstance(model["vocab"], list):
        model["vocab"] = [[_unspeakable(id), -1e9] if e[0] in gone else e for id, e in enumerate(model["vocab"])]
        return plain
    model["vocab"] = {_unspeakable(id) if text in gone else text: id for text, id in vocabulary.items()}
    merges = ((merge, _pair(merge)) for merge in model.get("merges") or [])
    model["merges"] = [merge for merge, pair in merges if gone.keys().isdisjoint((*pair, "".join(pair)))]
    return plain


def _unspeakable(id: int) -> str:
    # Two noncharacters around the number: no merge leads here, and Unicode promises never to give them a meaning.
    return f"\ufdd0{id}\ufdd1"


def _build(spec: Mapping[str, Any]) -> tokenizers.Tokenizer:
    try:
        return tokenizers.Tokenizer.from_str(json.dumps(spec))
    except Exception as error:  # the library raises nothing narrower
        raise TokenizerError(f"the tokenizers library can't read it ({error})") from error


def _steps(part: object, key: str) -> list[dict[str, Any]]:
    """A component as the list of its steps: a sequence's own, or the one component."""
    if not isinstance(part, dict):
        return []
    steps = part.get(key) if part.get("type") == "Sequence" else [part]
    return [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []


def _types(steps: Sequence[Mapping[str, Any]]) -> set[str]:
    return {str(step.get("type")) for step in steps}


def _metaspaces(spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (s for s in _steps(spec.get("pre_tokenizer"), "pretokenizers") if s.get("type") == "Metaspace")


def _prefixes_first_only(spec: Mapping[str, Any]) -> bool:
    return any(step.get("prepend_scheme") == "first" for step in _metaspaces(spec))


def _prefix_never(spec: Mapping[str, Any]) -> dict[str, Any]:
    later = dict(spec) | {"pre_tokenizer": copy.deepcopy(spec["pre_tokenizer"])}
    for step in _metaspaces(later):
        step["prepend_scheme"] = "never"
    return later
