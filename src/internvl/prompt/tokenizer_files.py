"""The tokenizer files of a model folder, read as data: nothing in the folder is executed, and code files are ignored.

    tokenizer_config.json  special_tokens_map.json  added_tokens.json     who is special, which names have which id
    tokenizer.model | vocab.json + merges.txt | tokenizer.json            the vocabulary itself

The rules of precedence are those of transformers 4.37.2, with which the models were trained: `added_tokens_decoder` of the
configuration decides alone where it is present; older folders spread the same facts over the two other files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from internvl.errors import TokenizerError
from internvl.prompt.added_tokens import AddedToken

CONFIG = "tokenizer_config.json"
SPECIAL_MAP = "special_tokens_map.json"
ADDED = "added_tokens.json"
SENTENCEPIECE = "tokenizer.model"
VOCABULARY, MERGES = "vocab.json", "merges.txt"
TOKENIZER_JSON = "tokenizer.json"
KNOWN_FILES = (CONFIG, SPECIAL_MAP, ADDED, SENTENCEPIECE, VOCABULARY, MERGES, TOKENIZER_JSON)
ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
MAX_ID = 2**31  # ids are kept in 32-bit arrays elsewhere; a larger one is a broken file
EXTRA = "additional_special_tokens"


class TokenizerFiles:
    """The files of one folder, kept as bytes so that they can be written elsewhere when the folder is gone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not folder.is_dir():
            raise TokenizerError(f"{folder} is not a folder; give the folder of a model, with its tokenizer files")
        self.contents = {name: (folder / name).read_bytes() for name in KNOWN_FILES if (folder / name).is_file()}
        self._parsed: dict[str, dict[str, Any]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.contents

    def error(self, name: str, problem: str) -> TokenizerError:
        """An error about one file, with what to do."""
        return TokenizerError(f"{self.folder / name}: {problem}; copy this file again from the release")

    def text(self, name: str) -> str:
        """The file as text."""
        try:
            return self.contents[name].decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.error(name, f"it is not UTF-8 ({error.reason} at byte {error.start})") from error

    def json_object(self, name: str) -> dict[str, Any]:
        """The file as a JSON object, read once and not to be changed; an absent file is an empty one."""
        if name not in self._parsed:
            self._parsed[name] = self._parse(name) if name in self.contents else {}
        return self._parsed[name]

    def _parse(self, name: str) -> dict[str, Any]:
        try:
            value = json.loads(self.text(name))
        except json.JSONDecodeError as error:
            raise self.error(name, f"it is not whole JSON ({error.msg} at character {error.pos})") from error
        if not isinstance(value, dict):
            raise self.error(name, f"expected a JSON object, found {type(value).__name__}")
        return value

    def write(self, folder: Path) -> None:
        """Write all files, byte for byte, to another folder (made if absent)."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.contents.items():
            (folder / name).write_bytes(content)


@dataclass(frozen=True)
class SpecialNames:
    """The tokens that have a role, and the further ones declared special. Names may repeat (eos is often pad)."""

    roles: Mapping[str, str]
    extra: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Every name once, roles first."""
        return tuple(dict.fromkeys((*self.roles.values(), *self.extra)))


def read_special_names(files: TokenizerFiles, defaults: Mapping[str, str]) -> tuple[SpecialNames, list[AddedToken]]:
    """The special names, and those of them that the configuration describes in full (as tokens still without an id, -1)."""
    settings: dict[str, Any] = {**defaults, **files.json_object(CONFIG)}
    if "added_tokens_decoder" not in settings:
        later = files.json_object(SPECIAL_MAP)
        extra = [*_extra(files, CONFIG, settings), *_extra(files, SPECIAL_MAP, later)]
        settings |= later
        settings[EXTRA] = extra
    roles = {role: settings[role] for role in ROLES if settings.get(role)}
    extra = _extra(files, CONFIG, settings)
    described = [_token(files, CONFIG, value, -1) for value in [*roles.values(), *extra]]
    names = [token.name for token in described]
    special = SpecialNames(dict(zip(roles, names, strict=False)), tuple(dict.fromkeys(names[len(roles) :])))
    return special, [replace(token, special=True) for token in described]


def _extra(files: TokenizerFiles, file: str, settings: Mapping[str, Any]) -> list[Any]:
    extra = settings.get(EXTRA) or []
    if not isinstance(extra, list):
        raise files.error(file, f"{EXTRA} must be a list, not {type(extra).__name__}")
    return extra


def read_added_tokens(files: TokenizerFiles, special: SpecialNames) -> list[AddedToken]:
    """The added tokens with ids that the configuration files name, without those of `tokenizer.json`."""
    decoder = files.json_object(CONFIG).get("added_tokens_decoder")
    listed = _read_added_json(files, special)
    if decoder is None:
        return listed
    if not isinstance(decoder, dict):
        raise files.error(CONFIG, f"added_tokens_decoder must be an object, not {type(decoder).__name__}")
    tokens = [_token(files, CONFIG, value, _id(files, CONFIG, key)) for key, value in decoder.items()]
    _check_agreement(files, tokens, listed)
    return tokens


def read_tokenizer_json_added(files: TokenizerFiles) -> list[AddedToken]:
    """The added tokens of `tokenizer.json`."""
    entries = files.json_object(TOKENIZER_JSON).get("added_tokens") or []
    if not isinstance(entries, list) or not all(isinstance(value, dict) for value in entries):
        raise files.error(TOKENIZER_JSON, "added_tokens must be a list of objects")
    return [_token(files, TOKENIZER_JSON, value, _id(files, TOKENIZER_JSON, value.get("id"))) for value in entries]


def _read_added_json(files: TokenizerFiles, special: SpecialNames) -> list[AddedToken]:
    entries = files.json_object(ADDED)
    names = set(special.all)
    return [AddedToken(name=name, id=_id(files, ADDED, id), special=name in names) for name, id in entries.items()]


def _check_agreement(files: TokenizerFiles, tokens: list[AddedToken], listed: list[AddedToken]) -> None:
    by_name = {token.name: token.id for token in tokens}
    for token in listed:
        if by_name.get(token.name, token.id) != token.id:
            raise files.error(ADDED, f"{token.name!r} has id {token.id} here, but {by_name[token.name]} in {CONFIG}")


def _token(files: TokenizerFiles, file: str, value: object, id: int) -> AddedToken:
    if isinstance(value, str):
        return AddedToken(name=value, id=id)
    if not isinstance(value, dict) or not isinstance(value.get("content"), str):
        raise files.error(file, f"a token is a name, or an object with 'content', not {value!r}")
    flags = {flag: bool(value.get(flag)) for flag in ("lstrip", "rstrip", "single_word", "special")}
    return AddedToken(name=value["content"], id=id, **flags)


def _id(files: TokenizerFiles, file: str, value: object) -> int:
    try:
        number = int(value) if isinstance(value, int | str) else -1
    except ValueError:
        number = -1
    if not 0 <= number < MAX_ID:
        raise files.error(file, f"a token id is a number from 0 to {MAX_ID - 1}, not {value!r}")
    return number
