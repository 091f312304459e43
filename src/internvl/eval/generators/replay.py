"""Answers that were given before: a samples.jsonl of an earlier run, or predictions of any other tool.

    {"id": "12", "prediction": "..."}  or "answer", or "answers": [a turn each]   -> Answer, by sample id and turn

So a run is scored again with another metric, or by a judge that was not at hand, without asking the model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from internvl.errors import InternVLError
from internvl.eval.errors import EvalError, GeneratorError
from internvl.eval.fingerprint import file_hash
from internvl.eval.generator import Ask, answered
from internvl.eval.recipe import RECIPE_FILE
from internvl.eval.results import SAMPLES_FILE, read_json_object
from internvl.eval.sample import Answer


class ReplayGenerator:
    """Answers from a JSONL file, or from the samples.jsonl in a result's folder.

    Raises EvalError for a line without id or answer, and for an id that stands twice.
    """

    batch_size = 1024

    def __init__(self, path: Path) -> None:
        self.path = path / SAMPLES_FILE if path.is_dir() else path
        self._lines = _read(self.path)
        self._of = _generator_of(self.path)
        self.name = str(self._of.get("name", self.path.stem))

    def describe(self) -> dict[str, Any]:
        """The file's hash, and who gave the answers where a recipe beside it says so."""
        return {"kind": "replay", "sha256": file_hash(self.path), "of": self._of, "runtime": {"file": str(self.path)}}

    def generate(self, asks: Sequence[Ask]) -> list[Answer]:
        """What the file has for each sample and turn. GeneratorError where it has nothing."""
        return answered([self._answer(ask) for ask in asks])

    def _answer(self, ask: Ask) -> Answer | InternVLError:
        if ask.id not in self._lines:
            return GeneratorError(f"{self.path.name} has no answer to sample {ask.id!r}")
        texts, usage = self._lines[ask.id]
        if ask.turn >= len(texts):
            return GeneratorError(f"{self.path.name} has {len(texts)} answers to sample {ask.id!r}, turn {ask.turn + 1} was asked")
        if ask.turn > 0:
            return Answer(text=texts[ask.turn])
        return Answer(
            text=texts[0],
            seconds=float(usage.get("seconds", 0.0)),
            prompt_tokens=int(usage.get("prompt_tokens", 0)),
            image_tokens=int(usage.get("image_tokens", 0)),
            new_tokens=int(usage.get("new_tokens", 0)),
        )


def _read(path: Path) -> dict[str, tuple[tuple[str, ...], Mapping[str, float]]]:
    lines: dict[str, tuple[tuple[str, ...], Mapping[str, float]]] = {}
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    name, texts, usage = _parsed(line, f"{path}:{number}")
                    if name in lines:
                        raise EvalError(f"{path}:{number}: the id {name!r} stands on an earlier line too")
                    lines[name] = (texts, usage)
    except OSError as error:
        raise EvalError(f"{path}: {error.strerror}") from error
    return lines


def _parsed(line: bytes, where: str) -> tuple[str, tuple[str, ...], Mapping[str, float]]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise EvalError(f"{where}: not a JSON object, {error}") from error
    match record:
        case {"id": str() | int() as name, "answers": list(texts)}:
            pass
        case {"id": str() | int() as name, "prediction": str(text)} | {"id": str() | int() as name, "answer": str(text)}:
            texts = [text]
        case {"id": str() | int() as name, "error": str()}:
            texts = []
        case _:
            raise EvalError(f'{where}: expected {{"id": ..., "prediction": "..."}}, or a line of samples.jsonl')
    if not all(isinstance(text, str) for text in texts):
        raise EvalError(f"{where}: answers are strings")
    usage = record.get("usage")
    return str(name), tuple(texts), usage if isinstance(usage, dict) else {}


def _generator_of(path: Path) -> dict[str, Any]:
    """Who gave the answers, from the recipe beside a samples.jsonl; {} where there is none."""
    recipe = path.parent / RECIPE_FILE
    if path.name != SAMPLES_FILE or not recipe.exists():
        return {}
    found = read_json_object(recipe).get("generator", {})
    return dict(found) if isinstance(found, dict) else {}
