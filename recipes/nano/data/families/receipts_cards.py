"""How tickets, cards and labels are laid out: small papers of a fixed size.

layout(Sheet, Paper): everything on the paper is written once
"""

from __future__ import annotations

from collections.abc import Sequence

from recipes.nano.data.families.receipts_documents import Field, Paper
from recipes.nano.data.families.receipts_sheet import Sheet

WHITE = (255, 255, 255)


def ticket_stub(sheet: Sheet, paper: Paper) -> None:
    """A coloured band with the title, facts in a grid, a stub with a bar code behind a torn edge."""
    style, stub = sheet.style, sheet.width * 0.84
    sheet.fill((0, 0, sheet.width, style.size * 2.6), style.accent)
    sheet.put(
        paper.title, sheet.margin, style.size * 0.55, stub * 0.55, size=style.size * 1.4, ink=WHITE, title=True, key="title", lines=1
    )
    issuer = paper.get("issuer")
    if issuer:
        left = sheet.margin + stub * 0.58
        sheet.put(
            issuer.value,
            left,
            style.size * 0.75,
            sheet.width - left - sheet.margin,
            size=style.size,
            ink=WHITE,
            align="right",
            key="field issuer",
            lines=1,
        )
    grid(
        sheet,
        _without(paper, "issuer"),
        sheet.margin,
        style.size * 3.2,
        stub - 1.5 * sheet.margin,
        sheet.height - style.size * 3.4,
        columns=3,
    )
    for y in range(round(style.size * 2.8), sheet.height, 12):
        sheet.draw.line((stub, y, stub, y + 6), fill=style.faint, width=2)
    side = (sheet.width - stub) * 0.6
    sheet.squares(stub + (sheet.width - stub - side) / 2, sheet.height * 0.42, side)


def ticket_tall(sheet: Sheet, paper: Paper) -> None:
    """Narrow and high: one fact below the other, a bar code at the bottom."""
    style = sheet.style
    sheet.frame((6, 6, sheet.width - 7, sheet.height - 7), style.accent, width=3, radius=14)
    sheet.line(paper.title, size=style.size * 1.5, align="center", title=True, key="title")
    sheet.rule(kind="dash", ink=style.accent)
    fields = paper.fields
    room = (sheet.height - sheet.y - style.size * 5) / len(fields)
    for each in fields:
        scale = min(1.15, (room - style.size * 0.8) / (style.size * 1.5))
        sheet.stacked(each, sheet.margin, sheet.y, sheet.inside, scale=max(0.8, scale))
        sheet.y += room
    sheet.bars(sheet.margin, sheet.height - style.size * 4.2, sheet.inside, style.size * 3)


def ticket_route(sheet: Sheet, paper: Paper) -> None:
    """The first two facts large beside each other, an arrow between them; the others below."""
    style = sheet.style
    sheet.line(paper.title, size=style.size * 1.2, title=True, key="title")
    pair = [paper.get(key) for key in ("from", "to")]
    first: list[Field] = [each for each in pair if each is not None] or list(paper.fields[:2])
    half, y = sheet.inside * 0.42, sheet.y + style.size * 0.3
    below = sheet.stacked(first[0], sheet.margin, y, half, scale=1.7)
    below = max(below, sheet.stacked(first[1], sheet.width - sheet.margin - half, y, half, scale=1.7))
    if len([each for each in pair if each is not None]) == 2:
        middle, at = sheet.width / 2, y + style.size * 1.7
        sheet.draw.line((middle - 22, at, middle + 14, at), fill=style.accent, width=4)
        sheet.draw.polygon(((middle + 24, at), (middle + 10, at - 9), (middle + 10, at + 9)), fill=style.accent)
    sheet.y = below
    sheet.rule(ink=style.accent)
    rest = tuple(each for each in paper.fields if each not in first)
    grid(sheet, rest, sheet.margin, sheet.y + 4, sheet.inside, sheet.height - sheet.y - sheet.margin * 0.6, columns=3)


def ticket_table(sheet: Sheet, paper: Paper) -> None:
    """A table of labels and values with lines."""
    style = sheet.style
    sheet.line(paper.title, size=style.size * 1.5, align="center", title=True, key="title")
    issuer = paper.get("issuer")
    if issuer:
        sheet.line(issuer.value, align="center", key="field issuer")
    table(sheet, _without(paper, "issuer"), sheet.margin, sheet.y + 6, sheet.inside, sheet.height - sheet.y - sheet.margin)


def ticket_list(sheet: Sheet, paper: Paper) -> None:
    """Labels and values on lines, in two columns; a coloured edge."""
    style = sheet.style
    sheet.fill((0, 0, 14, sheet.height), style.accent)
    left = sheet.margin + 14
    sheet.y = sheet.put(
        paper.title, left, sheet.y, sheet.inside - 14, size=style.size * 1.6, ink=style.accent, title=True, key="title", lines=1
    )
    sheet.space(0.3)
    half = (sheet.width - sheet.margin - left) / 2
    for number in range(0, len(paper.fields), 2):
        row = paper.fields[number : number + 2]
        ends = [sheet.pair(each, left + column * half, sheet.y, half - 16, bold=True) for column, each in enumerate(row)]
        sheet.y = max(ends) + style.size * 0.25


def card_photo_left(sheet: Sheet, paper: Paper) -> None:
    """A photograph at the left."""
    _photo_card(sheet, paper, left=True)


def card_photo_right(sheet: Sheet, paper: Paper) -> None:
    """A photograph at the right."""
    _photo_card(sheet, paper, left=False)


def card_portrait(sheet: Sheet, paper: Paper) -> None:
    """An upright badge: a photograph in the middle, names below."""
    style = sheet.style
    sheet.fill((0, 0, sheet.width, style.size * 3.6), style.accent)
    sheet.put(
        paper.title,
        sheet.margin,
        style.size * 1.1,
        sheet.inside,
        size=style.size * 1.3,
        ink=WHITE,
        align="center",
        title=True,
        key="title",
        lines=1,
    )
    side = sheet.width * 0.36
    y = sheet.portrait((sheet.width - side) / 2, style.size * 4.2, side, side * 1.2) + style.size * 0.6
    room = (sheet.height - y - sheet.margin * 0.5) / len(paper.fields)
    for each in paper.fields:
        sheet.pair(each, sheet.margin, y, sheet.inside, size=min(style.size, room * 0.62), bold=each.key == "name")
        y += room


def card_centre(sheet: Sheet, paper: Paper) -> None:
    """Everything in the middle."""
    _open(sheet, paper)
    for each in paper.fields:
        size = sheet.style.size * (1.7 if each.key in ("name", "school") else 1.0)
        if each.label:
            _centred(sheet, each)
        else:
            sheet.line(each.value, size=size, align="center", title=each.key == "name", key=f"field {each.key}")
        sheet.space(0.2)


def card_split(sheet: Sheet, paper: Paper) -> None:
    """A coloured half with what stands alone, the facts beside it."""
    style, half = sheet.style, sheet.width * 0.42
    sheet.fill((0, 0, half, sheet.height), style.accent)
    y = sheet.height * 0.26
    if paper.title:
        y = (
            sheet.put(
                paper.title, sheet.margin, y, half - 1.5 * sheet.margin, ink=WHITE, size=style.size * 1.2, title=True, key="title"
            )
            + style.size
        )
    alone = [each for each in paper.fields if not each.label]
    for each in alone:
        size = style.size * (1.5 if each.key == "name" else 1.0)
        y = (
            sheet.put(each.value, sheet.margin, y, half - 1.5 * sheet.margin, ink=WHITE, size=size, key=f"field {each.key}")
            + style.size * 0.3
        )
    rest = paper.head()
    room = (sheet.height - 2 * sheet.margin) / max(1, len(rest))
    for number, each in enumerate(rest):
        sheet.stacked(
            each,
            half + sheet.margin * 0.7,
            sheet.margin + number * room,
            sheet.width - half - 1.4 * sheet.margin,
            scale=1.0,
            bold=False,
        )


def card_lines(sheet: Sheet, paper: Paper) -> None:
    """Label and value on each line, at the left; a thin coloured line."""
    _open(sheet, paper)
    sheet.rule(kind="line", ink=sheet.style.accent)
    for each in paper.fields:
        size = sheet.style.size * (1.4 if each.key in ("name", "school") and not each.label else 1.0)
        sheet.y = sheet.pair(each, sheet.margin, sheet.y, sheet.inside, size=size) + sheet.style.size * 0.12


def label_sections(sheet: Sheet, paper: Paper) -> None:
    """Sections with thick lines between them, bars at the bottom."""
    style = sheet.style
    sheet.frame((5, 5, sheet.width - 6, sheet.height - 6), (10, 10, 10), width=3)
    sheet.line(paper.title, size=style.size * 1.6, title=True, key="title")
    room = (sheet.height - sheet.y - style.size * 4.6) / len(paper.fields)
    for each in paper.fields:
        sheet.draw.line((5, sheet.y, sheet.width - 6, sheet.y), fill=(10, 10, 10), width=2)
        sheet.stacked(
            each, sheet.margin, sheet.y + 4, sheet.inside, scale=min(1.2, max(0.75, (room - style.size * 1.2) / style.size / 1.3))
        )
        sheet.y += room
    sheet.draw.line((5, sheet.y, sheet.width - 6, sheet.y), fill=(10, 10, 10), width=2)
    sheet.bars(sheet.margin, sheet.y + 10, sheet.inside, sheet.height - sheet.y - 26)


def label_big(sheet: Sheet, paper: Paper) -> None:
    """A coloured head, the first facts large."""
    style = sheet.style
    sheet.fill((0, 0, sheet.width, style.size * 2.6), style.accent)
    sheet.put(
        paper.title, sheet.margin, style.size * 0.55, sheet.inside, size=style.size * 1.4, ink=WHITE, title=True, key="title", lines=1
    )
    sheet.y = style.size * 3.1
    for number, each in enumerate(paper.fields):
        large = 2.6 if each.key == "price" else 1.45 if number == 0 else 1.0
        if each.label:
            sheet.y = sheet.pair(each, sheet.margin, sheet.y, sheet.inside)
        else:
            sheet.line(each.value, size=style.size * large, title=large > 1, key=f"field {each.key}")
        sheet.space(0.15)
    if sheet.height - sheet.y > style.size * 3.2:
        sheet.bars(sheet.margin, sheet.height - style.size * 2.8, sheet.inside * 0.6, style.size * 2)


def label_table(sheet: Sheet, paper: Paper) -> None:
    """A table with a line between its rows."""
    style = sheet.style
    sheet.line(paper.title, size=style.size * 1.3, align="center", title=True, key="title")
    for each in paper.fields:
        if not each.label:
            sheet.line(each.value, size=style.size * 1.3, align="center", bold=True, key=f"field {each.key}")
    table(sheet, paper.head(), sheet.margin, sheet.y + 4, sheet.inside, sheet.height - sheet.y - sheet.margin)


def label_list(sheet: Sheet, paper: Paper) -> None:
    """Lines of label and value, as a small printer makes them."""
    sheet.line(paper.title, size=sheet.style.size * 1.2, bold=True, key="title")
    sheet.rule(kind="dash")
    for each in paper.fields:
        sheet.y = sheet.pair(each, sheet.margin, sheet.y, sheet.inside, bold=not each.label) + 2
    sheet.rule(kind="dash")
    left = sheet.height - sheet.y
    if left > 90:
        sheet.squares(sheet.margin, sheet.y + 6, min(120.0, left - 30))


def grid(sheet: Sheet, fields: Sequence[Field], x: float, y: float, width: float, height: float, *, columns: int) -> None:
    """Facts in cells of equal size."""
    rows = -(-len(fields) // columns)
    cell, room = width / columns, height / max(1, rows)
    scale = min(1.25, max(0.8, (room - sheet.style.size * 1.1) / (sheet.style.size * 1.6)))
    for number, each in enumerate(fields):
        left, top = x + cell * (number % columns), y + room * (number // columns)
        sheet.stacked(each, left, top, cell - 12, scale=scale)


def table(sheet: Sheet, fields: Sequence[Field], x: float, y: float, width: float, height: float) -> None:
    """Rows of label and value with lines, the values one below the other."""
    room, style = height / max(1, len(fields)), sheet.style
    middle = x + width * 0.36
    size = min(style.size, room * 0.6)
    for number, each in enumerate(fields):
        top = y + number * room
        at = top + max(2.0, (room - size * 1.3) / 2)
        sheet.put(each.label, x + 8, at, middle - x - 14, size=size, ink=style.faint, lines=1)
        sheet.put(each.value, middle + 8, at, x + width - middle - 16, size=size, key=f"field {each.key}", lines=1)
        sheet.draw.line((x, top, x + width, top), fill=style.faint, width=1)
    sheet.frame((x, y, x + width, y + height), style.faint)
    sheet.draw.line((middle, y, middle, y + height), fill=style.faint, width=1)


def _photo_card(sheet: Sheet, paper: Paper, *, left: bool) -> None:
    style, side = sheet.style, sheet.width * 0.26
    sheet.line(paper.title, size=style.size * 1.35, title=True, align="left" if left else "center", key="title")
    sheet.rule(kind="line", ink=style.accent)
    tall = min(side * 1.3, sheet.height - sheet.y - sheet.margin)
    sheet.portrait(sheet.margin if left else sheet.width - sheet.margin - side, sheet.y + 6, side, tall)
    x = sheet.margin + (side + 18 if left else 0)
    room = (sheet.height - sheet.y - sheet.margin * 0.5) / len(paper.fields)
    y = sheet.y + 6
    for each in paper.fields:
        sheet.pair(each, x, y, sheet.inside - side - 18, size=min(style.size, room * 0.7), bold=each.key == "name")
        y += room


def _open(sheet: Sheet, paper: Paper) -> None:
    """The title where there is one, else some room."""
    if paper.title:
        sheet.line(paper.title, size=sheet.style.size * 1.3, align="center", title=True, key="title")
    else:
        sheet.space(0.8)


def _centred(sheet: Sheet, field: Field) -> None:
    width = sheet.length(field.label + sheet.style.colon + "  ") + sheet.length(field.value) + sheet.style.size
    left = sheet.margin + max(0.0, (sheet.inside - width) / 2)
    sheet.y = sheet.pair(field, left, sheet.y, min(width, sheet.inside))


def _without(paper: Paper, *keys: str) -> tuple[Field, ...]:
    return tuple(each for each in paper.fields if each.key not in keys)
