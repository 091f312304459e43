"""OCRBench: the reference must occur in the answer; one point a question, 1,000 in all (Liu et al. 2023, as VLMEvalKit counts).

prediction, references, category -> 0 or 1;   lists of them -> points of the five groups, Final Score and its tenth
"""

from __future__ import annotations

from collections.abc import Sequence

from internvl.eval.errors import EvalError
from internvl.eval.metrics.literals import texts_of

FORMULA = "Handwritten Mathematical Expression Recognition"
GROUPS: dict[str, str] = {
    "Regular Text Recognition": "Text Recognition",
    "Irregular Text Recognition": "Text Recognition",
    "Artistic Text Recognition": "Text Recognition",
    "Handwriting Recognition": "Text Recognition",
    "Digit String Recognition": "Text Recognition",
    "Non-Semantic Text Recognition": "Text Recognition",
    "Scene Text-centric VQA": "Scene Text-centric VQA",
    "Doc-oriented VQA": "Doc-oriented VQA",
    "Key Information Extraction": "Key Information Extraction",
    FORMULA: FORMULA,
}
"""Category -> the group it is reported in."""


def ocrbench_hit(prediction: str, references: Sequence[str], category: str) -> int:
    """1 when a reference occurs in the prediction, else 0; an empty answer is 0.

    Formulas are compared without blanks and with their case, everything else in lower case. Raises EvalError for a category that
    OCRBench doesn't have, and without references.
    """
    if category not in GROUPS:
        raise EvalError(f"OCRBench has no category {category!r:.60}; it has {', '.join(GROUPS)}")
    if not references:
        raise EvalError("OCRBench needs at least one reference answer")
    clean = _formula if category == FORMULA else _line
    answer = clean(prediction)
    return int(bool(answer) and any(clean(reference) in answer for reference in references))


def ocrbench_aggregate(
    predictions: Sequence[str], references: Sequence[str | Sequence[str]], categories: Sequence[str]
) -> dict[str, float]:
    """Points of the five groups, `Final Score` (of 1,000 on the whole set) and `Final Score Norm`, its tenth.

    references: for each question a list of texts, or its Python literal as the published TSV has it. Raises EvalError when the three
    are not equally long, and as `ocrbench_hit`.
    """
    if not len(predictions) == len(references) == len(categories):
        raise EvalError(f"{len(predictions)} predictions, {len(references)} references and {len(categories)} categories; one each")
    points: dict[str, float] = dict.fromkeys(GROUPS.values(), 0)
    for prediction, reference, category in zip(predictions, references, categories, strict=True):
        hit = ocrbench_hit(prediction, texts_of(reference), category)
        points[GROUPS[category]] += hit
    total = sum(points.values())
    return {**points, "Final Score": total, "Final Score Norm": total / 10}


def _formula(text: str) -> str:
    return text.strip().replace("\n", " ").replace(" ", "")


def _line(text: str) -> str:
    return text.lower().strip().replace("\n", " ")
