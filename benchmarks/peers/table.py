"""The figures of a run as Markdown: a line a metric, a column a program; then the ratios that were aimed at.

A cell is the median over rounds, and behind it how far the rounds lie apart: half their range in percent of the median.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.chat_table import number
from benchmarks.turn import shared

REFERENCE = "internvl bf16"  # transformers gets other pixels, so it is no oracle here
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Metric:
    """A line of the table; `higher` says which way is better."""

    label: str
    key: str
    unit: str = "s"
    higher: bool = False


METRICS = (
    Metric("process start until ready", "ready_s"),
    Metric("of it, load", "load_s"),
    Metric("process start to first token", "cold_first_token_s"),
    *(Metric(f"encode, {tiles}", f"encode_{tiles.split()[0]}_s") for tiles in ("1 tile", "7 tiles", "13 tiles")),
    *(Metric(f"prefill, {tiles}", f"prefill_{tiles.split()[0]}_s") for tiles in ("1 tile", "7 tiles", "13 tiles")),
    *(Metric(f"first token, {tiles}", f"first_token_{tiles.split()[0]}_s") for tiles in ("1 tile", "7 tiles", "13 tiles")),
    *(Metric(f"decode, {tiles}", f"decode_{tiles.split()[0]}_tok_s", "tok/s", True) for tiles in ("1 tile", "7 tiles", "13 tiles")),
    Metric("second turn, first token", "second_turn_s"),
    Metric("second turn, cache kept by its caller", "second_turn_by_hand_s"),
    Metric("same picture in another chat, first token", "other_chat_s"),
    Metric("of it, encode", "other_chat_encode_s"),
    Metric("and behind another system message", "other_system_s"),
    Metric("of it, encode", "other_system_encode_s"),
    Metric("four requests together", "batch_s"),
    Metric("four requests together", "batch_tok_s", "tok/s", True),
    Metric("peak memory, 1 tile", "peak_one_mb", "MB"),
    Metric("peak memory, up to 7 tiles", "peak_seven_mb", "MB"),
    Metric("peak memory, up to 13 tiles", "peak_thirteen_mb", "MB"),
    Metric("prompt, 1 tile", "prompt_1_tokens", "tokens"),
)


def lines(run: Mapping[str, Any]) -> Iterator[str]:
    """Markdown lines of one shape's run."""
    rows: Rows = run["rows"]
    bandwidth, load = ([row["machine"][key] for row in rows] for key in ("read_gb_per_s", "load_1m"))
    yield f"\n### {run['shape']}, {run['threads']} thread{'s' if run['threads'] > 1 else ''}\n"
    if rows:
        yield f"Read bandwidth {min(bandwidth):.0f} to {max(bandwidth):.0f} GB/s (median {median(bandwidth):.0f}), load average"
        yield f"{min(load):.1f} to {max(load):.1f}; {run['seconds']:.0f} s. A cell: median, ± half the range of its rounds.\n"
    for name, reason in run["absent"].items():
        yield f"- {name} is absent: {reason}"
    names = [name for name in run["order"] if any(row["contender"] == name for row in rows)]
    yield f"\n| | {' | '.join(names)} |"
    yield "|" + "---|" * (len(names) + 1)
    for metric in METRICS:
        cells = [_cell(values(rows, name, metric.key)) for name in names]
        if any(cells):
            yield f"| {metric.label}, {metric.unit} | {' | '.join(cell or '-' for cell in cells)} |"
    yield from _agreement(rows, names)


def values(rows: Rows, name: str, key: str) -> list[float]:
    """A figure of one program, a round each."""
    return [row["figures"][key] for row in rows if row["contender"] == name and key in row["figures"]]


def _agreement(rows: Rows, names: Sequence[str]) -> Iterator[str]:
    """Whether programs compute the same: leading tokens of an answer. Random weights have many near ties, so they part soon."""
    answers = {row["contender"]: row["figures"]["answer"] for row in rows if "answer" in row["figures"]}
    reference = answers.get(REFERENCE)
    told = [f"{name} {shared(reference, answers[name])}" for name in names if reference and name in answers and name != REFERENCE]
    if told:
        yield f"\nLeading tokens of one answer that are {REFERENCE}'s, of {len(reference or [])}: {', '.join(told)}."


def _cell(numbers: Sequence[float]) -> str:
    if not numbers:
        return ""
    middle = median(numbers)
    spread = (max(numbers) - min(numbers)) / 2 / middle if middle else 0.0
    return number(middle) + (f" ±{spread:.0%}" if len(numbers) > 1 else "")
