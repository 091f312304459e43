"""MMBench and CCBench: a question counts only when it is right in every rotation of its options; tables by ability.

answers, golds, options -> 0 or 1;    rows with hit, category, l2-category, split -> {column: a value for each split}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from internvl.eval.errors import EvalError
from internvl.eval.metrics.choices import MATCHERS, can_infer
from internvl.eval.metrics.hit_rows import HitRow, hit_rows, mean_hit

ABILITIES = {
    "coarse_perception": "CP",
    "finegrained_perception (instance-level)": "FP-S",
    "finegrained_perception (cross-instance)": "FP-C",
    "logic_reasoning": "LR",
    "relation_reasoning": "RR",
    "attribute_reasoning": "AR",
}
"""l2-category -> its column in the published tables."""


def mmbench_circular(answers: Sequence[str], golds: Sequence[str], choices: Sequence[str], *, matcher: MATCHERS = "2024") -> int:
    """1 when every rotation is answered with its gold letter, without a judge, else 0 (Liu et al. 2023).

    choices: the option texts of the first rotation, A first; rotation k has them moved k places on. matcher: which of VLMEvalKit's
    rules reads the letter; an answer it can't read makes the question wrong. Raises EvalError when answers and golds differ in number.
    """
    if len(answers) != len(golds) or not answers or not choices:
        raise EvalError(f"an answer and a gold letter for each rotation are expected, not {len(answers)} and {len(golds)}")
    if len(choices) > len(ascii_uppercase):
        raise EvalError(f"{len(choices)} options are more than there are letters")
    return int(
        all(
            can_infer(answer, rotated(choices, turn), matcher) == gold
            for turn, (answer, gold) in enumerate(zip(answers, golds, strict=True))
        )
    )


def rotated(choices: Sequence[str], turn: int) -> dict[str, str]:
    """Letter -> option text, with the texts moved `turn` places on and the last coming round to A."""
    return {ascii_uppercase[(place + turn) % len(choices)]: text for place, text in enumerate(choices)}


def mcq_report_acc(rows: Sequence[Mapping[str, Any]], hits: Sequence[float] | None = None) -> dict[str, list[Any]]:
    """VLMEvalKit's table: a list of splits, and for `Overall`, each l2-category and each category the accuracies, one a split.

    hits: 0 or 1 a row, instead of the rows' own "hit". None where a split has no row of a category. Raises EvalError.
    """
    checked = hit_rows(rows, hits)
    splits = sorted({row.split for row in checked})
    table: dict[str, list[Any]] = {"split": list(splits), "Overall": _by_split(checked, splits)}
    for group in sorted({row.group for row in checked if row.group is not None}):
        table[ABILITIES.get(group, group)] = _by_split([row for row in checked if row.group == group], splits)
    for category in sorted({row.category for row in checked if row.category is not None}):
        table[ABILITIES.get(category, category)] = _by_split([row for row in checked if row.category == category], splits)
    return table


def _by_split(rows: Sequence[HitRow], splits: Sequence[str]) -> list[float | None]:
    return [mean_hit(row for row in rows if row.split == split) for split in splits]
