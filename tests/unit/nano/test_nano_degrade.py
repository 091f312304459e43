"""Damage comes from its seed and moves boxes along with the picture; set text has its ink where its boxes say."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, str(Path(__file__).parents[3]))

from recipes.nano.data import backgrounds, layout_text
from recipes.nano.data.degrade import Warp, degrade, degrade_with_boxes

TEXT = "The quick brown fox jumps over the lazy dog and goes home, (slowly) to rest."


def font(size: int = 24) -> ImageFont.FreeTypeFont:
    found = ImageFont.load_default(size)
    if not isinstance(found, ImageFont.FreeTypeFont):
        pytest.skip("Pillow without FreeType")
    return found


def page() -> Image.Image:
    picture = Image.new("RGB", (420, 260), "white")
    layout_text.draw_lines(ImageDraw.Draw(picture), layout_text.place(["Hello world"], font(), left=60, top=90, width=300), "black")
    return picture


def test_no_strength_leaves_the_picture() -> None:
    assert np.array_equal(np.asarray(degrade(page(), random.Random(1), strength=0)), np.asarray(page()))


@pytest.mark.parametrize("seed", range(12))
def test_same_seed_same_damage(seed: int) -> None:
    first, second = (degrade(page(), random.Random(seed), strength=1) for _ in range(2))
    assert first.size == page().size
    assert first.mode == "RGB"
    assert np.array_equal(np.asarray(first), np.asarray(second))


@pytest.mark.parametrize("seed", range(25))
def test_boxes_hold_the_text_after_damage(seed: int) -> None:
    box = layout_text.place(["Hello world"], font(), left=60, top=90, width=300)[0].box
    image, (moved,) = degrade_with_boxes(page(), [box], random.Random(seed), 1.0, text_px=24)
    inside = np.asarray(image.convert("L").crop(tuple(round(edge) for edge in moved)), dtype=np.float32)
    assert np.ptp(inside) > 40


@pytest.mark.parametrize("seed", range(10))
def test_a_warped_mark_lies_in_its_warped_box(seed: int) -> None:
    source = random.Random(seed)
    size = (300, 200)
    jitter = [(source.uniform(0, 20), source.uniform(0, 20)) for _ in range(4)]
    corners = [
        (x + dx * (1 if x == 0 else -1), y + dy * (1 if y == 0 else -1))
        for (x, y), (dx, dy) in zip(((0, 0), (300, 0), (300, 200), (0, 200)), jitter, strict=True)
    ]
    warp = Warp.onto(size, corners).then(Warp.turned(size, source.uniform(-4, 4), (150, 100)))
    mark = Image.new("L", size, 0)
    ImageDraw.Draw(mark).rectangle((120, 80, 179, 109), fill=255)
    found = warp.picture(mark, 0).point(lambda value: 255 * (value > 100)).getbbox()
    box = warp.box((120, 80, 180, 110))
    assert found is not None
    assert all(abs(edge - expected) < 1.6 for edge, expected in zip(found, box, strict=True))


def test_ink_can_be_read_on_every_ground() -> None:
    for seed in range(60):
        source = random.Random(seed)
        picture, ink = backgrounds.readable_ink(source, backgrounds.ground(source, (320, 240), "train"))
        light = np.asarray(picture.reduce(12), dtype=np.float64).reshape(-1, 3)
        ratios = [backgrounds.contrast_of(backgrounds.luminance(ink), backgrounds.luminance(tuple(map(int, one)))) for one in light]
        assert np.percentile(ratios, 10) > 2.7


@pytest.mark.parametrize("grey", range(112, 126))
def test_an_ink_is_found_on_a_grey_that_suits_neither_black_nor_white(grey: int) -> None:
    # Around this grey black and white are equally bad, and calming the ground alone would go on for ever.
    shades = np.full((60, 80, 3), grey, dtype=np.uint8)
    shades[:, 40:] += 6
    for contrast in (3.2, 4.5, 7.0):
        picture, ink = backgrounds.readable_ink(random.Random(grey), Image.fromarray(shades), area=(10, 10, 70, 50), contrast=contrast)
        around, light = picture.getpixel((30, 30)), backgrounds.luminance(ink)
        assert backgrounds.contrast_of(light, backgrounds.luminance(around)) > 0.9 * contrast


def test_a_photographed_sheet_has_no_dark_rim() -> None:
    sheet, table = Image.new("RGB", (300, 200), "white"), Image.new("RGB", (300, 200), (200, 200, 200))
    warp = Warp.onto(sheet.size, ((9.3, 7.7), (288.1, 12.4), (295.6, 181.2), (4.9, 190.5)))
    for sharp in (True, False):
        assert min(low for low, _ in warp.picture(sheet, table, sharp=sharp).getextrema()) == 200


def test_splits_share_no_texture() -> None:
    used = [set(numbers) for numbers in backgrounds.TEXTURES.values()]
    assert sum(map(len, used)) == len(set().union(*used))


def test_lines_fit_and_keep_every_word() -> None:
    lines = layout_text.wrap(TEXT, font(), 220)
    assert " ".join(lines) == TEXT
    assert len(lines) > 2
    assert all(font().getlength(line) <= 222 for line in lines)


def test_chinese_lines_neither_start_nor_end_with_the_wrong_mark() -> None:
    text = "今天天气很好，我们去“公园”散步。（小明也去）桌子上有三个红苹果，还有两个梨！" * 3
    for width in range(90, 260, 7):
        lines = layout_text.wrap(text, font(), width)
        assert "".join(lines) == text
        assert not any(line[0] in layout_text.NEVER_FIRST or line[-1] in layout_text.NEVER_LAST for line in lines if len(line) > 2)


@pytest.mark.parametrize("align", ["left", "center", "right", "justify"])
def test_a_words_box_has_its_ink_and_no_other(align: layout_text.Align) -> None:
    lines = layout_text.place(layout_text.wrap(TEXT, font(), 260), font(), left=20, top=10, width=260, align=align)
    picture = Image.new("L", (300, 300), 0)
    layout_text.draw_lines(ImageDraw.Draw(picture), lines, 255)
    pixels = np.asarray(picture)
    for line in lines:
        x1, y1, x2, y2 = line.box
        rows = pixels[int(y1) : int(np.ceil(y2)) + 1]
        inked = np.flatnonzero(rows.max(axis=0) > 60)
        assert x1 - 2 <= inked[0]
        assert inked[-1] <= x2 + 2
        for start, word in layout_text.pieces(line.text):
            left, top, right, bottom = line.find(word, start) or (0, 0, 0, 0)
            assert pixels[int(top) : int(bottom) + 1, int(left) : int(right) + 1].max() > 120
            # The middle of the space before and after the word is empty.
            assert rows[:, max(0, round(left) - 3)].max() < 60
            assert rows[:, min(299, round(right) + 3)].max() < 60


def test_thousandths_stay_in_range() -> None:
    assert layout_text.thousandths((-5, 10, 250, 90), (200, 100)) == (0, 100, 1000, 900)
