"""The tokenizer: byte-level BPE in Qwen2's files, made by rule instead of by counting.

    256 bytes | hanzi, one token each | words of the questions, with their leading space | control tokens

Merges exist only for hanzi and for words that follow a space. Text on a sign is quoted, or stands at the start of an answer, so it
is spelled character by character: the model reads letters, never whole words that it could guess.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from recipes.nano.dialogue import all_lines
from recipes.nano.lexicon import HANZI
from recipes.nano.questions import all_phrases

END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
VISUAL = ("<img>", "</img>", "<IMG_CONTEXT>", "<quad>", "</quad>", "<ref>", "</ref>", "<box>", "</box>")
CONTROL_TOKENS = (END_OF_TEXT, TURN_START, TURN_END, *VISUAL)
SYSTEM_MESSAGE = "Be brief."  # the shortest that is true; the released models' own costs fifty tokens a prompt
ROLES = ("user", "assistant")


def write_tokenizer(folder: Path) -> None:
    """Write vocab.json, merges.txt, added_tokens.json, special_tokens_map.json and tokenizer_config.json into `folder`."""
    write_files(folder, *make_vocabulary())


def write_files(folder: Path, vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> None:
    """The files of a tokenizer with these tokens and merges, and the control tokens behind them."""
    first_control = len(vocabulary)
    added = {name: first_control + index for index, name in enumerate(CONTROL_TOKENS)}
    _write(folder / "vocab.json", vocabulary)
    merge_lines = "".join(f"{left} {right}\n" for left, right in merges)
    (folder / "merges.txt").write_text("#version: 0.2\n" + merge_lines, encoding="utf-8")
    _write(folder / "added_tokens.json", added)
    _write(folder / "special_tokens_map.json", _special_tokens())
    _write(folder / "tokenizer_config.json", _tokenizer_config(added))


def vocabulary_size() -> int:
    """How many ids there are, control tokens included."""
    return len(make_vocabulary()[0]) + len(CONTROL_TOKENS)


def placeholder_id() -> int:
    """The id that visual tokens replace."""
    return vocabulary_size() - len(CONTROL_TOKENS) + CONTROL_TOKENS.index("<IMG_CONTEXT>")


def make_vocabulary() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """token -> id, and the merges in order of rank."""
    letters = byte_letters()
    vocabulary = {letters[value]: index for index, value in enumerate(sorted(letters))}
    merges: list[tuple[str, str]] = []
    for unit in _units():
        pieces = [letters[value] for value in unit.encode()]
        joined = pieces[0]
        for piece in pieces[1:]:
            if joined + piece not in vocabulary:
                vocabulary[joined + piece] = len(vocabulary)
                merges.append((joined, piece))
            joined += piece
    return vocabulary, merges


def byte_letters() -> dict[int, str]:
    """The printable stand-in of each byte in byte-level BPE files: itself where printable, else a letter from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [value for value in range(256) if value not in printable]
    return {value: chr(value) for value in printable} | {value: chr(256 + i) for i, value in enumerate(hidden)}


def _units() -> Iterator[str]:
    """What becomes one token: characters beyond ASCII, then words with the space before them, then the names of the roles."""
    lines = [*all_phrases(), *all_lines(), SYSTEM_MESSAGE]
    yield from sorted(_beyond_ascii(lines) | set(HANZI))
    yield from sorted({f" {word}" for line in lines for word in re.findall(r"(?<= )[a-z]+", line)})
    yield from (' "', *ROLES)


def _beyond_ascii(lines: Iterable[str]) -> set[str]:
    return {character for line in lines for character in line if not character.isascii()}


def _special_tokens() -> dict[str, object]:
    return {
        "additional_special_tokens": [TURN_START, TURN_END, *VISUAL],
        "eos_token": END_OF_TEXT,
        "pad_token": END_OF_TEXT,
        "unk_token": END_OF_TEXT,
    }


def _tokenizer_config(added: dict[str, int]) -> dict[str, object]:
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    return {
        "added_tokens_decoder": {str(index): {"content": name, **flags} for name, index in added.items()},
        "additional_special_tokens": [TURN_START, TURN_END, *VISUAL],
        "bos_token": None,
        "clean_up_tokenization_spaces": False,
        "eos_token": END_OF_TEXT,
        "errors": "replace",
        "model_max_length": 8192,
        "pad_token": END_OF_TEXT,
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": END_OF_TEXT,
    }


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
