"""Questions about a paper and their answers, which follow from what was printed.

(Paper, boxes, language) -> [(task, Turn), ...]        a task that the paper has nothing for gives None
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from recipes.nano.data.families.phrases_receipts import ABSENT, ALIKE, KEYS, KIND_NAMES, NEVER_PRINTED, PHRASES, YES_NO
from recipes.nano.data.families.receipts_documents import Field, Item, Paper
from recipes.nano.data.layout_text import Box, thousandths
from recipes.nano.data.sample import Language, Turn

# Names that others of their meaning share: beside a best-before date, "the date" is not clear.
_VAGUE = frozenset({"date", "time", "number", "name", "price"})
_JSON_NAMES_ZH = {"title": "标题", "items": "明细", "name": "名称", "quantity": "数量", "price": "单价", "amount": "金额"}


@dataclass(frozen=True)
class Asked:
    """What questions are made from. size: of the picture in px."""

    paper: Paper
    boxes: dict[str, Box]
    size: tuple[int, int]
    language: Language
    source: random.Random

    def phrase(self, task: str, **parts: str) -> str:
        """A question in one of its phrasings."""
        name = parts.get("name", "")
        return self.source.choice(PHRASES[task][self.language]).format(Name=name[:1].upper() + name[1:], **parts)

    def name(self, key: str) -> str:
        """What a field is called in questions."""
        return KEYS[key].asked(self.language)

    def box(self, key: str) -> str:
        """Where something stands, as grounding is written."""
        return "<box>[[{}, {}, {}, {}]]</box>".format(*thousandths(self.boxes[key], self.size))


def whole_json(paper: Paper, language: Language) -> dict[str, Any]:
    """Everything on the paper: title, fields in their order, the list, the sums. Amounts stay as printed, quantities are numbers."""
    names = _JSON_NAMES_ZH if language == "zh" else {}
    made: dict[str, Any] = {names.get("title", "title"): paper.title} if paper.title else {}
    made |= {_json_key(each.key, language): each.value for each in paper.fields}
    if paper.items:
        made[names.get("items", "items")] = [
            {names.get(column, column): item.quantity if column == "quantity" else text for column, text in paper.cells(item).items()}
            for item in paper.items
        ]
    return made | {_json_key(each.key, language): each.value for each in paper.totals}


def absent_keys(paper: Paper) -> list[str]:
    """Fields that a question may ask for in vain: neither they nor anything of their meaning is printed."""
    there = {each.key for each in paper.all_fields()}
    near = set().union(*(group for group in ALIKE if group & there)) if there else set()
    return [key for key in KEYS if key not in there and (key not in near or key in NEVER_PRINTED)]


def clear_fields(paper: Paper) -> list[Field]:
    """Fields that can be asked for by name without being taken for another one."""
    there = {each.key for each in paper.all_fields()}
    others = {key: set().union(*(group for group in ALIKE if key in group)) & there - {key} for key in _VAGUE}
    return [each for each in paper.all_fields() if not others.get(each.key)]


def _json_key(key: str, language: Language) -> str:
    return KEYS[key].asked_zh if language == "zh" else key


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def ask_json(asked: Asked) -> Turn | None:
    return Turn(question=asked.phrase("json"), answer=_dump(whole_json(asked.paper, asked.language)))


def ask_json_some(asked: Asked) -> Turn | None:
    paper, source = asked.paper, asked.source
    there = clear_fields(paper)
    chosen = source.sample(there, min(len(there), source.randint(1, 4)))
    made: dict[str, str | None] = {_json_key(each.key, asked.language): each.value for each in chosen}
    if source.random() < 0.4:
        made[_json_key(source.choice(absent_keys(paper)), asked.language)] = None
    names = list(made)
    source.shuffle(names)
    listed = "、".join(names) if asked.language == "zh" else ", ".join(names)
    return Turn(question=asked.phrase("json_some", names=listed), answer=_dump({name: made[name] for name in names}))


def ask_field(asked: Asked) -> Turn | None:
    each = _any_field(asked)
    natural = KEYS[each.key].natural(asked.language)
    if natural and asked.source.random() < 0.5:
        return Turn(question=asked.source.choice(natural), answer=each.value)
    return Turn(question=asked.phrase("field", name=asked.name(each.key)), answer=each.value)


def ask_main(asked: Asked) -> Turn | None:
    """The total, the date, the person: what people want of such a paper."""
    keys = ("total", "date", "amount", "price", "passenger", "name", "to", "issuer", "receiver", "due", "expiry")
    found = [each for each in clear_fields(asked.paper) if each.key in keys]
    if not found:
        return None
    each = asked.source.choice(found)
    return Turn(question=asked.source.choice(KEYS[each.key].natural(asked.language)), answer=each.value)


def ask_label(asked: Asked) -> Turn | None:
    labels = [each.label for each in asked.paper.all_fields()]
    found = [each for each in asked.paper.all_fields() if each.label and labels.count(each.label) == 1]
    if not found:
        return None
    each = asked.source.choice(found)
    return Turn(question=asked.phrase("label", label=each.label), answer=each.value)


def ask_absent(asked: Asked) -> Turn | None:
    key = asked.source.choice(absent_keys(asked.paper))
    natural = KEYS[key].natural(asked.language)
    question = asked.source.choice(natural) if natural and asked.source.random() < 0.3 else asked.phrase("field", name=asked.name(key))
    return Turn(question=question, answer=asked.source.choice(ABSENT[asked.language]))


def ask_kind(asked: Asked) -> Turn | None:
    english, chinese = KIND_NAMES[asked.paper.kind]
    answer = f"这是一张{chinese}。" if asked.language == "zh" else f"It is {english}."
    return Turn(question=asked.phrase("kind"), answer=answer)


def ask_item(asked: Asked) -> Turn | None:
    """One number of a line."""
    if not asked.paper.items:
        return None
    item = asked.source.choice(asked.paper.items)
    task, column = asked.source.choice([each for each in _ITEM_TASKS if each[1] in asked.paper.columns])
    return Turn(question=asked.phrase(task, item=item.name), answer=asked.paper.cells(item)[column])


def ask_count(asked: Asked) -> Turn | None:
    return Turn(question=asked.phrase("count"), answer=str(len(asked.paper.items))) if asked.paper.items else None


def ask_list(asked: Asked) -> Turn | None:
    names = [item.name for item in asked.paper.items]
    return Turn(question=asked.phrase("list"), answer=("、" if asked.language == "zh" else "; ").join(names)) if names else None


def ask_extreme(asked: Asked) -> Turn | None:
    """The line of the highest or lowest amount, where it is only one."""
    if len(asked.paper.items) < 2:
        return None
    highest = asked.source.random() < 0.6
    ordered = sorted(asked.paper.items, key=lambda item: item.amount, reverse=highest)
    if ordered[0].amount == ordered[1].amount:
        return None
    return Turn(question=asked.phrase("most" if highest else "least"), answer=ordered[0].name)


def ask_two(asked: Asked) -> Turn | None:
    """Two lines added, subtracted or compared."""
    if len(asked.paper.items) < 2:
        return None
    first, second = asked.source.sample(asked.paper.items, 2)
    task = asked.source.choice(("sum_two", "difference", "compare"))
    if task != "sum_two" and first.amount == second.amount:
        return None
    if task == "difference" and first.amount < second.amount:
        first, second = second, first
    question = asked.phrase(task, a=first.name, b=second.name)
    return Turn(question=question, answer=_of_two(asked.paper, task, first, second))


def _of_two(paper: Paper, task: str, first: Item, second: Item) -> str:
    if task == "compare":
        return max(first, second, key=lambda item: item.amount).name
    return paper.money.bare(first.amount + second.amount if task == "sum_two" else first.amount - second.amount)


def ask_above(asked: Asked) -> Turn | None:
    """How many lines are above a round number, or whether the total is."""
    paper, total = asked.paper, asked.paper.cents.get("total")
    if paper.items and asked.source.random() < 0.6:
        limit = max(1, round(asked.source.choice(paper.items).amount / 100) + asked.source.choice((-1, 1, 2))) * 100
        count = sum(item.amount > limit for item in paper.items)
        return Turn(question=asked.phrase("above", limit=str(limit // 100)), answer=str(count))
    if total is None:
        return None
    limit = max(1, round(total / 100 * asked.source.choice((0.5, 0.7, 0.9, 1.1, 1.3, 2.0)))) * 100
    return Turn(question=asked.phrase("yes_no", limit=str(limit // 100)), answer=YES_NO[asked.language][0 if total > limit else 1])


def ask_box(asked: Asked) -> Turn | None:
    each = _any_field(asked)
    name = asked.name(each.key)
    return Turn(question=asked.phrase("box", name=name), answer=f"<ref>{name}</ref>{asked.box(f'field {each.key}')}")


def ask_read_box(asked: Asked) -> Turn | None:
    each = asked.source.choice(asked.paper.all_fields())
    return Turn(question=asked.phrase("read_box", box=asked.box(f"field {each.key}")), answer=each.value)


def _any_field(asked: Asked) -> Field:
    return asked.source.choice(clear_fields(asked.paper))


_ITEM_TASKS = (("price_of", "amount"), ("quantity_of", "quantity"), ("unit_of", "price"))
Ask: TypeAlias = Callable[[Asked], Turn | None]
# The second is how often it is asked.
TASKS: dict[str, tuple[Ask, float]] = {
    "json": (ask_json, 2.0),
    "json_some": (ask_json_some, 1.0),
    "field": (ask_field, 3.0),
    "main": (ask_main, 2.0),
    "label": (ask_label, 1.0),
    "absent": (ask_absent, 1.0),
    "kind": (ask_kind, 0.6),
    "item": (ask_item, 1.6),
    "count": (ask_count, 0.5),
    "list": (ask_list, 0.5),
    "extreme": (ask_extreme, 0.6),
    "two": (ask_two, 0.8),
    "above": (ask_above, 0.6),
    "box": (ask_box, 1.0),
    "read_box": (ask_read_box, 0.6),
}


def ask(asked: Asked, count: int) -> list[tuple[str, Turn]]:
    """So many different questions, or as many as the paper has."""
    names, weights = list(TASKS), [weight for _, weight in TASKS.values()]
    made: list[tuple[str, Turn]] = []
    for _ in range(40):
        task = asked.source.choices(names, weights)[0]
        turn = TASKS[task][0](asked)
        known = turn is None or any(turn.question == other.question or (task == earlier == "json") for earlier, other in made)
        if turn is not None and not known:
            made.append((task, turn))
        if len(made) == count:
            break
    return made
