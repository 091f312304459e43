"""What can be asked about lines of text whose places are known, and the true answers.

    Shown(lines, warp, values, ...) -> ask(source, shown, language, tasks, count) -> [Asked(task, question, answer, box), ...]

A question whose answer could be disputed (a word that occurs twice, a number among others) is not asked. What is not there gets a
refusal. Boxes in questions and answers are in thousandths of the picture.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from recipes.nano.data import texts
from recipes.nano.data.degrade import Warp
from recipes.nano.data.families.phrases_reading import NO, REFUSALS, YES, phrase
from recipes.nano.data.layout_text import NEVER_FIRST, NEVER_LAST, WIDE, Box, Line, pieces, thousandths
from recipes.nano.data.sample import Language, Sample, Split, Turn

WIDE_CHARACTER = re.compile(f"[{WIDE}]")
EDGES = "".join(NEVER_FIRST | NEVER_LAST) + "\"'"
CALENDAR_MARKS = re.compile("[年月日周元]|星期|day|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec")


@dataclass(frozen=True)
class Shown:
    """A picture's text: lines in reading order as they were set, and the way from there to the picture. values: kind -> text;
    running: the text without the line breaks of its paragraphs, where it has some.
    """

    size: tuple[int, int]
    lines: Sequence[Line]
    language: Language
    split: Split
    warp: Warp
    values: Mapping[str, str] = field(default_factory=dict)
    running: str = ""

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)

    def holds(self, phrase: str) -> bool:
        """Whether the letters of the phrase occur, in whatever case, a line break notwithstanding."""
        squeezed = "".join(self.text.split()).casefold()
        return "".join(phrase.split()).casefold() in squeezed

    def once(self, phrase: str) -> bool:
        """Whether it occurs exactly once, in whatever case."""
        return "".join(self.text.split()).casefold().count("".join(phrase.split()).casefold()) == 1

    def mark(self, box: Box) -> str:
        """The box as grounding is written: [[x1, y1, x2, y2]]."""
        return f"[[{', '.join(map(str, thousandths(self.warp.box(box), self.size)))}]]"


@dataclass(frozen=True)
class Asked:
    """A question with its answer. box: what it is about, as written in the question or the answer."""

    task: str
    question: str
    answer: str
    box: str | None = None


Asker: TypeAlias = Callable[[random.Random, Shown, Language], Asked | None]


def ask(source: random.Random, shown: Shown, language: Language, tasks: Sequence[tuple[float, Asker]], count: int) -> list[Asked]:
    """Up to `count` questions of different tasks, drawn by weight; those that don't fit the picture are passed over."""
    left = list(tasks)
    asked: list[Asked] = []
    while left and len(asked) < count:
        chosen = source.choices(range(len(left)), [weight for weight, _ in left])[0]
        _, asker = left.pop(chosen)
        found = asker(source, shown, language)
        if found:
            asked.append(found)
    return asked


def as_sample(family: str, image: Any, shown: Shown, language: Language, asked: Sequence[Asked], facts: Mapping[str, Any]) -> Sample:
    """The sample of one picture; its task is that of the first question, facts have all of them."""
    turns = [{"task": one.task, "answer": one.answer, **({"box": one.box} if one.box else {})} for one in asked]
    known = {"text": shown.text, "text_language": shown.language, "lines": [line.text for line in shown.lines], "turns": turns}
    return Sample(
        family=family,
        task=asked[0].task,
        language=language,
        images=(image,),
        turns=tuple(Turn(question=one.question, answer=one.answer) for one in asked),
        facts={**known, "values": dict(shown.values), **facts},
    )


def read(source: random.Random, shown: Shown, language: Language) -> Asked | None:
    return Asked("read", phrase(source, "read", language), shown.running or shown.text)


def read_line(source: random.Random, shown: Shown, language: Language) -> Asked | None:
    if len(shown.lines) < 2:
        return None
    if source.random() < 0.2:
        return Asked("last_line", phrase(source, "last_line", language), shown.lines[-1].text)
    n = source.randrange(len(shown.lines))
    return Asked("read_line", phrase(source, "read_line", language, n=n + 1), shown.lines[n].text)


def where(source: random.Random, shown: Shown, language: Language) -> Asked | None:
    found = _some_phrase(source, shown, whole=0.35)
    if not found:
        return None
    text, box = found
    mark = shown.mark(box)
    question = phrase(source, "where", language, text=text)
    return Asked("where", question, f"<ref>{text}</ref><box>{mark}</box>", mark)


def read_box(source: random.Random, shown: Shown, language: Language) -> Asked | None:
    found = _some_phrase(source, shown, whole=0.7, loose=True)
    if not found:
        return None
    text, box = found
    mark = shown.mark(box)
    return Asked("read_box", phrase(source, "read_box", language, box=mark), text, mark)


def first_word(source: random.Random, shown: Shown, language: Language) -> Asked | None:
    return _end_word(source, pieces(shown.lines[0].text)[0][1], "first", language)


def last_word(source: random.Random, shown: Shown, language: Language) -> Asked | None:
    found = [piece for _, piece in pieces(shown.lines[-1].text) if piece.strip(EDGES)]
    return _end_word(source, found[-1], "last", language) if found else None


def count_lines(source: random.Random, shown: Shown, language: Language) -> Asked | None:
    return Asked("count_lines", phrase(source, "count_lines", language), str(len(shown.lines)))


def value(source: random.Random, shown: Shown, language: Language) -> Asked | None:
    """What number, price, date ... is shown."""
    if not shown.values:
        return None
    kind = source.choice(sorted(shown.values))
    return Asked(kind, phrase(source, kind, language), shown.values[kind])


def continue_after(source: random.Random, shown: Shown, language: Language) -> Asked | None:
    line = source.choice(shown.lines)
    found = pieces(line.text)
    if len(found) < 4:
        return None
    end = source.randint(2, len(found) - 2)
    start = max(0, end - source.randint(2, 4))
    place, piece = found[end - 1]
    before = line.text[found[start][0] : place + len(piece)]
    after = line.text[found[end][0] :]
    if not before.strip(EDGES) or after[0] in EDGES or not shown.once(before) or '"' in before:
        return None
    return Asked("continue", phrase(source, "continue", language, text=before), after)


def present(source: random.Random, shown: Shown, language: Language) -> Asked | None:
    if source.random() < 0.5:
        word = _absent(source, shown)
        return Asked("present", phrase(source, "present", language, text=word), NO[language]) if word else None
    found = _some_phrase(source, shown, whole=0.0, most=2)
    return Asked("present", phrase(source, "present", language, text=found[0]), YES[language]) if found else None


def not_there(source: random.Random, shown: Shown, language: Language) -> Asked | None:
    """A question that the picture has no answer to."""
    kind = source.choice(("line", "where", "value", "continue", "box"))
    if kind == "box":
        mark = _empty_box(source, shown)
        return Asked("absent", phrase(source, "read_box", language, box=mark), REFUSALS[language]) if mark else None
    if kind == "value":
        missing = _missing_value(source, shown)
        return Asked("absent", phrase(source, missing, language), REFUSALS[language]) if missing else None
    if kind == "line":
        n = len(shown.lines) + source.randint(1, 4)
        return Asked("absent", phrase(source, "read_line", language, n=n), REFUSALS[language])
    word = _absent(source, shown)
    return Asked("absent", phrase(source, kind, language, text=word), REFUSALS[language]) if word else None


def _end_word(source: random.Random, piece: str, end: str, language: Language) -> Asked | None:
    """The first or last word, or character of Chinese; None when it is neither."""
    word = piece.strip(EDGES)
    if not word.replace("-", "").replace("'", "").replace("’", "").isalpha():
        return None
    task = f"{end}_character" if _is_wide(word) else f"{end}_word"
    return Asked(task, phrase(source, task, language), word)


def _is_wide(text: str) -> bool:
    return WIDE_CHARACTER.match(text) is not None


def _some_phrase(source: random.Random, shown: Shown, *, whole: float, most: int = 3, loose: bool = False) -> tuple[str, Box] | None:
    """A line, or a few neighbouring words of one, that occurs once, with its box. loose: the box may be a little wider."""
    for _ in range(6):
        line = source.choice(shown.lines)
        box: Box | None
        if source.random() < whole:
            text, box = line.text, line.box
        else:
            text, start = _some_words(source, line.text, most)
            box = line.find(text, start) if text else None
        if box and text.strip(EDGES) and shown.once(text) and "<" not in text and '"' not in text:
            return text, _widened(source, box) if loose else box
    return None


def _some_words(source: random.Random, text: str, most: int) -> tuple[str, int]:
    """Some neighbouring words (two to six characters of Chinese), without punctuation at the ends, and where they start."""
    found = pieces(text)
    first = source.randrange(len(found))
    count = source.randint(2, 3 + most) if _is_wide(found[first][1]) else source.randint(1, most)
    place, piece = found[min(first + count, len(found)) - 1]
    start, end = found[first][0], place + len(piece)
    chosen = text[start:end]
    start += len(chosen) - len(chosen.lstrip(EDGES))
    chosen = chosen.strip(EDGES)
    return (chosen, start) if len(chosen) > 1 else ("", 0)


def _widened(source: random.Random, box: Box) -> Box:
    by = source.uniform(0, 0.12) * (box[3] - box[1])
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def _absent(source: random.Random, shown: Shown) -> str | None:
    for _ in range(6):
        word = texts.words(source, shown.language, shown.split, 1)[0].strip(EDGES)
        if len(word) > 1 and not shown.holds(word):
            return word
    return None


def _empty_box(source: random.Random, shown: Shown) -> str | None:
    """A box of a line's size that keeps clear of all text, as written; None where the picture is too full."""
    taken = [shown.warp.box(line.box) for line in shown.lines]
    width, height = source.uniform(0.1, 0.4) * shown.size[0], source.uniform(0.04, 0.2) * shown.size[1]
    for _ in range(8):
        x, y = source.uniform(0, shown.size[0] - width), source.uniform(0, shown.size[1] - height)
        clear = 0.02 * max(shown.size)
        if all(x > x2 + clear or x + width < x1 - clear or y > y2 + clear or y + height < y1 - clear for x1, y1, x2, y2 in taken):
            return f"[[{', '.join(map(str, thousandths((x, y, x + width, y + height), shown.size)))}]]"
    return None


def _missing_value(source: random.Random, shown: Shown) -> str | None:
    """A kind of value that certainly is not in the text."""
    text = shown.text.casefold()
    if any(character.isdecimal() for character in text) or "@" in text or CALENDAR_MARKS.search(text):
        return None
    return source.choice(("price", "date", "phone", "email", "code", "page_number"))
