"""Operator: what was read becomes a conversation of the released form.

columns `lines`, ... -> PageText -> Ask[n] of each kind --weights, seed and row--> turns -> field `conversations`, column `kinds`

<image> Where is <ref>EXIT</ref>?   ->   <ref>EXIT</ref><box>[[20, 31, 80, 66]]</box>
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from internvl.data.order import key_of
from internvl.pipelines.item import Drop, Item
from internvl.pipelines.ocr import phrasings
from internvl.pipelines.ocr.absent import absent
from internvl.pipelines.ocr.ask import Ask, locate, read_all, read_region
from internvl.pipelines.ocr.config import KINDS, Kind, OcrConfig
from internvl.pipelines.ocr.facts import answers
from internvl.pipelines.ocr.line import PageText
from internvl.pipelines.ocr.read import page_of
from internvl.pipelines.operator import ColumnType, Outcome, Resources, Work

_ASKS: Mapping[Kind, Callable[[PageText, OcrConfig], list[Ask]]] = {
    "read_all": read_all,
    "read_region": read_region,
    "locate": locate,
    "answer": answers,
    "absent": absent,
}


@dataclass(frozen=True)
class Turn:
    """A question with its answer, and of which kind it is."""

    kind: Kind
    question: str
    answer: str


@dataclass(frozen=True)
class AskQuestions:
    """Step three of `ocr_operators`."""

    config: OcrConfig
    name = "conversations"
    resources = Resources()

    def columns(self) -> dict[str, ColumnType]:
        """kinds: of the questions, in order. The conversation itself is a field of the record, as in the released form."""
        return {"kinds": "json"}

    def settings(self) -> dict[str, Any]:
        """What decides about the questions."""
        names = ("mix", "turns", "ask_in", "max_answer_characters", "seed")
        told = self.config.to_dict()
        return {name: told[name] for name in names} | {"version": 1}

    def open(self) -> Work:
        """Nothing to load."""
        return self._work

    def _work(self, items: Sequence[Item]) -> list[Outcome]:
        return [self._asked(item) for item in items]

    def _asked(self, item: Item) -> Item | Drop:
        origin = item.origin
        draw = random.Random(key_of(self.config.seed, origin.dataset, origin.file, origin.row, item.fields.get("page")))
        turns = turns_of(page_of(item), self.config, draw)
        if not turns:
            return Drop("nothing to ask: none of the wanted kinds of questions has a certain answer on this page")
        return item.with_fields(conversations=conversation(turns), kinds=[turn.kind for turn in turns])


def turns_of(page: PageText, config: OcrConfig, draw: random.Random) -> list[Turn]:
    """Up to `config.turns` different questions. A kind without questions leaves its share to the others."""
    language = _language(page, config, draw)
    open_asks = {kind: _ASKS[kind](page, config) for kind in KINDS if config.mix.get(kind, 0) > 0}
    turns: list[Turn] = []
    while len(turns) < config.turns:
        kinds = [kind for kind in KINDS if open_asks.get(kind)]
        if not kinds:
            break
        (kind,) = draw.choices(kinds, [config.mix[each] for each in kinds])
        asks = open_asks[kind]
        turns.append(_turn(kind, asks.pop(_choice(asks, draw)), language, draw))
    return turns


def conversation(turns: Sequence[Turn]) -> list[dict[str, str]]:
    """Turns as the released data writes them, the picture in front of the first question."""
    found = []
    for index, turn in enumerate(turns):
        found.append({"from": "human", "value": ("" if index else "<image>\n") + turn.question})
        found.append({"from": "gpt", "value": turn.answer})
    return found


def _choice(asks: Sequence[Ask], draw: random.Random) -> int:
    """An index; each form is as likely as the others, however many of its questions a page has."""
    form = draw.choice(sorted({ask.form for ask in asks}))
    return draw.choice([index for index, ask in enumerate(asks) if ask.form == form])


def _turn(kind: Kind, ask: Ask, language: str, draw: random.Random) -> Turn:
    asked = phrasings.question(ask.form, language, ask.values, draw)
    return Turn(kind, asked, ask.answer or phrasings.refusal(ask.form, language, ask.values, draw))


def _language(page: PageText, config: OcrConfig, draw: random.Random) -> str:
    """Of the questions: "en" or "zh"."""
    if config.ask_in == "page":
        return "zh" if page.language == "zh" else "en"
    return draw.choice(("en", "zh")) if config.ask_in == "mixed" else config.ask_in
