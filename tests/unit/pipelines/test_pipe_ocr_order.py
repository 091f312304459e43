"""The reading order: rows, columns, tables, sections, vertical Chinese."""

from __future__ import annotations

from internvl.pipelines.ocr.line import Line, row_text
from internvl.pipelines.ocr.reading_order import in_reading_order, is_turned


def line(text: str, left: float, top: float, right: float, bottom: float, **more: object) -> Line:
    return Line(text=text, box=(left, top, right, bottom), **more)  # type: ignore[arg-type]


def texts(lines: list[Line]) -> list[str]:
    return [each.text for each in in_reading_order(list(reversed(lines)))]


def column(name: str, left: float, top: float, count: int, *, width: float = 200, step: float = 15) -> list[Line]:
    return [line(f"{name}{index}", left, top + step * index, left + width, top + step * index + 10) for index in range(count)]


def names(*parts: list[Line]) -> list[str]:
    return [each.text for part in parts for each in part]


def test_one_column_is_read_from_the_top() -> None:
    lines = column("a", 10, 10, 5)
    assert texts(lines) == names(lines)


def test_two_aligned_columns_of_prose_are_read_one_after_the_other() -> None:
    left, right = column("l", 10, 10, 6), column("r", 230, 10, 6)
    assert texts(left + right) == names(left, right)


def test_columns_whose_lines_do_not_align() -> None:
    left, right = column("l", 10, 10, 6), column("r", 230, 17, 5)
    assert texts(left + right) == names(left, right)


def test_three_columns() -> None:
    parts = [column(name, left, 10, 5, width=150) for name, left in (("a", 0), ("b", 170), ("c", 340))]
    assert texts([each for part in parts for each in part]) == names(*parts)


def test_a_title_over_columns_and_a_foot_below_them() -> None:
    title, foot = [line("title", 100, 0, 350, 12)], [line("foot", 10, 130, 430, 140)]
    left, right = column("l", 10, 30, 5), column("r", 230, 30, 5)
    assert texts(title + left + right + foot) == names(title, left, right, foot)


def test_a_short_heading_after_columns_does_not_join_the_first() -> None:
    left, right = column("l", 10, 10, 5), column("r", 230, 10, 5)
    heading, second_left, second_right = [line("h", 10, 110, 80, 120)], column("m", 10, 130, 5), column("s", 230, 130, 5)
    found = texts(left + right + heading + second_left + second_right)
    assert found == names(left, right, heading, second_left, second_right)


def test_a_paragraph_that_ends_early_in_one_column() -> None:
    left, right = column("l", 10, 10, 5), column("r", 230, 10, 5)
    short = [line("l-end", 10, 85, 60, 95)]
    more = column("r-more", 230, 85, 1)
    assert texts(left + right + short + more) == names(left, short, right, more)


def test_a_table_is_read_across() -> None:
    cells = [
        [line(f"{row}{name}", x, 20 * row, x + 40, 20 * row + 10) for name, x in (("a", 0), ("b", 120), ("c", 240))] for row in range(4)
    ]
    assert texts([cell for row in cells for cell in row]) == names(*cells)


def test_a_form_keeps_labels_with_their_values() -> None:
    rows = [
        [line(f"label{row}:", 0, 20 * row, 50, 20 * row + 10), line(f"value{row}", 90, 20 * row, 150, 20 * row + 10)]
        for row in range(5)
    ]
    found = in_reading_order([each for row in rows for each in row])
    assert [row_text([a, b]) for a, b in zip(found[::2], found[1::2], strict=True)] == [f"label{row}: value{row}" for row in range(5)]
    assert all(a.row == b.row and a.block == b.block for a, b in zip(found[::2], found[1::2], strict=True))


def test_bubbles_of_a_chat_stay_in_the_order_of_time() -> None:
    lines = [line(f"m{index}", 0 if index % 2 else 300, 30 * index, 200 if index % 2 else 500, 30 * index + 10) for index in range(8)]
    assert texts(lines) == names(lines)


def test_paragraphs_are_blocks() -> None:
    first, second = column("a", 0, 0, 4), column("b", 0, 100, 3)
    found = in_reading_order(first + second)
    assert [each.block for each in found] == [0] * 4 + [1] * 3
    assert [each.row for each in found] == [0, 1, 2, 3, 0, 1, 2]


def test_a_slightly_turned_row_stays_one_row() -> None:
    lines = [line("a", 0, 0, 50, 10), line("b", 60, 3, 110, 13), line("c", 120, 5, 170, 15), line("below", 0, 20, 170, 30)]
    found = in_reading_order(lines)
    assert [(each.text, each.row) for each in found] == [("a", 0), ("b", 0), ("c", 0), ("below", 1)]


def test_vertical_chinese_is_read_from_the_right() -> None:
    lines = [line(text, x, 0, x + 20, 200, vertical=True) for text, x in (("春眠不觉晓", 90), ("处处闻啼鸟", 60), ("夜来风雨声", 30))]
    assert texts(lines) == names(lines)
    assert not is_turned(lines)


def test_a_page_on_its_side_is_noticed() -> None:
    lines = [line("a line of English words", x, 0, x + 20, 300, vertical=True) for x in (0, 30, 60)]
    assert is_turned(lines)
    assert not is_turned([*lines[:1], *column("a much longer text that runs across", 100, 0, 5)])


def test_some_vertical_lines_come_behind_the_others() -> None:
    upright = column("a", 0, 0, 6)
    side = [line("竖排标题", 300, 0, 320, 90, vertical=True)]
    assert texts(side + upright) == names(upright, side)
    blocks = [each.block for each in in_reading_order(side + upright)]
    assert blocks == sorted(blocks)
    assert blocks[-1] > blocks[-2]


def test_nothing_is_lost_or_doubled() -> None:
    lines = [
        line(f"{index}", 37 * index % 300, 53 * index % 200, 37 * index % 300 + 30 + index % 60, 53 * index % 200 + 8)
        for index in range(60)
    ]
    assert sorted(texts(lines)) == sorted(names(lines))


def test_an_empty_page() -> None:
    assert in_reading_order([]) == []


def test_spaces_between_pieces_of_a_row() -> None:
    pieces = [line(text, 0, 0, 1, 1) for text in ("合计", "：", "12", "yuan", "元整")]
    assert row_text(pieces) == "合计： 12 yuan 元整"


def test_columns_of_short_lines_whose_paragraphs_end_at_different_heights() -> None:
    def side(name: str, left: float, gaps: set[int]) -> list[Line]:
        rows = [row for row in range(20) if row not in gaps]
        return [line(f"{name}{row}", left, 15 * row, left + 50 + row % 3, 15 * row + 10) for row in rows]

    left, right = side("l", 0, {4, 9, 14}), side("r", 200, {2, 7, 12})
    assert texts(left + right) == names(left, right)
    assert texts(side("l", 0, {4, 9}) + side("r", 200, {4, 9}))[:4] == ["l0", "r0", "l1", "r1"]


def test_a_heading_close_below_columns_comes_after_both() -> None:
    left, right = column("l", 10, 10, 5), column("r", 220, 10, 5)
    heading, rest = [line("heading", 10, 90, 90, 100)], [line("whole width", 10, 105, 420, 115)]
    assert texts(left + right + heading + rest) == names(left, right, heading, rest)


def test_a_narrow_gutter_parts_columns() -> None:
    left, right = column("l", 10, 10, 6), column("r", 215, 10, 6)
    assert texts(left + right) == names(left, right)
