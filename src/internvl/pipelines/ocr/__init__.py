"""Labels for reading: what stands on pictures and PDF pages, made into conversations.

    picture | PDF --pages--> page --text layer or PP-OCR--> lines --filters, reading order--> lines --questions--> conversations

Three operators in a row (`ocr_operators`), each with its columns: where a page comes from, what is read on it, what is asked about it.
"""

from __future__ import annotations

from internvl.pipelines.ocr.config import MixError, OcrConfig, parse_mix
from internvl.pipelines.ocr.label import AskQuestions
from internvl.pipelines.ocr.line import Line, PageText
from internvl.pipelines.ocr.pages import SplitPages
from internvl.pipelines.ocr.read import ReadText
from internvl.pipelines.ocr.reader import Reader, ReaderSource
from internvl.pipelines.operator import Operator

__all__ = [
    "AskQuestions",
    "Line",
    "MixError",
    "OcrConfig",
    "PageText",
    "ReadText",
    "Reader",
    "ReaderSource",
    "SplitPages",
    "ocr_operators",
    "parse_mix",
]


def ocr_operators(config: OcrConfig) -> list[Operator]:
    """The steps of a run, in order."""
    return [SplitPages(config), ReadText(config), AskQuestions(config)]
