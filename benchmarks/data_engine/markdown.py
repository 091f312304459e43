"""The result of a trial as Markdown: the family's table, a line a filter, a line an operator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def tables(result: Mapping[str, Any]) -> Iterator[str]:
    """All lines."""
    yield from _remain(result)
    yield from _filters(result)
    yield from _speeds(result)


def _remain(result: Mapping[str, Any]) -> Iterator[str]:
    presets = result["presets"]
    yield f"\n| data set | original | {' | '.join(f'{name} | remain' for name in presets)} |"
    yield "|---|" + "---|" * (1 + 2 * len(presets))
    parts = {name: preset["datasets"] for name, preset in presets.items()}
    names = list(next(iter(parts.values())))
    for dataset in names:
        yield _remain_line(dataset, [part[dataset] for part in parts.values()])
    yield _remain_line("all", [{key: sum(part[name][key] for name in names) for key in ("rows", "kept")} for part in parts.values()])
    for name, preset in presets.items():
        told = preset["overall"]
        share = 100 * told["clean_kept"] / max(1, told["clean"])
        faulty = told["rows"] - told["clean"]
        stay = f"of {told['clean']:,} rows without a fault {share:.1f} % stay, of {faulty:,} with one {told['faulty_kept']:,}"
        yield f"\n{name}: {stay}."


def _remain_line(name: str, parts: list[dict[str, int]]) -> str:
    cells = " | ".join(f"{part['kept']:,} | {100 * part['kept'] / max(1, part['rows']):.1f} %" for part in parts)
    return f"| {name} | {parts[0]['rows']:,} | {cells} |"


def _filters(result: Mapping[str, Any]) -> Iterator[str]:
    presets = list(result["presets"])
    heads = " | ".join(f"{name}: precision | recall | clean rows taken" for name in presets)
    yield f"\n| filter | planted | {heads} | average precision |"
    yield "|---|---|" + "---|" * (3 * len(presets) + 1)
    by_name = {name: {line["filter"]: line for line in result["presets"][name]["filters"]} for name in presets}
    names = dict.fromkeys(each for lines in by_name.values() for each in lines)
    for each in names:
        found = [lines.get(each) for lines in by_name.values()]
        first = next(line for line in found if line is not None)
        cells = " | ".join(_cells(line) for line in found)
        yield f"| {each} | {first['planted'] or '-'} | {cells} | {_rate(first['average_precision'])} |"


def _cells(line: Mapping[str, Any] | None) -> str:
    if line is None:
        return "- | - | -"
    if not line["planted"]:
        return f"- | - | {line['flagged_clean']:,} ({100 * (line['false_positive_rate'] or 0):.2f} %)"
    taken = f"{line['flagged_clean']:,} ({100 * (line['false_positive_rate'] or 0):.2f} %)"
    return f"{_rate(line['precision'])} | {_rate(line['recall'])} | {taken}"


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _speeds(result: Mapping[str, Any]) -> Iterator[str]:
    yield "\n| operator | rows | rows/s, wall time |"
    yield "|---|---|---|"
    for name, each in result["speeds"].items():
        yield f"| {name} | {each['rows']:,} | {each['rows_per_s']:,} |"
