"""The data of a table before it is drawn: names of rows, columns of numbers with units or of words, joint headings, groups of rows.

(source, language) -> invent -> Data -> Data.html() for the browser, Data.markdown(), Data.bare_html() as transcriptions
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from html import escape

from recipes.nano.data import texts
from recipes.nano.data.families.words_tables import ADDABLE, ALIKE_COLUMNS, REAL, ROWS, TOPICS, UNITS_ZH, Column, Topic
from recipes.nano.data.sample import Language

YEARS = (2012, 2031)


@dataclass(frozen=True)
class Field:
    """A column. heading: as shown, with the unit where it stands there; numbers: None for a column of words."""

    name: str
    heading: str
    cells: tuple[str, ...]
    numbers: tuple[float, ...] | None
    decimals: int = 0
    before: str = ""  # what stands around every number: "$", " kg"
    after: str = ""
    separator: str = ""

    def shown(self, number: float) -> str:
        """A number as this column writes it."""
        text = f"{number:{self.separator}.{self.decimals}f}"
        return f"-{self.before}{text[1:]}{self.after}" if text.startswith("-") else f"{self.before}{text}{self.after}"


@dataclass
class Data:
    """A table. groups: (joint heading, number of columns) over the columns; blocks: (name, number of rows) down the left side."""

    title: str
    key: str
    rows: tuple[str, ...]
    columns: tuple[Field, ...]
    groups: tuple[tuple[str, int], ...] = ()
    blocks: tuple[tuple[str, int], ...] = ()
    block_key: str = ""
    total: tuple[str, ...] = ()
    total_name: str = ""

    def html(self, *, aligned: bool) -> str:
        """For the browser: cells have the ids c/ROW/COLUMN, headings h/COLUMN, names r/ROW."""
        out = [f'<table><caption><span data-id="title" data-tight>{escape(self.title)}</span></caption><thead>']
        out += ["<tr>" + "".join(cells) + "</tr>" for cells in self._head(marked=True)]
        out.append("</thead><tbody>")
        style = ' class="num"' if aligned else ""
        for place, cells in enumerate(self._body(style)):
            out.append(f'<tr data-id="row/{place}">' + "".join(cells) + "</tr>")
        return "".join(out) + "</tbody></table>"

    def markdown(self) -> str:
        """A Markdown table; joint headings and blocks have no place in it."""
        lines = [[self.key, *(one.heading for one in self.columns)], ["---"] * (len(self.columns) + 1)]
        lines += [[name, *(one.cells[place] for one in self.columns)] for place, name in enumerate(self.rows)]
        if self.total:
            lines.append([self.total_name, *self.total])
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def bare_html(self) -> str:
        """The table as short HTML, with the spans of merged cells."""
        rows = [*self._head(marked=False), *self._body("", marked=False)]
        return "<table>\n" + "\n".join("<tr>" + "".join(cells) + "</tr>" for cells in rows) + "\n</table>"

    def _head(self, *, marked: bool) -> list[list[str]]:
        names = [f'<th data-id="h/{place}">{escape(one.heading)}</th>' for place, one in enumerate(self.columns)]
        deep = ' rowspan="2"' if self.groups else ""
        corner = ([f'<th{deep} data-id="block">{escape(self.block_key)}</th>'] if self.blocks else []) + [
            f'<th{deep} data-id="key">{escape(self.key)}</th>'
        ]
        joint = [
            f'<th colspan="{count}" data-id="g/{place}" class="joint">{escape(name)}</th>'
            for place, (name, count) in enumerate(self.groups)
        ]
        rows = [corner + joint, names] if self.groups else [corner + names]
        return rows if marked else [[_bare(cell) for cell in row] for row in rows]

    def _body(self, style: str, *, marked: bool = True) -> list[list[str]]:
        starts, place = {}, 0
        for number, (name, count) in enumerate(self.blocks):
            starts[place] = f'<th rowspan="{count}" data-id="b/{number}" class="block">{escape(name)}</th>'
            place += count
        rows = []
        for row, name in enumerate(self.rows):
            cells = [starts[row]] if row in starts else []
            cells.append(f'<th data-id="r/{row}">{escape(name)}</th>')
            for column, one in enumerate(self.columns):
                number = style if one.numbers is not None else ""
                cells.append(f'<td{number} data-id="c/{row}/{column}">{escape(one.cells[row])}</td>')
            rows.append(cells)
        if self.total:
            wide = ' colspan="2"' if self.blocks else ""
            rows.append(
                [
                    f'<th{wide} data-id="total">{escape(self.total_name)}</th>',
                    *(f"<td{style}><b>{escape(text)}</b></td>" for text in self.total),
                ]
            )
        return rows if marked else [[_bare(cell) for cell in row] for row in rows]


def invent(source: random.Random, language: Language) -> Data:
    """A table about something, of 3 to 10 rows and 2 to 5 columns."""
    if source.random() < 0.12:
        return _real(source, language)
    data = _made(source, language)
    if source.random() < 0.25:
        _block(data, source, language)
    elif source.random() < 0.3:
        _sum_up(data, language)
    return data


def other_names(data: Data, source: random.Random, language: Language) -> list[str]:
    """Names that rows of such a table might have but none has, shuffled."""
    shown = {*data.rows, *(cell for one in data.columns for cell in one.cells)}
    pool = next((names[language] for names in ROWS.values() if set(data.rows) <= set(names[language])), ())
    left = [name for name in pool if not any(name in text or text in name for text in shown if text)]
    source.shuffle(left)
    return left


def other_columns(data: Data, source: random.Random, language: Language) -> list[str]:
    """Names that columns have elsewhere but not in this table."""
    place = 0 if language == "en" else 1
    shown = f"{data.title} {data.bare_html()}".lower()
    here = {one.name for one in data.columns}
    near = frozenset[str]().union(*(group for group in ALIKE_COLUMNS if group & here))
    names = sorted({str(column[place]) for topic in TOPICS for column in topic.columns} - near)
    left = [name for name in names if name.lower() not in shown]
    source.shuffle(left)
    return left


def _made(source: random.Random, language: Language) -> Data:
    topic = source.choice(TOPICS)
    names = ROWS[topic.rows][language]
    count = min(source.randint(3, 10), len(names))
    people = topic.rows in ("subjects", "products") and source.random() < 0.15
    rows = tuple(_in_order(source, names, count, sequence=topic.rows in ("months", "lines")))
    if people:
        rows = tuple(dict.fromkeys(texts.person(source, language) for _ in range(count)))
    width = source.randint(2, len(topic.columns))
    chosen = sorted(source.sample(range(len(topic.columns)), width))
    separator, unit_above = source.choice((",", ",", "")), source.random() < 0.6
    columns = tuple(_column(topic.columns[place], source, language, len(rows), separator, unit_above) for place in chosen)
    key = {"en": "Name", "zh": "姓名"}[language] if people else topic.key[language]
    data = Data(_title(topic, source, language), key, rows, columns)
    left = sum(place < 2 for place in chosen)
    if topic.groups and 0 < left < width and source.random() < 0.6:
        first, second = topic.groups[language]
        data.groups = ((first, left), (second, width - left))
    return data


def _real(source: random.Random, language: Language) -> Data:
    topic, facts = source.choice(REAL)
    place = 0 if language == "en" else 1
    lines = source.sample(facts, source.randint(4, len(facts)))
    lines = [line for line in facts if line in lines] if source.random() < 0.6 else lines
    separator = source.choice((",", ""))
    columns = []
    for number, column in enumerate(topic.columns):
        values = tuple(line[2 + number] for line in lines)
        name = str(column[place])
        if len(column) == 3:
            words = tuple(str(value).split("|")[-1 if language == "zh" else 0] for value in values)
            columns.append(Field(name, name, words, None))
        else:
            unit = _unit(column[2], language)
            grouped = "" if "year" in column[2] else separator
            columns.append(_numbers(name, f"{name} ({unit})" if unit else name, values, column[5], separator=grouped))
    return Data(_title(topic, source, language), topic.key[language], tuple(str(line[place]) for line in lines), tuple(columns))


def _column(column: Column, source: random.Random, language: Language, count: int, separator: str, unit_above: bool) -> Field:
    name = column[0] if language == "en" else column[1]
    if len(column) == 3:
        english, chinese = column[2].rsplit("/", 1)  # the last one: "24/7" has a slash of its own
        choices = (english if language == "en" else chinese).split("|")
        return Field(name, name, tuple(source.choice(choices) for _ in range(count)), None)
    _, _, unit, least, most, decimals = column
    values = tuple(round(_draw(source, least, most), decimals) + 0.0 for _ in range(count))
    shown = _unit(unit, language)
    if not unit:
        return _numbers(name, name, values, decimals, separator=separator)
    if unit_above:
        return _numbers(name, f"{name} ({'$' if unit == '$' and language == 'en' else shown})", values, decimals, separator=separator)
    if unit == "$":
        return _numbers(name, name, values, decimals, before={"en": "$", "zh": "¥"}[language], separator=separator)
    space = "" if shown in ("%", "°C") or language == "zh" else " "
    return _numbers(name, name, values, decimals, after=space + shown, separator=separator)


def _numbers(
    name: str, heading: str, values: tuple[object, ...], decimals: int, *, before: str = "", after: str = "", separator: str = ""
) -> Field:
    numbers = tuple(float(str(value)) for value in values)
    plain = Field(name, heading, (), numbers, decimals, before, after, separator)
    return Field(name, heading, tuple(plain.shown(number) for number in numbers), numbers, decimals, before, after, separator)


def _draw(source: random.Random, least: float, most: float) -> float:
    """Evenly for narrow ranges; for wide ones small numbers are as frequent as large ones."""
    if least > 0 and most / least > 30:
        return float(least * (most / least) ** source.random())
    return source.uniform(least, most)


def _unit(unit: str, language: Language) -> str:
    return UNITS_ZH.get(unit, unit) if language == "zh" else unit


def _in_order(source: random.Random, names: tuple[str, ...], count: int, *, sequence: bool) -> list[str]:
    if sequence:
        start = source.randint(0, len(names) - count)
        return list(names[start : start + count])
    return source.sample(names, count)


def _title(topic: Topic, source: random.Random, language: Language) -> str:
    return source.choice(topic.title[language]).format(source.randint(*YEARS))


def _block(data: Data, source: random.Random, language: Language) -> None:
    """Joins neighbouring rows under a name at the left."""
    names = {"en": ("Group A", "Group B", "Group C"), "zh": ("甲组", "乙组", "丙组")}[language]
    kinds = {"en": ("North", "South", "East"), "zh": ("北区", "南区", "东区")}[language]
    chosen = source.choice((names, kinds))
    count = 3 if len(data.rows) >= 7 and source.random() < 0.5 else 2
    cuts = [0, *sorted(source.sample(range(1, len(data.rows)), count - 1)), len(data.rows)]
    data.blocks = tuple((chosen[place], cuts[place + 1] - cuts[place]) for place in range(count))
    data.block_key = {"en": ("Group", "Region"), "zh": ("组别", "区域")}[language][chosen is kinds]


def _sum_up(data: Data, language: Language) -> None:
    """A last row with sums, where every column can be added up."""
    if all(one.name in ADDABLE for one in data.columns):
        data.total = tuple(one.shown(sum(one.numbers or ())) for one in data.columns)
        data.total_name = {"en": "Total", "zh": "合计"}[language]


def _bare(cell: str) -> str:
    """A cell without what is only for drawing."""
    head, _, text = cell.partition(">")
    kept = [part for part in head.split(" ") if not part.startswith(("data-id", "class"))]
    return " ".join(kept) + ">" + text.replace("<b>", "").replace("</b>", "")
