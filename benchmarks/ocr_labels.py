"""How right OCR labels are and what they cost: pages of PDFs whose text layer is the truth, read from their pictures.

    python -m benchmarks.ocr_labels manual.pdf:59,299 handbuch.pdf:30,80 --out build/ocr_labels.json

    page --render--> picture --PP-OCRv6, PP-OCRv5--> lines | text layer --> lines      both: groups that lie on each other -> errors

Errors are Levenshtein edits without spaces, full-width signs counted as plain ones; beside them the edits with spaces. Seconds are of
processor time, one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import PIL.Image
from benchmarks.machine import describe, moment

from internvl.eval.metrics.edit_distance import edit_distance
from internvl.pipelines.ocr.agreement import agreed, compared, matched
from internvl.pipelines.ocr.config import OcrConfig
from internvl.pipelines.ocr.line import Line
from internvl.pipelines.ocr.pdf import characters_of, geometry_of, opened_page, opened_pdf, rendered
from internvl.pipelines.ocr.reader import Reader, ReaderSource
from internvl.pipelines.ocr.reading_order import in_reading_order
from internvl.pipelines.ocr.text_layer import layer_lines

# Which of its quotes a face draws can hardly be seen: their errors are counted apart.
QUOTES = str.maketrans('"\u201c\u201d\u2018\u2019\u2032', "''''''")
LEAST_SCORE = OcrConfig().min_line_score


@dataclass
class Counts:
    """characters: of the truth that labels cover. errors: edits without spaces; spaced_errors: with them, of spaced_characters.

    but_quotes: errors when all quotes are one. whole: characters of the whole pages; missed: of those, on lines that were not found.
    """

    characters: int = 0
    errors: int = 0
    spaced_characters: int = 0
    spaced_errors: int = 0
    but_quotes: int = 0
    whole: int = 0
    missed: int = 0
    lines: int = 0
    seconds: float = 0.0
    wrong: list[tuple[str, str]] = field(default_factory=list)

    def add(self, lines: Sequence[Line], truth: Sequence[Line], *, only_kept: bool) -> None:
        """Count one page."""
        self.whole += sum(len(compared([line])) for line in truth)
        for read, written in matched(lines, truth):
            if not read:
                self.missed += len(compared(written))
            elif not only_kept or all(line.score >= LEAST_SCORE for line in read):
                self._count(read, written)

    def _count(self, read: Sequence[Line], written: Sequence[Line]) -> None:
        found, expected = compared(read), compared(written)
        edits = edit_distance(found, expected)
        self.lines, self.characters, self.errors = self.lines + len(read), self.characters + len(expected), self.errors + edits
        self.but_quotes += edit_distance(found.translate(QUOTES), expected.translate(QUOTES))
        spaced = [" ".join(line.text for line in in_reading_order(list(side))) for side in (read, written)]
        self.spaced_characters += len(spaced[1])
        self.spaced_errors += edit_distance(*spaced)
        if edits:
            self.wrong.append((found, expected))

    def row(self) -> dict[str, Any]:
        """The rates."""
        return {
            "lines": self.lines,
            "characters": self.characters,
            "errors": self.errors,
            "whole": self.whole,
            "cer": round(self.errors / max(1, self.characters), 5),
            "cer_but_quotes": round(self.but_quotes / max(1, self.characters), 5),
            "cer_with_spaces": round(self.spaced_errors / max(1, self.spaced_characters), 5),
            "covered": round(self.characters / max(1, self.whole), 4),
            "not_found": round(self.missed / max(1, self.whole), 4),
        }


def main() -> None:
    """Read the pages named on the command line and print the rates."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pages", nargs="+", help="FILE.pdf:index,index from 0")
    parser.add_argument("--dpi", type=int, default=OcrConfig().dpi)
    parser.add_argument("--out", type=Path, default=Path("build/ocr_labels.json"))
    asked = parser.parse_args()
    readers = [ReaderSource("pp-ocrv6").open(), ReaderSource("pp-ocrv5").open()]
    result: dict[str, Any] = {"machine": describe(), "moment": moment(), "dpi": asked.dpi, "pages": asked.pages, "files": {}}
    for name in asked.pages:
        place, _, indices = name.rpartition(":")
        counts = _file(Path(place), [int(each) for each in indices.split(",")], readers, asked.dpi)
        result["files"][place] = {key: each.row() | {"wrong": each.wrong} for key, each in counts.items() if key != "seconds"}
        result["files"][place]["seconds_a_page"] = asdict(counts["seconds"])["seconds"] / len(indices.split(","))
        for key, each in counts.items():
            print(place, key, each.row(), round(each.seconds, 1), flush=True)
        asked.out.write_text(json.dumps(result, ensure_ascii=False, indent=1), "utf-8")


def _file(place: Path, indices: Sequence[int], readers: Sequence[Reader], dpi: int) -> dict[str, Counts]:
    counts = {key: Counts() for key in ("v6, all lines", "v6, kept", "v5, all lines", "v5, kept", "agree", "seconds")}
    with opened_pdf(place.read_bytes()) as document:
        for index in indices:
            picture, truth = _page(document, index, dpi)
            found = []
            for reader, key in zip(readers, ("v6", "v5"), strict=True):
                started = time.process_time()
                found.append(reader.read(picture))
                spent = time.process_time() - started
                counts[f"{key}, all lines"].seconds += spent
                counts["seconds"].seconds += spent if key == "v6" else 0
                counts[f"{key}, all lines"].add(found[-1], truth, only_kept=False)
                counts[f"{key}, kept"].add(found[-1], truth, only_kept=True)
            counts["agree"].add(agreed(*found), truth, only_kept=True)
    return counts


def _page(document: Any, index: int, dpi: int) -> tuple[PIL.Image.Image, list[Line]]:
    with opened_page(document, index) as page:
        picture = rendered(page, dpi=dpi, max_pixels=OcrConfig().max_pixels)
        return picture, layer_lines(characters_of(page, geometry_of(page, *picture.size)))


if __name__ == "__main__":
    main()
