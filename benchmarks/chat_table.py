"""The figures of a run as a table for the terminal and as Markdown: a line a metric, a column a contender, and who leads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

OURS, PEER = "internvl", "transformers"


@dataclass(frozen=True)
class Metric:
    """A line of the table; `higher` says which way is better, `kept` that one key of ours stands against another of the peer."""

    label: str
    key: str
    unit: str = "s"
    higher: bool = False
    peer_key: str = ""


METRICS = (
    Metric("import (torch included)", "import_all_s"),
    Metric("load model and tokenizer", "load_s"),
    Metric("process start to first token", "cold_first_token_s"),
    Metric("encode, 1 tile", "encode_1_s"),
    Metric("encode, 7 tiles", "encode_7_s"),
    Metric("prefill, 1 tile", "prefill_1_s"),
    Metric("prefill, 7 tiles", "prefill_7_s"),
    Metric("first token, 1 tile", "first_token_1_s"),
    Metric("first token, 7 tiles", "first_token_7_s"),
    Metric("decode, 1 tile", "decode_tokens_per_s", "tok/s", higher=True),
    Metric("decode, 7 tiles", "decode_7_tokens_per_s", "tok/s", higher=True),
    Metric("second turn (peer: whole prompt again)", "second_turn_kept_s", peer_key="second_turn_naive_s"),
    Metric("second turn (peer: cache kept by hand)", "second_turn_kept_s"),
    Metric("batch of 4, whole", "batch_4_s"),
    Metric("peak memory, 1 tile", "peak_1_mb", "MB"),
    Metric("peak memory, whole run", "peak_mb", "MB"),
)


def print_table(run: dict[str, Any]) -> None:
    """The table of one shape and number type, with the state of the machine around it."""
    print("\n".join(lines(run)))


def lines(run: dict[str, Any]) -> Iterator[str]:
    """Markdown lines of a run."""
    moments = (run["before"], run["after"])
    load = " -> ".join(f"{each['load_1m']:.1f}" for each in moments)
    bandwidth = " -> ".join(f"{each['read_gb_per_s']:.0f}" for each in moments)
    yield f"\n### {run['shape']} {run['dtype']} ({run['rounds']} rounds, load average {load}, read bandwidth {bandwidth} GB/s)\n"
    yield f"Greedy tokens equal: {run['same_tokens']} of {run['tokens']}; in the batch of 4: {run['same_batch_tokens']}.\n"
    yield f"| | {OURS} | {PEER} | {OURS} is |"
    yield "|---|---|---|---|"
    ours, peer = (_with_sums(run["contenders"][name]) for name in (OURS, PEER))
    for metric in METRICS:
        mine, theirs = ours[metric.key], peer[metric.peer_key or metric.key]
        yield f"| {metric.label}, {metric.unit} | {number(mine)} | {number(theirs)} | {_verdict(metric, mine, theirs)} |"


def _with_sums(figures: dict[str, float]) -> dict[str, float]:
    return figures | {"import_all_s": figures["torch_import_s"] + figures["import_s"]}


def _verdict(metric: Metric, mine: float, theirs: float) -> str:
    ratio = mine / theirs if metric.higher else theirs / mine
    better, worse = ("smaller", "larger") if metric.unit == "MB" else ("faster", "slower")
    return f"{ratio:.2f}x {better}" if ratio >= 1 else f"{1 / ratio:.2f}x {worse}"


def number(value: float) -> str:
    """Three or four figures, as many as a timing is good for."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3f}"
