"""A vocabulary with the family's nine tokens: the tokenizer files that say so, and the rows of the tables of words.

    tokenizer files -> names that are missing -> next free ids -> files amended (all kinds that the folder holds)
    table [V,D] -> table [V',D], rows of new tokens = mean of the rows that were trained

Ids that exist stay. The released code gives the mean to the output head only and leaves the new rows of the input embedding
random; here both start at their mean, so that no new token begins as noise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from internvl.errors import TokenizerError
from internvl.prompt.placeholders import ADDED_TOKENS
from internvl.prompt.tokenizer import Tokenizer, load_tokenizer
from internvl.prompt.tokenizer_files import ADDED, CONFIG, EXTRA, SPECIAL_MAP, TOKENIZER_JSON, TokenizerFiles

_CHUNK_ROWS = 1 << 14


@dataclass(frozen=True)
class Vocabulary:
    """A folder's vocabulary and what is added to it.

    known: entries before. size: entries after. new: name -> id of the tokens that get an id. files: the amended files by name.
    """

    folder: Path
    tokenizer: Tokenizer
    known: int
    size: int
    new: Mapping[str, int]
    files: Mapping[str, bytes]

    def new_rows(self, rows: int) -> list[int]:
        """Rows of a table of `rows` that have to be filled: those of new tokens, and those that the table lacked."""
        return sorted({*self.new.values(), *range(rows, self.size)})

    def write(self, folder: Path) -> Tokenizer:
        """Write the files and read them back. Raises TokenizerError when a token comes back with another id."""
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        written = load_tokenizer(folder)
        for name, id in {**self.tokenizer.added_tokens, **self.new}.items():
            if written.added_tokens.get(name) != id:
                raise TokenizerError(
                    f"{self.folder}: {name!r} has id {id}, but would come back as {written.added_tokens.get(name)}; its "
                    "tokenizer files contradict each other"
                )
        return written


def grow_vocabulary(folder: Path) -> Vocabulary:
    """The vocabulary of a model folder with the tokens of `ADDED_TOKENS`, in that order, where it lacks them."""
    tokenizer, files = load_tokenizer(folder), TokenizerFiles(folder)
    missing = [name for name in ADDED_TOKENS if not tokenizer.has(name)]
    new = {name: tokenizer.vocab_size + place for place, name in enumerate(missing)}
    # A word of the vocabulary (Yi has <img>) keeps its id, but becomes a control token that no typed text can imitate.
    added = {name: new.get(name, -1) for name in ADDED_TOKENS if name not in tokenizer.added_tokens}
    ids = {name: tokenizer.token_id(name) if id < 0 else id for name, id in added.items()}
    size = tokenizer.vocab_size
    return Vocabulary(folder, tokenizer, size, size + len(new), new, _amended(files, ids, tokenizer))


def grow_rows(table: Tensor, *, vocabulary: Vocabulary) -> Tensor:
    """A table [V,D] with a row for each token, [V',D], in its own type; rows that exist keep their bits."""
    new = vocabulary.new_rows(table.shape[0])
    grown = table.new_empty((max(table.shape[0], vocabulary.size), table.shape[1]))
    grown[: table.shape[0]] = table
    grown[new] = _mean(table, min(vocabulary.known, table.shape[0])).to(table.dtype)
    return grown


def _mean(table: Tensor, rows: int) -> Tensor:
    """Mean of the first rows, [D] in float64, some rows at a time: the table may be a gigabyte."""
    total = torch.zeros(table.shape[1], dtype=torch.float64)
    for start in range(0, rows, _CHUNK_ROWS):
        total += table[start : min(start + _CHUNK_ROWS, rows)].double().sum(0)
    return total / rows


def _amended(files: TokenizerFiles, ids: Mapping[str, int], tokenizer: Tokenizer) -> dict[str, bytes]:
    """The files with the tokens in every list that a reader of the folder may look at."""
    if not ids:
        return dict(files.contents)
    changed = {CONFIG: _with_special(files.json_object(CONFIG), ids)}
    if SPECIAL_MAP in files:
        changed[SPECIAL_MAP] = _with_special(files.json_object(SPECIAL_MAP), ids)
    # Without an id in any list, a special token gets the next free one, which the new tokens would shift.
    ids = {**_unlisted(files, tokenizer), **ids}
    decoder = changed[CONFIG].get("added_tokens_decoder")
    if decoder is not None:
        changed[CONFIG]["added_tokens_decoder"] = decoder | {str(id): _described(name) for name, id in ids.items()}
    if TOKENIZER_JSON in files:
        spec = files.json_object(TOKENIZER_JSON)
        listed = [*(spec.get("added_tokens") or []), *({"id": id, **_described(name)} for name, id in ids.items())]
        changed[TOKENIZER_JSON] = spec | {"added_tokens": sorted(listed, key=lambda token: int(token["id"]))}
    if ADDED in files or (decoder is None and TOKENIZER_JSON not in files):
        changed[ADDED] = {**files.json_object(ADDED), **ids}
    return {**files.contents, **{name: _bytes(value) for name, value in changed.items()}}


def _unlisted(files: TokenizerFiles, tokenizer: Tokenizer) -> dict[str, int]:
    decoder = files.json_object(CONFIG).get("added_tokens_decoder") or {}
    described = [*decoder.values(), *(files.json_object(TOKENIZER_JSON).get("added_tokens") or [])]
    names = {token.get("content") for token in described} | files.json_object(ADDED).keys()
    return {name: id for name, id in tokenizer.added_tokens.items() if name not in names}


def _with_special(values: dict[str, Any], ids: Mapping[str, int]) -> dict[str, Any]:
    listed = list(values.get(EXTRA) or [])
    names = {token.get("content") if isinstance(token, dict) else token for token in listed}
    return values | {EXTRA: [*listed, *(name for name in ids if name not in names)]}


def _described(name: str) -> dict[str, Any]:
    return {"content": name, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}


def _bytes(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
