"""Hundreds of mixed requests against a real server: `python -m benchmarks.load_test --requests 300`.

    cases, shuffled --at once, up to --together--> a process of `internvl serve` --> outcomes, each beside the answer computed alone
    before, half-way, after: memory, threads, files, requests inside          SIGTERM among streams: all are finished
                                                                              --> benchmarks/results/load_*.json, *.md

It fails (exit status 1) when an answer is lost, mixed up or other than the one computed alone, when the server keeps something of what
is over, or when it does not finish what runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from benchmarks.load_cases import Case, cases, expected
from benchmarks.load_client import Outcome, run_all, send
from benchmarks.load_server import Held, Server, serving
from benchmarks.machine import describe

from internvl import load
from internvl.engine.vlm import VLM

RESULTS = Path(__file__).parent / "results"
SETTINGS = ("max_running=8", "max_waiting=24", "body_timeout_s=3")
SHARES = {"short": 8, "stream": 8, "long": 2, "pictures": 8, "slow": 2, "cut": 4, "hostile": 6}
"""How often a kind is drawn, of the sum."""
LEAK_MB = 64.0


def main() -> int:
    """Run it, write the report, and say whether all is well."""
    options = _options()
    vlm = load(options.model, device="cpu")
    report = measured(vlm, options.model, requests=options.requests, together=options.together, seed=options.seed)
    report["machine"] = {**describe(), "load_1m": round(os.getloadavg()[0], 1)}
    stamp = datetime.now(UTC).strftime("%Y%m%d_%H%M%S")
    if not options.no_results:
        (RESULTS / f"load_{stamp}.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", "utf-8")
        (RESULTS / f"load_{stamp}.md").write_text(markdown(report), "utf-8")
    print(markdown(report))
    return 1 if report["faults"] else 0


def measured(vlm: VLM, model: str, *, requests: int, together: int, seed: int = 0) -> dict[str, Any]:
    """Everything the report says. `vlm` is the same model in this process, for the answers computed alone."""
    with serving(model, SETTINGS) as server:
        name = httpx.get(f"{server.url}/v1/models", trust_env=False).json()["data"][0]["id"]
        asked = cases(name)
        wanted = {case.name: expected(vlm, case) for case in asked}
        asyncio.run(run_all(server.url, asked, together=4))  # what is loaded once is there before anything is counted
        before = server.settled()
        order = drawn(asked, requests, seed)
        half = len(order) // 2
        began = asyncio.run(run_all(server.url, order[:half], together=together))
        middle = server.settled()
        outcomes = began + asyncio.run(run_all(server.url, order[half:], together=together))
        after = server.settled()
        gone = server.counter("client_disconnects")
        ended = asyncio.run(finished_at_sigterm(server, [case for case in asked if case.kind == "stream"], wanted))
    faults = [f"{each.case.name}: {fault}" for each in outcomes if (fault := each.fault(wanted[each.case.name]))]
    return {
        "model": model,
        "requests": len(outcomes),
        "together": together,
        "settings": SETTINGS,
        "distinct_answers": len({text for text in wanted.values() if text}),
        "kinds": [kind_row(kind, outcomes) for kind in SHARES],
        "statuses": dict(sorted(Counter(str(each.status) for each in outcomes).items())),
        "turned_away": sum(each.turned_away for each in outcomes),
        "disconnects_noticed": int(gone),
        "held": {"before": before.to_dict(), "half-way": middle.to_dict(), "after": after.to_dict()},
        "shutdown": ended,
        "faults": faults + leaks(before, middle, after) + ended["faults"],
    }


def drawn(asked: Sequence[Case], number: int, seed: int) -> list[Case]:
    """Cases by the shares of their kinds, in an order that depends on the seed only. Every case comes once if there is room."""
    chance = random.Random(seed)
    by_kind = {kind: [case for case in asked if case.kind == kind] for kind in SHARES}
    kinds = chance.choices(list(SHARES), weights=list(SHARES.values()), k=max(0, number - len(asked)))
    order = [*asked, *(chance.choice(by_kind[kind]) for kind in kinds)][:number]
    chance.shuffle(order)
    return order


async def finished_at_sigterm(server: Server, streams: Sequence[Case], wanted: dict[str, str | None]) -> dict[str, Any]:
    """SIGTERM while answers are streamed: they are completed, new ones are refused, and the process ends with status 0."""
    async with httpx.AsyncClient(base_url=server.url, timeout=120, trust_env=False) as client:
        tasks = [asyncio.create_task(send(client, case)) for case in streams]
        while server.held().running == 0 and not all(task.done() for task in tasks):
            await asyncio.sleep(0.01)
        server.terminate()
        outcomes = await asyncio.gather(*tasks)
    status = await asyncio.to_thread(server.process.wait, 60)
    refused = [each for each in outcomes if each.status == 503 or "Connect" in each.error]
    faults = [
        f"at SIGTERM, {each.case.name}: {fault}"
        for each in outcomes
        if each not in refused and (fault := each.fault(wanted[each.case.name]))
    ]
    if status != 0:
        faults.append(f"at SIGTERM the process ended with status {status}")
    if len(refused) == len(outcomes):
        faults.append("at SIGTERM nothing was running")
    return {
        "streams": len(outcomes),
        "finished": len(outcomes) - len(refused),
        "refused": len(refused),
        "status": status,
        "faults": faults,
    }


def leaks(before: Held, middle: Held, after: Held) -> list[str]:
    """What the server keeps of requests that are over. Memory may grow while caches fill, but not in the second half."""
    found = []
    if after.running or after.waiting:
        found.append(f"{after.running} requests run and {after.waiting} wait after the end")
    if after.rss_mb - middle.rss_mb > LEAK_MB:
        found.append(f"memory grew by {after.rss_mb - middle.rss_mb:.0f} MB in the second half")
    for name, slack in (("threads", 2), ("files", 3), ("children", 0)):
        if getattr(after, name) > getattr(before, name) + slack:
            found.append(f"{name} grew from {getattr(before, name)} to {getattr(after, name)}")
    return found


def kind_row(kind: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """How many requests of a kind there were, and the 50th and 95th percentile of their seconds."""
    mine = [each for each in outcomes if each.case.kind == kind]
    first = [each.first_s for each in mine if each.first_s is not None]
    whole = [each.whole_s for each in mine]
    row = {"kind": kind, "requests": len(mine)}
    for name, values in (("first", first), ("whole", whole)):
        row |= {f"{name}_p{part}_s": percentile(values, part) for part in (50, 95)}
    return row


def percentile(values: Sequence[float], part: int) -> float | None:
    """The nearest rank; None of nothing."""
    return round(sorted(values)[max(0, math.ceil(len(values) * part / 100) - 1)], 3) if values else None


def markdown(report: dict[str, Any]) -> str:
    """The report as a page."""
    lines = [
        f"# {report['requests']} requests, up to {report['together']} at once, against one `internvl serve` of {report['model']}",
        "",
        "| kind | requests | first token p50 s | p95 s | whole p50 s | p95 s |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    names = ("kind", "requests", "first_p50_s", "first_p95_s", "whole_p50_s", "whole_p95_s")
    lines += ["| " + " | ".join("" if row[name] is None else str(row[name]) for name in names) + " |" for row in report["kinds"]]
    lines += ["", "| | memory MB | threads | open files | decoders | running | waiting |", "|---|--:|--:|--:|--:|--:|--:|"]
    for moment, held in report["held"].items():
        lines.append(f"| {moment} | {held['rss_mb']:.0f} | " + " | ".join(str(held[name]) for name in list(held)[1:]) + " |")
    ended, machine = report["shutdown"], report.get("machine")
    lines += [
        "",
        f"{report['distinct_answers']} different answers, each compared with the one computed alone. Statuses: {report['statuses']}. "
        f"Turned away with 429 and sent again: {report['turned_away']}. "
        f"Clients that hung up, noticed: {report['disconnects_noticed']}. "
        f"SIGTERM among {ended['streams']} streams: {ended['finished']} finished, {ended['refused']} refused, "
        f"exit status {ended['status']}.",
        "",
        f"Machine: {machine['processor']}, {machine['cores']} cores, load {machine['load_1m']} (other work ran beside it)."
        if machine
        else "",
        "",
        "**Faults: none.**" if not report["faults"] else "**Faults:**\n\n" + "\n".join(f"- {fault}" for fault in report["faults"]),
        "",
    ]
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="internvl-nano")
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--together", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-results", action="store_true", help="write no files")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
