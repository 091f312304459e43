"""Texts for pictures: sentences, paragraphs, titles and words in English and Chinese, and the small pieces of values.py.

    TextPool of a language and split -> (random source) -> one string

Real texts are used where their materials lie unpacked (see materials.py), plain made ones otherwise. Documents, and with them their
sentences, belong to one split: what the test asks to be read was never trained on.
"""

from __future__ import annotations

import random

from recipes.nano.data.sample import Language, Split
from recipes.nano.data.text_pool import pool
from recipes.nano.data.values import address, code, company, date, email, number, person, phone, price, time

__all__ = [
    "address",
    "code",
    "company",
    "date",
    "email",
    "mixed",
    "number",
    "paragraph",
    "person",
    "phone",
    "poem",
    "price",
    "sentence",
    "time",
    "title",
    "words",
]

# Words that also occur in the sentences are the ones a reader meets; the rest of the dictionaries is drawn less often.
COMMON_WORDS = 0.7
TRADITIONAL = 0.08
# Definitions and examples of the dictionary, lines of poems: what stands alone; the rest comes from running text.
PHRASES = {"en": 0.5, "zh": 0.25}


def sentence(source: random.Random, language: Language, split: Split, *, traditional: bool | None = None) -> str:
    """One sentence of 15 to 160 letters, or of 6 to 70 hanzi; Chinese is in traditional characters where asked, else now and then."""
    texts = pool(language, split)
    if _wants_traditional(source, language, traditional) and texts.traditional:
        return source.choice(texts.traditional)
    return source.choice(texts.phrases if texts.phrases and source.random() < PHRASES[language] else texts.sentences)


def paragraph(source: random.Random, language: Language, split: Split, *, sentences: tuple[int, int]) -> str:
    """Neighbouring sentences of one document, as many as the inclusive range says; the next document goes on where one is short."""
    texts = pool(language, split)
    count, start = source.randint(*sentences), source.randrange(len(texts.sentences))
    run = [texts.sentences[(start + step) % len(texts.sentences)] for step in range(count)]
    return ("" if language == "zh" else " ").join(run)


def words(source: random.Random, language: Language, split: Split, count: int) -> list[str]:
    """Single words, mostly common ones; a word belongs to one split."""
    texts = pool(language, split)
    return [source.choice(texts.common_words if source.random() < COMMON_WORDS else texts.words) for _ in range(count)]


def title(source: random.Random, language: Language, split: Split) -> str:
    """A heading such as a page, a chapter or a poster carries."""
    return source.choice(pool(language, split).titles)


def poem(source: random.Random, split: Split) -> str:
    """Two lines of a classical Chinese poem, or a sentence where no poems are there."""
    texts = pool("zh", split)
    return source.choice(texts.poems or texts.sentences)


def mixed(source: random.Random, split: Split) -> str:
    """A Chinese line with an English word, a name or a value in it, as signs and notices have them."""
    first, second = words(source, "zh", split, 2)
    latin = source.choice((words(source, "en", split, 1)[0].title(), code(source, "en"), number(source, "en"), email(source, "zh")))
    return source.choice(
        (f"{first}{second} {latin}", f"{latin} {first}{second}", f"{first} {latin} {second}", f"{first}（{latin}）{second}")
    )


def _wants_traditional(source: random.Random, language: Language, asked: bool | None) -> bool:
    if language != "zh":
        return False
    return source.random() < TRADITIONAL if asked is None else asked
