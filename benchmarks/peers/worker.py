"""One program in a process of its own: `python -m benchmarks.peers.worker JOB.json` prints one line of JSON.

    load -> one tile (cold, then twice) -> second turn -> the same picture in other chats -> seven -> thirteen -> four at once

The job names the program, its model, the parts to measure and the pictures (see `benchmarks.peers.jobs`).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.machine import process_age_s
from benchmarks.peers.peer import NEXT_QUESTION, OTHER_QUESTION, QUESTION, Peer, Picture, Setup, make_peer

Figures = dict[str, Any]
COMPARED_TOKENS = 16
OTHER_CHAT = 900


def measure(job: dict[str, Any]) -> Figures:
    """Every figure of one program; seconds, tokens a second, megabytes."""
    setup = Setup(**{**job["setup"], "folder": Path(job["setup"]["folder"])})
    began = time.monotonic()
    peer = make_peer(job["program"], setup)
    imported = time.monotonic()
    try:
        peer.load()
        ready = time.monotonic()
        figures: Figures = {"import_s": imported - began, "load_s": ready - imported, "ready_s": process_age_s()}
        pictures = {key: [Picture(**each) for each in group] for key, group in job["pictures"].items()}
        if job["parts"][0] != "one":
            peer.ask(Picture(**job["pictures"]["one"][0]), QUESTION, tokens=2)
        for part in job["parts"]:
            PARTS[part](peer, pictures[part], job, figures)
            figures[f"peak_{part}_mb"] = peer.peak_mb()
    finally:
        peer.close()
    return figures


def _one(peer: Peer, pictures: list[Picture], job: dict[str, Any], figures: Figures) -> None:
    """Two answers behind a cold one; the second is short, and its chat goes on."""
    cold, long, short = pictures
    peer.ask(cold, QUESTION, tokens=1)
    figures["cold_first_token_s"] = process_age_s()
    turns = [peer.ask(long, QUESTION, tokens=job["tokens"]), peer.ask(short, QUESTION, tokens=job["short_answer"])]
    figures["encode_1_s"] = median(turn.encode_s for turn in turns)
    figures["first_token_1_s"] = median(turn.first_token_s for turn in turns)
    figures["prefill_1_s"] = median(turn.first_token_s - turn.encode_s for turn in turns)
    figures["decode_1_tok_s"] = turns[0].tokens_per_s
    figures["prompt_1_tokens"] = turns[0].prompt_tokens
    figures["answer"] = turns[0].tokens[:COMPARED_TOKENS]
    for key, by_hand in (("second_turn_s", False), ("second_turn_by_hand_s", True)):
        turn = peer.again(NEXT_QUESTION, tokens=2, by_hand=by_hand)
        if turn is not None:
            figures[key] = turn.first_token_s
    for key, picture in (("other_chat", short), ("other_system", replace(short, chat=OTHER_CHAT))):
        other = peer.ask(picture, OTHER_QUESTION, tokens=2)
        figures[f"{key}_s"], figures[f"{key}_encode_s"] = other.first_token_s, other.encode_s


def _many(peer: Peer, pictures: list[Picture], job: dict[str, Any], figures: Figures) -> None:
    """One answer about a picture of many tiles."""
    tiles = pictures[0].tiles
    turn = peer.ask(pictures[0], QUESTION, tokens=job["many_tokens"])
    figures[f"encode_{tiles}_s"] = turn.encode_s
    figures[f"first_token_{tiles}_s"] = turn.first_token_s
    figures[f"prefill_{tiles}_s"] = turn.first_token_s - turn.encode_s
    figures[f"decode_{tiles}_tok_s"] = turn.tokens_per_s
    figures[f"prompt_{tiles}_tokens"] = turn.prompt_tokens


def _batch(peer: Peer, pictures: list[Picture], job: dict[str, Any], figures: Figures) -> None:
    """Four pictures at once."""
    figures["batch_s"] = peer.batch(pictures, QUESTION, tokens=job["batch_tokens"])
    figures["batch_tok_s"] = len(pictures) * job["batch_tokens"] / figures["batch_s"]


PARTS: dict[str, Callable[[Peer, list[Picture], dict[str, Any], Figures], None]] = {
    "one": _one,
    "seven": _many,
    "thirteen": _many,
    "batch": _batch,
}


def main() -> None:
    """Read the job, measure, print."""
    job = json.loads(Path(sys.argv[1]).read_text())
    print(json.dumps(measure(job)))


if __name__ == "__main__":
    main()
