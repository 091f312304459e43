"""Looks of charts: sizes, palettes with everyday names of their colours, backgrounds, grids, legends, fonts.

(source, split, figures) -> style(...) -> Style                 val and test have palettes and fonts of their own
"""

from __future__ import annotations

import random

from recipes.nano.data import fonts
from recipes.nano.data.chart_spec import Colour, Kind, Style
from recipes.nano.data.sample import Language, MissingMaterial, Split

COLOUR_WORDS = {
    "blue": ("blue", "蓝色"),
    "light blue": ("light blue", "浅蓝色"),
    "dark blue": ("dark blue", "深蓝色"),
    "orange": ("orange", "橙色"),
    "green": ("green", "绿色"),
    "light green": ("light green", "浅绿色"),
    "dark green": ("dark green", "深绿色"),
    "red": ("red", "红色"),
    "purple": ("purple", "紫色"),
    "brown": ("brown", "棕色"),
    "pink": ("pink", "粉色"),
    "grey": ("grey", "灰色"),
    "yellow": ("yellow", "黄色"),
    "teal": ("teal", "青色"),
    "black": ("black", "黑色"),
}
PALETTES: dict[Split, tuple[str, ...]] = {
    "train": (
        "1f77b4 blue ff7f0e orange 2ca02c green d62728 red 9467bd purple 8c564b brown e377c2 pink 7f7f7f grey",
        "4472c4 blue ed7d31 orange a5a5a5 grey ffc000 yellow 70ad47 green 9e480e brown 7030a0 purple",
        "e41a1c red 377eb8 blue 4daf4a green 984ea3 purple ff7f00 orange f2d21b yellow a65628 brown f781bf pink",
        "4c78a8 blue f58518 orange e45756 red 54a24b green eeca3b yellow b279a2 purple 9d755d brown",
        "3366cc blue dc3912 red ff9900 orange 109618 green 990099 purple dd4477 pink",
        "5470c6 blue 91cc75 green fac858 yellow ee6666 red 9a60b4 purple fc8452 orange",
        "a6cee3 light blue 1f4e9c dark blue b2df8a light green 1b7a2f dark green fb9a99 pink d7191c red fdae42 orange",
        "222222 black 8a8a8a grey d62728 red 1f77b4 blue",
        "003f5c dark blue d6569e pink ffa600 orange 2f9e6e green 7a5195 purple",
        "d9533f red 3d405b dark blue 81b29a green f2cc5c yellow 8d6a9f purple",
        "0072b2 blue e69f00 orange 009e73 green d55e00 red 56b4e9 light blue f0e442 yellow 000000 black",
        "d1495b red f2c230 yellow 66a182 green 2e4057 dark blue 8d96a3 grey",
    ),
    "val": (
        "2a6fdb blue f2a541 orange 3c9d4e green c0392b red 8e5bb5 purple e58bb5 pink",
        "16324f dark blue e4572e red f3c623 yellow 76b041 green 999999 grey",
    ),
    "test": (
        "4285f4 blue ea4335 red fbbc05 yellow 34a853 green 9c4dcc purple ff7043 orange",
        "264653 dark blue 2a9d5f green e9c46a yellow f4a261 orange c8443a red 8a6fb0 purple",
        "2f4b7c dark blue f95d6a red ffa600 orange 58a55c green a05195 purple 9aa0a6 grey",
    ),
}
# background, ink, grid
PAPERS = (
    ("#ffffff", "#222222", "#d9d9d9"),
    ("#ffffff", "#000000", "#bbbbbb"),
    ("#ffffff", "#444444", "#e4e4e4"),
    ("#fafafa", "#333333", "#dddddd"),
    ("#fdf6e3", "#4a4a3a", "#e2dac2"),
    ("#f1f5fa", "#2b3a4a", "#d0dae6"),
    ("#eaeaf2", "#222222", "#ffffff"),
    ("#1f2430", "#e6e6e6", "#3f4757"),
    ("#222222", "#eeeeee", "#4a4a4a"),
)
DARK_PAPERS = ("#1f2430", "#222222")
FONT_FILES = (".ttf", ".otf", ".ttc")
HINT = "python -m recipes.nano.data.materials --use fonts"
DARK_COLOURS = ("dark blue", "black", "dark green", "brown")


def style(source: random.Random, language: Language, split: Split, kind: Kind, *, text: str, colours: int) -> Style:
    """A look with at least `colours` colours, in a font that can write `text`."""
    background, ink, grid = source.choice(PAPERS)
    width = source.choice((400, 448, 480, 560, 640, 640, 720, 800, 900, 1000))
    height = int(width * source.choice((0.5, 0.56, 0.62, 0.67, 0.75, 0.75, 0.85, 1.0)))
    height = max(height, 300)
    text_px = max(12, round(min(width, 1.3 * height) / source.uniform(27, 46)))
    return Style(
        width=width,
        height=height,
        face=drawable_face(source, language, split, text),
        text_px=text_px,
        title_px=round(text_px * source.uniform(1.15, 1.7)),
        colours=palette(source, split, at_least=colours, dark=background in DARK_PAPERS),
        background=background,
        ink=ink,
        grid=grid if source.random() < 0.75 else None,
        frame=source.choice(("none", "axes", "axes", "box")),
        legend=source.choice(("right", "right", "top", "bottom")),
        title_left=source.random() < 0.3,
        value_labels=source.random() < 0.62,
        bar_share=source.uniform(0.5, 0.86) if kind != "grouped" else source.uniform(0.7, 0.9),
        line_px=source.uniform(1.4, 3.4),
        markers=source.random() < 0.6,
        thousands=source.random() < 0.6,
        rounded=source.random() < 0.2,
    )


def palette(source: random.Random, split: Split, *, at_least: int, dark: bool) -> tuple[Colour, ...]:
    """Colours in random order, every word once; dark ones are left out on dark paper. The longest palette when none has enough."""
    choices = [_colours(text, dark) for text in PALETTES[split]]
    enough = [one for one in choices if len(one) >= at_least] or [max(choices, key=len)]
    chosen = source.choice(enough)
    return tuple(source.sample(chosen, len(chosen))) if source.random() < 0.7 else tuple(chosen)


def most_colours(split: Split) -> int:
    """How many series or slices every paper of this split has colours for."""
    return max(len(_colours(text, True)) for text in PALETTES[split])


def drawable_face(source: random.Random, language: Language, split: Split, text: str) -> fonts.Face:
    """A printed face with every character of `text`, in a file that all renderers can open. Raises MissingMaterial."""
    for _ in range(60):
        face = fonts.face(source, language, split, style="print", text=text)
        if face.path.lower().endswith(FONT_FILES):
            return face
    raise MissingMaterial(f"no TrueType or OpenType file among the {language} fonts of the {split} part: {HINT}")


def _colours(text: str, dark: bool) -> list[Colour]:
    parts = text.split(" ")
    found: list[Colour] = []
    while parts:
        code, word = parts.pop(0), parts.pop(0)
        while parts and not _is_code(parts[0]):
            word += " " + parts.pop(0)
        found.append(Colour(f"#{code}", word))
    return [colour for colour in found if not (dark and colour.word in DARK_COLOURS)]


def _is_code(text: str) -> bool:
    return len(text) == 6 and all(letter in "0123456789abcdef" for letter in text)
