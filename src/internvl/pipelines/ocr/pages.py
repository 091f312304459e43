"""Operator: a PDF becomes its pages, each with its picture and the lines of its text layer; a picture stays what it is.

    Item(image=PDF) -> Item[pages](image=PNG | none and a `fault`, page, pages, layer: lines or why there are none)

What can't be opened is dropped here; a page that can't be drawn travels on with its fault, so that its neighbours stay.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from internvl.pipelines.item import Drop, Item
from internvl.pipelines.ocr.config import OcrConfig
from internvl.pipelines.ocr.line import Box, Line
from internvl.pipelines.ocr.pdf import (
    PdfError,
    characters_of,
    geometry_of,
    has_shown_notes,
    is_pdf,
    opened_page,
    opened_pdf,
    picture_share,
    rendered,
)
from internvl.pipelines.ocr.text_layer import layer_lines, why_not_trusted
from internvl.pipelines.operator import ColumnType, Outcome, Resources, Work

if TYPE_CHECKING:
    import PIL.Image

# Fields between this step and the next, which takes them away.
LAYER, DISTRUST, FAULT = "layer", "layer_distrust", "page_fault"
# Grey steps between the lightest and the darkest pixel of a line that can be seen.
LEAST_CONTRAST = 24


@dataclass(frozen=True)
class SplitPages:
    """Step one of `ocr_operators`."""

    config: OcrConfig
    name = "pages"
    resources = Resources()

    def columns(self) -> dict[str, ColumnType]:
        """page, pages: number from 1 and count; null for a picture."""
        return {"page": "int", "pages": "int"}

    def settings(self) -> dict[str, Any]:
        """Of rendering and of the text layer."""
        config = self.config
        return {"dpi": config.dpi, "max_pixels": config.max_pixels, "max_pages": config.max_pages, "text_layer": config.text_layer}

    def open(self) -> Work:
        """Nothing to load."""
        return self._work

    def _work(self, items: Sequence[Item]) -> list[Outcome]:
        return [self._split(item) for item in items]

    def _split(self, item: Item) -> Outcome:
        if item.image is None:
            return Drop("no picture: the sample has neither a picture nor a PDF")
        if not is_pdf(item.image):
            return item
        try:
            with opened_pdf(item.image) as document:
                pages = len(document)
                if pages > self.config.max_pages:
                    return Drop(f"too many pages: {pages}, the limit is {self.config.max_pages}")
                return [self._page(item, document, index).with_fields(page=index + 1, pages=pages) for index in range(pages)]
        except PdfError as error:
            return Drop(str(error))

    def _page(self, item: Item, document: Any, index: int) -> Item:
        try:
            with opened_page(document, index) as page:
                picture = rendered(page, dpi=self.config.dpi, max_pixels=self.config.max_pixels)
                layer, distrust = ([], "not asked for") if self.config.text_layer == "never" else _layer(page, picture)
        except PdfError as error:
            return replace(item, image=None).with_fields(**{FAULT: str(error)})
        told = [line.to_json() for line in layer]
        return replace(item, image=_png(picture)).with_fields(**{LAYER: told, DISTRUST: distrust})


def _layer(page: Any, picture: PIL.Image.Image) -> tuple[list[Line], str | None]:
    """The lines of the text layer that can be seen, or why they don't count."""
    geometry = geometry_of(page, *picture.size)
    characters = characters_of(page, geometry)
    distrust = why_not_trusted(characters, picture_share=picture_share(page, geometry), notes=has_shown_notes(page))
    if distrust is not None:
        return [], distrust
    grey = picture.convert("L")
    return [line for line in layer_lines(characters) if _is_seen(grey, line.box)], None


def _is_seen(grey: PIL.Image.Image, box: Box) -> bool:
    """Whether there is anything in the box; white letters on white are text only for a machine."""
    left, top, right, bottom = box
    inside = (max(0, int(left)), max(0, int(top)), min(grey.width, int(right) + 1), min(grey.height, int(bottom) + 1))
    if inside[0] >= inside[2] or inside[1] >= inside[3]:
        return False
    darkest, lightest = grey.crop(inside).getextrema()
    return float(lightest) - float(darkest) >= LEAST_CONTRAST  # type: ignore[arg-type]


def _png(picture: PIL.Image.Image) -> bytes:
    """PNG, in grey where the page has no colour: a third of the size."""
    red, green, blue = picture.split()
    plain = red.tobytes() == green.tobytes() == blue.tobytes()
    content = io.BytesIO()
    (red if plain else picture).save(content, "PNG", compress_level=6)
    return content.getvalue()
