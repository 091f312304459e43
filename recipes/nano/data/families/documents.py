"""Family `documents`: pages of running text, fields and lists with questions whose answers stand on the page.

    write -> Draft -> Chromium -> Page with boxes -> questions -> Sample

One to three questions a page; those that a page can't answer truly are not asked of it, apart from the ones about what is not there.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass

from recipes.nano.data import texts
from recipes.nano.data.browser import Page, shared
from recipes.nano.data.families.documents_pages import Draft, write
from recipes.nano.data.families.page_questions import Answer, language_of_questions, page_sample, some_questions
from recipes.nano.data.families.phrases_documents import BLANK, NONE, phrase
from recipes.nano.data.families.phrases_reading import REFUSALS
from recipes.nano.data.families.words_documents import DISHES, EVENTS, FIELDS, KINDS
from recipes.nano.data.page_style import page_html, used_look, worn
from recipes.nano.data.sample import Language, Sample, Split

OTHER_LANGUAGE = 0.12  # pages asked about in the other language
LONGEST_ANSWER: dict[Language, int] = {"en": 420, "zh": 180}
LONGEST_PAGE: dict[Language, int] = {"en": 700, "zh": 320}
HIGHEST = 1600
WORN = 0.3
BASE = """
body{margin:0;padding:2em;min-height:224px;background:var(--page);color:var(--ink);line-height:1.5}
h1{font-size:1.8em;line-height:1.2;margin:0 0 .4em} h2{font-size:1.25em;line-height:1.25;margin:.9em 0 .3em} p{margin:.6em 0}
header{margin-bottom:.8em} .sub{color:var(--muted)} .fields{margin:.7em 0} .row{display:flex;gap:.8em;padding:.15em 0}
dt{min-width:7em;flex:none;max-width:16em} dd{margin:0;flex:1;overflow-wrap:anywhere}
dd.blank{border-bottom:1px solid var(--muted);min-height:1.5em}
dd.blank span{display:block;height:1.4em} ul{margin:.5em 0;padding-left:1.5em} .right{text-align:right} .end{margin-top:1.4em}
p,li,h1,h2{overflow-wrap:anywhere}
"""


@dataclass(frozen=True)
class Asked:
    """What a question is made from."""

    draft: Draft
    page: Page
    source: random.Random
    language: Language

    def ask(self, task: str, **slots: object) -> str:
        """The question of a task in words."""
        return phrase(self.source, task, self.language, **slots)


class Documents:
    """Articles, letters, notices, forms, résumés, menus, timetables, memos and agendas."""

    name = "documents"

    def sample(self, source: random.Random, split: Split) -> Sample:
        """A page with one to three questions. Raises MissingMaterial without Chromium or fonts."""
        page_language: Language = source.choice(("en", "zh"))
        draft, page, look = _draw(source, page_language, split)
        language = language_of_questions(source, page_language, other=OTHER_LANGUAGE)
        chosen = some_questions(TASKS, Asked(draft, page, source, language), source)
        facts = {
            "kind": draft.kind,
            "look": look,
            "page_language": page_language,
            "fields": {one.label: one.value for one in draft.fields},
            "headings": [section.heading for section in draft.sections],
        }
        return page_sample(self.name, language, page, chosen, facts)


def _draw(source: random.Random, language: Language, split: Split) -> tuple[Draft, Page, str]:
    """A page that fits the largest picture; one that does not is drawn anew."""
    while True:
        draft = write(source, language, split)
        look = used_look("documents", source, language, split, sizes=(15, 22))
        width = source.randrange(420, 900, 20)
        page = shared().render(page_html(look, BASE, "<main>" + "".join(draft.html) + "</main>", language), width=width)
        if page.image.height <= HIGHEST and not page.overflows and page.holds(*page.boxes):
            return draft, worn(page, source, split, share=WORN, text_px=look.size), look.name


def _fact(name: str) -> Callable[[Asked], Answer]:
    """A task whose answer the writer noted."""

    def made(asked: Asked) -> Answer:
        return (asked.ask(name), asked.draft.facts[name][0]) if name in asked.draft.facts else None

    return made


def _kind(asked: Asked) -> Answer:
    return asked.ask("kind"), KINDS[asked.draft.kind][asked.language]


def _headings(asked: Asked) -> Answer:
    headings = [section.heading for section in asked.draft.sections]
    return (asked.ask("headings"), "\n".join(headings)) if len(headings) > 1 else None


def _heading_count(asked: Asked) -> Answer:
    return (asked.ask("heading_count"), str(len(asked.draft.sections))) if asked.draft.sections else None


def _section(asked: Asked) -> Answer:
    known = [section for section in asked.draft.sections if section.paragraphs or section.items]
    if not known:
        return None
    section = asked.source.choice(known)
    text = "\n".join([text for _, text in section.paragraphs] + [f"- {text}" for _, text in section.items])
    return (asked.ask("section", heading=section.heading), text) if _short(asked, text) else None


def _next_heading(asked: Asked) -> Answer:
    headings = [section.heading for section in asked.draft.sections]
    if len(headings) < 2:
        return None
    place = asked.source.randrange(len(headings))
    answer = headings[place + 1] if place + 1 < len(headings) else NONE[asked.language]
    return asked.ask("next_heading", heading=headings[place]), answer


def _paragraph(asked: Asked) -> Answer:
    if not asked.draft.paragraphs or asked.draft.items or asked.draft.facts.get("to"):
        return None  # what counts as a paragraph is plain only where there is nothing else
    place = asked.source.randrange(len(asked.draft.paragraphs))
    text = asked.draft.paragraphs[place][1]
    return (asked.ask("paragraph", n=place + 1), text) if _short(asked, text) else None


def _field(asked: Asked) -> Answer:
    if not asked.draft.fields:
        return None
    one = asked.source.choice(asked.draft.fields)
    # "What is the To?" is no English.
    task = "line" if one.label in ("To", "From") else one.ask
    return asked.ask(task, label=one.label), one.value or BLANK[asked.language]


def _owner(asked: Asked) -> Answer:
    values = [one.value for one in asked.draft.fields]
    known = [one for one in asked.draft.fields if one.value and values.count(one.value) == 1]
    if not known:
        return None
    one = asked.source.choice(known)
    return asked.ask({"field": "owner", "price": "dish_at", "event": "when"}[one.ask], value=one.value), one.label


def _blank(asked: Asked) -> Answer:
    if asked.draft.kind != "form":
        return None
    empty = [one.label for one in asked.draft.fields if not one.value]
    if not empty and asked.source.random() < 0.7:
        return None
    return asked.ask("blank"), "\n".join(empty) or NONE[asked.language]


def _labels(asked: Asked) -> Answer:
    if asked.draft.kind != "form":
        return None
    return asked.ask("labels"), "\n".join(one.label for one in asked.draft.fields)


def _extract(asked: Asked) -> Answer:
    known = [one for one in asked.draft.fields if one.value]
    if len(known) < 2:
        return None
    some = sorted(asked.source.sample(range(len(known)), min(len(known), asked.source.randint(2, 4))))
    chosen = [known[place] for place in some]
    comma = {"en": ", ", "zh": "、"}[asked.language]
    answer = json.dumps({one.label: one.value for one in chosen}, ensure_ascii=False)
    return asked.ask("extract", labels=comma.join(one.label for one in chosen)), answer


def _one_list(asked: Asked) -> list[str]:
    """The points of the page's only list."""
    lists = [section.items for section in asked.draft.sections if section.items] or [asked.draft.items]
    return [text for _, text in lists[0]] if len(lists) == 1 else []


def _items(asked: Asked) -> Answer:
    points = _one_list(asked)
    text = "\n".join(points)
    return (asked.ask("items"), text) if points and _short(asked, text) else None


def _item_count(asked: Asked) -> Answer:
    points = _one_list(asked)
    return (asked.ask("item_count"), str(len(points))) if points else None


def _item(asked: Asked) -> Answer:
    points = _one_list(asked)
    if not points:
        return None
    place = asked.source.randint(1, len(points) + (asked.source.random() < 0.15))
    return asked.ask("item", n=place), points[place - 1] if place <= len(points) else REFUSALS[asked.language]


def _where(asked: Asked) -> Answer:
    draft, shown = asked.draft, list(asked.page.texts.values())
    named = [(section.heading, section.heading_id) for section in draft.sections]
    named += [(one.label, one.label_id) for one in draft.fields]
    named += [(one.value, one.value_id) for one in draft.fields if one.value and shown.count(one.value) == 1]
    named += [(text, mark) for text, mark in draft.facts.values() if mark]
    name, mark = asked.source.choice(named) if named else ("", "")
    if not named or len(name) > 60:
        return None
    return asked.ask("where", name=name), f"<ref>{name}</ref><box>{asked.page.box_text(mark)}</box>"


def _at(asked: Asked) -> Answer:
    known = [mark for mark, text in asked.page.texts.items() if text.strip() and len(text) < LONGEST_ANSWER[asked.language] // 2]
    mark = asked.source.choice(known)
    return asked.ask("at", box=asked.page.box_text(mark)), asked.page.texts[mark].strip()


def _markdown(asked: Asked) -> Answer:
    text = "\n\n".join(asked.draft.markdown)
    fits = asked.draft.title and len(text) <= LONGEST_PAGE[asked.draft.language]
    return (asked.ask("markdown"), text) if fits else None


def _absent(asked: Asked) -> Answer:
    """Asks for a field, a dish, an event or a section that the page does not have."""
    return asked.source.choice((_absent_field, _absent_section, _absent_place))(asked)


def _absent_field(asked: Asked) -> Answer:
    draft, language = asked.draft, asked.draft.language
    labels = {one.label for one in draft.fields} | {one.value for one in draft.fields}
    if draft.kind == "menu":
        dishes = [dish for course in DISHES[language].values() for dish in course if dish not in labels]
        return asked.ask("price", label=asked.source.choice(dishes)), REFUSALS[asked.language]
    if draft.kind == "timetable":
        events = [event for event in EVENTS[language] if event not in labels]
        return asked.ask("when", value=asked.source.choice(events)), REFUSALS[asked.language]
    rows = [row for group in FIELDS.values() for row in group]
    # Another label for the same kind of value might be taken for the one that is there.
    kinds = {kind for english, chinese, kind in rows if labels & set((english if language == "en" else chinese).split("|"))}
    kinds |= {"person", "date", "address", "company", "title", "time"}
    known = [row for row in FIELDS["form"] if row[2] not in kinds and "Occupation" not in row[0]]
    if not known:
        return None
    english, chinese, _ = asked.source.choice(known)
    label = asked.source.choice((english if asked.language == "en" else chinese).split("|"))
    return asked.ask("field", label=label), REFUSALS[asked.language]


def _absent_section(asked: Asked) -> Answer:
    if not asked.draft.sections:
        return None
    heading = texts.title(asked.source, asked.draft.language, asked.draft.split)
    if any(heading in text for text in asked.page.texts.values()):
        return None
    return asked.ask("section", heading=heading), REFUSALS[asked.language]


def _absent_place(asked: Asked) -> Answer:
    name = texts.title(asked.source, asked.draft.language, asked.draft.split)
    if any(name in text for text in asked.page.texts.values()):
        return None
    return asked.ask("where", name=name), REFUSALS[asked.language]


def _short(asked: Asked, text: str) -> bool:
    return 0 < len(text) <= LONGEST_ANSWER[asked.draft.language]


# Task -> (how often against the others, how it is made).
TASKS: dict[str, tuple[float, Callable[[Asked], Answer]]] = {
    **{name: (1.5, _fact(name)) for name in ("title", "author", "to", "from", "dated")},
    "kind": (0.4, _kind),
    "headings": (0.8, _headings),
    "heading_count": (0.4, _heading_count),
    "section": (2.0, _section),
    "next_heading": (0.8, _next_heading),
    "paragraph": (1.5, _paragraph),
    "field": (4.0, _field),
    "owner": (1.5, _owner),
    "blank": (1.5, _blank),
    "labels": (0.5, _labels),
    "extract": (1.2, _extract),
    "items": (1.2, _items),
    "item_count": (0.8, _item_count),
    "item": (1.2, _item),
    "where": (2.5, _where),
    "at": (1.5, _at),
    "markdown": (1.0, _markdown),
    "absent": (1.2, _absent),
}
