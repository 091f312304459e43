"""PDF pages: pictures, text layers with boxes where the ink is, and when a layer is not believed."""

from __future__ import annotations

import io
from typing import Any

import PIL.Image
import PIL.ImageDraw
import pytest
from tiny_pdf import pdf, text

from internvl.data.record import Origin
from internvl.pipelines.item import Drop, Item
from internvl.pipelines.ocr.config import OcrConfig
from internvl.pipelines.ocr.line import Line
from internvl.pipelines.ocr.pages import DISTRUST, FAULT, LAYER, SplitPages
from internvl.pipelines.ocr.pdf import Character, Geometry, PdfError, is_pdf, opened_pdf
from internvl.pipelines.ocr.text_layer import layer_lines, why_not_trusted

pytest.importorskip("pypdfium2")

TWO_LINES = text(30, 150, "Hello world") + text(30, 120, "Total: 12.50", size=10)


def split(content: bytes, **settings: Any) -> Any:
    item = Item(origin=Origin("d", "a.pdf", 1), image=content)
    (found,) = SplitPages(OcrConfig(**settings)).open()([item])
    return found


def layer(item: Item) -> list[Line]:
    return [Line.from_json(each) for each in item.fields[LAYER]]


def picture(item: Item) -> PIL.Image.Image:
    assert item.image is not None
    return PIL.Image.open(io.BytesIO(item.image))


def is_around_ink(page: PIL.Image.Image, line: Line) -> bool:
    """All ink of the line lies in its box: the surroundings are white."""
    left, top, right, bottom = line.box
    outer = (int(left) - 6, int(top) - 6, int(right) + 7, int(bottom) + 7)
    cut = page.convert("L").crop(outer)
    inside = PIL.ImageDraw.Draw(cut)
    has_ink = cut.crop((6, 6, cut.width - 6, cut.height - 6)).getextrema()[0] < 100  # type: ignore[operator]
    inside.rectangle((4, 4, cut.width - 5, cut.height - 5), fill=255)
    return has_ink and cut.getextrema()[0] > 128  # type: ignore[operator]


def test_each_page_is_an_item_with_picture_and_lines() -> None:
    pages = split(pdf([TWO_LINES, text(30, 100, "Second page")]))
    assert [(each.fields["page"], each.fields["pages"]) for each in pages] == [(1, 2), (2, 2)]
    assert picture(pages[0]).size == (600, 400)
    assert [line.text for line in layer(pages[0])] == ["Hello world", "Total: 12.50"]
    assert [line.text for line in layer(pages[1])] == ["Second page"]
    assert pages[0].fields[DISTRUST] is None


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_boxes_lie_on_the_ink_however_the_page_is_turned(rotate: int) -> None:
    (page,) = split(pdf([TWO_LINES], extra=f"/Rotate {rotate}"))
    assert picture(page).size == ((600, 400) if rotate % 180 == 0 else (400, 600))
    assert len(layer(page)) == 2
    assert all(is_around_ink(picture(page), line) for line in layer(page))
    assert all(line.vertical == (rotate % 180 == 90) for line in layer(page))


def test_text_turned_against_a_turned_page_is_upright() -> None:
    turned = "BT /F1 12 Tf 0 1 -1 0 100 40 Tm (Upright after all) Tj ET"
    (page,) = split(pdf([turned], extra="/Rotate 90"))
    (line,) = layer(page)
    assert line.text == "Upright after all"
    assert not line.vertical
    assert is_around_ink(picture(page), line)


def test_a_crop_box_moves_the_boxes_and_hides_what_is_outside() -> None:
    content = TWO_LINES + text(30, 10, "outside")
    (page,) = split(pdf([content], extra="/CropBox [20 100 220 180]"))
    assert picture(page).size == (400, 160)
    assert [line.text for line in layer(page)] == ["Hello world", "Total: 12.50"]
    assert all(is_around_ink(picture(page), line) for line in layer(page))


def test_pixels_are_capped() -> None:
    (page,) = split(pdf([TWO_LINES]), dpi=1200, max_pixels=60_000)
    assert 55_000 < picture(page).width * picture(page).height <= 61_000
    assert all(is_around_ink(picture(page), line) for line in layer(page))


def test_a_hyphen_at_the_end_of_a_line_stays_one() -> None:
    (page,) = split(pdf([text(30, 150, "a hyphen-") + text(30, 135, "ated word")]))
    assert [line.text for line in layer(page)] == ["a hyphen-", "ated word"]


def test_pieces_far_apart_are_lines_of_their_own() -> None:
    (page,) = split(pdf([text(30, 150, "Total:") + text(200, 150, "12.50")]))
    assert [line.text for line in layer(page)] == ["Total:", "12.50"]


def test_words_that_are_printed_twice_are_read_once() -> None:
    (page,) = split(pdf([text(30, 150, "Bold") + text(30.3, 150, "Bold")]))
    assert [line.text for line in layer(page)] == ["Bold"]


def test_white_text_is_no_text() -> None:
    (page,) = split(pdf([TWO_LINES + text(30, 60, "unseen", before="1 g")]))
    assert [line.text for line in layer(page)] == ["Hello world", "Total: 12.50"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "no text layer"),
        (text(30, 150, "scanned words", before="3 Tr"), "hidden text layer"),
        (text(30, 150, "ABCDEFGH", font="F2"), "fonts that don't tell their characters"),
        (TWO_LINES + " q 300 0 0 120 0 0 cm /Im Do Q", "large pictures"),
        (TWO_LINES + " q 300 0 0 120 0 0 cm /Form Do Q", "large pictures"),
    ],
)
def test_layers_that_are_not_believed(content: str, reason: str) -> None:
    (page,) = split(pdf([content]))
    assert page.fields[DISTRUST] == reason
    assert layer(page) == []


def test_a_form_field_is_not_in_the_text_layer() -> None:
    widget = "/Annots [<< /Type /Annot /Subtype /Widget /Rect [10 10 60 30] /FT /Tx /T (name) /V (Ada) >>]"
    (page,) = split(pdf([TWO_LINES], extra=widget))
    assert page.fields[DISTRUST] == "forms or notes"


def test_a_link_changes_nothing() -> None:
    link = "/Annots [<< /Type /Annot /Subtype /Link /Rect [10 10 60 30] >>]"
    (page,) = split(pdf([TWO_LINES], extra=link))
    assert page.fields[DISTRUST] is None


def test_the_layer_can_be_left_out() -> None:
    (page,) = split(pdf([TWO_LINES]), text_layer="never")
    assert layer(page) == []
    assert page.fields[DISTRUST] == "not asked for"


def test_an_encrypted_file_is_dropped() -> None:
    found = split(pdf([TWO_LINES], locked=True))
    assert isinstance(found, Drop)
    assert found.kind == "encrypted PDF"


@pytest.mark.parametrize("content", [b"%PDF-1.7\nnothing more", pdf([TWO_LINES])[:300], pdf([])])
def test_a_damaged_file_is_dropped(content: bytes) -> None:
    found = split(content)
    assert isinstance(found, Drop)
    assert found.kind == "damaged PDF"


def test_too_many_pages() -> None:
    found = split(pdf([TWO_LINES] * 3), max_pages=2)
    assert found == Drop("too many pages: 3, the limit is 2")


def test_a_page_without_a_width_keeps_its_neighbours() -> None:
    content = pdf([TWO_LINES], extra="/CropBox [0 0 300 4]")
    (page,) = split(content)
    assert page.image is None
    assert "unusable shape" in page.fields[FAULT]


def test_a_picture_passes_untouched_and_nothing_is_dropped() -> None:
    item = Item(origin=Origin("d", "a.png", 1), image=b"\x89PNG...")
    assert SplitPages(OcrConfig()).open()([item]) == [item]
    (found,) = SplitPages(OcrConfig()).open()([Item(origin=Origin("d", "a", 1))])
    assert isinstance(found, Drop)


def test_is_pdf() -> None:
    assert is_pdf(b"\n\n%PDF-1.4")
    assert not is_pdf(b"\x89PNG\r\n")
    with pytest.raises(PdfError, match="damaged"), opened_pdf(b"%PDF-"):
        pass


def char(letter: str, x: float, y: float, size: float = 10) -> Character:
    return Character(letter, (x, y, x + size, y + size), size)


def test_vertical_chinese_becomes_one_line() -> None:
    down = [char(letter, 50, 12 * index) for index, letter in enumerate("春眠不觉晓")]
    second = [char(letter, 30, 12 * index) for index, letter in enumerate("处处闻啼鸟")]
    found = layer_lines([*down, *second])
    assert [(line.text, line.vertical) for line in found] == [("春眠不觉晓", True), ("处处闻啼鸟", True)]


def test_loosely_set_chinese_has_no_spaces_and_a_wide_gap_keeps_one() -> None:
    gap = Character(" ", None, 10)
    loose = [char("标", 0, 0), gap, char("题", 14, 0), gap, char("一", 36, 0)]
    assert [line.text for line in layer_lines(loose)] == ["标题 一"]


def test_ligatures_radicals_and_soft_hyphens_are_what_is_seen() -> None:
    found = layer_lines([char("ﬁ", 0, 0), char("x", 10, 0), char("\u00ad", 20, 0), char("⼀", 60, 0)])
    assert [line.text for line in found] == ["fix-", "一"]


def test_a_few_unexplained_characters_spoil_their_line_only() -> None:
    good = [char("a", 10 * index, 0) for index in range(60)]
    bad = char("\ue123", 0, 30)
    assert why_not_trusted([*good, bad], picture_share=0, notes=False) is None
    assert [line.score for line in layer_lines([*good, bad])] == [1.0, 0.0]


def test_geometry_of_a_turned_and_cropped_page() -> None:
    geometry = Geometry((10, 20, 110, 220), 90, 400, 200)
    assert geometry.pixels(10, 20, 10, 20) == (0, 0, 0, 0)
    assert geometry.pixels(110, 220, 110, 220) == (400, 200, 400, 200)


def test_the_letters_of_a_ligature_have_one_box_and_stay_together() -> None:
    one_box = Character("f", (0, 0, 9, 10), 10), Character("i", (0, 0, 9, 10), 10)
    assert [line.text for line in layer_lines([*one_box, char("t", 10, 0)])] == ["fit"]


def test_a_low_full_stop_follows_a_high_quote() -> None:
    letters = [char("s", 0, 0), char("u", 10, 0), Character("”", (20, 0, 24, 3), 10), Character("。", (25, 8, 28, 11), 10)]
    assert [line.text for line in layer_lines(letters)] == ["su”。"]


def test_lines_of_dashes_are_high_enough_for_a_row() -> None:
    (line,) = layer_lines([Character("-", (10 * index, 5, 10 * index + 6, 6), 10) for index in range(5)])
    assert line.box[3] - line.box[1] >= 4
