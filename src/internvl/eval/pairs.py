"""The samples that two runs have in common, by id: only these can be compared fairly.

    Scored of run A, Scored of run B -> Pairs: (A's line, B's line) of each common id, in A's order; and how many were left out

An id whose reference differs between the runs is another question (a changed benchmark file) and is left out, with a count.
"""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from internvl.eval.bootstrap import CONFIDENCE, RESAMPLES, Interval, paired_bootstrap, sign_test
from internvl.eval.errors import EvalError
from internvl.eval.sample import Scored


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Common samples. only_first, only_second: ids one run lacks. changed: common ids with different references."""

    first: tuple[Scored, ...]
    second: tuple[Scored, ...]
    only_first: int = 0
    only_second: int = 0
    changed: int = 0

    def __len__(self) -> int:
        return len(self.first)

    @property
    def left_out(self) -> str:
        """What is not compared, in words; empty if nothing."""
        counts = (
            (self.only_first, "only in the first"),
            (self.only_second, "only in the second"),
            (self.changed, "with another reference"),
        )
        return ", ".join(f"{count:,} {what}" for count, what in counts if count)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Second minus first over their common samples, in the unit of the samples' scores.

    interval: of the mean difference. wins, losses, ties: samples the second run did better, worse, the same. p: sign test,
    which for scores of 0 and 1 (`binary`) is McNemar's exact test.
    """

    interval: Interval
    first_mean: float
    second_mean: float
    wins: int
    losses: int
    ties: int
    p: float
    binary: bool

    @property
    def test(self) -> str:
        """The name of the test behind `p`."""
        return "McNemar, exact" if self.binary else "sign test"


def pair_samples(first: Sequence[Scored], second: Sequence[Scored]) -> Pairs:
    """Pair two runs by id. Raises EvalError for an id that one run has twice."""
    ours, theirs = _by_id(first, "first"), _by_id(second, "second")
    common = [key for key in ours if key in theirs]
    same = [key for key in common if _canonical(ours[key].reference) == _canonical(theirs[key].reference)]
    return Pairs(
        first=tuple(ours[key] for key in same),
        second=tuple(theirs[key] for key in same),
        only_first=len(ours) - len(common),
        only_second=len(theirs) - len(common),
        changed=len(common) - len(same),
    )


def difference(
    pairs: Pairs, *, group_by: str | None = None, resamples: int = RESAMPLES, confidence: float = CONFIDENCE, seed: int = 0
) -> Difference:
    """How much better the second run is on the common samples.

    group_by: a key of `extra`, such as the picture; samples that share its value are resampled together.
    Raises EvalError when nothing is in common, or a sample has no such key.
    """
    if not len(pairs):
        raise EvalError("the runs have no sample in common" + (f" ({pairs.left_out})" if pairs.left_out else ""))
    ours, theirs = [score_of(row) for row in pairs.first], [score_of(row) for row in pairs.second]
    groups = None if group_by is None else [group_of(row, group_by) for row in pairs.first]
    interval = paired_bootstrap(theirs, ours, groups=groups, resamples=resamples, confidence=confidence, seed=seed)
    wins = sum(b > a for a, b in zip(ours, theirs, strict=True))
    losses = sum(b < a for a, b in zip(ours, theirs, strict=True))
    return Difference(
        interval=interval,
        first_mean=math.fsum(ours) / len(ours),
        second_mean=math.fsum(theirs) / len(theirs),
        wins=wins,
        losses=losses,
        ties=len(ours) - wins - losses,
        p=sign_test(wins, losses),
        binary={*ours, *theirs} <= {0.0, 1.0},
    )


def score_of(row: Scored) -> float:
    """The sample's score. Raises EvalError where there is none or it is not a finite number."""
    value = row.score.get("score")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise EvalError(f"sample {row.id!r:.80} (row {row.row}) has no score: expected a finite number, not {value!r:.40}")
    return float(value)


def group_of(row: Scored, key: str) -> Hashable:
    """What a sample shares with others of its group. Raises EvalError naming the keys there are."""
    if key not in row.extra:
        known = ", ".join(sorted(row.extra)) or "nothing"
        raise EvalError(f"sample {row.id!r:.80} has no {key!r:.40} to group by; it has {known}")
    return _canonical(row.extra[key])


def per_sample_differences(pairs: Pairs) -> Iterator[dict[str, Any]]:
    """What the two runs scored differently, the largest difference first: id, both answers, predictions and scores."""
    both = zip(pairs.first, pairs.second, strict=True)
    changed = [(score_of(b) - score_of(a), a, b) for a, b in both if score_of(a) != score_of(b)]
    for delta, a, b in sorted(changed, key=lambda each: (-abs(each[0]), each[1].row, each[1].id)):
        yield {
            "id": a.id,
            "row": a.row,
            "difference": delta,
            "reference": a.reference,
            "scores": [score_of(a), score_of(b)],
            "predictions": [a.score.get("prediction"), b.score.get("prediction")],
            "answers": [list(a.answers), list(b.answers)],
        }


def _by_id(rows: Sequence[Scored], which: str) -> dict[str, Scored]:
    found: dict[str, Scored] = {}
    for row in rows:
        if row.id in found:
            raise EvalError(f"the {which} run has sample {row.id!r:.80} twice (rows {found[row.id].row} and {row.row})")
        found[row.id] = row
    return found


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
