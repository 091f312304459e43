"""Family `screens`: programs, dialogs, web pages and phones; names, purposes, boxes and states, where to click.

lay_out -> Screen -> Chromium -> Page with a box for every element -> questions -> Sample
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from recipes.nano.data.browser import Page, shared
from recipes.nano.data.families.page_questions import Answer, language_of_questions, page_sample, some_questions
from recipes.nano.data.families.phrases_documents import NONE
from recipes.nano.data.families.phrases_reading import REFUSALS
from recipes.nano.data.families.phrases_screens import CAN, CANNOT, NO, PURPOSE, YES, phrase
from recipes.nano.data.families.screens_layouts import is_phone, lay_out
from recipes.nano.data.families.screens_pages import Element, Screen
from recipes.nano.data.families.words_screens import COMMANDS, KINDS, ROLES
from recipes.nano.data.page_style import page_html, used_look, worn
from recipes.nano.data.sample import Language, Sample, Split

OTHER_LANGUAGE = 0.1
HIGHEST = 1600
WORN = 0.12
BASE = """
body{margin:0;background:var(--page);color:var(--ink);line-height:1.4;min-height:224px}
h1{font-size:1.5em;margin:.3em 0 .5em} h2{font-size:1.25em;margin:.1em 0 .4em} p{margin:.5em 0}
.faint{color:var(--muted);font-size:.9em}
.bar{display:flex;align-items:center;gap:.7em;padding:.5em .8em;border-bottom:1px solid var(--line);flex-wrap:wrap}
.bar>b{flex:1;margin:0}
.bar svg{stroke:currentColor} .titlebar{background:var(--panel);color:var(--ink)} .menubar{gap:.2em;padding:.1em .4em}
.btn{display:inline-block;padding:.4em .9em;margin:.2em;border:1px solid var(--line);border-radius:5px;background:var(--panel);
color:var(--ink);text-align:center}
.btn.primary{background:var(--accent);color:var(--on);border-color:var(--accent)}
.btn .pic{width:1.05em;height:1.05em;vertical-align:-.15em;margin-right:.35em}
.off{opacity:.38} .pic{width:1.4em;height:1.4em;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.icon{display:inline-flex;padding:.25em} .big-icons .pic{width:2em;height:2em} .item{padding:.35em .8em;display:block;border-radius:3px}
.item.active,.tab.active,tr.active td{background:var(--accent);color:var(--on)} .menubar .item{display:inline-block}
.menu{display:inline-block;min-width:15em;margin:.2em .6em;background:var(--page)}
.between{display:flex;justify-content:space-between;align-items:center;gap:1em}
.between>h1,.between>h2{margin:0} .right{text-align:right;margin-top:.8em} .flex{display:flex;gap:1em} .grow{flex:1;min-width:0}
.pad{padding:1em}
.sidebar{background:var(--panel);padding:.6em .4em;min-width:8.5em;color:var(--ink)}
.sheet{padding:1.2em 1.6em;min-height:8em;background:var(--page)}
.card{border:1px solid var(--line);border-radius:6px;padding:.8em} .menu.card{padding:.2em}
.middle{display:flex;justify-content:center;padding:2.5em 1em;background:var(--line)}
.dialog{background:var(--page)!important;min-width:60%;max-width:95%} .stack .btn{display:block;margin:.7em 0}
.link{color:var(--accent);text-decoration:underline}
.entry{margin:.6em 0} .label{font-size:.92em;color:var(--muted);margin-bottom:.15em}
.input{border:1px solid var(--muted);border-radius:4px;padding:.4em .7em;background:var(--page);min-height:2.2em}
.line{display:flex;align-items:center;gap:.6em;padding:.32em 0} .switch-line{justify-content:space-between} .choice{margin:.6em 0}
.check,.radio{width:1.15em;height:1.15em;border:2px solid var(--muted);flex:none;position:relative} .check{border-radius:3px}
.radio{border-radius:50%!important}
.check.on{background:var(--accent);border-color:var(--accent)}
.check.on::after{content:"";position:absolute;left:.28em;top:.04em;width:.26em;height:.55em;border:solid var(--on);
border-width:0 .15em .15em 0;transform:rotate(45deg)}
.radio.on{border-color:var(--accent)}
.radio.on::after{content:"";position:absolute;inset:.16em;border-radius:50%!important;background:var(--accent)}
.switch{width:2.5em;height:1.35em;border-radius:1em!important;background:var(--muted);position:relative;flex:none}
.switch.on{background:var(--accent)}
.switch::after{content:"";position:absolute;width:1.05em;height:1.05em;border-radius:50%!important;background:var(--page);top:.15em;
left:.18em}
.switch.on::after{left:1.27em}
.tab{display:inline-block;padding:.35em .8em;margin:.1em}
.foot{justify-content:space-around;border-top:1px solid var(--line);border-bottom:0}
.goods{display:grid;grid-template-columns:repeat(auto-fill,minmax(9em,1fr));gap:.8em;margin-top:.6em}
.thumb{height:4.5em;border-radius:5px;margin-bottom:.3em}
.thumb.big{width:38%;height:14em;flex:none} .thumb.cover{height:14em}
.status{display:flex;justify-content:space-between;padding:.25em 1em;font-size:.9em}
.chat{display:flex;gap:.7em;align-items:center;padding:.55em .8em;border-bottom:1px solid var(--line)}
.face{width:2.4em;height:2.4em;border-radius:50%!important;flex:none}
.side-note{text-align:right} .badge{background:#d22;color:#fff;border-radius:1em;padding:0 .45em;font-size:.85em;margin-left:.4em}
.apps{display:grid;grid-template-columns:repeat(4,1fr);gap:1.1em .4em;padding:1.4em .6em 4em}
.app{text-align:center;font-size:.85em;display:flex;flex-direction:column;align-items:center;gap:.3em}
.tile{width:3.4em;height:3.4em;border-radius:.9em;color:#fff;display:flex;align-items:center;justify-content:center}
.tile .pic{width:2em;height:2em} .slide{height:.4em;background:var(--line);margin:.6em 0}
.slide div{height:100%;background:var(--accent)}
table{border-collapse:collapse;width:100%} td,th{text-align:left;padding:.35em .5em;border-bottom:1px solid var(--line)}
.keys{display:grid;grid-template-columns:repeat(4,1fr);gap:.3em}
.key{padding:.7em 0;font-size:1.2em} .display{text-align:right;background:var(--panel);padding:.6em;margin:.5em .2em;font-size:1.3em}
p,td,div{overflow-wrap:anywhere}
"""


@dataclass(frozen=True)
class Asked:
    """What a question is made from."""

    screen: Screen
    page: Page
    source: random.Random
    language: Language

    def ask(self, task: str, **slots: object) -> str:
        """The question of a task in words."""
        return phrase(self.source, task, self.language, **slots)

    def one(self, wanted: Callable[[Element], bool]) -> Element | None:
        """An element at random among those that fit."""
        known = [element for element in self.screen.elements if wanted(element)]
        return self.source.choice(known) if known else None

    def purpose(self, key: str) -> str:
        """What a command is for."""
        return COMMANDS[key][2 if self.language == "en" else 3]


class Screens:
    """Screens of computers and phones in English and Chinese."""

    name = "screens"

    def sample(self, source: random.Random, split: Split) -> Sample:
        """A screen with one to three questions. Raises MissingMaterial without Chromium or fonts."""
        page_language: Language = source.choice(("en", "zh"))
        screen, page, look = _draw(source, page_language, split)
        language = language_of_questions(source, page_language, other=OTHER_LANGUAGE)
        chosen = some_questions(TASKS, Asked(screen, page, source, language), source)
        facts = {
            "kind": screen.kind,
            "look": look,
            "page_language": page_language,
            "elements": [[element.role, element.name, element.on, element.disabled] for element in screen.elements],
        }
        return page_sample(self.name, language, page, chosen, facts)


def _draw(source: random.Random, language: Language, split: Split) -> tuple[Screen, Page, str]:
    """A screen that fits; one that does not is drawn anew."""
    while True:
        screen = lay_out(source, language, split)
        look = used_look("screens", source, language, split, sizes=(14, 20))
        width = source.randrange(340, 460, 10) if is_phone(screen.kind) else source.randrange(560, 1000, 20)
        width = width * look.size // 16
        high = round(width * source.uniform(1.5, 2.1)) if is_phone(screen.kind) else 0
        body = f'<div style="min-height:{high}px">{"".join(screen.html)}</div>'
        page = shared().render(page_html(look, BASE, body, language), width=width)
        if page.image.height <= HIGHEST and not page.overflows and page.holds(*page.boxes):
            return screen, worn(page, source, split, share=WORN, text_px=look.size, still=True), look.name


def _where(asked: Asked) -> Answer:
    # The chosen page of the settings is named twice: at the side and above its lines.
    element = asked.one(lambda one: not (one.role == "tab" and one.on and asked.screen.kind == "settings"))
    return None if element is None else (asked.ask("where", name=element.name), _ref(asked, element))


def _click(asked: Asked) -> Answer:
    element = _command(asked)
    return None if element is None else (asked.ask("click", purpose=asked.purpose(element.command)), _ref(asked, element))


def _which(asked: Asked) -> Answer:
    element = _command(asked)
    return None if element is None else (asked.ask("which", purpose=asked.purpose(element.command)), element.name)


def _at(asked: Asked) -> Answer:
    element = asked.one(lambda _: True)
    return None if element is None else (asked.ask("at", box=asked.page.box_text(element.mark)), element.name)


def _purpose(asked: Asked) -> Answer:
    element = _command(asked)
    if element is None:
        return None
    answer = PURPOSE[asked.language].format(asked.purpose(element.command))
    task = "purpose" if element.shown and asked.source.random() < 0.7 else "purpose_at"
    return asked.ask(task, **_slots(asked, element)), answer


def _role(asked: Asked) -> Answer:
    element = asked.one(lambda one: one.role in ("button", "check", "switch", "radio", "input") and len(one.name) > 1)
    if element is None:
        return None
    name = ROLES[element.role][asked.language == "zh"]
    return asked.ask("role", name=element.name), {"en": f"A {name}.", "zh": f"{name}。"}[asked.language]


def _states(role: str, task: str, *, on: bool) -> Callable[[Asked], Answer]:
    """Which of the check boxes or switches are on, or off."""

    def made(asked: Asked) -> Answer:
        known = [one for one in asked.screen.elements if one.role == role]
        names = [one.name for one in known if one.on == on]
        return (asked.ask(task), "\n".join(names) or NONE[asked.language]) if known else None

    return made


def _is_on(asked: Asked) -> Answer:
    element = asked.one(lambda one: one.role in ("check", "switch"))
    if element is None:
        return None
    task = "is_checked" if element.role == "check" else "is_on"
    return asked.ask(task, name=element.name), (YES if element.on else NO)[asked.language]


def _disabled(asked: Asked) -> Answer:
    if not any(one.command or one.role in ("switch", "check") for one in asked.screen.elements):
        return None
    names = [one.name for one in asked.screen.elements if one.disabled]
    if not names and asked.source.random() < 0.7:
        return None
    return asked.ask("disabled"), "\n".join(names) or NONE[asked.language]


def _is_enabled(asked: Asked) -> Answer:
    wanted = asked.source.random() < 0.5
    element = asked.one(lambda one: one.role in ("button", "item") and bool(one.command) and one.disabled == wanted)
    return (
        None if element is None else (asked.ask("is_enabled", name=element.name), (CANNOT if element.disabled else CAN)[asked.language])
    )


def _fact(asked: Asked) -> Answer:
    """What the screen tells: prices, times, what is chosen, what was typed."""
    if not asked.screen.facts:
        return None
    task = asked.source.choice(sorted({fact.task for fact in asked.screen.facts}))
    fact = asked.source.choice([fact for fact in asked.screen.facts if fact.task == task])
    blank = {"en": "It is empty.", "zh": "没有填写。"}[asked.language]
    return asked.ask(task, name=fact.name), fact.answer or blank


def _title(asked: Asked) -> Answer:
    return (asked.ask("title"), asked.screen.title) if asked.screen.title else None


def _kind(asked: Asked) -> Answer:
    return asked.ask("kind"), KINDS[asked.screen.kind][asked.language == "zh"]


def _buttons(asked: Asked) -> Answer:
    names = [one.name for one in asked.screen.elements if one.role == "button"]
    if not 0 < len(names) < 8:
        return None
    return (asked.ask("buttons"), "\n".join(names)) if asked.source.random() < 0.7 else (asked.ask("button_count"), str(len(names)))


def _absent(asked: Asked) -> Answer:
    """Something to do, or an element, that the screen does not have."""
    place = asked.screen.language == "zh"
    here = {one.command for one in asked.screen.elements} | {
        key for key, names in COMMANDS.items() if names[place] in asked.screen.names
    }
    near = {key for group in ALIKE if group & here for key in group}
    key = asked.source.choice(sorted(set(COMMANDS) - here - near))
    if asked.source.random() < 0.5:
        return asked.ask("click", purpose=asked.purpose(key)), REFUSALS[asked.language]
    return asked.ask("where", name=COMMANDS[key][place]), REFUSALS[asked.language]


def _command(asked: Asked) -> Element | None:
    return asked.one(lambda one: bool(one.command) and not one.disabled)


def _ref(asked: Asked, element: Element) -> str:
    return f"<ref>{element.name}</ref><box>{asked.page.box_text(element.mark)}</box>"


def _slots(asked: Asked, element: Element) -> dict[str, str]:
    role = ROLES[element.role][asked.language == "zh"]
    return {"name": element.name, "role": role, "box": asked.page.box_text(element.mark)}


# What may be taken for each other: none of a group is called absent where another is there.
ALIKE: tuple[frozenset[str], ...] = tuple(
    frozenset(group.split())
    for group in (
        "save save_as export download apply",
        "search find map",
        "close cancel deny back ok",
        "delete trash cut",
        "new add edit notes",
        "mail compose messages chats send reply contacts call",
        "attach insert_image upload photos open files import",
        "cart add_cart checkout buy",
        "sign_in register user forgot",
        "settings reset apply details about help menu",
        "play pause music next previous shuffle mute video",
        "like rate",
        "refresh retry undo redo",
        "install later",
        "calendar clock notify",
        "ok allow",
        "dont_save cancel close",
        "filter sort",
        "home back",
        "photos camera",
    )
)
# Task -> (how often against the others, how it is made).
TASKS: dict[str, tuple[float, Callable[[Asked], Answer]]] = {
    "where": (3.0, _where),
    "click": (3.0, _click),
    "which": (1.2, _which),
    "at": (2.5, _at),
    "purpose": (2.0, _purpose),
    "role": (0.8, _role),
    "checked": (1.8, _states("check", "checked", on=True)),
    "switches": (1.8, _states("switch", "switches", on=True)),
    "switches_off": (1.0, _states("switch", "switches_off", on=False)),
    "is_on": (1.2, _is_on),
    "disabled": (1.5, _disabled),
    "is_enabled": (1.0, _is_enabled),
    "fact": (4.0, _fact),
    "title": (0.8, _title),
    "kind": (0.5, _kind),
    "buttons": (1.0, _buttons),
    "absent": (1.5, _absent),
}
