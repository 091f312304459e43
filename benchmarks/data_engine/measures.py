"""How right a filter is: precision, recall, wrongly flagged clean rows, and average precision where it gives a score.

    flagged rows, rows with the fault, clean rows -> Rightness

Rows with another fault count for neither side: a blurred picture that the similarity filter flags is no mistake of that filter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Rightness:
    """Counts of rows. flagged_clean: of `clean` rows without any fault; flagged_other: rows whose fault is another filter's."""

    planted: int
    caught: int
    clean: int
    flagged_clean: int
    flagged_other: int

    @property
    def precision(self) -> float | None:
        """Of what is flagged among clean rows and rows with this fault, the share with this fault; None when nothing is flagged."""
        flagged = self.caught + self.flagged_clean
        return self.caught / flagged if flagged else None

    @property
    def recall(self) -> float | None:
        """Of the rows with this fault, the share that is flagged; None when none was planted."""
        return self.caught / self.planted if self.planted else None

    @property
    def false_positive_rate(self) -> float | None:
        """Of the clean rows, the share that is flagged."""
        return self.flagged_clean / self.clean if self.clean else None

    def to_dict(self) -> dict[str, Any]:
        """Counts and rates, rounded to 4 digits."""
        rates = {"precision": self.precision, "recall": self.recall, "false_positive_rate": self.false_positive_rate}
        return {**asdict(self), **{name: None if rate is None else round(rate, 4) for name, rate in rates.items()}}


def rightness(flagged: Collection[str], planted: Collection[str], clean: Collection[str]) -> Rightness:
    """All three are keys of rows; `planted` and `clean` share none."""
    flags, faulty, right = set(flagged), set(planted), set(clean)
    return Rightness(len(faulty), len(flags & faulty), len(right), len(flags & right), len(flags - faulty - right))


def average_precision(
    scores: Mapping[str, float], planted: Collection[str], clean: Collection[str], *, high_is_bad: bool
) -> float | None:
    """Mean of the precisions at the planted rows, by falling score, ties as one step. None unless both kinds have scores."""
    sign = 1.0 if high_is_bad else -1.0
    rows = [(sign * scores[key], key in planted) for keys in (set(planted), set(clean)) for key in keys if key in scores]
    if len({fault for _, fault in rows}) < 2:
        return None
    values = np.array([value for value, _ in rows])
    faults = np.array([fault for _, fault in rows])
    order = np.argsort(-values, kind="stable")
    values, hits = values[order], np.cumsum(faults[order])
    ends = np.append(values[1:] != values[:-1], True)  # a threshold can't stand between equal scores
    precisions, recalls = (hits / np.arange(1, len(hits) + 1))[ends], (hits / hits[-1])[ends]
    return float(np.sum(np.diff(recalls, prepend=0.0) * precisions))
