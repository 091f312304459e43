"""The browser draws what it is told: sizes, boxes with ink, texts, the same pixels twice, nothing from the network."""

from __future__ import annotations

import numpy as np
import pytest
from recipes.nano.data.browser import Browser, Page, find_program
from recipes.nano.data.sample import MissingMaterial
from recipes.nano.data.themes import STYLES, names_of

HTML = """<!doctype html><meta charset="utf-8"><style>body{margin:20px;font:20px sans-serif}</style>
<p><span data-id="word" data-tight>Hello there</span></p>
<div data-id="square" style="width:50px;height:40px;background:#c00;margin-left:100px"></div>
<img src="http://example.com/a.png" width="9" height="9">"""


@pytest.fixture(scope="module")
def browser():
    pytest.importorskip("playwright")
    try:
        find_program()
    except MissingMaterial as error:
        pytest.skip(str(error))
    with Browser() as opened:
        yield opened


def crop(page: Page, name: str) -> np.ndarray:
    return np.asarray(page.image.crop(tuple(round(side) for side in page.boxes[name])).convert("L"))


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_boxes_hold_the_ink(browser, scale):
    page = browser.render(HTML, width=400, scale=scale)
    assert page.image.width == 400 * scale
    assert page.texts["word"] == "Hello there"
    assert crop(page, "word").min() < 100 < 200 < crop(page, "word").max()
    assert crop(page, "square")[1:-1, 1:-1].max() < 90  # red all over, in grey; an edge may lie within a pixel
    x1, y1, x2, y2 = page.boxes["square"]
    assert (x1, x2 - x1, y2 - y1) == pytest.approx((120 * scale, 50 * scale, 40 * scale))
    assert page.holds("word", "square")


def test_same_pixels_twice_and_in_a_new_browser(browser):
    first = browser.render(HTML, width=300)
    again = browser.render(HTML, width=300)
    assert first.image.tobytes() == again.image.tobytes()
    assert first.boxes == again.boxes


def test_height_cuts_and_overflow_is_told(browser):
    tall = '<body><div data-id="a" style="height:900px;width:700px">x</div>'
    page = browser.render(tall, width=400, height=300)
    assert page.image.size == (400, 300)
    assert page.overflows
    assert not page.holds("a")
    assert not browser.render(HTML, width=400).overflows


def test_box_text_is_in_thousandths(browser):
    page = browser.render('<body style="margin:0"><div data-id="a" style="width:100px;height:100px">x</div>', width=200)
    assert page.box_text("a") == "[[0, 0, 500, 1000]]"


def test_every_split_has_styles_of_its_own():
    for kind in (*STYLES, "palette"):
        parts = [set(names_of(kind, split)) for split in ("train", "val", "test")]
        assert all(parts)
        assert sum(map(len, parts)) == len(set.union(*parts))
    assert all(len(styles) >= 12 for styles in STYLES.values())


def test_missing_program_is_said(monkeypatch):
    monkeypatch.setenv("INTERNVL_CHROMIUM", "/no/such/program")
    with pytest.raises(MissingMaterial, match="apt-get install chromium"):
        find_program()
