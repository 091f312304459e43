"""The tokenizer: byte-level BPE in Qwen2's files. `python -m recipes.nano.model.vocabulary` counts its English merges anew.

    256 bytes | English merges, counted on the training texts (words/merges.txt) | one token a Chinese character | control tokens

A hanzi is never a part of a longer token, so a line of Chinese is as many tokens as characters; digits stay single.
"""

from __future__ import annotations

import json
import random
from functools import lru_cache
from pathlib import Path

from recipes.nano.model.characters import characters
from recipes.nano.vocabulary import CONTROL_TOKENS, byte_letters, write_files

MERGES_FILE = Path(__file__).parent / "words" / "merges.txt"
MERGES, LONGEST = 2400, 8
COUNTED_TEXTS, COUNTED_SAMPLES = 60_000, 120


def write_tokenizer(folder: Path) -> None:
    """Write vocab.json, merges.txt, added_tokens.json, special_tokens_map.json and tokenizer_config.json into `folder`."""
    write_files(folder, *make_vocabulary())


def vocabulary_size() -> int:
    """How many ids there are, control tokens included."""
    return len(make_vocabulary()[0]) + len(CONTROL_TOKENS)


def control_id(token: str) -> int:
    """The id of a control token."""
    return len(make_vocabulary()[0]) + CONTROL_TOKENS.index(token)


@lru_cache(maxsize=1)
def make_vocabulary() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """token -> id, and the merges in order of rank."""
    letters = byte_letters()
    vocabulary = {letters[value]: index for index, value in enumerate(sorted(letters))}
    merges = [_pair(line) for line in MERGES_FILE.read_text(encoding="utf-8").splitlines()]
    for left, right in merges:
        vocabulary.setdefault(left + right, len(vocabulary))
    for character in sorted(set(characters())):
        pieces = [letters[value] for value in character.encode()]
        joined = pieces[0]
        for piece in pieces[1:]:
            if joined + piece not in vocabulary:
                vocabulary[joined + piece] = len(vocabulary)
                merges.append((joined, piece))
            joined += piece
    return vocabulary, merges


def count_merges() -> list[tuple[str, str]]:
    """The most useful merges of letters and marks in the training texts and in questions and answers about them."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    split = Regex(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(split, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=256 + MERGES, max_token_length=LONGEST, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(_texts(), trainer)
    return [(left, right) for left, right in json.loads(tokenizer.to_str())["model"]["merges"]]


def _texts() -> list[str]:
    """English texts, and questions and answers of every family, without Chinese."""
    from recipes.nano.data.make import iterate
    from recipes.nano.data.text_pool import pool

    source, english = random.Random(5), pool("en", "train")
    texts = source.sample(english.sentences, min(COUNTED_TEXTS // 2, len(english.sentences)))
    texts += source.sample(english.phrases, min(COUNTED_TEXTS // 2, len(english.phrases)))
    for _, sample in zip(range(COUNTED_SAMPLES), iterate(3, "train", "default"), strict=False):
        texts += [text for turn in sample.turns for text in (turn.question, turn.answer)] * 20
    return ["".join(character for character in text if character.isascii()) for text in texts]


def _pair(line: str) -> tuple[str, str]:
    left, right = line.split(" ")
    return left, right


if __name__ == "__main__":
    MERGES_FILE.write_text("".join(f"{left} {right}\n" for left, right in count_merges()), encoding="utf-8")
    print(f"{MERGES_FILE}: {vocabulary_size()} ids with the control tokens")
