"""A PDF, page by page: the picture that a reader sees, and the text layer behind it. pypdfium2 does the work.

    bytes -> opened_pdf -> page --render(dpi, cap)--> RGB picture, turned and cropped as shown, form fields filled in
                                --characters--> Character[n] with boxes in pixels of that picture

Whatever PDFium refuses is a `PdfError` whose text is the reason in the ledger. PDFium is not safe among threads: one process, one call.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from internvl.errors import InternVLError, MissingDependencyError
from internvl.pipelines.ocr.config import POINTS_PER_INCH
from internvl.pipelines.ocr.line import Box, area, overlap

if TYPE_CHECKING:
    import PIL.Image

HEADER_REACH = 1024
MIN_SIDE_PIXELS = 32
# PDFium has no bound of its own on how deep form XObjects may be nested.
MAX_OBJECT_DEPTH = 5
MAX_CODE_POINT = 0x10FFFF
LOW_SURROGATE, HIGH_SURROGATE = 0xDC00, 0xD800


class PdfError(InternVLError, ValueError):
    """A PDF or one of its pages can't be used; the text is a reason, "kind: detail"."""


class Character(NamedTuple):
    """A character of the text layer. box: where its ink is, None for what has none. size: pixels from line to line of its font.

    hidden: it is drawn invisibly, as OCR programs do. unmapped: its font doesn't say what it is. quarter: quarter turns clockwise that
    its line has in the picture.
    """

    text: str
    box: Box | None
    size: float
    hidden: bool = False
    unmapped: bool = False
    quarter: int = 0


@dataclass(frozen=True)
class Geometry:
    """How points of the page become pixels. bounds: left, bottom, right, top of what is shown. rotation: clockwise degrees."""

    bounds: tuple[float, float, float, float]
    rotation: int
    width: int
    height: int

    def pixels(self, left: float, bottom: float, right: float, top: float) -> Box:
        """The upright box in the picture."""
        corners = [self._point(left, bottom), self._point(right, top)]
        xs, ys = zip(*corners, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    def _point(self, x: float, y: float) -> tuple[float, float]:
        left, bottom, right, top = self.bounds
        across, down = (x - left) / (right - left), (top - y) / (top - bottom)
        turned = {0: (across, down), 90: (1 - down, across), 180: (1 - across, 1 - down), 270: (down, 1 - across)}[self.rotation]
        return turned[0] * self.width, turned[1] * self.height


def is_pdf(content: bytes) -> bool:
    """Whether bytes are a PDF: its mark may stand a little behind the start."""
    return b"%PDF-" in content[:HEADER_REACH]


@contextmanager
def opened_pdf(content: bytes) -> Iterator[Any]:
    """The document. Raises PdfError for one that is encrypted or damaged, and MissingDependencyError without pypdfium2."""
    pdfium, raw = _pdfium()
    try:
        document = pdfium.PdfDocument(content)
    except pdfium.PdfiumError as error:
        if error.err_code == raw.FPDF_ERR_PASSWORD:
            raise PdfError("encrypted PDF: it opens with a password only") from error
        if error.err_code == raw.FPDF_ERR_SECURITY:
            raise PdfError("encrypted PDF: its encryption is of an unknown kind") from error
        raise PdfError(f"damaged PDF: {error}") from error
    try:
        if not len(document):
            raise PdfError("damaged PDF: it has no pages")
        # Without it the values of form fields are not drawn. XFA forms, which PDFium can't draw, would only make it warn.
        if document.get_formtype() == raw.FORMTYPE_ACRO_FORM:
            document.init_forms()
        yield document
    finally:
        document.close()


@contextmanager
def opened_page(document: Any, index: int) -> Iterator[Any]:
    """A page, counted from 0. Raises PdfError."""
    pdfium, _ = _pdfium()
    try:
        page = document.get_page(index)
    except pdfium.PdfiumError as error:
        raise PdfError(f"damaged PDF page: {error}") from error
    try:
        yield page
    finally:
        page.close()


def rendered(page: Any, *, dpi: int, max_pixels: int) -> PIL.Image.Image:
    """The page in RGB, at `dpi` or as much less as `max_pixels` asks for. Raises PdfError."""
    pdfium, _ = _pdfium()
    width, height = page.get_size()
    scale = dpi / POINTS_PER_INCH
    scale = min(scale, (max_pixels / max(1.0, width * height)) ** 0.5)
    if min(width, height) * scale < MIN_SIDE_PIXELS:
        raise PdfError(f"page of an unusable shape: {width:.0f} x {height:.0f} points, under {MIN_SIDE_PIXELS} pixels on one side")
    try:
        bitmap = page.render(scale=scale, rev_byteorder=True)
        picture: PIL.Image.Image = bitmap.to_pil().convert("RGB").copy()
    except pdfium.PdfiumError as error:
        raise PdfError(f"damaged PDF page: {error}") from error
    bitmap.close()
    return picture


def geometry_of(page: Any, width: int, height: int) -> Geometry:
    """How the page's points lie in its picture of these sides."""
    return Geometry(tuple(page.get_bbox()), page.get_rotation(), width, height)


def characters_of(page: Any, geometry: Geometry) -> list[Character]:
    """The text layer, in the file's order, without what lies outside of the picture. Raises PdfError."""
    pdfium, _ = _pdfium()
    try:
        text_page = page.get_textpage()
    except pdfium.PdfiumError as error:
        raise PdfError(f"damaged PDF page: {error}") from error
    try:
        found = [_character(text_page, index, geometry) for index in range(text_page.count_chars())]
    finally:
        text_page.close()
    return _without_surrogates([each for each in found if each.box is None or _inside(each.box, geometry)])


def picture_share(page: Any, geometry: Geometry) -> float:
    """The part of the page, 0 to 1, that pictures cover; those on top of each other count twice, up to 1."""
    _, raw = _pdfium()
    whole: Box = (0, 0, geometry.width, geometry.height)
    pictures = page.get_objects(filter=(raw.FPDF_PAGEOBJ_IMAGE,), max_depth=MAX_OBJECT_DEPTH)
    return min(1.0, sum(overlap(geometry.pixels(*_bounds(each)), whole) for each in pictures) / area(whole))


def _bounds(thing: Any) -> Box:
    """Left, bottom, right, top in points; those of an object within a form XObject are told in the form's own units."""
    left, bottom, right, top = thing.get_bounds()
    while thing.container is not None:
        thing = thing.container
        left, bottom, right, top = thing.get_matrix().on_rect(left, bottom, right, top)
    return left, bottom, right, top


def has_shown_notes(page: Any) -> bool:
    """Whether form fields, stamps or notes lie on the page, whose text isn't in its text layer."""
    _, raw = _pdfium()
    shown = {raw.FPDF_ANNOT_WIDGET, raw.FPDF_ANNOT_FREETEXT, raw.FPDF_ANNOT_STAMP}
    for index in range(raw.FPDFPage_GetAnnotCount(page)):
        note = raw.FPDFPage_GetAnnot(page, index)
        kind = raw.FPDFAnnot_GetSubtype(note) if note else None
        raw.FPDFPage_CloseAnnot(note)
        if kind in shown:
            return True
    return False


def _pdfium() -> tuple[Any, Any]:
    try:
        import pypdfium2
        import pypdfium2.raw
    except ImportError as error:
        raise MissingDependencyError("PDF files need pypdfium2: pip install 'internvl[pipelines]'") from error
    return pypdfium2, pypdfium2.raw


def _character(text_page: Any, index: int, geometry: Geometry) -> Character:
    _, raw = _pdfium()
    left, bottom, right, top = _charbox(text_page, index, loose=False)
    loose = geometry.pixels(*_charbox(text_page, index, loose=True))
    box = geometry.pixels(left, bottom, right, top) if right > left and top > bottom else None
    code = raw.FPDFText_GetUnicode(text_page, index)
    # PDFium puts a control character where a line ends in a hyphen; what is seen there is a hyphen.
    text = "-" if raw.FPDFText_IsHyphen(text_page, index) == 1 else chr(code) if 0 < code <= MAX_CODE_POINT else ""
    # Clockwise, as the page's own rotation.
    turns = round(math.degrees(raw.FPDFText_GetCharAngle(text_page, index)) + geometry.rotation) / 90
    quarter = round(turns) % 4
    thing = raw.FPDFText_GetTextObject(text_page, index)
    return Character(
        text=text,
        box=box,
        size=max(1.0, loose[2] - loose[0] if quarter % 2 else loose[3] - loose[1]),
        hidden=bool(thing) and raw.FPDFTextObj_GetTextRenderMode(thing) == raw.FPDF_TEXTRENDERMODE_INVISIBLE,
        unmapped=raw.FPDFText_HasUnicodeMapError(text_page, index) == 1,
        quarter=quarter,
    )


def _charbox(text_page: Any, index: int, *, loose: bool) -> Box:
    """Left, bottom, right, top in points; all 0 for what has no place."""
    pdfium, _ = _pdfium()
    try:
        left, bottom, right, top = text_page.get_charbox(index, loose=loose)
    except pdfium.PdfiumError:
        return 0.0, 0.0, 0.0, 0.0
    return left, bottom, right, top


def _inside(box: Box, geometry: Geometry) -> bool:
    """More than half of the box is on the page."""
    return 2 * overlap(box, (0, 0, geometry.width, geometry.height)) > area(box)


def _without_surrogates(characters: list[Character]) -> list[Character]:
    """Halves of a character outside of the basic plane, which some builds of PDFium give one by one, put together."""
    found: list[Character] = []
    for each in characters:
        high = found[-1].text if found else ""
        if (
            len(each.text) == 1
            and len(high) == 1
            and LOW_SURROGATE <= ord(each.text) < 0xE000
            and HIGH_SURROGATE <= ord(high) < LOW_SURROGATE
        ):
            whole = chr(0x10000 + ((ord(high) - HIGH_SURROGATE) << 10) + ord(each.text) - LOW_SURROGATE)
            found[-1] = found[-1]._replace(text=whole)
        else:
            found.append(each)
    return found
