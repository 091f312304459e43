"""All texts of one language and one split, read once from the materials and kept in a compiled file.

    documents -> part_of(document key) -> TextPool(sentences, phrases, words, titles, ...)

A sentence that occurs in several documents stays only in the first, so none is in two splits. The compiled file lies beside the
materials under a name made of what it was built from; it is built again when that changes.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path

from recipes.nano.data import materials, text_sources
from recipes.nano.data.plain_sentences import plain_documents, plain_headings, plain_words
from recipes.nano.data.sample import Language, Split, part_of
from recipes.nano.data.text_sources import Document

LANGUAGES: tuple[Language, ...] = ("en", "zh")
SPLITS: tuple[Split, ...] = ("train", "val", "test")
# Raised when reading or cleaning changes, so that old compiled files are left alone.
VERSION = 4
PLAIN_DOCUMENTS = 1500
MADE_TITLES = 3000
COMMON = 4  # times that a word is met before it counts as common


@dataclass
class TextPool:
    """Texts of one split. sentences: in reading order; phrases: standing alone; traditional: Chinese in traditional characters."""

    sentences: list[str] = field(default_factory=list)
    phrases: list[str] = field(default_factory=list)
    traditional: list[str] = field(default_factory=list)
    poems: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    common_words: list[str] = field(default_factory=list)


@lru_cache(maxsize=8)
def pool(language: Language, split: Split) -> TextPool:
    """The texts of a language and a split. Builds the compiled file when it is missing (a minute with all materials)."""
    stored = _compiled_file()
    if stored.is_file():
        return TextPool(**json.loads(stored.read_text(encoding="utf-8"))[f"{language} {split}"])
    pools = build_pools()
    _store(stored, pools)
    return pools[language, split]


def build_pools() -> dict[tuple[Language, Split], TextPool]:
    """Read every text material that is there."""
    pools = {(language, split): TextPool() for language in LANGUAGES for split in SPLITS}
    _add_documents(pools, text_sources.documents())
    for language in LANGUAGES:
        _add_plain_documents(pools, language)
    _add_poems(pools)
    _add_words(pools)
    for (language, split), texts in pools.items():
        made_titles = plain_headings(language, texts.common_words, MADE_TITLES if split == "train" else MADE_TITLES // 10)
        texts.titles = list(dict.fromkeys([*texts.titles, *made_titles]))
    return pools


def _add_documents(pools: dict[tuple[Language, Split], TextPool], documents: Iterable[Document]) -> None:
    seen: set[str] = set()
    for document in documents:
        texts = pools[document.language, part_of(document.key)]
        shelf = texts.traditional if document.traditional else texts.phrases if document.alone else texts.sentences
        shelf += _unseen(document.sentences, seen)
        if not document.traditional:
            texts.titles += _unseen(document.headings, seen)


def _add_plain_documents(pools: dict[tuple[Language, Split], TextPool], language: Language) -> None:
    """Made-up text where there is no real one; in Chinese also beside it, which is all about computers."""
    real = bool(pools[language, "train"].sentences)
    if language == "zh" or not real:
        made = plain_documents(language, PLAIN_DOCUMENTS)
        _add_documents(pools, (Document(key, language, sentences, alone=real) for key, sentences in made))


def _unseen(lines: Iterable[str], seen: set[str]) -> list[str]:
    fresh = []
    for line in lines:
        essence = "".join(character for character in line.casefold() if character.isalnum())
        if essence not in seen:
            seen.add(essence)
            fresh.append(line)
    return fresh


def _add_poems(pools: dict[tuple[Language, Split], TextPool]) -> None:
    seen: set[str] = set()
    for key, lines in text_sources.poems():
        fresh = _unseen(lines, seen)
        pools["zh", part_of(key)].poems += fresh
        pools["zh", part_of(key)].phrases += fresh


def _add_words(pools: dict[tuple[Language, Split], TextPool]) -> None:
    found: dict[Language, list[str]] = {"en": text_sources.english_words(), "zh": text_sources.chinese_words()}
    for language in LANGUAGES:
        words = found[language] or plain_words(language)
        met = _words_met(language, pools, set(words))
        for word in words:
            texts = pools[language, part_of(f"word {word}")]
            texts.words.append(word)
            if word in met:
                texts.common_words.append(word)
        for split in SPLITS:
            texts = pools[language, split]
            texts.common_words = texts.common_words or texts.words


def _words_met(language: Language, pools: dict[tuple[Language, Split], TextPool], words: set[str]) -> set[str]:
    """Which words the sentences use several times: the ones that readers meet."""
    lines = [line for split in SPLITS for line in (*pools[language, split].sentences, *pools[language, split].phrases)]
    if language == "en":
        counts = Counter(word for line in lines for word in re.findall("[a-z]+", line))
    else:
        counts = Counter(line[start : start + size] for line in lines for size in (2, 3, 4) for start in range(len(line) - size + 1))
    return {word for word in words if counts[word] >= COMMON}


def _compiled_file() -> Path:
    """Its name tells the materials it was built from, by the package files they came out of."""
    parts = [str(VERSION)]
    for row in materials.MATERIALS.values():
        if row.use == "texts" and (place := materials.present(row.name)):
            parts.append((place / materials.STAMP).read_text(encoding="utf-8"))
    return materials.folder() / ".compiled" / f"texts-{zlib.crc32(''.join(parts).encode()):08x}.json"


def _store(path: Path, pools: dict[tuple[Language, Split], TextPool]) -> None:
    """Written aside and renamed: another process may read or write it at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}")
    aside.write_text(
        json.dumps({f"{language} {split}": asdict(texts) for (language, split), texts in pools.items()}, ensure_ascii=False), "utf-8"
    )
    aside.replace(path)
