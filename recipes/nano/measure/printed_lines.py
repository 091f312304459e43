"""Single lines for the character error rate: clean ones in print, and the same kind after noise, blur, compression and photographing.

(seed, language, number) -> text and face of the test split -> picture with a margin, and the box of its line -> Question
"""

from __future__ import annotations

import random
from pathlib import Path

import PIL.Image
from PIL import ImageDraw
from recipes.nano.data import texts
from recipes.nano.data.degrade import degrade_with_boxes
from recipes.nano.data.fonts import face
from recipes.nano.data.layout_text import pieces
from recipes.nano.data.sample import Language
from recipes.nano.measure.question import Question

ASKED: dict[Language, str] = {"en": "Read the text in the picture.", "zh": "请读出图中的文字。"}
SMALLEST, LARGEST = 14, 48
WIDEST = 1000
SHORTEST_SIDE = 224


def line_question(folder: Path, *, seed: int, language: Language, number: int, degraded: bool) -> Question:
    """Draw one line into `folder`. Raises MissingMaterial."""
    source = random.Random(f"measure lines {seed} {language} {number}")
    picture, text, box, size = _line(source, language)
    if degraded:
        strength = source.uniform(0.4, 1.0)
        picture, (box,) = degrade_with_boxes(picture, [box], source, strength, text_px=size, split="test")
    kind = "degraded" if degraded else "clean"
    path = folder / f"{kind}-{language}-{number:05d}.png"
    picture.save(path)
    return Question(
        id=path.stem,
        group=f"lines, {kind}",
        task="reading/read",
        language=language,
        asked=ASKED[language],
        answers=(text,),
        measure="reading",
        pictures=(str(path),),
        facts={"crop": [round(side) for side in box], "text_px": size},
    )


def _line(source: random.Random, language: Language) -> tuple[PIL.Image.Image, str, tuple[float, float, float, float], int]:
    """Black on white in a printed face; its text, where it stands, and its size in px."""
    size = source.randint(SMALLEST, LARGEST)
    text = _part_of(source, texts.sentence(source, language, "test", traditional=False))
    font = face(source, language, "test", style="print", text=text).at(size)
    while font.getlength(text) > WIDEST:
        text = _shorter(text)
    left, top, right, bottom = font.getbbox(text)
    margin = round(size * source.uniform(0.6, 1.5))
    width = max(SHORTEST_SIDE, round(right - left) + 2 * margin)
    height = max(SHORTEST_SIDE, round(bottom - top) + 2 * margin)
    picture = PIL.Image.new("RGB", (width, height), "white")
    x, y = source.uniform(margin, width - margin - (right - left)), source.uniform(margin, height - margin - (bottom - top))
    x, y = round(x), round(y)
    ImageDraw.Draw(picture).text((x - left, y - top), text, fill="black", font=font)
    around = size // 6
    box = (x - around, y - around, x + right - left + around, y + bottom - top + around)
    return picture, text, (max(0, box[0]), max(0, box[1]), min(width, box[2]), min(height, box[3])), size


def _part_of(source: random.Random, sentence: str) -> str:
    """Some words in a row, as a line of a page has them."""
    found = pieces(sentence)
    count = source.randint(3, 12) if " " in sentence else source.randint(5, 28)
    first = source.randrange(max(1, len(found) - count + 1))
    start, (last, piece) = found[first][0], found[min(first + count, len(found)) - 1]
    return sentence[start : last + len(piece)].strip() or sentence


def _shorter(text: str) -> str:
    return text[: text.rstrip().rfind(" ")] if " " in text.strip() else text[:-1]
