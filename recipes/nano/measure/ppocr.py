"""PP-OCR (rapidocr) beside the model, on the same pictures: its detector and recogniser, and for lines the recogniser alone.

picture -> boxes with texts -> rows from the top, each from the left -> text
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import PIL.Image
from recipes.nano.data.sample import MissingMaterial
from recipes.nano.measure.question import Question

PAGE, LINE = "PP-OCR", "PP-OCR, line cut out"


class Piece(NamedTuple):
    """A text that was found, and where."""

    left: float
    top: float
    right: float
    bottom: float
    text: str


class PpOcr:
    """rapidocr with the models that come with it."""

    def __init__(self) -> None:
        try:
            import rapidocr
        except ImportError as error:
            raise MissingMaterial("rapidocr is not installed: pip install rapidocr onnxruntime") from error
        options = {"Global.log_level": "error", "EngineConfig.onnxruntime.intra_op_num_threads": 1}
        self._engine: Any = rapidocr.RapidOCR(params=options)
        self.name = f"rapidocr {getattr(rapidocr, '__version__', '')}".strip()

    def read(self, question: Question) -> str:
        """What stands on the picture of a question, a row a line."""
        found = self._engine(_pixels(question.pictures[0]))
        if found.boxes is None or found.txts is None:
            return ""
        pieces = [_piece(box, text) for box, text in zip(found.boxes, found.txts, strict=True)]
        return "\n".join(row_text(row) for row in rows(pieces))

    def read_line(self, question: Question) -> str:
        """The line whose place the question knows, by the recogniser alone: the best that PP-OCR can be given."""
        picture = PIL.Image.open(question.pictures[0]).convert("RGB").crop(question.facts["crop"])
        found = self._engine(np.asarray(picture)[:, :, ::-1], use_det=False, use_cls=False, use_rec=True)
        return found.txts[0] if found.txts else ""


def _pixels(path: str) -> Any:
    """BGR, as rapidocr takes arrays."""
    return np.asarray(PIL.Image.open(path).convert("RGB"))[:, :, ::-1]


def _piece(box: Any, text: str) -> Piece:
    xs, ys = [float(point[0]) for point in box], [float(point[1]) for point in box]
    return Piece(min(xs), min(ys), max(xs), max(ys), text)


def rows(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Pieces side by side are one row: the middle of one lies within the height of the other."""
    found: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda one: one.top + one.bottom):
        middle = (piece.top + piece.bottom) / 2
        if found and any(one.top <= middle <= one.bottom for one in found[-1]):
            found[-1].append(piece)
        else:
            found.append([piece])
    return [sorted(row) for row in found]


def row_text(row: Sequence[Piece]) -> str:
    """The texts of a row, with a blank between them unless both sides are Chinese."""
    text = row[0].text
    for piece in row[1:]:
        apart = text[-1:].isascii() or piece.text[:1].isascii()
        text += (" " if apart else "") + piece.text
    return text
