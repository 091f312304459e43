"""What stands on a paper before it is drawn: fields in order, items and sums that are right to the cent.

(source, language, split, kind) -> Paper(fields, items, totals)        money is counted in cents and printed once
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from recipes.nano.data import texts
from recipes.nano.data.families.phrases_receipts import KEYS
from recipes.nano.data.families.receipts_goods import pick_cities, pick_goods, pick_show
from recipes.nano.data.sample import Language, Split

Shape: TypeAlias = Literal["strip", "page", "ticket", "card", "label"]


@dataclass(frozen=True)
class Field:
    """A value as printed, and the label beside it; without one it stands alone."""

    key: str
    label: str
    value: str


@dataclass(frozen=True)
class Item:
    """A line of a list; amounts in cents."""

    name: str
    quantity: int
    price: int
    amount: int


@dataclass(frozen=True)
class Money:
    """How a paper writes amounts. sign: before the number where `signed`."""

    sign: str
    commas: bool

    def bare(self, cents: int) -> str:
        """Without the sign, as in columns."""
        return f"{cents / 100:,.2f}" if self.commas else f"{cents // 100}.{cents % 100:02d}"

    def full(self, cents: int) -> str:
        """With the sign, as in totals."""
        return self.sign + self.bare(cents)


@dataclass(frozen=True, kw_only=True)
class Paper:
    """All that is printed. columns: which columns its list has. cents: the sums behind printed amounts."""

    kind: str
    shape: Shape
    language: Language
    title: str
    money: Money
    fields: tuple[Field, ...]
    items: tuple[Item, ...] = ()
    columns: tuple[str, ...] = ()
    totals: tuple[Field, ...] = ()
    cents: dict[str, int] = field(default_factory=dict)
    footer: str = ""

    def all_fields(self) -> tuple[Field, ...]:
        """Fields of the head and of the sums."""
        return self.fields + self.totals

    def get(self, key: str) -> Field | None:
        """The field of this key, if the paper has it."""
        return next((each for each in self.all_fields() if each.key == key), None)

    def head(self, *without: str) -> tuple[Field, ...]:
        """The labelled fields but these."""
        return tuple(each for each in self.fields if each.label and each.key not in without)

    def cells(self, item: Item) -> dict[str, str]:
        """What the columns print of an item."""
        cells = {
            "name": item.name,
            "quantity": str(item.quantity),
            "price": self.money.bare(item.price),
            "amount": self.money.bare(item.amount),
        }
        return {name: cells[name] for name in self.columns}


class Writer:
    """Draws values of one paper: language, split, money and the form of its dates stay the same all over it."""

    def __init__(self, source: random.Random, language: Language, split: Split) -> None:
        self.source, self.language, self.split = source, language, split
        sign = source.choice(("$", "£", "€", "")) if language == "en" else source.choice(("¥", "￥", ""))
        self.money = Money(sign, source.random() < 0.4)
        forms = (
            ("%Y-%m-%d", "%m/%d/%Y", "%d %b %Y", "%b %d, %Y", "%d.%m.%Y")
            if language == "en"
            else ("%Y-%m-%d", "%Y年%m月%d日", "%Y/%m/%d")
        )
        self._form = source.choice(forms)
        self.day = datetime.date(source.randint(2015, 2029), source.randint(1, 12), source.randint(1, 28))

    def date(self, offset: int = 0) -> str:
        """The paper's day, or one so many days later."""
        return (self.day + datetime.timedelta(days=offset)).strftime(self._form)

    def clock(self, minutes: int | None = None) -> str:
        """A time of day."""
        at = self.source.randrange(6 * 60, 23 * 60) if minutes is None else minutes
        return f"{at // 60:02d}:{at % 60:02d}"

    def digits(self, count: int) -> str:
        """A number without a leading zero."""
        return str(self.source.randint(1, 9)) + "".join(str(self.source.randint(0, 9)) for _ in range(count - 1))

    def code(self, pattern: str) -> str:
        """A letter for each A, a digit for each 9."""
        letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
        made = (self.source.choice(letters) if mark == "A" else self.digits(1) if mark == "9" else mark for mark in pattern)
        return "".join(made)

    def choice(self, en: str, zh: str) -> str:
        """One of the words between bars, in the paper's language."""
        return self.source.choice((zh if self.language == "zh" else en).split("|"))

    def field(self, key: str, value: str, *, label: bool = True) -> Field:
        """A field with one of its labels."""
        printed = self.source.choice(KEYS[key].printed(self.language)) if label else ""
        return Field(key, printed, value)

    def fields(self, **values: str) -> tuple[Field, ...]:
        """Labelled fields in this order."""
        return tuple(self.field(key, value) for key, value in values.items())

    def some(self, share: float, **values: str) -> tuple[Field, ...]:
        """The same, each with this probability."""
        return tuple(each for each in self.fields(**values) if self.source.random() < share)

    def person(self) -> str:
        """A name."""
        return texts.person(self.source, self.language)

    def company(self) -> str:
        """The name of a company."""
        return texts.company(self.source, self.language)

    def address(self) -> str:
        """A postal address in one line."""
        return " ".join(texts.address(self.source, self.language).split())

    def phone(self) -> str:
        """A phone number."""
        return texts.phone(self.source, self.language)

    def issuer(self) -> tuple[Field, ...]:
        """Who the paper is from, in its own lines on top."""
        parts = [self.field("issuer", self.company(), label=False)]
        if self.source.random() < 0.7:
            parts.append(self.field("address", self.address(), label=False))
        if self.source.random() < 0.6:
            parts.append(self.field("phone", self.phone()))
        return tuple(parts)

    def items(self, kind: str, count: int, cheap: int, dear: int) -> tuple[Item, ...]:
        """A list of goods with prices in cents from cheap to dear."""
        made = []
        for name in pick_goods(self.source, self.language, self.split, kind, count):
            ending = self.source.choice((99, 50, 0, 25, 95, self.source.randrange(100)))
            price = self.source.randint(cheap // 100, dear // 100) * 100 + ending
            quantity = self.source.choice((1, 1, 1, 2, 2, 3, 4, 5, 6, 10))
            made.append(Item(name, quantity, price, quantity * price))
        return tuple(made)


def with_sums(paper: Paper, writer: Writer, *, tax: float | None = None, tip: bool = False, cash: bool = False) -> Paper:
    """The paper with subtotal, discount, tax, tip, total, cash and change under its list, each following from those before."""
    source, totals, cents = writer.source, [], dict(paper.cents)
    if "quantity" not in paper.columns:
        # Without a quantity on paper each line is one piece.
        paper = replace(paper, items=tuple(Item(each.name, 1, each.price, each.price) for each in paper.items))
    total = sum(item.amount for item in paper.items)
    reduced = source.random() < 0.25
    if tax is not None or tip or reduced:
        cents["subtotal"] = total
    if reduced:
        cents["discount"] = max(1, total * source.choice((5, 10, 15, 20)) // 100)
        total -= cents["discount"]
    if tax is not None:
        cents["tax"] = (total * round(tax * 1000) + 500) // 1000
        total += cents["tax"]
    if tip:
        cents[source.choice(("tip", "service"))] = (extra := (total * source.choice((8, 10, 12, 15)) + 50) // 100)
        total += extra
    cents["total"] = total
    if cash:
        note = source.choice((500, 1000, 2000, 5000, 10000))
        cents["paid"] = -(-total // note) * note
        cents["change"] = cents["paid"] - total
    for key in ("subtotal", "discount", "tax", "tip", "service", "total", "paid", "change"):
        if key in cents and (key != "change" or cents["change"] > 0):
            printed = paper.money.full(cents[key])
            totals.append(writer.field(key, f"-{printed}" if key == "discount" else printed))
    return replace(paper, totals=tuple(totals), cents=cents)


Maker: TypeAlias = Callable[[Writer], Paper]


def start(writer: Writer, kind: str, shape: Shape, en: str, zh: str, fields: tuple[Field, ...], **more: object) -> Paper:
    """A paper with one of these titles."""
    made = Paper(kind=kind, shape=shape, language=writer.language, title=writer.choice(en, zh), money=writer.money, fields=fields)
    return replace(made, **more)  # type: ignore[arg-type]


def route(writer: Writer) -> tuple[str, str]:
    """Where a journey starts and ends."""
    return pick_cities(writer.source, writer.language)


def show(writer: Writer, kind: str) -> str:
    """A film or an event."""
    return pick_show(writer.source, writer.language, writer.split, kind)
