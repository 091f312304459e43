"""How strips of tills and pages of offices are laid out; tickets, cards and labels are in receipts_cards.py.

layout(Sheet, Paper): everything on the paper is written once, top to bottom
"""

from __future__ import annotations

from recipes.nano.data.families.receipts_documents import Paper
from recipes.nano.data.families.receipts_sheet import Align, Sheet

WHITE = (255, 255, 255)


def till_lines(sheet: Sheet, paper: Paper) -> None:
    """Everything in the middle on top, one line for each item."""
    _masthead(sheet, paper, "center")
    _facts(sheet, paper, apart=sheet.source.random() < 0.5)
    sheet.rule()
    _items_in_lines(sheet, paper)
    _sums(sheet, paper)
    _ending(sheet, paper)


def till_double(sheet: Sheet, paper: Paper) -> None:
    """The name of an item above its numbers."""
    _masthead(sheet, paper, "left")
    sheet.rule()
    _facts(sheet, paper, apart=False)
    sheet.rule()
    for number, item in enumerate(paper.items):
        cells = paper.cells(item)
        sheet.line(cells["name"], key=f"item {number} name")
        _numbers_below(sheet, cells, number)
    if paper.items:
        sheet.rule()
    _sums(sheet, paper)
    _ending(sheet, paper)


def till_columns(sheet: Sheet, paper: Paper) -> None:
    """Columns with heads."""
    _masthead(sheet, paper, sheet.source.choice(("center", "left")))
    _facts(sheet, paper, apart=True)
    if paper.items:
        sheet.rule()
        sheet.y = sheet.table(paper, sheet.margin, sheet.y, sheet.inside)
    sheet.rule()
    _sums(sheet, paper)
    _ending(sheet, paper)


def till_boxed(sheet: Sheet, paper: Paper) -> None:
    """A dark head and a dark field with the total."""
    sheet.y = 0
    issuer = paper.get("issuer")
    height = sheet.style.size * 3.4
    sheet.fill((0, 0, sheet.width, height), sheet.style.accent)
    big = sheet.style.size * 1.4
    top = height / 2 - big * 0.6
    words = (issuer.value, "field issuer") if issuer else (paper.title, "title")
    sheet.put(words[0], sheet.margin, top, sheet.inside, size=big, align="center", ink=WHITE, title=True, key=words[1], lines=1)
    sheet.y = height + sheet.style.size * 0.6
    for key in ("address", "phone"):
        _alone(sheet, paper, key, "center")
    if issuer:
        sheet.line(paper.title, align="center", bold=True, key="title")
    sheet.space(0.3)
    _facts(sheet, paper, apart=True)
    sheet.rule(kind="dash")
    _items_in_lines(sheet, paper)
    last = paper.totals[-1] if paper.totals else None
    for each in paper.totals[:-1]:
        sheet.y = sheet.pair(each, sheet.margin, sheet.y, sheet.inside, apart=True)
    if last is not None:
        sheet.space(0.4)
        sheet.frame((sheet.margin - 4, sheet.y - 4, sheet.width - sheet.margin + 4, sheet.y + sheet.style.size * 2.2), width=2)
        sheet.pair(last, sheet.margin + 6, sheet.y + 4, sheet.inside - 12, apart=True, size=sheet.style.size * 1.25, bold=True)
        sheet.y += sheet.style.size * 2.6
    _ending(sheet, paper)


def page_grid(sheet: Sheet, paper: Paper) -> None:
    """A letterhead, facts in two columns, a table with all its lines."""
    _masthead(sheet, paper, "left", title_last=True)
    sheet.rule(kind="line")
    _two_columns(sheet, paper)
    _page_list(sheet, paper, grid=True)
    _sums_at_right(sheet, paper)
    _footer(sheet, paper)


def page_band(sheet: Sheet, paper: Paper) -> None:
    """A coloured band on top and a striped table."""
    style = sheet.style
    sheet.fill((0, 0, sheet.width, style.size * 4), style.accent)
    issuer = paper.get("issuer")
    if issuer:
        sheet.put(
            issuer.value,
            sheet.margin,
            style.size * 1.3,
            sheet.inside * 0.55,
            size=style.size * 1.5,
            ink=WHITE,
            key="field issuer",
            lines=1,
        )
    left = sheet.margin + sheet.inside * 0.6
    sheet.put(
        paper.title,
        left,
        style.size * 1.1,
        sheet.inside * 0.4,
        size=style.size * 1.9,
        ink=WHITE,
        align="right",
        title=True,
        key="title",
        lines=1,
    )
    sheet.y = style.size * 4.8
    for key in ("address", "phone"):
        _alone(sheet, paper, key, "left")
    sheet.space(0.6)
    _two_columns(sheet, paper)
    _page_list(sheet, paper, stripes=True)
    _sums_at_right(sheet, paper)
    _footer(sheet, paper)


def page_side(sheet: Sheet, paper: Paper) -> None:
    """Facts in a coloured column at the left, the list beside it."""
    style, side = sheet.style, sheet.width * 0.32
    pale = tuple(round(255 - (255 - part) * 0.18) for part in style.accent)
    sheet.fill((0, 0, side, sheet.height), (pale[0], pale[1], pale[2]))
    y = float(sheet.margin)
    for each in paper.fields:
        y = sheet.stacked(each, sheet.margin * 0.6, y, side - sheet.margin, scale=0.95, bold=False) + style.size * 0.5
    left, width = side + sheet.margin * 0.7, sheet.width - side - 1.4 * sheet.margin
    sheet.y = sheet.put(paper.title, left, sheet.margin, width, size=style.size * 2.2, title=True, key="title", lines=1)
    sheet.space(1)
    if paper.items:
        sheet.y = sheet.table(paper, left, sheet.y, width)
    sheet.space(0.6)
    for each in paper.totals:
        sheet.y = sheet.pair(each, left, sheet.y, width - 6, apart=True, bold=each is paper.totals[-1])
    end = max(sheet.y, y)
    sheet.y = end
    if paper.footer:
        sheet.put(paper.footer, left, end + style.size, width, ink=style.faint)
        sheet.y = end + style.size * 2


def page_plain(sheet: Sheet, paper: Paper) -> None:
    """A typed letter: title in the middle, facts one below the other, lines without frames."""
    sheet.line(paper.title, size=sheet.style.size * 2, align="center", title=True, key="title")
    sheet.space()
    for key in ("issuer", "address", "phone"):
        _alone(sheet, paper, key, "left")
    sheet.rule()
    for each in paper.head("phone", "address"):
        sheet.y = sheet.pair(each, sheet.margin, sheet.y, sheet.inside)
    sheet.space(0.7)
    _page_list(sheet, paper)
    sheet.rule()
    for each in paper.totals:
        sheet.y = sheet.pair(each, sheet.margin, sheet.y, sheet.inside, apart=True, bold=each.key == "total")
    sheet.rule(kind="double")
    _footer(sheet, paper)


def page_form(sheet: Sheet, paper: Paper) -> None:
    """A form of cells in one colour, as official bills have them."""
    style = sheet.style
    sheet.line(paper.title, size=style.size * 1.8, align="center", title=True, key="title")
    sheet.rule(sheet.width * 0.3, sheet.width * 0.7, kind="double", ink=style.accent)
    sheet.space(0.5)
    top, cell = sheet.y, style.size * 0.5
    middle = sheet.margin + sheet.inside * 0.3
    for each in (*paper.fields, *(paper.totals if not paper.items else ())):
        starts = sheet.y
        label = (
            each.label or ("单位" if paper.language == "zh" else "Issuer")
            if each.key in ("issuer",)
            else each.label or _bare_label(paper, each.key)
        )
        ends = sheet.put(label, sheet.margin + 8, starts + cell, middle - sheet.margin - 12, ink=style.accent, lines=1)
        ends = max(
            ends, sheet.put(each.value, middle + 8, starts + cell, sheet.width - sheet.margin - middle - 16, key=f"field {each.key}")
        )
        sheet.y = ends + cell * 0.6
        sheet.draw.line((sheet.margin, sheet.y, sheet.width - sheet.margin, sheet.y), fill=style.accent, width=1)
    sheet.draw.line((middle, top, middle, sheet.y), fill=style.accent, width=1)
    sheet.frame((sheet.margin, top, sheet.width - sheet.margin, sheet.y), style.accent, width=2)
    sheet.space(0.6)
    if paper.items:
        sheet.y = sheet.table(paper, sheet.margin, sheet.y, sheet.inside, grid=True)
        sheet.space(0.4)
        _sums_at_right(sheet, paper)
    _footer(sheet, paper)


def _bare_label(paper: Paper, key: str) -> str:
    zh = {"issuer": "单位", "address": "地址", "phone": "电话"}
    return zh.get(key, "") if paper.language == "zh" else key.capitalize()


def _masthead(sheet: Sheet, paper: Paper, align: Align, *, title_last: bool = False) -> None:
    """Who the paper is from, and what it is."""
    big = sheet.style.size * 1.5
    issuer = paper.get("issuer")
    if not title_last and not issuer:
        sheet.line(paper.title, size=big, align=align, title=True, key="title")
    if issuer:
        sheet.line(issuer.value, size=big, align=align, title=True, key="field issuer")
    for key in ("address", "phone"):
        _alone(sheet, paper, key, align)
    if title_last or issuer:
        sheet.space(0.4)
        sheet.line(paper.title, size=sheet.style.size * (1.9 if title_last else 1.15), align=align, bold=True, key="title")
    sheet.space(0.4)


def _alone(sheet: Sheet, paper: Paper, key: str, align: Align) -> None:
    """A field of the masthead in a line of its own, its label before it."""
    each = paper.get(key)
    if each is None or each not in paper.fields:
        return
    if not each.label:
        sheet.line(each.value, align=align, key=f"field {key}")
        return
    label = each.label + sheet.style.colon + " "
    width = sheet.length(label) + sheet.length(each.value)
    left = sheet.margin + (max(0.0, sheet.inside - width) / 2 if align == "center" else 0)
    sheet.y = sheet.pair(each, left, sheet.y, max(width + sheet.style.size, sheet.width - sheet.margin - left))


def _facts(sheet: Sheet, paper: Paper, *, apart: bool) -> None:
    for each in paper.head("phone", "address"):
        sheet.y = sheet.pair(each, sheet.margin, sheet.y, sheet.inside, apart=apart)


def _items_in_lines(sheet: Sheet, paper: Paper) -> None:
    """Name and amount on a line; quantity and price, where printed, below."""
    for number, item in enumerate(paper.items):
        cells = paper.cells(item)
        room = sheet.length(cells["amount"]) + sheet.style.size
        right = sheet.width - sheet.margin
        sheet.put(cells["amount"], right - room, sheet.y, room, align="right", key=f"item {number} amount", lines=1)
        sheet.y = sheet.put(cells["name"], sheet.margin, sheet.y, sheet.inside - room - 4, key=f"item {number} name")
        _numbers_below(sheet, {name: text for name, text in cells.items() if name != "amount"}, number)
    if paper.items:
        sheet.rule()


def _numbers_below(sheet: Sheet, cells: dict[str, str], number: int) -> None:
    """`2 x 3.50     7.00`, as far as these are printed."""
    x, y, below = sheet.margin + sheet.style.size * 1.2, sheet.y, sheet.y
    for name, before in (("quantity", ""), ("price", "x ")):
        if name not in cells:
            continue
        if before:
            sheet.put(before, x, y, sheet.style.size * 2, ink=sheet.style.faint, lines=1)
            x += sheet.length(before + " ")
        elif "price" not in cells:
            sheet.put("x", x, y, sheet.style.size, ink=sheet.style.faint, lines=1)
            x += sheet.length("x ")
        below = sheet.put(cells[name], x, y, sheet.length(cells[name]) + 4, key=f"item {number} {name}", lines=1)
        x += sheet.length(cells[name] + " ")
    if "amount" in cells:
        room = sheet.length(cells["amount"]) + 4
        below = sheet.put(
            cells["amount"], sheet.width - sheet.margin - room, y, room, align="right", key=f"item {number} amount", lines=1
        )
    sheet.y = below


def _sums(sheet: Sheet, paper: Paper) -> None:
    for each in paper.totals:
        main = each.key == "total"
        size = sheet.style.size * (1.3 if main else 1.0)
        sheet.y = sheet.pair(each, sheet.margin, sheet.y, sheet.inside, apart=True, size=size, bold=main)


def _sums_at_right(sheet: Sheet, paper: Paper) -> None:
    left = sheet.margin + sheet.inside * 0.52
    for each in paper.totals:
        if each.key == "total":
            sheet.rule(left=left)
        sheet.y = sheet.pair(each, left, sheet.y, sheet.width - sheet.margin - left - 6, apart=True, bold=each.key == "total")


def _two_columns(sheet: Sheet, paper: Paper) -> None:
    """Labelled facts, two beside each other."""
    rest, half = paper.head("phone", "address"), sheet.inside / 2
    stacked = sheet.source.random() < 0.5
    for number in range(0, len(rest), 2):
        below = []
        for column, each in enumerate(rest[number : number + 2]):
            x = sheet.margin + column * half
            put = (
                sheet.stacked(each, x, sheet.y, half - 14, scale=1.0, bold=False)
                if stacked
                else sheet.pair(each, x, sheet.y, half - 14)
            )
            below.append(put)
        sheet.y = max(below) + 3
    sheet.space(0.8)


def _page_list(sheet: Sheet, paper: Paper, *, grid: bool = False, stripes: bool = False) -> None:
    if paper.items:
        sheet.y = sheet.table(
            paper, sheet.margin, sheet.y, sheet.inside, grid=grid, stripes=stripes, band=sheet.style.accent if stripes else None
        )
        sheet.space(0.4)


def _ending(sheet: Sheet, paper: Paper) -> None:
    """A wish and a bar code below."""
    sheet.space(0.6)
    if paper.footer:
        sheet.line(paper.footer, align="center")
    chance = sheet.source.random()
    if chance < 0.35:
        sheet.y = sheet.bars(sheet.margin + sheet.inside * 0.15, sheet.y + 4, sheet.inside * 0.7, sheet.style.size * 2.2)
    elif chance < 0.5:
        side = sheet.style.size * 5
        sheet.y = sheet.squares((sheet.width - side) / 2, sheet.y + 4, side)


def _footer(sheet: Sheet, paper: Paper) -> None:
    if paper.footer:
        sheet.space(1)
        sheet.put(
            paper.footer, sheet.margin, sheet.y, sheet.inside, align=sheet.source.choice(("left", "center")), ink=sheet.style.faint
        )
        sheet.space(1)
