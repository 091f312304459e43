"""The results as Markdown: tables for the model's card and docs/numbers.md, between two marks of the card.

results -> text; card with marks -> card with the new text between them
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recipes.nano.measure.summary import Row

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
LANGUAGES = {"en": "English", "zh": "Chinese", "both": "both"}
NOTE = (
    "CER: edits per character of the right text, after NFKC and with runs of white space as one blank, nothing else forgiven; `also` "
    "has the rate without any blanks (lines may be broken elsewhere) and the share of pictures without an error. "
    "In brackets: 95 % intervals (Wilson's for shares, the bootstrap for means and rates). Generated pictures are of the test split: "
    "fonts, texts, layouts and drawings that the training had not. Real pictures (`real, ...`) were made by no generator; their list "
    "is `recipes/nano/measure/real_pictures.json`."
)


def markdown(results: dict[str, Any]) -> str:
    """The whole block."""
    rows = [Row(**row) for row in results["rows"]]
    peers = [by for by in dict.fromkeys(row.by for row in rows) if by != results["by"]]
    parts = [NOTE, _main_table(rows, results["by"], peers), _families([Row(**row) for row in results["families"]])]
    if results["ablation"]:
        parts.append("Score by the most tiles a picture may have:\n\n" + _tile_table([Row(**row) for row in results["ablation"]]))
    if results["times"]:
        parts.append(_times(results["times"]))
    parts.append(f"Made by `{results['command']}` on {results['date']}, model `{results['by']}`, seed {results['seed']}.")
    return "\n\n".join(parts) + "\n"


def _times(times: dict[str, Any]) -> str:
    return (
        f"Loading takes {times['load_s']:.2f} s, a question about a picture of one tile {times['one_tile_s']:.2f} s, on "
        f"{times['threads']} threads of a CPU (medians of {times['tries']}); "
        f"the machine's load at the time: {times['load_average']:.1f}."
    )


def _main_table(rows: Sequence[Row], by: str, peers: Sequence[str]) -> str:
    lines = ["| " + " | ".join(["what", "language", "n", "metric", by.partition("@")[0], *peers, "also"]) + " |"]
    lines.append("|---|---|---|---|---|" + "---|" * (len(peers) + 1))
    own = [row for row in rows if row.by == by]
    beside = {(row.group, row.language, row.metric, row.by): row for row in rows}
    for row in own:
        others = [beside.get((row.group, row.language, row.metric, peer)) for peer in peers]
        cells = [row.group, LANGUAGES[row.language], str(row.count), row.metric, _value(row)]
        cells += ["" if other is None else f"{_value(other)}, {_also(other)}" for other in others]
        cells.append(_also(row))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _families(rows: Sequence[Row]) -> str:
    lines = ["| family | n | right answers |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {row.group} | {row.count} | {_value(row)} |" for row in rows)])


def _tile_table(rows: Sequence[Row]) -> str:
    limits = sorted({row.tiles for row in rows if row.tiles is not None})
    lines = ["| what | metric | n | " + " | ".join(map(str, limits)) + " |", "|---|---|---|" + "---|" * len(limits)]
    kinds = dict.fromkeys((row.group, row.metric) for row in rows)
    for group, metric in kinds:
        found = {row.tiles: row for row in rows if (row.group, row.metric) == (group, metric)}
        count = max(row.count for row in found.values())
        cells = [f"{found[limit].value:.1%}" if limit in found else "" for limit in limits]
        lines.append(f"| {group} | {metric} | {count} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _also(row: Row) -> str:
    return ", ".join(f"{name} {value:.1%}" for name, value in row.more.items())


def _value(row: Row) -> str:
    return f"{row.value:.1%} ({row.low:.1%} to {row.high:.1%})"


def put_in_card(card: Path, text: str) -> None:
    """Replace what stands between the two marks. Raises ValueError where the card lacks one of them."""
    whole = card.read_text("utf-8")
    start, end = whole.find(BEGIN), whole.find(END)
    if start < 0 or end < start:
        raise ValueError(f"{card} needs a line {BEGIN} and below it a line {END}: the results are put between them")
    card.write_text(f"{whole[: start + len(BEGIN)]}\n{text}{whole[end:]}", encoding="utf-8")
