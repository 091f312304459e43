"""MMBench-Video: mean grades by ability group.

grades -1..3 of a judge + fine dimensions of each item -> group -> two means: with unreadable grades as 0, and without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from internvl.eval.errors import EvalError
from internvl.eval.metrics.literals import texts_of

GROUPS: dict[str, tuple[str, ...]] = {
    "CP": ("Video Topic", "Video Emotion", "Video Scene", "Video Style"),
    "FP-S": ("OCR", "Object Recognition", "Attribute Recognition", "Event Recognition", "Human Motion", "Counting"),
    "FP-C": ("Spatial Relationship", "Human-object Interaction", "Human Interaction"),
    "HL": ("Hallucination",),
    "LR": ("Structuralized Image-Text Understanding", "Mathematical Calculation"),
    "AR": ("Physical Property", "Function Reasoning", "Identity Reasoning"),
    "RR": ("Natural Relation", "Physical Relation", "Social Relation"),
    "CSR": ("Common Sense Reasoning",),
    "TR": ("Counterfactual Reasoning", "Causal Reasoning", "Future Prediction"),
}
_PERCEPTION = ("CP", "FP-S", "FP-C", "HL")
_GROUP_OF = {dimension: group for group, dimensions in GROUPS.items() for dimension in dimensions} | {"Counterfactual": "TR"}


def mmbench_video_rating(scores: Sequence[int], dimensions: Sequence[str | Sequence[str]]) -> dict[str, dict[str, str]]:
    """`{"coarse_all": {group: "1.50"}, "coarse_valid": {...}}`: mean grades 0..3 with two decimals, of the groups that have items.

    `scores[i]` is -1 (no readable grade) to 3; `dimensions[i]` is a list of fine dimensions, or its text as in the benchmark's
    file (`"['OCR']"`). An item enters a group once. `coarse_all` counts -1 as 0, `coarse_valid` leaves it out.
    Raises `EvalError` for other grades, unknown dimensions and unequal lengths. Source: MMBench-Video, VLMEvalKit.
    """
    if len(scores) != len(dimensions) or not scores:
        raise EvalError(f"every grade needs its list of dimensions, got {len(scores)} grades and {len(dimensions)} lists")
    grades: dict[str, list[int]] = {name: [] for name in (*GROUPS, "Perception", "Reasoning", "Overall")}
    for row, (score, listed) in enumerate(zip(scores, dimensions, strict=True), 1):
        for name in _entered(row, listed):
            grades[name].append(_grade(row, score))
    valid = {name: [grade for grade in values if grade >= 0] for name, values in grades.items()}
    return {
        "coarse_all": _means({name: [max(grade, 0) for grade in values] for name, values in grades.items()}),
        "coarse_valid": _means(valid),
    }


def _entered(row: int, listed: str | Sequence[str]) -> Iterable[str]:
    unknown = [dimension for dimension in _names(row, listed) if dimension not in _GROUP_OF]
    if unknown:
        raise EvalError(f"row {row}: unknown dimension {unknown[0]!r}, expected one of {sorted(_GROUP_OF)}")
    groups = {_GROUP_OF[dimension] for dimension in _names(row, listed)}
    halves = {"Perception" if group in _PERCEPTION else "Reasoning" for group in groups}
    return groups | halves | {"Overall"}


def _names(row: int, listed: str | Sequence[str]) -> list[str]:
    try:
        names = texts_of(listed)
    except EvalError as fault:
        raise EvalError(f"row {row}: dimensions are a list of names such as \"['OCR']\": {fault}") from fault
    if not names:
        raise EvalError(f"row {row}: the list of dimensions is empty")
    return names


def _grade(row: int, score: int) -> int:
    if isinstance(score, bool) or score not in (-1, 0, 1, 2, 3):
        raise EvalError(f"row {row}: a grade is -1 (unreadable), 0, 1, 2 or 3, got {score!r}")
    return int(score)


def _means(grades: dict[str, list[int]]) -> dict[str, str]:
    return {name: f"{sum(values) / len(values):.2f}" for name, values in grades.items() if values}
