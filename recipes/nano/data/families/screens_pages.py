"""Screens as HTML with what is known about every element: programs, dialogs, settings, log-in, shops, phones.

    (source, language, split) -> lay_out -> Screen(html, elements with name, role, command and states, facts, title)

Controls are drawn with style sheets, not by the system, so that a theme changes all of them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from recipes.nano.data.families.words_screens import (
    CHOICES,
    COMMANDS,
    ICONS,
)
from recipes.nano.data.sample import Language, Split


@dataclass(frozen=True)
class Element:
    """Something to see or to click. command: a key of COMMANDS; on: checked, chosen or selected, None where that can't be; shown: its
    name is written on it; group: the question that a radio button answers."""

    mark: str
    role: str
    name: str
    command: str = ""
    on: bool | None = None
    disabled: bool = False
    shown: bool = True
    group: str = ""


@dataclass(frozen=True)
class Fact:
    """Something that the screen tells: a kind of question, what it is about, the answer."""

    task: str
    name: str
    answer: str


@dataclass
class Screen:
    """A screen on its way."""

    kind: str
    source: random.Random
    language: Language
    split: Split
    title: str = ""
    html: list[str] = field(default_factory=list)
    elements: list[Element] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def say(self, english: str, chinese: str) -> str:
        """The words of this screen's language."""
        return english if self.language == "en" else chinese

    def add(self, role: str, name: str, **known: object) -> str:
        """Notes an element; returns its id."""
        mark = f"e{len(self.elements)}"
        self.elements.append(Element(mark, role, name, **known))  # type: ignore[arg-type]
        self.names.add(name)
        return mark

    def words(self, key: str) -> str:
        """A command's name."""
        return self.say(*COMMANDS[key][:2])

    def button(self, key: str, *, primary: bool = False, disabled: bool = False) -> str:
        """A button with a command's name, and now and then its icon."""
        mark = self.add("button", self.words(key), command=key, disabled=disabled)
        style = "btn" + " primary" * primary + " off" * disabled
        picture = drawn(key) if key in ICONS and self.source.random() < 0.3 else ""
        return f'<span class="{style}" data-id="{mark}">{picture}{escape(self.words(key))}</span>'

    def icon(self, key: str, *, disabled: bool = False) -> str:
        """A picture alone."""
        mark = self.add("icon", self.words(key), command=key, shown=False, disabled=disabled)
        return f'<span class="icon{" off" * disabled}" data-id="{mark}">{drawn(key)}</span>'

    def link(self, key: str) -> str:
        """Underlined words."""
        return f'<span class="link" data-id="{self.add("link", self.words(key), command=key)}">{escape(self.words(key))}</span>'

    def mark_of(self, role: str, name: str, *, on: bool, disabled: bool = False, group: str = "") -> str:
        """A check box, switch or radio button with its words."""
        mark = self.add(role, name, on=on, disabled=disabled, group=group)
        box = f'<span class="{role}{" on" * on}"></span>'
        inner = f"<span>{escape(name)}</span>{box}" if role == "switch" else f"{box}<span>{escape(name)}</span>"
        return f'<div class="line {role}-line{" off" * disabled}" data-id="{mark}">{inner}</div>'

    def choice(self, key: str, role: str = "radio") -> str:
        """A question with several answers of which one is chosen."""
        english, chinese, names = CHOICES[key]
        label = self.say(english, chinese)
        free = [name for name in names[self.language] if name not in self.names]
        chosen = self.source.choice(free)
        self.facts.append(Fact("chosen", label, chosen))
        lines = "".join(self.mark_of(role, name, on=name == chosen, group=label) for name in free)
        return f'<div class="choice"><div class="label">{escape(label)}</div>{lines}</div>'

    def tabs(self, names: Sequence[str], style: str = "tab", role: str = "tab") -> str:
        """Names side by side or below each other, one of them selected."""
        chosen = self.source.choice(names)
        self.facts.append(Fact("selected", "", chosen))
        marks = [(self.add(role, name, on=name == chosen), name) for name in names]
        return "".join(
            f'<span class="{style}{" active" * (name == chosen)}" data-id="{mark}">{escape(name)}</span>' for mark, name in marks
        )

    def entry(self, label: str, value: str, *, secret: bool = False) -> str:
        """A text field under its label."""
        mark = self.add("input", label)
        shown = "•" * len(value) if secret else value
        if not secret:
            self.facts.append(Fact("value", label, value))
        return (
            f'<div class="entry"><div class="label">{escape(label)}</div>'
            f'<div class="input" data-id="{mark}" data-whole>{escape(shown) or "&nbsp;"}</div></div>'
        )

    def pick(self, names: Sequence[str], least: int, most: int) -> list[str]:
        """Some names that the screen does not have yet."""
        free = [name for name in names if name not in self.names]
        return self.source.sample(free, min(len(free), self.source.randint(least, most)))

    def heading(self, text: str, tag: str = "h1") -> str:
        """The title of the screen."""
        self.title = text
        return f'<{tag} data-id="title" data-tight>{escape(text)}</{tag}>'

    def bar(self, *parts: str, style: str = "") -> str:
        """A bar across the screen."""
        return f'<div class="bar {style}">{"".join(parts)}</div>'


def drawn(key: str) -> str:
    """A command's icon."""
    return f'<svg class="pic" viewBox="0 0 24 24"><path d="{ICONS[key]}"/></svg>'
