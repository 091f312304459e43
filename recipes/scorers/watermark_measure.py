"""How well the watermark score tells pictures apart that nobody trained on: new pictures, fonts, words, logos.

twins of the test split -> scores of the shipped operator -> ROC, precision and recall, by kind, opacity and ground -> markdown
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy
import PIL.Image
from numpy.typing import NDArray
from recipes.scorers.canvas import WAYS
from recipes.scorers.marks import KINDS
from recipes.scorers.ranking import Floats, area_under_roc, average_precision
from recipes.scorers.watermark_lesson import twins

from internvl.pipelines.scorers.picture_score import one_thread
from internvl.pipelines.scorers.watermark import WatermarkScore

LIGHT, STRICT = 0.95, 0.8  # as in the presets of `internvl data clean`
THRESHOLDS = (0.5, 0.7, STRICT, 0.9, LIGHT)
OPACITIES = (0.08, 0.15, 0.25, 0.4, 0.6, 1.01)
RARE = 0.1  # share of marked pictures that a precision is also given for
Row = dict[str, Any]


def measure(pairs: int, seed: int) -> dict[str, Any]:
    """All figures, from as many twins as said."""
    rows = scored(pairs, seed, WatermarkScore().score())
    positive = numpy.array([row["kind"] is not None for row in rows])
    scores = numpy.array([row["score"] for row in rows])
    found = {
        "pictures": len(rows),
        "auc": area_under_roc(scores, positive),
        "ap": average_precision(scores, positive),
        "thresholds": [_at(scores, positive, threshold) for threshold in THRESHOLDS],
    }
    marks = [row for row in rows if row["kind"]]
    plain = [row for row in rows if not row["kind"]]
    found["kinds"] = {kind: _shares([row for row in marks if row["kind"] == kind]) for kind in KINDS}
    found["opacities"] = {
        f"{low:.2f} to {min(1.0, high):.2f}": _shares([row for row in marks if low <= row["opacity"] < high])
        for low, high in pairwise(OPACITIES)
    }
    found["grounds"] = {
        f"{way}{' with text' if text else ''}": _shares([row for row in plain if row["way"] == way and row["text"] == text])
        for way in WAYS
        for text in (False, True)
    }
    return found


def scored(pairs: int, seed: int, score: Callable[[PIL.Image.Image], float]) -> list[Row]:
    """Two rows for each pair: kind None for the picture without."""
    source, rows = random.Random(f"watermark test {seed}"), []
    ways = list(WAYS)
    with one_thread():
        for _ in range(pairs):
            way, text = source.choices(ways, list(WAYS.values()))[0], source.random() < 0.5
            drawn = twins(source, "test", way=way, text=text)
            facts = {"way": way, "text": text, "opacity": drawn.mark.opacity}
            rows.append({**facts, "kind": None, "score": score(drawn.plain)})
            rows.append({**facts, "kind": drawn.mark.kind, "score": score(drawn.mark.picture)})
    return rows


def _at(scores: Floats, positive: NDArray[numpy.bool_], threshold: float) -> dict[str, float]:
    """recall and false alarms don't depend on how many pictures are marked; precision does."""
    taken = scores >= threshold
    recall, alarms = float(taken[positive].mean()), float(taken[~positive].mean())
    return {
        "threshold": threshold,
        "recall": recall,
        "false alarms": alarms,
        "precision": recall / max(1e-9, recall + alarms),
        "precision, one in ten": RARE * recall / max(1e-9, RARE * recall + (1 - RARE) * alarms),
    }


def _shares(rows: list[Row]) -> dict[str, float]:
    scores = numpy.array([row["score"] for row in rows])
    return {"pictures": len(rows), **{str(threshold): float((scores >= threshold).mean()) for threshold in (LIGHT, STRICT)}}


def markdown(found: dict[str, Any]) -> str:
    """The tables of the card."""
    lines = [
        f"{found['pictures']:,} pictures of the test, half of them marked: area under the ROC curve {found['auc']:.4f}, "
        f"average precision {found['ap']:.4f}.",
        "",
        "| threshold | recall | false alarms | precision, half marked | precision, one in ten marked |",
        "|---:|---:|---:|---:|---:|",
    ]
    for row in found["thresholds"]:
        names = ("recall", "false alarms", "precision", "precision, one in ten")
        lines.append(f"| {row['threshold']} | " + " | ".join(f"{100 * row[name]:.1f} %" for name in names) + " |")
    for title, head, key in (
        ("Recall by kind of mark", "kind", "kinds"),
        ("Recall by opacity", "opacity", "opacities"),
        ("False alarms by picture", "picture", "grounds"),
    ):
        lines += ["", f"{title}, at the thresholds of stage 1 ({LIGHT}) and stage 2 ({STRICT}):", ""]
        lines += [f"| {head} | pictures | stage 1 | stage 2 |", "|---|---:|---:|---:|"]
        for name, row in found[key].items():
            lines.append(f"| {name} | {row['pictures']} | {100 * row[str(LIGHT)]:.1f} % | {100 * row[str(STRICT)]:.1f} % |")
    return "\n".join(lines)
