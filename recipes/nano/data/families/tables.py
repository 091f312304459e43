"""Family `tables`: tables of numbers and words; what a cell holds, which is largest, sums, counts, transcriptions, boxes of cells.

    invent -> Data -> Chromium -> Page with a box for every cell -> questions -> Sample

Sums and differences are of the numbers as shown, so that whoever reads rightly comes to the same answer.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from recipes.nano.data.browser import Page, shared
from recipes.nano.data.families.page_questions import Answer, language_of_questions, page_sample, some_questions
from recipes.nano.data.families.phrases_reading import REFUSALS
from recipes.nano.data.families.phrases_tables import phrase
from recipes.nano.data.families.tables_data import Data, Field, invent, other_columns, other_names
from recipes.nano.data.families.words_tables import ADDABLE
from recipes.nano.data.page_style import page_html, used_look, worn
from recipes.nano.data.sample import Language, Sample, Split

OTHER_LANGUAGE = 0.1
HIGHEST = 1600
WORN = 0.18
LONGEST_TRANSCRIPTION = 900
BASE = """
body{margin:0;padding:1.5em;background:var(--page);color:var(--ink);line-height:1.35;display:inline-block;min-width:100%;min-height:224px}
table{border-collapse:collapse} caption{font-size:1.25em;font-weight:700;padding:.4em .3em;caption-side:top}
td,th{padding:.35em .7em;text-align:left;vertical-align:middle} td.num{text-align:right;white-space:nowrap} th.joint{text-align:center}
.wide table{width:100%} .below caption{caption-side:bottom}
"""


@dataclass(frozen=True)
class Asked:
    """What a question is made from."""

    data: Data
    page: Page
    source: random.Random
    language: Language

    def ask(self, task: str, **slots: object) -> str:
        """The question of a task in words."""
        return phrase(self.source, task, self.language, **({"key": self.key} | slots))

    @property
    def key(self) -> str:
        """What a row is, as it is put within a question."""
        return self.data.key.lower() if self.data.key.isascii() else self.data.key

    def row(self) -> int:
        """A row at random."""
        return self.source.randrange(len(self.data.rows))

    def column(self, *, numbers: bool = False) -> int | None:
        """A column at random, of numbers if asked."""
        known = [place for place, one in enumerate(self.data.columns) if one.numbers is not None or not numbers]
        return self.source.choice(known) if known else None


class Tables:
    """Made-up and real tables in many styles, with joint headings and merged cells."""

    name = "tables"

    def sample(self, source: random.Random, split: Split) -> Sample:
        """A table with one to three questions. Raises MissingMaterial without Chromium or fonts."""
        page_language: Language = source.choice(("en", "zh"))
        data, page, look = _draw(source, page_language, split)
        language = language_of_questions(source, page_language, other=OTHER_LANGUAGE)
        chosen = some_questions(TASKS, Asked(data, page, source, language), source)
        facts = {
            "look": look,
            "page_language": page_language,
            "key": data.key,
            "rows": list(data.rows),
            "columns": {one.name: list(one.cells) for one in data.columns},
        }
        return page_sample(self.name, language, page, chosen, facts)


def _draw(source: random.Random, language: Language, split: Split) -> tuple[Data, Page, str]:
    """A table that fits the picture; one that does not is drawn anew."""
    while True:
        data = invent(source, language)
        look = used_look("tables", source, language, split, sizes=(14, 22))
        width = min(1400, source.randint(280, 460) + source.randint(60, 110) * len(data.columns) * look.size // 15)
        classes = " ".join(name for name, share in (("wide", 0.5), ("below", 0.08)) if source.random() < share)
        body = f'<div class="{classes}">{data.html(aligned=source.random() < 0.7)}</div>'
        page = shared().render(page_html(look, BASE, body, language), width=width)
        if page.image.height <= HIGHEST and not page.overflows and page.holds(*page.boxes):
            return data, worn(page, source, split, share=WORN, text_px=look.size), look.name


def _cell(asked: Asked) -> Answer:
    row, column = asked.row(), asked.source.choice(asked.data.columns)
    return asked.ask("cell", row=asked.data.rows[row], column=column.name), column.cells[row]


def _find(asked: Asked) -> Answer:
    row, column = asked.row(), asked.source.choice(asked.data.columns)
    if column.cells.count(column.cells[row]) > 1:
        return None
    return asked.ask("find", column=column.name, value=column.cells[row]), asked.data.rows[row]


def _extreme(task: str, best: Callable[..., float], *, value: bool) -> Callable[[Asked], Answer]:
    """Largest or smallest: the row that has it, where only one has, or the value itself."""

    def made(asked: Asked) -> Answer:
        place = asked.column(numbers=True)
        if place is None:
            return None
        column = asked.data.columns[place]
        numbers = _numbers(column)
        wanted = best(numbers)
        if not value and numbers.count(wanted) > 1:
            return None
        row = numbers.index(wanted)
        return asked.ask(task, column=column.name), column.cells[row] if value else asked.data.rows[row]

    return made


def _sum(asked: Asked) -> Answer:
    column = _addable(asked)
    if column is None or len(asked.data.rows) < 2:
        return None
    one, other = asked.source.sample(range(len(asked.data.rows)), 2)
    numbers = _numbers(column)
    question = asked.ask("sum", column=column.name, row=asked.data.rows[one], other=asked.data.rows[other])
    return question, column.shown(numbers[one] + numbers[other])


def _total(asked: Asked) -> Answer:
    column = _addable(asked)
    if column is None or (len(asked.data.rows) > 6 and not asked.data.total):
        return None
    return asked.ask("total", column=column.name), column.shown(sum(_numbers(column)))


def _difference(asked: Asked) -> Answer:
    pair = _two_rows(asked)
    if pair is None:
        return None
    column, high, low = pair
    numbers = _numbers(column)
    question = asked.ask("difference", column=column.name, row=asked.data.rows[high], other=asked.data.rows[low])
    return question, column.shown(numbers[high] - numbers[low])


def _compare(asked: Asked) -> Answer:
    pair = _two_rows(asked)
    if pair is None:
        return None
    column, high, low = pair
    first, second = asked.source.sample((high, low), 2)
    return asked.ask("compare", column=column.name, row=asked.data.rows[first], other=asked.data.rows[second]), asked.data.rows[high]


def _above(asked: Asked) -> Answer:
    place = asked.column(numbers=True)
    if place is None:
        return None
    column = asked.data.columns[place]
    row = asked.row()
    count = sum(number > _numbers(column)[row] for number in _numbers(column))
    return asked.ask("above", column=column.name, value=column.cells[row]), str(count)


def _alike(asked: Asked) -> Answer:
    words = [one for one in asked.data.columns if one.numbers is None]
    if not words:
        return None
    column = asked.source.choice(words)
    value = column.cells[asked.row()]
    return asked.ask("alike", column=column.name, value=value), str(column.cells.count(value))


def _rows(asked: Asked) -> Answer:
    return None if asked.data.total else (asked.ask("rows"), str(len(asked.data.rows)))


def _columns(asked: Asked) -> Answer:
    return asked.ask("columns"), str(len(asked.data.columns) + 1 + bool(asked.data.blocks))


def _headings(asked: Asked) -> Answer:
    data = asked.data
    if data.groups:
        return None
    first = [data.block_key] if data.blocks else []
    return asked.ask("headings"), "\n".join([*first, data.key, *(one.heading for one in data.columns)])


def _names(asked: Asked) -> Answer:
    return asked.ask("names", key=asked.data.key), "\n".join(asked.data.rows)


def _row(asked: Asked) -> Answer:
    row = asked.row()
    return asked.ask("row", row=asked.data.rows[row]), "\n".join(f"{one.heading}: {one.cells[row]}" for one in asked.data.columns)


def _title(asked: Asked) -> Answer:
    return asked.ask("title"), asked.data.title


def _group(asked: Asked) -> Answer:
    if not asked.data.groups:
        return None
    left = asked.data.groups[0][1]
    which = asked.source.randrange(2)
    columns = asked.data.columns[left:] if which else asked.data.columns[:left]
    return asked.ask("group", name=asked.data.groups[which][0]), "\n".join(one.heading for one in columns)


def _block(asked: Asked) -> Answer:
    if not asked.data.blocks:
        return None
    if asked.source.random() < 0.4:
        name, count = asked.source.choice(asked.data.blocks)
        return asked.ask("block_rows", name=name), str(count)
    row = asked.row()
    owners = [name for name, count in asked.data.blocks for _ in range(count)]
    key = asked.data.block_key.lower() if asked.data.block_key.isascii() else asked.data.block_key
    return asked.ask("block", name=key, row=asked.data.rows[row]), owners[row]


def _markdown(asked: Asked) -> Answer:
    if asked.data.groups or asked.data.blocks:
        return None
    text = asked.data.markdown()
    return (asked.ask("markdown"), text) if len(text) <= LONGEST_TRANSCRIPTION else None


def _html(asked: Asked) -> Answer:
    text = asked.data.bare_html()
    return (asked.ask("html"), text) if len(text) <= LONGEST_TRANSCRIPTION else None


def _where(asked: Asked) -> Answer:
    data, source = asked.data, asked.source
    row, place = asked.row(), source.randrange(len(data.columns))
    names = (
        (data.rows[row], f"r/{row}"),
        (data.columns[place].heading, f"h/{place}"),
        (phrase(source, "the_row", asked.language, row=data.rows[row]), f"row/{row}"),
        (phrase(source, "the_cell", asked.language, row=data.rows[row], column=data.columns[place].name), f"c/{row}/{place}"),
        (data.title, "title"),
    )
    name, mark = source.choice(names)
    # A row that a merged cell reaches into has no plain box of its own.
    if (data.blocks and mark.startswith("row/")) or sum(text.strip() == name for text in asked.page.texts.values()) > 1:
        return None
    return asked.ask("where", name=name), f"<ref>{name}</ref><box>{asked.page.box_text(mark)}</box>"


def _at(asked: Asked) -> Answer:
    row, place = asked.row(), asked.source.randrange(len(asked.data.columns))
    return asked.ask("at", box=asked.page.box_text(f"c/{row}/{place}")), asked.data.columns[place].cells[row]


def _absent(asked: Asked) -> Answer:
    """A row or a column that the table does not have."""
    data = asked.data
    language: Language = "zh" if any(ord(letter) > 0x2E80 for letter in data.key) else "en"
    rows, columns = other_names(data, asked.source, language), other_columns(data, asked.source, language)
    if rows and asked.source.random() < 0.5:
        return asked.ask("cell", row=rows[0], column=asked.source.choice(data.columns).name), REFUSALS[asked.language]
    if not columns:
        return None
    task = asked.source.choice(("cell", "max"))
    return asked.ask(task, row=data.rows[asked.row()], column=columns[0]), REFUSALS[asked.language]


def _two_rows(asked: Asked) -> tuple[Field, int, int] | None:
    """A column of numbers and two rows, the one with more first."""
    place = asked.column(numbers=True)
    if place is None or len(asked.data.rows) < 2:
        return None
    column = asked.data.columns[place]
    numbers = _numbers(column)
    one, other = asked.source.sample(range(len(numbers)), 2)
    if numbers[one] == numbers[other]:
        return None
    return (column, one, other) if numbers[one] > numbers[other] else (column, other, one)


def _addable(asked: Asked) -> Field | None:
    known = [one for one in asked.data.columns if one.numbers is not None and one.name in ADDABLE]
    return asked.source.choice(known) if known else None


def _numbers(column: Field) -> tuple[float, ...]:
    return column.numbers or ()


# Task -> (how often against the others, how it is made).
TASKS: dict[str, tuple[float, Callable[[Asked], Answer]]] = {
    "cell": (5.0, _cell),
    "find": (2.0, _find),
    "max": (1.5, _extreme("max", max, value=False)),
    "min": (1.2, _extreme("min", min, value=False)),
    "max_value": (0.8, _extreme("max_value", max, value=True)),
    "min_value": (0.8, _extreme("min_value", min, value=True)),
    "sum": (0.8, _sum),
    "total": (0.6, _total),
    "difference": (0.9, _difference),
    "compare": (1.2, _compare),
    "above": (0.9, _above),
    "alike": (0.9, _alike),
    "rows": (0.9, _rows),
    "columns": (0.6, _columns),
    "headings": (0.9, _headings),
    "names": (0.7, _names),
    "row": (1.2, _row),
    "title": (0.9, _title),
    "group": (1.2, _group),
    "block": (1.5, _block),
    "markdown": (1.8, _markdown),
    "html": (1.2, _html),
    "where": (2.0, _where),
    "at": (1.2, _at),
    "absent": (1.2, _absent),
}
