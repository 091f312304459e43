"""How well the aesthetic score orders pictures that nobody trained on, and what each fault does to it.

six versions of each test picture -> scores of the shipped operator -> rank correlation, order of pairs, by fault -> markdown
"""

from __future__ import annotations

import random
from typing import Any

import numpy
from recipes.scorers.aesthetic_lesson import SIDES, WAYS, versions
from recipes.scorers.canvas import canvas
from recipes.scorers.faults import FAULTS, spoilt
from recipes.scorers.ranking import Floats, area_under_roc, rank_correlation
from recipes.scorers.watermark_lesson import compressed

from internvl.pipelines.scorers.aesthetic import AestheticScore
from internvl.pipelines.scorers.picture_score import Score, one_thread

THRESHOLDS = (0.15, 0.25, 0.4, 0.5, 0.65)
STRENGTHS = (0.2, 0.5, 0.8)
APART = 0.1
SPOILT, GOOD = 0.3, 0.8  # grades below and above which a picture is called spoilt, or good


def measure(pictures: int, seed: int) -> dict[str, Any]:
    """All figures; each fault is tried on a third as many pictures."""
    score = AestheticScore().score()
    with one_thread():
        grades, scores = _scored(pictures, seed, score)
        faults = {fault: _fault(fault, max(1, pictures // 3), seed, score) for fault in FAULTS}
    flat_grades, flat_scores = grades.ravel(), scores.ravel()
    clear = (flat_grades < SPOILT) | (flat_grades > GOOD)
    return {
        "pictures": pictures,
        "spearman": rank_correlation(flat_scores, flat_grades),
        "spearman within": float(numpy.mean([rank_correlation(*pair) for pair in zip(scores, grades, strict=True)])),
        "pairs": _order(scores, grades),
        "pairs across": _order(scores.reshape(1, -1), grades.reshape(1, -1)),
        "auc": area_under_roc(flat_scores[clear], flat_grades[clear] > GOOD),
        "mean error": float(numpy.abs(flat_scores - flat_grades).mean()),
        "thresholds": [_at(flat_scores, flat_grades, threshold) for threshold in THRESHOLDS],
        "faults": faults,
    }


def _scored(pictures: int, seed: int, score: Score) -> tuple[Floats, Floats]:
    """Grades and scores, [pictures, 6]."""
    source = random.Random(f"aesthetic test {seed}")
    rows = [versions(source, "test") for _ in range(pictures)]
    grades = numpy.array([[one.grade for one in row] for row in rows])
    return grades, numpy.array([[score(one.picture) for one in row] for row in rows])


def _order(scores: Floats, grades: Floats) -> float:
    """The share of pairs of a row, grades at least 0.1 apart, that the scores put in the right order."""
    apart = grades[:, :, None] - grades[:, None, :]
    right = (scores[:, :, None] - scores[:, None, :])[apart > APART] > 0
    return float(right.mean())


def _at(scores: Floats, grades: Floats, threshold: float) -> dict[str, float]:
    """What a threshold drops of the good, of the middling and of the spoilt."""
    dropped = scores < threshold
    parts = {"good": grades > GOOD, "middling": (grades <= GOOD) & (grades >= SPOILT), "spoilt": grades < SPOILT}
    shares = {f"{name} dropped": float(dropped[part].mean()) for name, part in parts.items()}
    both = parts["good"] | parts["spoilt"]
    return {
        "threshold": threshold,
        **shares,
        "precision": float(parts["spoilt"][dropped & both].mean()) if (dropped & both).any() else 1.0,
    }


def _fault(fault: str, pictures: int, seed: int, score: Score) -> dict[str, float]:
    """The mean score by strength, and how often a strength of a half scores below the flawless picture."""
    source, rows = random.Random(f"{fault} {seed}"), []
    for _ in range(pictures):
        clean = canvas(source, "test", ways=WAYS, sides=SIDES)
        shown = [clean, *(spoilt(source, clean, fault=fault, strength=strength).picture for strength in STRENGTHS)]
        rows.append([score(compressed(picture, 92)) for picture in shown])
    scores = numpy.array(rows)
    means = dict(zip(("none", *map(str, STRENGTHS)), scores.mean(0).tolist(), strict=True))
    return {**means, "seen": float((scores[:, 2] < scores[:, 0]).mean())}


def markdown(found: dict[str, Any]) -> str:
    """The tables of the card."""
    lines = [
        f"{found['pictures']} test pictures, each flawless and in five spoilt versions. Rank correlation (Spearman) with the grade: "
        f"{found['spearman']:.3f} over all, {found['spearman within']:.3f} within a picture. Pairs with grades {APART} apart in the "
        f"right order: {100 * found['pairs']:.1f} % within a picture, {100 * found['pairs across']:.1f} % across pictures. Area under "
        f"the ROC curve, good (grade above {GOOD}) against spoilt (below {SPOILT}): {found['auc']:.3f}. "
        f"Mean distance to the grade: {found['mean error']:.3f}.",
        "",
        "| dropped below | good dropped | middling dropped | spoilt dropped | precision, spoilt against good |",
        "|---:|---:|---:|---:|---:|",
    ]
    for row in found["thresholds"]:
        names = ("good dropped", "middling dropped", "spoilt dropped", "precision")
        lines.append(f"| {row['threshold']} | " + " | ".join(f"{100 * row[name]:.1f} %" for name in names) + " |")
    lines += ["", "Mean score by fault and strength, and how often strength 0.5 scores below the flawless picture:", ""]
    lines += ["| fault | none | " + " | ".join(map(str, STRENGTHS)) + " | seen |", "|---|" + "---:|" * (len(STRENGTHS) + 2)]
    for fault, row in found["faults"].items():
        means = " | ".join(f"{row[name]:.2f}" for name in ("none", *map(str, STRENGTHS)))
        lines.append(f"| {fault} | {means} | {100 * row['seen']:.0f} % |")
    return "\n".join(lines)
