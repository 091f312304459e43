"""Documents as HTML with what is known about them: articles, letters, notices, forms, résumés, menus, timetables, memos, agendas.

    (source, language, split) -> write -> Draft(html of the body, title, sections, fields, facts)

Every piece of text has a `data-id`, by which its box is found after drawing.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal, TypeAlias

from recipes.nano.data import texts
from recipes.nano.data.families.words_documents import DISHES, EVENTS, FIELDS, GREETINGS, HEADINGS, OPENINGS, TITLES
from recipes.nano.data.sample import Language, Split

Asking: TypeAlias = Literal["field", "price", "event"]
LONGEST_TITLE: dict[Language, int] = {"en": 48, "zh": 20}
LONGEST_PARAGRAPH: dict[Language, int] = {"en": 330, "zh": 130}


@dataclass(frozen=True)
class Field:
    """A label with its value, which is empty on a form that was not filled in there; ask: how people ask for it."""

    label: str
    value: str
    label_id: str
    value_id: str
    ask: Asking = "field"


@dataclass
class Section:
    """A heading and what stands under it: pairs of id and text."""

    heading: str
    heading_id: str
    paragraphs: list[tuple[str, str]] = field(default_factory=list)
    items: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Draft:
    """A document on its way: pieces of HTML and the truth about them. facts: task -> (answer, id)."""

    kind: str
    source: random.Random
    language: Language
    split: Split
    title: str = ""
    html: list[str] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    fields: list[Field] = field(default_factory=list)
    paragraphs: list[tuple[str, str]] = field(default_factory=list)
    items: list[tuple[str, str]] = field(default_factory=list)
    facts: dict[str, tuple[str, str]] = field(default_factory=dict)
    markdown: list[str] = field(default_factory=list)
    hand: bool = False
    used: set[str] = field(default_factory=set)
    count: int = 0

    def tag(self, name: str, text: str, *, style: str = "") -> str:
        """Adds an element that is found by its text's box; returns its id."""
        mark = self.next_id()
        self.html.append(f'<{name} class="{style}"><span data-id="{mark}" data-tight>{escape(text)}</span></{name}>')
        return mark

    def next_id(self) -> str:
        """An id that the page does not have yet."""
        self.count += 1
        return f"e{self.count}"

    def head(self, title: str, sub: str = "") -> None:
        """The title, and a line under it."""
        self.title = title
        self.html.append("<header>")
        self.facts["title"] = (title, self.tag("h1", title))
        self.markdown.append(f"# {title}")
        if sub:
            self.tag("div", sub, style="sub")
            self.markdown.append(sub)
        self.html.append("</header>")

    def section(self, heading: str) -> Section:
        """Begins a section; `close` ends it."""
        self.html.append("<section>")
        section = Section(heading, self.tag("h2", heading))
        self.markdown.append(f"## {heading}")
        self.sections.append(section)
        return section

    def close(self) -> None:
        """Ends a section."""
        self.html.append("</section>")

    def paragraph(self, text: str, section: Section | None = None) -> None:
        """A paragraph of running text."""
        pair = (self.tag("p", text), text)
        self.paragraphs.append(pair)
        self.markdown.append(text)
        if section:
            section.paragraphs.append(pair)

    def points(self, lines: list[str], section: Section | None = None) -> None:
        """A list with bullets."""
        self.html.append("<ul>")
        pairs = [(self.tag("li", line), line) for line in lines]
        self.html.append("</ul>")
        self.items.extend(pairs)
        self.markdown.append("\n".join(f"- {line}" for line in lines))
        if section:
            section.items.extend(pairs)

    def entries(self, pairs: list[tuple[str, str]], ask: Asking = "field", *, colon: bool = True) -> None:
        """Labels with values."""
        mark = {"en": ":", "zh": "："}[self.language] if colon else ""
        self.html.append('<dl class="fields">')
        lines = []
        for label, value in pairs:
            one = Field(label, value, self.next_id(), self.next_id(), ask)
            style = ("blank" if not value else "") + (" hand" if self.hand else "")
            tight = "data-tight" if value else ""
            self.html.append(
                f'<div class="row"><dt><span data-id="{one.label_id}" data-tight>{escape(label)}{mark}</span></dt>'
                f'<dd class="{style}"><span data-id="{one.value_id}" {tight}>{escape(value)}</span></dd></div>'
            )
            self.fields.append(one)
            lines.append(f"**{label}**{mark} {value}".strip())
        self.html.append("</dl>")
        self.markdown.append("\n".join(lines))

    # Texts that this page does not have yet, of a length that a page can bear.

    def new_title(self) -> str:
        """A title or heading of sensible length."""
        return self._fresh(lambda: texts.title(self.source, self.language, self.split), LONGEST_TITLE[self.language])

    def new_paragraph(self, most: int = 3) -> str:
        """A paragraph of one sentence or more."""
        count = self.source.randint(1, most)
        return self._fresh(
            lambda: texts.paragraph(self.source, self.language, self.split, sentences=(1, count)), LONGEST_PARAGRAPH[self.language]
        )

    def new_line(self) -> str:
        """A short line, as points of a list are."""
        return self._fresh(lambda: texts.sentence(self.source, self.language, self.split), LONGEST_PARAGRAPH[self.language] // 3)

    def _fresh(self, make: Callable[[], str], longest: int) -> str:
        text = make().strip()
        for _ in range(40):
            if text and len(text) <= longest and text not in self.used:
                break
            text = make().strip()
        if len(text) > longest:
            text = text[:longest].rsplit(" ", 1)[0] if self.language == "en" else text[:longest]
        self.used.add(text)
        return text


def write(source: random.Random, language: Language, split: Split) -> Draft:
    """A document of a kind drawn at random."""
    kind = source.choice(tuple(WRITERS))
    draft = Draft(kind, source, language, split)
    WRITERS[kind](draft)
    return draft


def _article(draft: Draft) -> None:
    author = texts.person(draft.source, draft.language)
    byline = {"en": f"By {author}", "zh": f"作者：{author}"}[draft.language]
    signed = draft.source.random() < 0.5
    draft.head(draft.new_title(), byline if signed else "")
    if signed:
        draft.facts["author"] = (author, "")
    draft.html.append('<div class="body">')
    for _ in range(draft.source.randint(1, 4)):
        section = draft.section(draft.new_title())
        for _ in range(draft.source.choice((1, 1, 2))):
            draft.paragraph(draft.new_paragraph(), section)
        if draft.source.random() < 0.2:
            draft.points([draft.new_line() for _ in range(draft.source.randint(2, 4))], section)
        draft.close()
    draft.html.append("</div>")


def _letter(draft: Draft) -> None:
    source, language = draft.source, draft.language
    sender, receiver = texts.person(source, language), texts.person(source, language)
    draft.tag("div", texts.company(source, language), style="right")
    draft.tag("div", texts.address(source, language), style="right")
    day = texts.date(source, language)
    draft.facts["dated"] = (day, draft.tag("p", day, style="right"))
    opening, closing = source.choice(GREETINGS[language])
    draft.facts["to"] = (receiver, draft.tag("p", opening.format(receiver)))
    for _ in range(source.randint(1, 3)):
        draft.paragraph(draft.new_paragraph())
    draft.tag("p", closing, style="end")
    draft.facts["from"] = (sender, draft.tag("p", sender, style="end hand" if source.random() < 0.4 else "end"))


def _notice(draft: Draft) -> None:
    draft.head(draft.source.choice(TITLES["notice"][draft.language]))
    draft.paragraph(draft.new_paragraph(2))
    draft.entries(_some_fields(draft, "notice", 2, 4))
    if draft.source.random() < 0.5:
        draft.points([draft.new_line() for _ in range(draft.source.randint(2, 4))])


def _form(draft: Draft) -> None:
    source = draft.source
    draft.head(source.choice(TITLES["form"][draft.language]))
    draft.hand = source.random() < 0.4
    pairs = _some_fields(draft, "form", 4, 10)
    empty = set(source.sample(range(len(pairs)), source.choice((0, 0, 1, 2))))
    draft.entries([(label, "" if place in empty else value) for place, (label, value) in enumerate(pairs)])


def _resume(draft: Draft) -> None:
    source, language = draft.source, draft.language
    draft.head(texts.person(source, language), source.choice(OPENINGS[language]))
    draft.entries(_some_fields(draft, "contact", 2, 4))
    for heading in source.sample(HEADINGS[language], source.randint(2, 3)):
        section = draft.section(heading)
        draft.points([draft.new_line() for _ in range(source.randint(2, 3))], section)
        draft.close()


def _menu(draft: Draft) -> None:
    source, language = draft.source, draft.language
    draft.head(source.choice(TITLES["menu"][language]))
    sign = source.choice(({"en": "${:.2f}", "zh": "¥{:.0f}"}, {"en": "{:.2f}", "zh": "{:.0f}元"}, {"en": "€{:.2f}", "zh": "￥{:.2f}"}))[
        language
    ]
    for course in source.sample(tuple(DISHES[language]), source.randint(1, 3)):
        draft.section(course)
        dishes = source.sample(DISHES[language][course], source.randint(2, 5))
        prices = [source.randint(4, 60) * 0.5 + 1 if language == "en" else source.randint(6, 98) for _ in dishes]
        draft.entries([(dish, sign.format(price)) for dish, price in zip(dishes, prices, strict=True)], "price", colon=False)
        draft.close()


def _timetable(draft: Draft) -> None:
    source, language = draft.source, draft.language
    draft.head(source.choice(TITLES["timetable"][language]), texts.date(source, language))
    minutes, pairs = source.randrange(7 * 60, 11 * 60, 15), []
    for event in source.sample(EVENTS[language], source.randint(4, 8)):
        pairs.append((f"{minutes // 60:02d}:{minutes % 60:02d}", event))
        minutes += source.choice((15, 30, 45, 60, 90))
    draft.entries(pairs, "event", colon=False)


def _memo(draft: Draft) -> None:
    draft.head(draft.source.choice(TITLES["memo"][draft.language]))
    draft.entries(_some_fields(draft, "memo", 3, 4))
    for _ in range(draft.source.randint(1, 3)):
        draft.paragraph(draft.new_paragraph())


def _agenda(draft: Draft) -> None:
    draft.head(draft.source.choice(TITLES["agenda"][draft.language]))
    draft.entries(_some_fields(draft, "notice", 2, 3))
    draft.points([draft.new_title() for _ in range(draft.source.randint(3, 7))])


def _some_fields(draft: Draft, group: str, least: int, most: int) -> list[tuple[str, str]]:
    """Labels of a group in their usual order, each with a fresh value."""
    known = FIELDS[group]
    count = min(len(known), draft.source.randint(least, most))
    chosen = sorted(draft.source.sample(range(len(known)), count))
    pairs = []
    for place in chosen:
        english, chinese, kind = known[place]
        label = draft.source.choice((english if draft.language == "en" else chinese).split("|"))
        pairs.append((label, _value(draft, kind)))
    return pairs


def _value(draft: Draft, kind: str) -> str:
    """A value by the name of a piece of text, or one of `en|en/zh|zh` choices."""
    if "/" in kind:
        english, chinese = kind.split("/")
        return draft.source.choice((english if draft.language == "en" else chinese).split("|"))
    if kind == "title":
        return draft.new_title()
    make: Any = getattr(texts, kind)
    return str(make(draft.source, draft.language))


WRITERS: dict[str, Callable[[Draft], None]] = {
    "article": _article,
    "letter": _letter,
    "notice": _notice,
    "form": _form,
    "resume": _resume,
    "menu": _menu,
    "timetable": _timetable,
    "memo": _memo,
    "agenda": _agenda,
}
