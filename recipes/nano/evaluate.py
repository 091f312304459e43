"""Score internvl-nano on fresh pictures: `python -m recipes.nano.evaluate --model internvl-nano --json scores.json`.

Texts of the held-out half only (`lexicon.is_held_out`), seeds that training never uses, and each set twice: in fonts never trained
on, and in training fonts, so that the price of a new font can be read off. Every question is a conversation of its own.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import PIL.Image
from recipes.nano.draw import draw
from recipes.nano.fonts import font_set
from recipes.nano.questions import Turn, turns
from recipes.nano.scene import random_scene

import internvl

READING = ("read english", "read number", "read chinese")
TASKS = (*READING, "shape", "colour", "count", "place", "exists", "refuse", "describe")
BATCH = 32


@dataclass(frozen=True)
class Question:
    """One picture, what is asked, and the right answer."""

    picture: PIL.Image.Image
    turn: Turn


@dataclass(frozen=True)
class Score:
    """How a task went: share of exactly right answers, and characters wrong per character (reading only)."""

    samples: int
    exact: float
    cer: float | None


def questions(task: str, count: int, *, seed: int, new_fonts: bool, tiles: str = "one") -> list[Question]:
    """`count` fresh questions of one task, half of them in Chinese on average."""
    source = random.Random(f"nano-test-{seed}-{task}-{new_fonts}-{tiles}")
    found: list[Question] = []
    while len(found) < count:
        scene = random_scene(source, font_set(held_out=new_fonts), held_out=True, tiles=tiles)
        fitting = [turn for turn in turns(scene, source, 8) if turn.task == task]
        if fitting:
            found.append(Question(draw(scene), fitting[0]))
    return found


def answers(vlm: internvl.VLM, asked: Sequence[Question]) -> list[str]:
    """The model's greedy answers."""
    replies: list[str] = []
    for start in range(0, len(asked), BATCH):
        chunk = asked[start : start + BATCH]
        replies += vlm.batch([(each.turn.question, internvl.Image(each.picture)) for each in chunk], max_new_tokens=96)
    return replies


def score(asked: Sequence[Question], replies: Sequence[str]) -> Score:
    """Exact match, and for reading the character error rate over all characters."""
    pairs = [(reply, each.turn.answer) for reply, each in zip(replies, asked, strict=True)]
    exact = sum(reply == answer for reply, answer in pairs) / len(pairs)
    if asked[0].turn.task not in READING:
        return Score(len(pairs), exact, None)
    wrong = sum(edits(reply, answer) for reply, answer in pairs)
    return Score(len(pairs), exact, wrong / sum(len(answer) for _, answer in pairs))


def edits(first: str, second: str) -> int:
    """Levenshtein distance."""
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        previous, row[0] = row[0], i
        for j, b in enumerate(second, start=1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


def evaluate(vlm: internvl.VLM, *, count: int, seed: int, progress: bool = True) -> dict[str, dict[str, Score]]:
    """Scores by set and task. Sets: "new fonts", "known fonts", "several tiles" (new fonts)."""
    sets = {"new fonts": (True, "one"), "known fonts": (False, "one"), "several tiles": (True, "many")}
    scores: dict[str, dict[str, Score]] = defaultdict(dict)
    for name, (new_fonts, tiles) in sets.items():
        for task in TASKS:
            asked = questions(task, count, seed=seed, new_fonts=new_fonts, tiles=tiles)
            scores[name][task] = score(asked, answers(vlm, asked))
            if progress:
                print(f"  {name}, {task}: {scores[name][task].exact:.2f}", file=sys.stderr, flush=True)
    return dict(scores)


def table(scores: dict[str, dict[str, Score]]) -> str:
    """Scores as a Markdown table."""
    lines = ["| task | samples | " + " | ".join(scores) + " |", "|---|---|" + "---|" * len(scores)]
    for task in TASKS:
        row = [by_task[task] for by_task in scores.values()]
        cells = [f"{s.exact:.1%}" + ("" if s.cer is None else f" (CER {s.cer:.1%})") for s in row]
        lines.append(f"| {task} | {row[0].samples} each | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Parse, evaluate, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description="Score internvl-nano on fresh pictures.")
    parser.add_argument("--model", default="internvl-nano")
    parser.add_argument("--count", type=int, default=200, help="questions a task and set")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    started = time.monotonic()
    scores = evaluate(internvl.load(options.model), count=options.count, seed=options.seed)
    print(table(scores))
    if options.json:
        content = {name: {task: vars(value) for task, value in by_task.items()} for name, by_task in scores.items()}
        result = {"seed": options.seed, "count": options.count, "seconds": time.monotonic() - started, "scores": content}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
