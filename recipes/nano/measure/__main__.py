"""Measures a model: generated test pictures, real pictures, PP-OCR beside it, the tile ablation, times; one folder of results.

    python -m recipes.nano.measure --model internvl-nano --out runs/measure --beside rapidocr --card docs/models/internvl-nano.md

    questions -> answers.jsonl (resumable) -> results.json, results.md, rows.png, tiles.png, wrong.html, wrong.png

Run from the root of the repository. A run that was killed goes on with the questions it lacks when the same command is given again.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recipes.nano.data.registry import FAMILIES
from recipes.nano.data.sample import MissingMaterial
from recipes.nano.measure.answerers import TRUTH, Answerer, answerer_named
from recipes.nano.measure.generated import generated_questions
from recipes.nano.measure.plots import plot_rows, plot_tiles
from recipes.nano.measure.question import Question
from recipes.nano.measure.real import real_questions
from recipes.nano.measure.report import markdown, put_in_card
from recipes.nano.measure.run import Answered, Ledger, ask_all, read_all
from recipes.nano.measure.summary import Row, by_family, false_refusals, summary
from recipes.nano.measure.wrong import write_html, write_sheet, wrong_of

import internvl
from internvl.errors import InternVLError

SEED, COUNT, QUICK, ABLATION = 2026, 200, 8, 48
TILES = (1, 2, 4, 6, 12, 24)
# The groups whose pictures are large: what tiles are for.
TILED = ("pages", "pages, asked", "documents", "receipts", "documents, json", "receipts, json")
STORED = Path("build") / "measure"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 0 when everything that was asked for is there."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    asked = _parser().parse_args(words)
    try:
        results, answered = measure(asked)
    except (InternVLError, MissingMaterial) as error:
        print(error, file=sys.stderr)
        return 1
    results["command"] = "python -m recipes.nano.measure " + shlex.join(words)
    text = markdown(results)
    _write(results, answered, text, asked.out)
    print(text)
    if asked.card:
        put_in_card(asked.card, text)
    return 0


def measure(asked: argparse.Namespace) -> tuple[dict[str, Any], list[Answered]]:
    """Ask everything; the results as JSON values, and the model's answers. Raises InternVLError, MissingMaterial."""
    count = asked.count or (QUICK if asked.quick else COUNT)
    generated = generated_questions(asked.stored, seed=asked.seed, count=count, families=asked.families.split(","))
    questions = generated + ([] if asked.no_real else real_questions(asked.stored))
    answerer = answerer_named(asked.model)
    ledger = Ledger(asked.out / f"answers-{asked.seed}.jsonl")
    answered = ask_all(questions, answerer, ledger, progress=_say)
    peers = _beside(questions, ledger) if asked.beside else []
    tiles = _ablation(generated, answerer, ledger, asked.tiles) if asked.tiles else []
    results = {
        "by": answerer.name,
        "seed": asked.seed,
        "count": count,
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "versions": {"internvl": internvl.__version__, "python": platform.python_version()},
        "rows": [row.as_dict() for row in [*summary(answered), *false_refusals(answered), *summary(peers)]],
        "families": [row.as_dict() for row in by_family(answered)],
        "ablation": [row.as_dict() for row in summary(tiles)],
        "times": _times(asked.model) if not asked.no_times and asked.model != TRUTH else {},
    }
    return results, answered


def _beside(questions: Sequence[Question], ledger: Ledger) -> list[Answered]:
    """PP-OCR on every picture that is to be read as a whole; on cut-out lines with its recogniser alone too."""
    from recipes.nano.measure.ppocr import LINE, PAGE, PpOcr

    engine = PpOcr()
    to_read = [question for question in questions if question.measure == "reading"]
    lines = [question for question in to_read if "crop" in question.facts]
    found = read_all(to_read, PAGE, engine.read, ledger, progress=_say)
    return found + read_all(lines, LINE, engine.read_line, ledger, progress=_say)


def _ablation(questions: Sequence[Question], answerer: Answerer, ledger: Ledger, limits: Sequence[int]) -> list[Answered]:
    """The first questions of each group with large pictures, in each language, asked once for every limit."""
    kept: list[Question] = []
    for group in TILED:
        for language in ("en", "zh"):
            kept += [one for one in questions if (one.group, one.language) == (group, language)][: ABLATION // 2]
    return [one for limit in limits for one in ask_all(kept, answerer, ledger, tiles=limit, progress=_say)]


def _times(model: str) -> dict[str, Any]:
    from recipes.nano.measure.times import timings

    return {**timings(model), "cores": os.cpu_count(), "load_average": round(os.getloadavg()[0], 2)}


def _write(results: dict[str, Any], answered: Sequence[Answered], text: str, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (out / "results.md").write_text(text, encoding="utf-8")
    plot_rows([Row(**row) for row in results["rows"]], out / "rows.png")
    if results["ablation"]:
        plot_tiles([Row(**row) for row in results["ablation"]], out / "tiles.png")
    wrong = wrong_of(answered)
    write_html(wrong, out / "wrong.html")
    if wrong:
        try:
            write_sheet(wrong, out / "wrong.png")
        except MissingMaterial as error:
            print(f"no wrong.png: {error}", file=sys.stderr)


def _say(what: str, done: int, total: int) -> None:
    print(f"  {what}: {done} of {total}", file=sys.stderr, flush=True)


def _limits(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(",") if word)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m recipes.nano.measure", description="Measure what a model reads and sees.")
    parser.add_argument("--model", default="internvl-nano", help=f"a name, a folder, or {TRUTH!r}: a fake that is always right")
    parser.add_argument("--out", type=Path, default=Path("runs") / "measure", help="folder of the results")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} questions a set instead of {COUNT}")
    parser.add_argument("--count", type=int, help="questions a set")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--families", default=",".join(FAMILIES), help="generated families, with commas")
    parser.add_argument("--beside", choices=("rapidocr",), help="read the same pictures with PP-OCR too")
    parser.add_argument("--tiles", type=_limits, default=TILES, metavar="1,2,4", help="limits of the tile ablation; empty for none")
    parser.add_argument("--no-real", action="store_true", help="generated pictures only")
    parser.add_argument("--no-times", action="store_true", help="don't time loading and answering")
    parser.add_argument("--card", type=Path, help="model card whose block between two marks is replaced")
    parser.add_argument("--stored", type=Path, default=STORED, help="folder where the pictures are kept")
    return parser


if __name__ == "__main__":
    sys.exit(main())
