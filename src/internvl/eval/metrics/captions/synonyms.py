"""Synonyms for METEOR from a WordNet 3 database, and paraphrases from METEOR's table. Both are files the user has; none is shipped.

WordNet folder (index.noun ..., noun.exc ...) -> word -> synset numbers; table (gzip, three lines an entry) -> phrase -> phrases.
"""

from __future__ import annotations

import gzip
import os
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from internvl.eval.errors import EvalError

_PARTS = ("noun", "verb", "adj", "adv")
_USUAL_FOLDERS = ("/usr/share/wordnet", "/usr/local/WordNet-3.0/dict", "/usr/share/wordnet/dict")
_SUFFIXES = (
    ("s", ""), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"), ("men", "man"), ("ies", "y"),
    ("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", ""),
    ("er", ""), ("est", ""), ("er", "e"), ("est", "e"),
)  # fmt: skip

Phrase = tuple[str, ...]


@dataclass(frozen=True)
class Synonyms:
    """Synset numbers of every word, and the base forms of irregular ones. Two words are synonyms when they share a synset."""

    synsets: dict[str, frozenset[int]]
    bases: dict[str, list[str]]
    _known: dict[str, frozenset[int]] = field(default_factory=dict, repr=False)

    def of(self, word: str) -> frozenset[int]:
        """The synsets of a word and of its base form."""
        if word not in self._known:
            self._known[word] = self._look_up(word)
        return self._known[word]

    def _look_up(self, word: str) -> frozenset[int]:
        own = self.synsets.get(word, frozenset())
        if word in self.bases:
            return own.union(*(self.synsets.get(base, frozenset()) for base in self.bases[word]))
        return own | self.synsets.get(self._base(word), frozenset())

    def _base(self, word: str) -> str:
        if word.endswith("ss") or len(word) <= 2:
            return word
        ending = "ful" if word.endswith("ful") else ""
        for suffix, instead in _SUFFIXES:
            base = word.removesuffix(suffix) + instead
            if word.endswith(suffix) and base in self.synsets:
                return base + ending
        return ""


def find_wordnet(folder: str | Path | None = None) -> Path | None:
    """The folder of a WordNet database: the one given, else that of WNSEARCHDIR or WNHOME, else a usual one; None where there is none.

    Raises `EvalError` when a folder was given and holds no database.
    """
    if folder is not None:
        if _is_wordnet(Path(folder)):
            return Path(folder)
        raise EvalError(f"{folder} holds no WordNet database: expected index.noun, index.verb, index.adj, index.adv and noun.exc")
    named = [os.environ.get("WNSEARCHDIR"), f"{os.environ['WNHOME']}/dict" if "WNHOME" in os.environ else None]
    return next((Path(place) for place in (*named, *_USUAL_FOLDERS) if place and _is_wordnet(Path(place))), None)


def load_synonyms(folder: Path) -> Synonyms:
    """Read a WordNet 3 database. Raises `EvalError` for a damaged line, with file and row."""
    synsets: dict[str, set[int]] = defaultdict(set)
    bases: dict[str, list[str]] = defaultdict(list)
    for part in _PARTS:
        for row, fields in _rows(folder / f"index.{part}"):
            if len(fields) < 7 or not all(one.isdigit() for one in (fields[2], *fields[-1:])):
                raise EvalError(f"{folder / f'index.{part}'}, row {row}: not a line of a WordNet index")
            synsets[fields[0]].update(int(number) for number in fields[-int(fields[2]) :])
        for _, fields in _rows(folder / f"{part}.exc"):
            bases[fields[0]] += fields[1:]
    return Synonyms({word: frozenset(numbers) for word, numbers in synsets.items()}, dict(bases))


def load_paraphrases(path: str | Path, words: Collection[str]) -> dict[Phrase, list[Phrase]]:
    """The entries of METEOR's paraphrase table all of whose words are among `words`, so memory follows the captions, not the table.

    The file is gzip: a probability, a phrase and its paraphrase in three lines. Raises `EvalError` for another file.
    """
    table: dict[Phrase, list[Phrase]] = defaultdict(list)
    known = frozenset(words)
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for row, (_, phrase, instead) in enumerate(zip_longest(lines, lines, lines), 1):
                if phrase is None or instead is None:
                    raise EvalError(f"{path}, entry {row}: a paraphrase table has three lines an entry")
                one, other = tuple(phrase.split()), tuple(instead.split())
                if one and other and known.issuperset(one) and known.issuperset(other):
                    table[one].append(other)
    except (OSError, EOFError, UnicodeDecodeError) as fault:
        raise EvalError(f"{path} is no readable gzip paraphrase table: {fault}") from fault
    return dict(table)


def _is_wordnet(folder: Path) -> bool:
    return all((folder / f"index.{part}").is_file() and (folder / f"{part}.exc").is_file() for part in _PARTS)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    with path.open(encoding="utf-8") as lines:
        for row, line in enumerate(lines, 1):
            fields = line.split()
            if fields and not line.startswith(" "):
                yield row, fields
