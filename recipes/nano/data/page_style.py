"""Puts a style sheet, fonts and a body together into a page, and wears pages out.

    (kind, source, language, split) -> used_look -> Look(name, css) -> page_html -> HTML for the browser -> Page -> worn -> Page

A share of the pages is shown as they are met: printed and photographed, shrunk, recompressed. Boxes go along.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from recipes.nano.data import fonts
from recipes.nano.data.browser import Page
from recipes.nano.data.degrade import degrade_with_boxes, finish
from recipes.nano.data.sample import Language, MissingMaterial, Split
from recipes.nano.data.themes import Kind, theme

TAGS: dict[Language, str] = {"en": "en", "zh": "zh-CN"}


@dataclass(frozen=True)
class Look:
    """How a page looks. name: style/colours/font family."""

    name: str
    css: str
    size: int


def used_look(kind: Kind, source: random.Random, language: Language, split: Split, *, sizes: tuple[int, int]) -> Look:
    """Style, colours, fonts and a size of type in px, all of this split."""
    look = theme(kind, source, split)
    body = fonts.face(source, language, split, style="print")
    hand = _hand(source, language, split) or body
    size = source.randint(*sizes)
    rules = (
        f"{fonts.font_face_css((body, hand))}\n*{{box-sizing:border-box}} html{{font-size:{size}px}}\n"
        f"body{{font-family:{fonts.css_family(body)},sans-serif;font-size:1rem}}\n"
        f".hand{{font-family:{fonts.css_family(hand)},cursive;font-size:1.15em}}\n"
    )
    return Look(f"{look.name}/{body.family}", rules + look.css, size)


def page_html(look: Look, base: str, body: str, language: Language) -> str:
    """The whole page: the family's base rules first, so that a style may overrule them."""
    head = f'<!doctype html><html lang="{TAGS[language]}"><head><meta charset="utf-8"><style>{base}{look.css}</style></head>'
    return f"{head}<body>{body}</body></html>"


def worn(page: Page, source: random.Random, split: Split, *, share: float, text_px: int, still: bool = False) -> Page:
    """The page as it is, or, in `share` of cases, after some use; a still one keeps its shape, as pictures of screens do."""
    if source.random() >= share:
        return page
    strength = source.uniform(0.1, 0.6)
    if still:
        return replace(page, image=finish(page.image, source, strength=strength, text_px=text_px))
    image, boxes = degrade_with_boxes(page.image, list(page.boxes.values()), source, strength, text_px=text_px, split=split)
    return replace(page, image=image, boxes=dict(zip(page.boxes, boxes, strict=True)))


def _hand(source: random.Random, language: Language, split: Split) -> fonts.Face | None:
    try:
        return fonts.face(source, language, split, style="hand")
    except MissingMaterial:
        return None  # a page can do without handwriting
