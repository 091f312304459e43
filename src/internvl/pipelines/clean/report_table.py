"""The family's table of cleaning (InternVL 1.0, table 1): what each stage leaves of each data set, and the same as JSON.

data set | language | original | stage 1 | remain | stage 2 | remain        one pair of columns a set of rules, a total below
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from internvl.pipelines.clean.language_names import language_name
from internvl.pipelines.clean.rules import ColumnRule, Rules
from internvl.pipelines.clean.tally import ReasonTally, Tally

_OF_ONE_LANGUAGE = 0.9
"""Of the captions: a data set with less in one language is `multi`."""


def family_header(tallies: Sequence[Tally]) -> list[str]:
    """The columns' names."""
    return ["data set", "language", "original", *(name for each in tallies for name in (each.rules.title, "remain"))]


def family_rows(tallies: Sequence[Tally]) -> list[list[str]]:
    """A row a data set, in the order of the input, and the total."""
    names = list(tallies[0].datasets)
    rows = [[name, language_of(tallies[0].datasets[name].languages), count_text(tallies[0].datasets[name].rows)] for name in names]
    for each in tallies:
        for row, name in zip(rows, names, strict=True):
            row += [count_text(each.datasets[name].kept), percent(each.datasets[name].kept, each.datasets[name].rows)]
    languages = sum((each.languages for each in tallies[0].datasets.values()), Counter[str]())
    total = ["total", language_of(languages), count_text(tallies[0].rows)]
    return [*rows, total + [text for each in tallies for text in (count_text(each.kept), percent(each.kept, each.rows))]]


def language_of(languages: Counter[str]) -> str:
    """The language of a data set by what was detected in its captions."""
    known = {code: count for code, count in languages.items() if code != "und"}
    if not known:
        return "–"
    code, count = max(known.items(), key=lambda each: (each[1], each[0]))
    return language_name(code) if count >= _OF_ONE_LANGUAGE * sum(known.values()) else "multi"


def count_text(count: int) -> str:
    """As the family writes them: 1.94B, 550M; exact below a million."""
    for unit, factor in (("B", 1e9), ("M", 1e6)):
        if count >= factor:
            digits = 0 if count >= 100 * factor else 1 if count >= 10 * factor else 2
            return f"{count / factor:.{digits}f}{unit}"
    return f"{count:,}"


def percent(part: int, whole: int) -> str:
    """84.3 %, or a dash of nothing."""
    return f"{100 * part / whole:.1f}%" if whole else "–"


def reasons_in_order(tally: Tally) -> list[str]:
    """Kinds of reasons that took something out or that the rules name: scoring's first, then the rules', then duplicates'."""
    named = [rule.column for rule in tally.rules.columns]
    others = [kind for kind in tally.reasons if kind not in named]
    late = [kind for kind in ("duplicate", "near duplicate", "evaluation set") if kind in others]
    return [*sorted(kind for kind in others if kind not in late), *named, *late]


def reason_rows(tally: Tally) -> list[list[str]]:
    """Reason, rule, any, alone, first, and the share of all samples that it takes out."""
    rows = []
    for kind in reasons_in_order(tally):
        counted = tally.reasons.get(kind, ReasonTally())
        numbers = (counted.any, counted.alone, counted.first)
        rows.append([kind, rule_text(tally.rules, kind), *(f"{number:,}" for number in numbers), percent(counted.any, tally.rows)])
    return rows


def rule_text(rules: Rules, kind: str) -> str:
    """What the rules say about a kind of reason, in words."""
    rule = rule_on(rules, kind)
    if rule is not None:
        return str(rule)
    duplicates = rules.duplicates
    texts = {
        "duplicate": f"equal pixels; the {_kept_text(rules)} stays",
        "near duplicate": f"within {duplicates.near_bits} bits and {duplicates.near_colours:g} levels; the {_kept_text(rules)} stays",
        "evaluation set": "pictures of the lists to compare with",
    }
    return texts.get(kind, "could not be scored")


def rule_on(rules: Rules, column: str) -> ColumnRule | None:
    """The rule on a column."""
    return next((rule for rule in rules.columns if rule.column == column), None)


def report_dict(tallies: Sequence[Tally]) -> dict[str, Any]:
    """All counts, JSON-able."""
    return {
        "rows": tallies[0].rows,
        "datasets": [
            {
                "name": name,
                "language": language_of(counted.languages),
                "languages": dict(counted.languages.most_common()),
                "original": counted.rows,
                "kept": {each.rules.name: each.datasets[name].kept for each in tallies},
            }
            for name, counted in tallies[0].datasets.items()
        ],
        "rules": [_rules_dict(each) for each in tallies],
    }


def _rules_dict(tally: Tally) -> dict[str, Any]:
    return {
        "name": tally.rules.name,
        "title": tally.rules.title,
        "kept": tally.kept,
        "remain": round(tally.kept / tally.rows, 6) if tally.rows else None,
        "reasons": {
            kind: {"rule": rule_text(tally.rules, kind), **vars(tally.reasons.get(kind, ReasonTally()))}
            for kind in reasons_in_order(tally)
        },
        "histograms": {name: histogram.to_dict() for name, histogram in tally.histograms.items()},
    }


def _kept_text(rules: Rules) -> str:
    return {"first": "first", "similarity": "one with the highest similarity", "pixels": "largest"}[rules.duplicates.keep]
