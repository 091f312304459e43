"""Asks every question once and keeps each answer: a run that was killed goes on with the questions it lacks.

questions, answerer -> answers.jsonl {"key", "by", "answer", "scores", ...} -> [Answered, ...]
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.nano.measure.answerers import Answerer, room
from recipes.nano.measure.question import Question
from recipes.nano.measure.scoring import Scores, score

CHUNK = 16
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Answered:
    """A question with an answer and its scores; by: whose; tiles: the limit it was asked with, None for the model's own."""

    question: Question
    by: str
    answer: str
    scores: Scores
    tiles: int | None = None


class Ledger:
    """The answers of a run, one line each, in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._known: dict[str, str] = {}
        if path.is_file():
            self._read(path.read_text("utf-8"))

    def _read(self, text: str) -> None:
        """A last line that was cut off by a kill is taken out: its question is asked again."""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            self._path.write_text(whole, encoding="utf-8")
        for line in whole.splitlines():
            row = json.loads(line)
            self._known[row["key"]] = row["answer"]

    def get(self, key: str) -> str | None:
        """The answer that is kept under a key."""
        return self._known.get(key)

    def put(self, key: str, answered: Answered, seconds: float) -> None:
        """Keep an answer."""
        question = answered.question
        row: dict[str, Any] = {"key": key, "by": answered.by, "tiles": answered.tiles, "group": question.group, "task": question.task}
        row |= {"language": question.language, "asked": question.asked, "truth": list(question.answers)}
        row |= {"answer": answered.answer, "scores": answered.scores, "seconds": round(seconds, 3), "pictures": list(question.pictures)}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self._known[key] = answered.answer


def ask_all(
    questions: Sequence[Question], answerer: Answerer, ledger: Ledger, *, tiles: int | None = None, progress: Progress | None = None
) -> list[Answered]:
    """Every question answered by the model, from the ledger where it was asked before. Scores are computed anew each time."""
    todo = [question for question in questions if ledger.get(_key(question, answerer.name, tiles)) is None]
    # Neighbours that need as much room are decoded together.
    todo.sort(key=lambda question: (room(question), question.group, question.id))
    for start in range(0, len(todo), CHUNK):
        chunk, started = todo[start : start + CHUNK], time.monotonic()
        replies = answerer.answers(chunk, max_tiles=tiles)
        each = (time.monotonic() - started) / len(chunk)
        for question, reply in zip(chunk, replies, strict=True):
            answered = Answered(question, answerer.name, reply, score(reply, question), tiles)
            ledger.put(_key(question, answerer.name, tiles), answered, each)
        if progress:
            progress(f"{answerer.name}{f', {tiles} tiles' if tiles else ''}", min(start + CHUNK, len(todo)), len(todo))
    return [_kept(question, answerer.name, ledger, tiles) for question in questions]


def read_all(
    questions: Sequence[Question], name: str, read: Callable[[Question], str], ledger: Ledger, *, progress: Progress | None = None
) -> list[Answered]:
    """The same for a reader that takes one picture at a time, such as an OCR engine."""
    for done, question in enumerate(questions, start=1):
        key = _key(question, name, None)
        if ledger.get(key) is None:
            started = time.monotonic()
            text = read(question)
            ledger.put(key, Answered(question, name, text, score(text, question)), time.monotonic() - started)
            if progress and done % CHUNK == 0:
                progress(name, done, len(questions))
    return [_kept(question, name, ledger, None) for question in questions]


def _kept(question: Question, name: str, ledger: Ledger, tiles: int | None) -> Answered:
    answer = ledger.get(_key(question, name, tiles)) or ""
    return Answered(question, name, answer, score(answer, question), tiles)


def _key(question: Question, name: str, tiles: int | None) -> str:
    return f"{name} | {tiles or 'own'} | {question.id}"
