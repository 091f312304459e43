"""The tokenizer: byte-level BPE in Qwen2's files, made by rule.

    256 bytes | one token a character beyond ASCII | control tokens

One token a character, letters too: each has a glyph that the encoder names, so reading is copying, and unknown words are as easy as
known ones. Merges exist only to put the bytes of a character together. Answers are three times as many tokens as with merged words, of
which this small model writes a thousand a second.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from recipes.nano.model.characters import characters
from recipes.nano.vocabulary import CONTROL_TOKENS, byte_letters, write_files


def write_tokenizer(folder: Path) -> None:
    """Write vocab.json, merges.txt, added_tokens.json, special_tokens_map.json and tokenizer_config.json into `folder`."""
    write_files(folder, *make_vocabulary())


def vocabulary_size() -> int:
    """How many ids there are, control tokens included."""
    return len(make_vocabulary()[0]) + len(CONTROL_TOKENS)


def control_id(token: str) -> int:
    """The id of a control token."""
    return len(make_vocabulary()[0]) + CONTROL_TOKENS.index(token)


def character_ids() -> list[int]:
    """The id of each character that is read, in the order of their classes."""
    vocabulary, letters = make_vocabulary()[0], byte_letters()
    return [vocabulary["".join(letters[value] for value in character.encode())] for character in characters()]


@lru_cache(maxsize=1)
def make_vocabulary() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """token -> id, and the merges in order of rank."""
    letters = byte_letters()
    vocabulary = {letters[value]: index for index, value in enumerate(sorted(letters))}
    merges = []
    for character in sorted(set(characters())):
        pieces = [letters[value] for value in character.encode()]
        joined = pieces[0]
        for piece in pieces[1:]:
            if joined + piece not in vocabulary:
                vocabulary[joined + piece] = len(vocabulary)
                merges.append((joined, piece))
            joined += piece
    return vocabulary, merges
