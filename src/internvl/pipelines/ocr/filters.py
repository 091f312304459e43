"""Which lines become labels, and which pages are left out, with the reason that the ledger keeps.

Line[n] --least score--> kept or not --shares, length, language, marks--> None | "kind: detail"
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from internvl.pipelines.ocr.config import OcrConfig
from internvl.pipelines.ocr.language import LATIN
from internvl.pipelines.ocr.line import Line
from internvl.pipelines.ocr.reading_order import is_turned

# In a label these would be read as marks of the record, not as what stands on the page.
_MARKS = re.compile(r"</?(?:image|video|box|ref|quad|img|IMG_CONTEXT)>|<\|im_(?:start|end)\|>")


def marked_kept(lines: Sequence[Line], config: OcrConfig) -> list[Line]:
    """The lines, with those below the least score no longer kept."""
    return [replace(line, kept=line.score >= config.min_line_score) for line in lines]


def why_left_out(lines: Sequence[Line], language: str, config: OcrConfig) -> str | None:
    """The first thing that speaks against a page; None for a good one."""
    total, kept = characters_in(lines), characters_in([line for line in lines if line.kept])
    if not total:
        return "no text: nothing is written on it"
    if is_turned(lines):
        return "turned page: most lines run from top to bottom or from bottom to top"
    if confident_share(lines) < config.min_confident_share:
        return f"low confidence: {kept} of {total} characters stand on lines of score {config.min_line_score:g} or more"
    if page_score(lines) < config.min_page_score:
        return f"low confidence: the page has score {page_score(lines):.2f}, at least {config.min_page_score:g} is asked for"
    if kept < config.min_characters:
        return f"little text: {kept} characters, at least {config.min_characters} are asked for"
    if config.languages and language not in (*config.languages, LATIN if "en" in config.languages else ""):
        return f"language: {language or 'none'}, not one of {', '.join(config.languages)}"
    mark = next((found[0] for line in lines if (found := _MARKS.search(line.text))), None)
    return f"marks in the text: {mark} would be taken for a mark of the record" if mark else None


def characters_in(lines: Sequence[Line]) -> int:
    """How many, without spaces."""
    return sum(line.characters for line in lines)


def page_score(lines: Sequence[Line]) -> float:
    """The mean score of all lines, each weighted by its characters; 0 without text."""
    total = characters_in(lines)
    return sum(line.score * line.characters for line in lines) / total if total else 0.0


def confident_share(lines: Sequence[Line]) -> float:
    """The part of all characters that stands on kept lines; 0 without text."""
    total = characters_in(lines)
    return characters_in([line for line in lines if line.kept]) / total if total else 0.0
