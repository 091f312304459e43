"""Printed formulas with questions about them: alone, numbered on a page, or famous ones.

source -> Formula(s) -> mathtext | KaTeX -> ink on paper -> picture; one to three questions -> Sample
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import PIL.Image
from PIL import Image
from recipes.nano.data import formula_katex, formula_mathtext
from recipes.nano.data.degrade import degrade
from recipes.nano.data.families.asked import Asked
from recipes.nano.data.families.formula_questions import Asker
from recipes.nano.data.formula_grammar import Formula, formula
from recipes.nano.data.formula_names import NAMED, named
from recipes.nano.data.sample import Language, Sample, Split, part_of

FONT_SETS: dict[Split, tuple[str, ...]] = {"train": ("cm", "cm", "stix", "dejavusans"), "val": ("dejavuserif",), "test": ("stixsans",)}
# background, ink; ink as red, green, blue
PAPERS: tuple[tuple[tuple[int, int, int], tuple[int, int, int]], ...] = (
    *(((255, 255, 255), (0, 0, 0)),) * 5,
    ((255, 255, 255), (40, 40, 40)),
    ((250, 248, 240), (30, 30, 30)),
    ((244, 244, 244), (20, 30, 90)),
    ((253, 246, 227), (60, 50, 40)),
    ((30, 34, 42), (235, 235, 235)),
    ((22, 62, 46), (240, 240, 230)),
    ((255, 255, 255), (20, 60, 160)),
)
LEAST, MOST = 224, 1600
CHINESE_SHARE, PAGE_SHARE, NAMED_SHARE, WORN_SHARE = 0.45, 0.2, 0.06, 0.2
TRIES = 500


class Formulas:
    """The family. renderers: "mathtext" needs matplotlib, "katex" needs Chromium and the fetched KaTeX."""

    name = "formulas"

    def __init__(self, renderers: tuple[str, ...] = ("mathtext", "katex")) -> None:
        self.renderers = renderers

    def sample(self, source: random.Random, split: Split) -> Sample:
        """One picture with one to three questions. Raises MissingMaterial."""
        language: Language = "zh" if source.random() < CHINESE_SHARE else "en"
        renderer = source.choice(self.renderers)
        famous = source.randrange(len(NAMED)) if source.random() < NAMED_SHARE else None
        formulas = [named(famous)] if famous is not None else _formulas(source, split)
        picture, boxes = _picture(formulas, renderer, source, split)
        asked = _asked(Asker(formulas, boxes, source, language), famous)
        if all(one.facts["task"] != "locate" for one in asked) and source.random() < WORN_SHARE:
            picture = degrade(picture, source, strength=source.uniform(0.1, 0.6), split=split)
        facts = {"latex": [one.latex for one in formulas], "level": formulas[0].level, "renderer": renderer}
        return Sample(
            family=self.name,
            task=asked[0].facts["task"],
            language=language,
            images=(picture,),
            turns=tuple(one.turn for one in asked),
            facts={**facts, "turns": [one.facts for one in asked]},
        )


def _asked(asker: Asker, famous: int | None) -> list[Asked]:
    if famous is None:
        return asker.questions(asker.source.choice((1, 1, 1, 2, 3)))
    first = asker.name({"en": NAMED[famous][1], "zh": NAMED[famous][2]})
    return [first, asker.transcribe()] if asker.source.random() < 0.5 else [first]


def _formulas(source: random.Random, split: Split) -> list[Formula]:
    count = source.randint(2, 4) if source.random() < PAGE_SHARE else 1
    return [_fresh(source, split) for _ in range(count)]


def _fresh(source: random.Random, split: Split) -> Formula:
    """A formula whose text belongs to the split."""
    level = source.choices((1, 2, 3, 4), (2, 3, 3, 3))[0]
    for _ in range(TRIES):
        drawn = formula(source, level)
        if part_of(drawn.latex) == split:
            return drawn
    raise RuntimeError(f"no formula for the split {split!r} in {TRIES} tries")


def _picture(
    formulas: Sequence[Formula], renderer: str, source: random.Random, split: Split
) -> tuple[PIL.Image.Image, list[list[int]]]:
    """The page, and where each formula is, in thousandths."""
    size_px, font_set, display = source.randint(20, 46), source.choice(FONT_SETS[split]), source.random() < 0.6
    inks = [_ink(one, renderer, size_px, font_set, display) for one in formulas]
    numbers = [
        formula_mathtext.draw(Formula((rf"\mathrm{{({i + 1})}}",), 1), size_px=size_px, fonts=font_set) for i in range(len(inks))
    ]
    if len(inks) == 1:
        numbers = []
    gap, margin = round(size_px * source.uniform(0.7, 1.6)), round(size_px * source.uniform(0.6, 2.0))
    beside = max((one.width for one in numbers), default=0) + (2 * size_px if numbers else 0)
    width = max(LEAST, max(one.width for one in inks) + 2 * margin + beside)
    tall = sum(one.height for one in inks) + gap * (len(inks) - 1)
    height = max(LEAST, tall + 2 * margin)
    background, colour = source.choice(PAPERS)
    sheet = Image.new("RGB", (width, height), background)
    x, y = (width - beside - max(one.width for one in inks)) // 2, (height - tall) // 2
    boxes = []
    for i, ink in enumerate(inks):
        sheet.paste(colour, (x, y), ink)
        if numbers:
            sheet.paste(colour, (width - margin - numbers[i].width, y + (ink.height - numbers[i].height) // 2), numbers[i])
        boxes.append(_thousandths((x, y, x + ink.width, y + ink.height), sheet.size))
        y += ink.height + gap
    return _within(sheet), boxes


def _ink(one: Formula, renderer: str, size_px: int, font_set: str, display: bool) -> PIL.Image.Image:
    """Ink of one formula, cut to what is drawn."""
    ink = (
        formula_katex.draw(one, size_px=size_px, display=display)
        if renderer == "katex"
        else formula_mathtext.draw(one, size_px=size_px, fonts=font_set)
    )
    return ink.crop(ink.getbbox())


def _within(sheet: PIL.Image.Image) -> PIL.Image.Image:
    """The page scaled down where it is larger than pictures are."""
    longest = max(sheet.size)
    if longest <= MOST:
        return sheet
    return sheet.resize((round(sheet.width * MOST / longest), round(sheet.height * MOST / longest)), Image.Resampling.LANCZOS)


def _thousandths(box: tuple[int, int, int, int], size: tuple[int, int]) -> list[int]:
    return [round(1000 * place / side) for place, side in zip(box, size * 2, strict=True)]
