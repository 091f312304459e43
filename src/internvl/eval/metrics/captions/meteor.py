"""METEOR 1.5 for English captions, without Java: exact words, stems, WordNet synonyms and paraphrases.

captions, references -> alignment with every reference -> counts of the best one -> score of a picture; summed counts -> corpus score.
Exact words and stems need nothing. Synonyms need a WordNet 3 database, paraphrases METEOR's table; the result names what was used.
With all four the values are those of the original program; without synonyms or paraphrases they differ a little.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from internvl.eval.metrics.captions.align import Match, best_alignment
from internvl.eval.metrics.captions.normalise import meteor_words
from internvl.eval.metrics.captions.stem import english_stem
from internvl.eval.metrics.captions.synonyms import Phrase, Synonyms, find_wordnet, load_paraphrases, load_synonyms

STAGES = ("exact", "stem", "synonym", "paraphrase")
_WEIGHTS = (1.0, 0.6, 0.8, 0.6)
_ALPHA, _BETA, _GAMMA, _DELTA = 0.85, 0.2, 0.6, 0.75
_FUNCTION_WORDS_TEXT = (
    "the , . to of and a in that for \" is on 's it with was as said at he by be from have has are his but an this not i "
    "will \u2019 they ) -rrb- ( -lrb- who their had we which were been more or s its would about new one after you : also up "
    "when there than $ all out her people she year two - can if last first \u201c over other \u201d into some what so -- no time "
    "years could ? 't \u2014 '"
)
_FUNCTION_WORDS = frozenset(_FUNCTION_WORDS_TEXT.split())


@dataclass(frozen=True, kw_only=True)
class MeteorScore:
    """`score` of the corpus and `per_picture`, 0..1, and the `matchers` that were active."""

    score: float
    per_picture: list[float]
    matchers: tuple[str, ...]


@dataclass(frozen=True)
class Meteor:
    """The matchers beyond exact words and stems; `synonyms` and `paraphrases` may be absent."""

    synonyms: Synonyms | None = None
    paraphrases: Mapping[Phrase, Sequence[Phrase]] | None = None

    @cached_property
    def matchers(self) -> tuple[str, ...]:
        """The names of the active matchers, in their order."""
        absent = {"synonym": self.synonyms is None, "paraphrase": self.paraphrases is None}
        return tuple(stage for stage in STAGES if not absent.get(stage, False))

    def score(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> MeteorScore:
        """Score `hypotheses[i]` against `references[i]`. The corpus score comes from summed counts; it is no mean of the pictures."""
        counts = [self._best(said, known) for said, known in zip(hypotheses, references, strict=True)]
        total = _Counts.summed(counts)
        return MeteorScore(score=total.score, per_picture=[each.score for each in counts], matchers=self.matchers)

    def _best(self, said: str, known: Sequence[str]) -> _Counts:
        words = meteor_words(said)
        return max((self._counts(words, meteor_words(one)) for one in known), key=lambda counts: counts.score)

    def _counts(self, said: list[str], known: list[str]) -> _Counts:
        matches = self._exact(said, known) if said == known else self._all(said, known)
        chosen, chunks = best_alignment(matches, len(known))
        said_stages = {match.said + step: match.stage for match in chosen for step in range(match.said_length)}
        known_stages = {match.start + step: match.stage for match in chosen for step in range(match.length)}
        return _Counts(
            said=_weight(said), known=_weight(known),
            said_right=_weight_of(said, said_stages), known_right=_weight_of(known, known_stages),
            said_matched=len(said_stages), known_matched=len(known_stages), chunks=chunks,
            perfect=len(said_stages) == len(said) and len(known_stages) == len(known) and chunks == 1,
        )  # fmt: skip

    def _all(self, said: list[str], known: list[str]) -> Iterator[Match]:
        """Every possible match, stage by stage; the order decides ties of the search."""
        yield from self._exact(said, known)
        yield from _pairs(1, [english_stem(word) for word in said], [english_stem(word) for word in known], said, known)
        if self.synonyms is not None:
            said_sets, known_sets = [self.synonyms.of(word) for word in said], [self.synonyms.of(word) for word in known]
            for start, one in enumerate(known_sets):
                for place, other in enumerate(said_sets):
                    if said[place] != known[start] and not one.isdisjoint(other):
                        yield Match(2, start, place)
        if self.paraphrases is not None:
            for start, length, place, said_length in self._phrases(known, said, self.paraphrases):
                yield Match(3, start, place, length, said_length)
            for place, said_length, start, length in self._phrases(said, known, self.paraphrases):
                yield Match(3, start, place, length, said_length)

    @staticmethod
    def _exact(said: list[str], known: list[str]) -> Iterator[Match]:
        return (Match(0, start, place) for start, word in enumerate(known) for place, other in enumerate(said) if word == other)

    @staticmethod
    def _phrases(one: list[str], other: list[str], table: Mapping[Phrase, Sequence[Phrase]]) -> Iterator[tuple[int, int, int, int]]:
        """(start, length) of phrases of `one` with (start, length) of a paraphrase of them in `other`."""
        for start in range(len(one)):
            for length in range(1, len(one) - start + 1):
                for phrase in table.get(tuple(one[start : start + length]), ()):
                    for place in range(len(other) - len(phrase) + 1):
                        if tuple(other[place : place + len(phrase)]) == phrase:
                            yield start, length, place, len(phrase)


def meteor(
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    wordnet: str | Path | None = None,
    paraphrases: str | Path | None = None,
) -> MeteorScore:
    """METEOR of tokenised captions `hypotheses[i]` against `references[i]`.

    `wordnet` is a WordNet 3 folder (by default the one that is installed, if any), `paraphrases` METEOR's `paraphrase-en.gz`.
    Raises `EvalError` when a file that was named can't be read.
    """
    folder = find_wordnet(wordnet)
    table = None
    if paraphrases is not None:
        sentences = [*hypotheses, *(one for known in references for one in known)]
        table = load_paraphrases(paraphrases, {word for sentence in sentences for word in meteor_words(sentence)})
    return Meteor(load_synonyms(folder) if folder else None, table).score(hypotheses, references)


@dataclass(frozen=True, kw_only=True)
class _Counts:
    said: float
    known: float
    said_right: float
    known_right: float
    said_matched: int
    known_matched: int
    chunks: int
    perfect: bool

    @cached_property
    def score(self) -> float:
        if not self.said_right or not self.known_right:
            return 0.0
        precision, recall = self.said_right / self.said, self.known_right / self.known
        mean = 1 / ((1 - _ALPHA) / precision + _ALPHA / recall)
        broken = 0.0 if self.perfect else self.chunks / ((self.said_matched + self.known_matched) / 2)
        return max(0.0, mean * (1 - _GAMMA * float(broken**_BETA)))

    @classmethod
    def summed(cls, counts: Sequence[_Counts]) -> _Counts:
        """The counts of a corpus. A perfect caption adds no chunk, so it adds no penalty either."""
        return cls(
            said=sum(one.said for one in counts), known=sum(one.known for one in counts),
            said_right=sum(one.said_right for one in counts), known_right=sum(one.known_right for one in counts),
            said_matched=sum(one.said_matched for one in counts), known_matched=sum(one.known_matched for one in counts),
            chunks=sum(0 if one.perfect else one.chunks for one in counts), perfect=False,
        )  # fmt: skip


def _pairs(stage: int, said_keys: list[str], known_keys: list[str], said: list[str], known: list[str]) -> Iterator[Match]:
    for start, key in enumerate(known_keys):
        for place, other in enumerate(said_keys):
            if key == other and said[place] != known[start]:
                yield Match(stage, start, place)


def _share(word: str) -> float:
    return 1 - _DELTA if word in _FUNCTION_WORDS else _DELTA


def _weight(words: Sequence[str]) -> float:
    return sum(map(_share, words))


def _weight_of(words: Sequence[str], stages: Mapping[int, int]) -> float:
    return sum(_share(words[place]) * _WEIGHTS[stage] for place, stage in stages.items())
