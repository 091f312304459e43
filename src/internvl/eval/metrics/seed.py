"""SEED-Bench: accuracy over its picture types (1-9), its video types (10-12) and all.

predictions, gold letters, question types -> percent with two decimals. The table value of SEED-Image is `Image`.
"""

from __future__ import annotations

from collections.abc import Sequence

from internvl.eval.errors import EvalError

_PICTURE_TYPES = range(1, 10)
_VIDEO_TYPES = range(10, 13)


def seed_accuracy(predictions: Sequence[str], golds: Sequence[str], question_type_ids: Sequence[int]) -> dict[str, float]:
    """`{"Total", "Image", "Video"}` in percent, rounded to two decimals; a part without questions is left out.

    The answer's letter is its first character, case-sensitive; an empty answer is wrong (the original scorer fails on it).
    Raises `EvalError` for unequal lengths and types outside 1..12. Source: SEED-Bench's calculation script.
    """
    if not len(predictions) == len(golds) == len(question_type_ids) or not predictions:
        raise EvalError(
            "SEED needs a prediction, a gold letter and a type for every question, "
            f"got {len(predictions)}, {len(golds)} and {len(question_type_ids)}"
        )
    parts: dict[str, list[bool]] = {"Total": [], "Image": [], "Video": []}
    for row, (prediction, gold, kind) in enumerate(zip(predictions, golds, question_type_ids, strict=True), 1):
        hit = bool(gold) and prediction[:1] == gold
        parts["Total"].append(hit)
        parts[_part(row, kind)].append(hit)
    return {name: round(100 * sum(hits) / len(hits), 2) for name, hits in parts.items() if hits}


def _part(row: int, kind: int) -> str:
    if kind in _PICTURE_TYPES:
        return "Image"
    if kind in _VIDEO_TYPES:
        return "Video"
    raise EvalError(f"row {row}: a question type of SEED-Bench is 1..12, got {kind!r}")
