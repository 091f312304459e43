"""Planted faults against what a set of rules said: a line a filter.

Truth + verdicts of a preset -> [{filter, planted, caught, precision, recall, ...}], overall counts
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from benchmarks.data_engine.filters import FILTERS, READING, Filter
from benchmarks.data_engine.measures import average_precision, rightness
from benchmarks.data_engine.rows import COPIES
from benchmarks.data_engine.seen import seen_by
from benchmarks.data_engine.truth import SCORES, Truth, Verdict

Verdicts = Mapping[str, Verdict]


def lines(truth: Truth, verdicts: Verdicts, groups: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """One line a filter. groups: key -> group of like pictures, before any rule."""
    for each in FILTERS:
        yield _line(each, truth, verdicts, groups)
    yield from _without_faults(truth, verdicts)


def overall(truth: Truth, verdicts: Verdicts) -> dict[str, Any]:
    """Rows kept, of right ones and of faulty ones; and by fault, what share anything at all took out."""
    kept = {key for key, verdict in verdicts.items() if not verdict.kinds}
    faults = sorted({row.fault for row in truth.rows.values() if row.fault is not None})
    removed = {fault: _share(truth.with_fault(fault), kept) for fault in faults}
    clean = set(truth.with_fault(None))
    return {
        "rows": len(verdicts),
        "kept": len(kept),
        "clean": len(clean),
        "clean_kept": len(clean & kept),
        "faulty_kept": len(kept - clean),
        "removed_by_anything": removed,
    }


def datasets(truth: Truth, verdicts: Verdicts) -> dict[str, dict[str, int]]:
    """Rows and kept rows of each data set."""
    rows = Counter(row.dataset for row in truth.rows.values())
    kept = Counter(truth.rows[key].dataset for key, verdict in verdicts.items() if not verdict.kinds)
    return {name: {"rows": count, "kept": kept[name]} for name, count in sorted(rows.items())}


def _line(each: Filter, truth: Truth, verdicts: Verdicts, groups: Mapping[str, int]) -> dict[str, Any]:
    seen = seen_by(each.seen)
    readable = {key for key, verdict in verdicts.items() if not verdict.kinds & READING or each.kinds == READING}
    unseen = {key for key in readable if not seen(truth.rows[key].picture)}
    if each.model:
        # Rows that this model did not score, in a run over a part of them, say nothing of it.
        unseen = {key for key in unseen if each.score in verdicts[key].scores}
    planted = unseen & set(truth.with_fault(each.fault))
    clean = unseen & set(truth.with_fault(None))
    if each.fault in COPIES:
        clean -= truth.partners()
        # Groups are made once for all rules; a preset that doesn't look for near ones takes none.
        taken = _flagged(each, verdicts)
        flagged = (_pairs_found(planted, truth, groups) if taken else set()) | (clean & taken)
    else:
        flagged = _flagged(each, verdicts)
    scores = {key: verdicts[key].scores[each.score] for key in unseen if each.score in verdicts[key].scores} if each.score else {}
    ap = average_precision(scores, planted, clean, high_is_bad=each.high_is_bad) if each.score else None
    return {
        "filter": each.name,
        "fault": each.fault,
        **rightness(flagged & unseen, planted, clean).to_dict(),
        "average_precision": None if ap is None else round(ap, 4),
        "left_out_as_seen": len(readable) - len(unseen),
        "recall_by": _recall_by(each, planted, flagged, truth),
        "clean_flagged_by_source": dict(Counter(truth.rows[key].source for key in clean & flagged).most_common()),
        "clean_by_source": dict(Counter(truth.rows[key].source for key in clean).most_common()),
    }


def _flagged(each: Filter, verdicts: Verdicts) -> set[str]:
    return {key for key, verdict in verdicts.items() if verdict.kinds & each.kinds}


def _pairs_found(planted: Collection[str], truth: Truth, groups: Mapping[str, int]) -> set[str]:
    """Copies in one group with what they copy: whichever of the two stays, the pair was found."""
    partners = ((key, truth.rows[key].partner or "") for key in planted)
    return {key for key, partner in partners if key in groups and groups.get(partner) == groups[key]}


def _recall_by(each: Filter, planted: Collection[str], flagged: Collection[str], truth: Truth) -> dict[str, list[int]]:
    """Part of the detail -> [caught, planted]."""
    counted: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for key in planted:
        row = truth.rows[key]
        name = f"{row.caption_language} as {row.language}" if each.by == "declared" else str(row.detail.get(each.by or "", ""))
        counted[name][0] += key in flagged
        counted[name][1] += 1
    return dict(sorted(counted.items())) if each.by else {}


def _without_faults(truth: Truth, verdicts: Verdicts) -> Iterator[dict[str, Any]]:
    """Reasons that no planted fault stands for: what they take of rows that are right."""
    looked_for = frozenset().union(*(each.kinds for each in FILTERS))
    clean = set(truth.with_fault(None))
    others = {kind for verdict in verdicts.values() for kind in verdict.kinds if not kind.endswith((" below", " above"))}
    for kind in sorted(others - looked_for - {"characters", "words"}):
        flagged = {key for key, verdict in verdicts.items() if kind in verdict.kinds}
        judged = {key for key in clean if kind in verdicts[key].scores} if kind in SCORES else clean
        yield {"filter": kind, "fault": None, **rightness(flagged, (), judged).to_dict(), "average_precision": None}


def _share(keys: Collection[str], kept: Collection[str]) -> float:
    return round(sum(key not in kept for key in keys) / len(keys), 4) if keys else 0.0
