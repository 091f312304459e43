"""What this package aims at beside the others, as ratios in one run: above 1 we are ahead, `at_least` is the aim.

figures of both, round by round -> ratio of the medians, and the ratios of the single rounds beside it
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.peers.table import Rows, values

ENCODED_NOTHING_S = 0.02  # looking up and cutting the picture


@dataclass(frozen=True, kw_only=True)
class Goal:
    """`ours` against the best of `others`, whose names begin so; all peers where there are none. higher: more is better."""

    label: str
    key: str
    ours: str
    others: tuple[str, ...] = ()
    at_least: float = 1.0
    higher: bool = False


_TILES = ((1, "1 tile"), (7, "7 tiles"), (13, "13 tiles"))
GOALS = {
    "1b": (
        Goal(label="encode, 1 tile", key="encode_1_s", ours="internvl int8", others=("OpenVINO int8",), at_least=1.3),
        Goal(label="encode, 7 tiles", key="encode_7_s", ours="internvl int8", others=("OpenVINO int8",), at_least=1.3),
        *(Goal(label=f"first token, {text}", key=f"first_token_{n}_s", ours="internvl int4", at_least=1.2) for n, text in _TILES),
        Goal(label="decode, 1 tile", key="decode_1_tok_s", ours="internvl int4", others=("llama.cpp q4_0",), higher=True),
        Goal(label="decode, 7 tiles", key="decode_7_tok_s", ours="internvl int4", others=("OpenVINO int4",), at_least=1.2, higher=True),
        Goal(label="second turn", key="second_turn_s", ours="internvl int4", others=("OpenVINO",)),
        Goal(label="four together", key="batch_tok_s", ours="internvl int4", others=("OpenVINO",), at_least=1.3, higher=True),
        Goal(label="peak memory, 1 tile", key="peak_one_mb", ours="internvl int4", others=("llama.cpp",)),
        Goal(label="peak memory, up to 7 tiles", key="peak_seven_mb", ours="internvl int4", others=("llama.cpp",)),
    ),
    "nano": (
        Goal(label="decode, 1 tile, int4", key="decode_1_tok_s", ours="internvl int4", others=("llama.cpp q4_0",), higher=True),
        Goal(label="decode, 1 tile, int8", key="decode_1_tok_s", ours="internvl int8", others=("llama.cpp q8_0",), higher=True),
        *(
            Goal(label=f"first token, {text}", key=f"first_token_{n}_s", ours="internvl int4", others=("OpenVINO",))
            for n, text in _TILES
        ),
    ),
}


def lines(run: Mapping[str, Any]) -> Iterator[str]:
    """Markdown lines: a goal each, met or by how much missed."""
    rows: Rows = run["rows"]
    yield "\n| aim | ours | best of the others | ratio | by round | aimed at | |"
    yield "|---|---|---|---|---|---|---|"
    for goal in GOALS[run["shape"]]:
        yield from _line(goal, rows)
    yield from _encoded_once(rows)


def _line(goal: Goal, rows: Rows) -> Iterator[str]:
    mine = values(rows, goal.ours, goal.key)
    found = {name: each for name in _others(goal, rows) if (each := values(rows, name, goal.key))}
    if not mine or not found:
        sides = (f"{goal.ours} {median(mine):.3g}" if mine else "not measured", "measured" if found else "not measured")
        yield f"| {goal.label} | {sides[0]} | {sides[1]} | | | {goal.at_least} | |"
        return
    best = (max if goal.higher else min)(found, key=lambda name: median(found[name]))
    ratio = _ratio(goal, median(mine), median(found[best]))
    rounds = ", ".join(f"{_ratio(goal, *pair):.2f}" for pair in _pairs(rows, goal.ours, best, goal.key))
    verdict = "met" if ratio >= goal.at_least else f"missed by {1 - ratio / goal.at_least:.0%}"
    figures = f"{goal.ours} {median(mine):.3g} | {best} {median(found[best]):.3g}"
    yield f"| {goal.label} | {figures} | {ratio:.2f} | {rounds} | {goal.at_least} | {verdict} |"


def _others(goal: Goal, rows: Rows) -> list[str]:
    names = sorted({row["contender"] for row in rows if not row["contender"].startswith("internvl")})
    return [name for name in names if not goal.others or name.startswith(goal.others)]


def _pairs(rows: Rows, ours: str, theirs: str, key: str) -> Iterator[tuple[float, float]]:
    """Figures of the same round: what drifted in between is least there."""
    by_round = [
        {row["round"]: row["figures"][key] for row in rows if row["contender"] == name and key in row["figures"]}
        for name in (ours, theirs)
    ]
    yield from ((mine, by_round[1][number]) for number, mine in by_round[0].items() if number in by_round[1])


def _ratio(goal: Goal, ours: float, theirs: float) -> float:
    return ours / theirs if goal.higher else theirs / ours


def _encoded_once(rows: Rows) -> Iterator[str]:
    """Who answers about a picture seen in another chat, behind another system message, without encoding it."""
    key = "other_system_encode_s"
    names = sorted({row["contender"] for row in rows if key in row["figures"]})
    spared = [name for name in names if median(values(rows, name, key)) < ENCODED_NOTHING_S]
    if names:
        yield f"\nA picture seen before in a chat with another system message is not encoded again by: {', '.join(spared) or 'none'}."
