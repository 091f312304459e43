"""What a finished run holds: pages by who read them, languages, kinds of questions; and some pages with their boxes drawn.

units/*.parquet -> OcrSummary
units/*.parquet, first n kept -> drawn/00000.png: green boxes with their order, red ones for lines in doubt
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import PIL.Image
import PIL.ImageDraw

from internvl.media.image import open_image
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.ocr.line import Line
from internvl.pipelines.units import read_units

KEPT, DOUBTFUL = (0, 140, 60), (220, 30, 30)
NO_IMAGES = "the run kept no pictures; boxes are drawn on those of runs that do: keep_images"


@dataclass
class OcrSummary:
    """Counts over kept pages. score: the mean of their page scores. lines: those that are labels; in_doubt: the others."""

    pages: int = 0
    characters: int = 0
    lines: int = 0
    in_doubt: int = 0
    score: float = 0.0
    read_by: dict[str, int] = field(default_factory=dict)
    languages: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)


def summary_of(out: Path) -> OcrSummary:
    """The counts of a finished run. Raises PipelineError for a run that is not."""
    found, by, languages, kinds = OcrSummary(), Counter[str](), Counter[str](), Counter[str]()
    for row in _kept_rows(out, ("read_by", "language", "kinds", "characters", "page_score", "lines", "dropped")):
        by[row["read_by"]] += 1
        languages[row["language"]] += 1
        kinds.update(json.loads(row["kinds"]))
        kept = [line["kept"] for line in json.loads(row["lines"])]
        found.pages, found.characters = found.pages + 1, found.characters + row["characters"]
        found.lines, found.in_doubt = found.lines + sum(kept), found.in_doubt + len(kept) - sum(kept)
        found.score += row["page_score"]
    found.score = round(found.score / found.pages, 4) if found.pages else 0.0
    found.read_by, found.languages, found.kinds = (dict(each.most_common()) for each in (by, languages, kinds))
    return found


def draw_pages(out: Path, count: int) -> list[Path]:
    """Pictures of the first `count` kept pages with their lines, for a look. Raises PipelineError for a run without pictures."""
    folder = out / "drawn"
    folder.mkdir(exist_ok=True)
    found: list[Path] = []
    rows = _kept_rows(out, ("lines", "image", "dropped"))
    while len(found) < count and (row := next(rows, None)) is not None:
        if row.get("image") is None:
            raise PipelineError(NO_IMAGES)
        lines = [Line.from_json(each) for each in json.loads(row["lines"])]
        found.append(folder / f"{len(found):05}.png")
        found[-1].write_bytes(_png(drawn(open_image(row["image"]), lines)))
    return found


def drawn(picture: PIL.Image.Image, lines: list[Line]) -> PIL.Image.Image:
    """The picture with the box of each line and its number in the reading order, from 1."""
    marked = picture.copy()
    pen = PIL.ImageDraw.Draw(marked)
    for number, line in enumerate(lines, start=1):
        colour = KEPT if line.kept else DOUBTFUL
        pen.rectangle(line.box, outline=colour, width=2)
        pen.text((max(0, line.box[0] - 16), line.box[1]), str(number), fill=colour)
    return marked


def _kept_rows(out: Path, columns: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for table in read_units(out, columns):
        yield from (row for row in table.to_pylist() if row["dropped"] is None)


def _png(picture: PIL.Image.Image) -> bytes:
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()
