"""From the files of a folder to the parts of a tokenizer: who is added, who is special, which model reads the text.

files -> class row and source -> vocabulary -> added tokens with ids -> special ids -> model
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from internvl.errors import TokenizerError
from internvl.prompt import json_model, sentencepiece_model
from internvl.prompt.added_tokens import AddedToken, AddedTokens, Chunk
from internvl.prompt.byte_bpe import qwen2_spec
from internvl.prompt.detokenize import TextDecoder
from internvl.prompt.sentencepiece_proto import ModelFacts, read_facts
from internvl.prompt.tokenizer_classes import Source, TokenizerClass, choose
from internvl.prompt.tokenizer_files import (
    CONFIG,
    SENTENCEPIECE,
    TOKENIZER_JSON,
    VOCABULARY,
    SpecialNames,
    TokenizerFiles,
    read_added_tokens,
    read_special_names,
    read_tokenizer_json_added,
)

_MAIN_FILE: dict[Source, str] = {"sentencepiece": SENTENCEPIECE, "vocabulary": VOCABULARY, "json": TOKENIZER_JSON}


class Model(Protocol):
    """What differs between the kinds of tokenizer: a vocabulary and its rules."""

    vocabulary: dict[str, int]

    def prepare(self, text: str) -> str:
        """What is done to text before added tokens eat the white space beside them."""

    def encode_chunks(self, chunks: Sequence[Chunk]) -> list[int]:
        """The ids of a prompt, or of its rest behind a bos; text yields no added id."""

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes an id stands for."""

    def decoder(self, *, bare: Mapping[int, str], shows_special: bool) -> TextDecoder:
        """A fresh decoder. `bare`: added tokens shown without spaces around. `shows_special`: control tokens may come."""


@dataclass(frozen=True, kw_only=True)
class TokenizerFacts:
    """What the configuration says. Ids are None for roles that nobody has; `special_ids` are hidden by default."""

    bos_id: int | None
    eos_id: int | None
    pad_id: int | None
    unk_id: int | None
    add_bos: bool
    add_eos: bool
    clean_up: bool
    special_ids: frozenset[int]


@dataclass(frozen=True)
class TokenizerParts:
    """All that a tokenizer is made of."""

    model: Model
    added: AddedTokens
    facts: TokenizerFacts


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """What all steps look at. Either `pieces` (SentencePiece) or `spec` (a `tokenizer.json` object) is the vocabulary."""

    files: TokenizerFiles
    row: TokenizerClass
    source: Source
    config: Mapping[str, Any]
    special: SpecialNames
    pieces: ModelFacts | None
    spec: Mapping[str, Any]
    vocabulary: dict[str, int]
    added: AddedTokens

    def ids(self, names: Sequence[str]) -> frozenset[int]:
        return frozenset(self.added.by_name[name].id for name in names)

    def role(self, role: str) -> int | None:
        name = self.special.roles.get(role)
        return None if name is None else self.added.by_name[name].id


def build(files: TokenizerFiles) -> TokenizerParts:
    """Build what the files describe. Raises TokenizerError that names the file at fault."""
    row, source = choose(files)
    try:
        reading = _read(files, row, source)
        return TokenizerParts(_model(reading), reading.added, _facts(reading))
    except TokenizerError as error:
        if str(files.folder) in str(error):
            raise
        raise files.error(_MAIN_FILE[source], str(error)) from error


def _read(files: TokenizerFiles, row: TokenizerClass, source: Source) -> _Reading:
    pieces = read_facts(files.contents[SENTENCEPIECE]) if source == "sentencepiece" else None
    spec = qwen2_spec(files) if source == "vocabulary" else files.json_object(TOKENIZER_JSON)
    vocabulary = pieces.ids if pieces else json_model.read_vocabulary(spec)
    special, described = read_special_names(files, row.names)
    return _Reading(
        files=files,
        row=row,
        source=source,
        config=files.json_object(CONFIG),
        special=special,
        pieces=pieces,
        spec=spec,
        vocabulary=vocabulary,
        added=_added_tokens(files, source, special, described, vocabulary),
    )


def _added_tokens(
    files: TokenizerFiles,
    source: Source,
    special: SpecialNames,
    described: Sequence[AddedToken],
    vocabulary: Mapping[str, int],
) -> AddedTokens:
    """The added tokens of all files, then special names that no file gives an id: that of the vocabulary, or the next free one."""
    tokens = read_added_tokens(files, special)
    if source == "json" or "added_tokens_decoder" not in files.json_object(CONFIG):
        tokens = [*tokens, *read_tokenizer_json_added(files)]
    known = {token.name for token in tokens}
    size = len(vocabulary.keys() | known)
    for token in described:
        if token.name in known:
            continue
        known.add(token.name)
        if token.name not in vocabulary:
            size += 1
        tokens.append(replace(token, id=vocabulary.get(token.name, size - 1)))
    return AddedTokens(tokens)


def _model(reading: _Reading) -> Model:
    if reading.pieces is None:
        return json_model.JsonModel(reading.spec, reading.vocabulary, added=reading.added, unk_id=reading.role("unk_token"))
    special_ids = reading.ids(reading.special.all)
    beyond = {id for id in reading.ids(reading.special.extra) if id >= len(reading.pieces.texts)}
    return sentencepiece_model.SentencePieceModel(
        reading.files.contents[SENTENCEPIECE],
        reading.pieces,
        _sentencepiece_rules(reading),
        added=reading.added,
        special_ids=special_ids,
        apart_ids=frozenset(reading.added.by_id) - special_ids | beyond,
        unk=reading.special.roles.get("unk_token", "<unk>"),
    )


def _sentencepiece_rules(reading: _Reading) -> sentencepiece_model.SentencePieceRules:
    if reading.row.is_internlm2:
        return sentencepiece_model.INTERNLM2
    is_legacy = reading.config.get("legacy") in (True, None)
    return sentencepiece_model.LLAMA_LEGACY if is_legacy else sentencepiece_model.LLAMA


def _facts(reading: _Reading) -> TokenizerFacts:
    clean_up = reading.config.get("clean_up_tokenization_spaces")
    return TokenizerFacts(
        bos_id=reading.role("bos_token"),
        eos_id=reading.role("eos_token"),
        pad_id=reading.role("pad_token"),
        unk_id=reading.role("unk_token"),
        add_bos=_adds_bos(reading),
        add_eos=bool(reading.config.get("add_eos_token", False)),
        clean_up=reading.row.clean_up if clean_up is None else bool(clean_up),
        special_ids=_special_ids(reading),
    )


def _adds_bos(reading: _Reading) -> bool:
    if reading.row.adds_bos is None:
        bos = reading.special.roles.get("bos_token")
        return bos is not None and json_model.opening_token(reading.spec) == bos
    return reading.row.adds_bos and bool(reading.config.get("add_bos_token", True))


def _special_ids(reading: _Reading) -> frozenset[int]:
    """The slow classes hide the tokens with a role; a `tokenizer.json` says of each added token whether it is hidden."""
    if reading.source != "json":
        return reading.ids(reading.special.all)
    return frozenset(id for id, token in reading.added.by_id.items() if token.special)
