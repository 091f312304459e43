"""MM-Vet: mean grades by ability.

grades 0..1 of a judge + comma lists of abilities -> percent by ability and Overall. Source: MM-Vet as VLMEvalKit averages it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from internvl.eval.errors import EvalError

ABILITIES = ("rec", "ocr", "know", "gen", "spat", "math")


def mmvet_aggregate(grades: Sequence[float], abilities: Sequence[str], *, count_single_once: bool = False) -> dict[str, float]:
    """Percent of the abilities that have questions, and `Overall`.

    `abilities[i]` is a comma list such as `"rec,know"`. A question with a single ability counts twice in that ability's row:
    the published tables carry this; `count_single_once=True` gives the plain mean. Overall is the same in both.
    Raises `EvalError` for grades outside 0..1, unknown abilities and unequal lengths.
    """
    if len(grades) != len(abilities) or not grades:
        raise EvalError(f"every grade needs its list of abilities, got {len(grades)} grades and {len(abilities)} lists")
    kept: dict[str, list[float]] = {name: [] for name in ABILITIES}
    for row, (grade, listed) in enumerate(zip(grades, abilities, strict=True), 1):
        _check_grade(row, grade)
        names = _names(row, listed)
        times = 2 if len(names) == 1 and not count_single_once else 1
        for name in names:
            kept[name] += [grade] * times
    scores = {name: 100 * sum(values) / len(values) for name, values in kept.items() if values}
    return scores | {"Overall": 100 * sum(grades) / len(grades)}


def _names(row: int, listed: str) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in listed.split(",")))
    unknown = [name for name in names if name not in ABILITIES]
    if unknown:
        raise EvalError(f"row {row}: unknown ability {unknown[0]!r}, expected a comma list of {', '.join(ABILITIES)}")
    return names


def _check_grade(row: int, grade: float) -> None:
    if not isinstance(grade, int | float) or not math.isfinite(grade) or not 0 <= grade <= 1:
        raise EvalError(f"row {row}: a grade of MM-Vet is a number from 0 to 1, got {grade!r}")
