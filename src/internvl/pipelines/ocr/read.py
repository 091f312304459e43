"""Operator: what stands on a page, from its text layer where that can be trusted and from PP-OCR elsewhere.

    Item(image, layer) --a reader checks some lines--> Line[n] --filters, languages, reading order--> columns `lines`, ... | Drop

The text layer is not believed blindly: a reader looks at some of its lines, since fonts lie about their characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from internvl.data.record import Origin
from internvl.errors import MediaError
from internvl.media.image import image_size, open_image
from internvl.pipelines.clean.language import LanguageId
from internvl.pipelines.item import Drop, Item
from internvl.pipelines.ocr.agreement import AgreeingReaders
from internvl.pipelines.ocr.config import OcrConfig
from internvl.pipelines.ocr.filters import characters_in, confident_share, marked_kept, page_score, why_left_out
from internvl.pipelines.ocr.language import LATIN, Identify, with_languages
from internvl.pipelines.ocr.line import Line, PageText
from internvl.pipelines.ocr.pages import DISTRUST, FAULT, LAYER
from internvl.pipelines.ocr.reader import Reader, ReaderSource
from internvl.pipelines.ocr.reading_order import in_reading_order
from internvl.pipelines.operator import ColumnType, Outcome, Resources, Work

if TYPE_CHECKING:
    import PIL.Image

CHECKED_LINES = 3
CHECKED_CHARACTERS = (4, 60)
LEAST_LIKENESS = 0.6
MARGIN = 0.15
ANY_SIZE = 1 << 62
# Names and codes of a few letters are alike in many languages.
LEAST_LETTERS = 24
LEAST_LANGUAGE_CONFIDENCE = 0.9


@dataclass(frozen=True)
class ReadText:
    """Step two of `ocr_operators`. sources: one reader, or two that must agree; by default those that the config names."""

    config: OcrConfig
    sources: tuple[ReaderSource, ...] = ()
    name = "ocr"
    resources = Resources()

    def columns(self) -> dict[str, ColumnType]:
        """lines: in reading order, see `Line`. width, height: pixels. read_by: "text layer", or a reader and why. Scores 0 to 1."""
        return {
            "lines": "json",
            "width": "int",
            "height": "int",
            "language": "str",
            "read_by": "str",
            "page_score": "float",
            "confident_share": "float",
            "characters": "int",
            "complete": "bool",
        }

    def settings(self) -> dict[str, Any]:
        """All of the config that is not about questions, and the readers with the hashes of their weights."""
        asked = {"mix", "turns", "ask_in", "max_answer_characters", "seed"}
        told = {name: value for name, value in self.config.to_dict().items() if name not in asked}
        readers = [source.settings() for source in self._sources()]
        return told | {"readers": readers, "languages_by": LanguageId().settings()["py3langid"]}

    def open(self) -> Work:
        """Load the readers. Raises MissingDependencyError."""
        readers = [source.open() for source in self._sources()]
        reader = readers[0] if len(readers) == 1 else AgreeingReaders(*readers)
        return _Reading(self.config, reader, _identifier(), "+".join(source.name for source in self._sources()))

    def _sources(self) -> tuple[ReaderSource, ...]:
        if self.sources:
            return self.sources
        first = ReaderSource(self.config.reader)
        other = ReaderSource("pp-ocrv5" if first.name == "pp-ocrv6" else "pp-ocrv6")
        return (first, other) if self.config.agree else (first,)


class _Reading:
    """The work of one worker."""

    def __init__(self, config: OcrConfig, reader: Reader, identify: Identify, name: str) -> None:
        self._config, self._reader, self._identify, self._name = config, reader, identify, name

    def __call__(self, items: Sequence[Item]) -> list[Outcome]:
        return [_on_page(self._outcome(item), item.fields.get("page")) for item in items]

    def _outcome(self, item: Item) -> Item | Drop:
        rest = {name: value for name, value in item.fields.items() if name not in (LAYER, DISTRUST, FAULT)}
        if item.image is None:
            return Drop(item.fields.get(FAULT) or "no picture: the sample has none")
        picture = self._opened(item.image)
        if isinstance(picture, Drop):
            return picture
        found = self._lines(item, picture)
        if isinstance(found, Drop):
            return found
        lines, read_by = found
        told, language = with_languages(marked_kept(lines, self._config), self._identify)
        fault = why_left_out(told, language, self._config)
        if fault is not None:
            return Drop(fault)
        return replace(item, fields=rest).with_fields(**_columns(in_reading_order(told), picture, language, read_by))

    def _opened(self, content: bytes) -> PIL.Image.Image | Drop:
        limit = self._config.max_picture_pixels
        try:
            width, height = image_size(content, max_pixels=ANY_SIZE)
            if width * height > limit:
                return Drop(f"too many pixels: {width} x {height}, the limit is {limit / 1e6:g} megapixels")
            return open_image(content, max_pixels=limit)
        except MediaError as error:
            return Drop(f"unreadable picture: {error}")

    def _lines(self, item: Item, picture: PIL.Image.Image) -> tuple[list[Line], str] | Drop:
        """The page's lines and who read them."""
        if LAYER not in item.fields:
            return self._reader.read(picture), self._name
        layer, distrust = [Line.from_json(each) for each in item.fields[LAYER]], item.fields.get(DISTRUST)
        if distrust is None:
            distrust = None if self._confirms(layer, picture) else "text layer differs from what is seen"
        if distrust is None:
            return layer, "text layer"
        if self._config.text_layer == "only":
            return Drop(f"no usable text layer: {distrust}")
        return self._reader.read(picture), f"{self._name} ({distrust})"

    def _confirms(self, layer: Sequence[Line], picture: PIL.Image.Image) -> bool:
        """Whether most of some lines, spread over the page, are read as the text layer has them."""
        shortest, longest = CHECKED_CHARACTERS
        fit = [line for line in layer if shortest <= line.characters <= longest] or layer
        chosen = [fit[(2 * index + 1) * len(fit) // (2 * CHECKED_LINES)] for index in range(min(CHECKED_LINES, len(fit)))]
        alike = [_likeness(line.text, self._reader.read_line(_cut_out(picture, line))) for line in chosen]
        return bool(alike) and 2 * sum(each >= LEAST_LIKENESS for each in alike) >= len(alike)


def _on_page(outcome: Item | Drop, page: int | None) -> Item | Drop:
    """The ledger names a PDF by its file alone."""
    return Drop(f"{outcome.reason} (page {page})") if isinstance(outcome, Drop) and page is not None else outcome


def page_of(item: Item) -> PageText:
    """The page in the columns of an item that went through `ReadText`."""
    fields = item.fields
    lines = tuple(Line.from_json(each) for each in fields["lines"])
    return PageText(
        lines=lines, width=fields["width"], height=fields["height"], language=fields["language"], complete=fields["complete"]
    )


def _columns(lines: Sequence[Line], picture: PIL.Image.Image, language: str, read_by: str) -> dict[str, Any]:
    return {
        "lines": [line.to_json() for line in lines],
        "width": picture.width,
        "height": picture.height,
        "language": language,
        "read_by": read_by,
        "page_score": round(page_score(lines), 6),
        "confident_share": round(confident_share(lines), 6),
        "characters": characters_in([line for line in lines if line.kept]),
        # A text layer knows nothing of the words inside of a picture or drawing.
        "complete": read_by != "text layer" and all(line.kept for line in lines),
    }


def _cut_out(picture: PIL.Image.Image, line: Line) -> PIL.Image.Image:
    """The line with some paper around it; an upright one laid on its side, as PP-OCR reads them."""
    left, top, right, bottom = line.box
    margin = MARGIN * min(right - left, bottom - top) + 1
    first = (max(0, int(left - margin)), max(0, int(top - margin)))
    last = (min(picture.width, int(right + margin) + 1), min(picture.height, int(bottom + margin) + 1))
    cut = picture.crop((*first, *last))
    return cut.rotate(90, expand=True) if line.vertical else cut


def _likeness(one: str, other: str) -> float:
    """1 for equal texts, spaces aside."""
    return SequenceMatcher(None, "".join(one.split()), "".join(other.split()), autojunk=False).ratio()


def _identifier() -> Identify:
    """Raises MissingDependencyError."""
    work = LanguageId().open()

    def identify(text: str) -> str:
        if sum(map(str.isalpha, text)) < LEAST_LETTERS:
            return LATIN
        (found,) = work([Item(origin=Origin("", "", 1), text=text)])
        sure = isinstance(found, Item) and found.fields["language_confidence"] >= LEAST_LANGUAGE_CONFIDENCE
        return str(found.fields["detected_language"]) if isinstance(found, Item) and sure else LATIN

    return identify
