"""The generated test: pictures of unseen fonts, texts, layouts and drawings, drawn once and kept as files.

    (seed, family, number) -> Sample of the test split -> one of its questions -> build/measure/SEED/FAMILY/{*.webp, questions.jsonl}

A sample gives one question, so that answers are independent. Which measure a question gets depends on its family, its task and the form
of its true answer alone.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from recipes.nano.data.registry import FAMILIES, load_family, naming_libraries
from recipes.nano.data.sample import Language, MissingMaterial, Sample
from recipes.nano.data.shards import encode_picture
from recipes.nano.measure.printed_lines import line_question
from recipes.nano.measure.question import Question, read_questions, write_questions

LANGUAGES: tuple[Language, ...] = ("en", "zh")
# Of how many samples of its language one is looked for that asks to read a whole page.
PAGES_TO_TRY = 400
TRANSCRIPTIONS = {"read", "markdown", "html", "table"}
# Talk that has one right answer; greetings have many.
TALK = ("sum", "bigger", "capital", "fact", "who", "no_picture", "unknown")
NAME = "internvl-nano"
NOT_THERE_TASKS = {"absent", "refused", "no_picture"}
BY_FAMILY = {"documents": "anls", "lines": "anls", "pages": "anls", "notes": "anls", "charts": "relaxed"}
COUNTING = ("count", "total", "animals")
LATEX_TASKS = ("transcribe", "transcribe_numbered", "left", "right", "numerator", "denominator", "entry", "upper", "lower", "radicand")


def generated_questions(root: Path, *, seed: int, count: int, families: Sequence[str] = tuple(FAMILIES)) -> list[Question]:
    """`count` questions of each family and as many lines and pages to read, from files where they were drawn before.

    A family whose materials are missing is named on stderr and left out.
    """
    found: list[Question] = []
    sets: dict[str, Callable[[Path], list[Question]]] = {
        "reading_lines": lambda folder: _lines(folder, seed, count),
        "reading_pages": lambda folder: _pages(folder, seed, max(2, count // 2)),
        **{name: _of_family(name, seed, count) for name in families},
    }
    for name, draw in sets.items():
        folder = root / f"seed-{seed}" / f"{name}-{count}"
        try:
            found += _kept(folder, draw)
        except MissingMaterial as error:
            print(f"left out: {name}: {error}", file=sys.stderr, flush=True)
    return found


def _kept(folder: Path, draw: Callable[[Path], list[Question]]) -> list[Question]:
    """The questions of a folder; drawn into it first unless its list is there, which is written last."""
    listing = folder / "questions.jsonl"
    if not listing.is_file():
        print(f"  drawing {folder}", file=sys.stderr, flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        write_questions(listing, draw(folder))
    return read_questions(listing)


def _lines(folder: Path, seed: int, count: int) -> list[Question]:
    return [
        line_question(folder, seed=seed, language=language, number=number, degraded=degraded)
        for degraded in (False, True)
        for language in LANGUAGES
        for number in range(count)
    ]


def _pages(folder: Path, seed: int, count: int) -> list[Question]:
    """Pages of one column: the order of columns would be scored instead of the reading."""
    family = load_family("pages")
    found: list[Question] = []
    for language in LANGUAGES:
        wanted = count
        for number in range(PAGES_TO_TRY * count):
            sample = family.sample(random.Random(f"measure pages {seed} {language} {number}"), "test")
            asked = next((turn for turn, task in zip(sample.turns, _tasks(sample), strict=True) if task["task"] == "read"), None)
            facts = sample.facts
            if asked is None or facts["text_language"] != language or facts.get("columns") != 1 or len(facts["lines"]) < 4:
                continue
            pictures = _store(folder, f"page-{language}-{number:05d}", sample)
            found.append(
                Question(
                    id=f"page-{language}-{number:05d}",
                    group="pages",
                    task="reading/read",
                    language=language,
                    asked=asked.question,
                    answers=(asked.answer,),
                    measure="reading",
                    pictures=pictures,
                )
            )
            wanted -= 1
            if not wanted:
                break
    return found


def _of_family(name: str, seed: int, count: int) -> Callable[[Path], list[Question]]:
    def draw(folder: Path) -> list[Question]:
        found: list[Question] = []
        with naming_libraries():
            family = load_family(name)
            number = 0
            while len(found) < count:
                source = random.Random(f"measure {name} {seed} {number}")
                question = question_of(family.sample(source, "test"), folder, f"{name}-{number:05d}", source)
                number += 1
                found += [question] if question else []
        return found

    return draw


def question_of(sample: Sample, folder: Path, key: str, source: random.Random) -> Question | None:
    """One question of a sample with its pictures stored; None for small talk, which has no one answer."""
    tasks = _tasks(sample)
    choices = [0] if sample.family == "talk" else range(len(sample.turns))
    at = source.choice([number for number in choices if sample.family != "talk" or tasks[number]["task"] in TALK] or [-1])
    if at < 0:
        return None
    turn, facts = sample.turns[at], tasks[at]
    measure = measure_of(sample.family, facts["task"], turn.answer)
    return Question(
        id=key,
        group=group_of(sample.family, measure, facts["task"]),
        task=f"{sample.family}/{facts['task']}",
        language=sample.language,
        asked=turn.question,
        answers=(NAME if measure == "contains" else turn.answer,),
        measure=measure,
        pictures=_store(folder, key, sample),
        is_clip=sample.is_video,
        facts={name: facts[name] for name in ("value", "tolerance") if isinstance(facts.get(name), int | float)},
    )


def measure_of(family: str, task: str, answer: str) -> str:
    """The measure of a generated question."""
    if task in NOT_THERE_TASKS or _is_refusal(answer):
        return "refusal"
    if "<box>" in answer:
        return "boxes"
    if family in ("receipts", "documents") and answer.startswith("{"):
        return "json"
    if (family in ("tables", "charts") and answer.startswith("| ")) or answer.startswith("<table"):
        return "table"
    if family == "formulas" and task in LATEX_TASKS:
        return "formula"
    if family == "scenes" and task == "caption":
        return "words"
    if family == "talk" and task == "who":
        return "contains"
    return BY_FAMILY.get(family, "exact")


def group_of(family: str, measure: str, task: str) -> str:
    """The row of the results: counting, locating, captions and refusals are rows of their own over all families."""
    if measure in ("refusal", "boxes", "json", "table", "formula"):
        return {"refusal": "not there", "boxes": "locating"}.get(measure, f"{family}, {measure}")
    if family == "scenes":
        return "captions" if measure == "words" else "counting" if task in COUNTING else "scenes, other"
    return f"{family}, asked" if family in ("lines", "pages", "notes") else family


def _is_refusal(answer: str) -> bool:
    from recipes.nano.measure.scoring import refuses

    return len(answer) < 60 and refuses(answer)


def _tasks(sample: Sample) -> list[dict[str, Any]]:
    """What each turn asks, with its facts; families that note only the names give those."""
    noted = sample.facts.get("turns") or sample.facts["tasks"]
    return [note if isinstance(note, dict) else {"task": note} for note in noted]


def _store(folder: Path, key: str, sample: Sample) -> tuple[str, ...]:
    paths = []
    for number, image in enumerate(sample.images):
        suffix, content = encode_picture(image)
        path = folder / f"{key}-{number}.{suffix}"
        path.write_bytes(content)
        paths.append(str(path))
    return tuple(paths)
