"""The score tables that the InternVL family published, as data: model cards, papers, blog and model zoo pages.

    published.json -> published_rows() -> PublishedRow (one line of a table) -> PublishedScore (one cell, with its source)

These are quotations. They stand beside our results and are never mixed with them: a cell knows where it was printed and, as far as
was stated, with which tool, tile limit and judge it was made.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from internvl.eval.errors import EvalError

FILE = "published.json"


@dataclass(frozen=True, kw_only=True)
class PublishedScore:
    """One cell. values: one number, or one for each of `parts` (MMMU by two tools, MMBench-Video at 8 and 16 frames).

    source: "model card", "paper", "blog" or "talk"; document: which one. variant, max_tiles, judge: how it was made, as far as stated.
    best: the most the first value can be.
    """

    table: str
    row: str
    benchmark: str
    split: str
    metric: str
    model: str
    values: tuple[float, ...]
    source: str
    document: str
    best: float
    parts: tuple[str, ...] = ()
    variant: str | None = None
    max_tiles: int | None = None
    judge: str | None = None
    note: str = ""

    def value(self, part: str | None = None) -> float:
        """The number: of the named part where the cell has it, else the first."""
        if part in self.parts and len(self.values) == len(self.parts):
            return self.values[self.parts.index(part)]
        return self.values[0]

    @property
    def text(self) -> str:
        """The cell as it was printed: "53.9 / 55.2"."""
        return " / ".join(f"{value:g}" if value == int(value) and self.best > 100 else f"{value}" for value in self.values)


@dataclass(frozen=True, kw_only=True)
class PublishedRow:
    """One line of a table: a benchmark, split and metric, with the cells of all models that were published."""

    table: str
    name: str
    benchmark: str
    split: str
    metric: str
    best: float
    parts: tuple[str, ...]
    scores: tuple[PublishedScore, ...]

    def of(self, model: str) -> PublishedScore | None:
        """The model's cell; a model card is preferred to a paper, and a paper to a blog."""
        return next((score for score in self.scores if score.model == model), None)


@cache
def published_rows() -> tuple[PublishedRow, ...]:
    """Every line of every table, in the order of the documents."""
    tables = _file()["tables"]
    return tuple(_row(table["name"], row) for table in tables for row in table["rows"])


def published_scores() -> tuple[PublishedScore, ...]:
    """Every cell of every table."""
    return tuple(score for row in published_rows() for score in row.scores)


def published_models() -> tuple[str, ...]:
    """Every model with a published score, in the order of the tables."""
    return tuple(dict.fromkeys(score.model for score in published_scores()))


def published_row(name: str) -> PublishedRow:
    """The line a benchmark's `published` names. Case and punctuation don't matter. EvalError names lines spelled alike."""
    wanted = _key(name)
    rows = {_key(row.name): row for row in reversed(published_rows())}
    if wanted not in rows:
        known = [rows[key].name for key in get_close_matches(wanted, rows, n=5, cutoff=0.4)]
        raise EvalError(f"no published table has a row {name!r:.80}" + (f"; did you mean {', '.join(known)}?" if known else ""))
    return rows[wanted]


def published_model(name: str) -> str:
    """A model's name as the tables have it: `OpenGVLab/InternVL2-8B` and `internvl2-8b` are InternVL2-8B. EvalError if unknown."""
    found = same_model(name)
    if found is None:
        known = get_close_matches(name, published_models(), n=5, cutoff=0.3) or published_models()
        raise EvalError(f"no scores of {name!r:.80} were published in the tables; known are {', '.join(known)}")
    return found


def same_model(name: str) -> str | None:
    """The published model that this name or path ends in; None for a model that is not in the tables."""
    last = _key(name.rstrip("/").rsplit("/", 1)[-1])
    return next((model for model in published_models() if _key(model) == last), None)


def scores_for(row: str, models: Sequence[str] | None = None) -> tuple[PublishedScore, ...]:
    """The cells of a line, one a model: of these models, in their order, or of all."""
    line = published_row(row)
    wanted = models if models is not None else tuple(dict.fromkeys(score.model for score in line.scores))
    cells = (line.of(model) for model in wanted)
    return tuple(cell for cell in cells if cell is not None)


@cache
def _file() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((files("internvl.eval") / FILE).read_text("utf-8"))
    return content


def _row(table: str, row: Mapping[str, Any]) -> PublishedRow:
    parts = tuple(row.get("parts", ()))
    return PublishedRow(
        table=table,
        name=row["row"],
        benchmark=row["benchmark"],
        split=row["split"],
        metric=row["metric"],
        best=float(row["best"]),
        parts=parts,
        scores=tuple(
            _score(table, row, source, model, value) for source, cells in row["scores"].items() for model, value in cells.items()
        ),
    )


def _score(table: str, row: Mapping[str, Any], source: str, model: str, value: float | list[float]) -> PublishedScore:
    document = _file()["sources"][source]
    values = tuple(float(each) for each in value) if isinstance(value, list) else (float(value),)
    parts = tuple(row.get("parts", ())) if isinstance(value, list) else ()
    return PublishedScore(
        table=table,
        row=row["row"],
        benchmark=row["benchmark"],
        split=row["split"],
        metric=row["metric"],
        model=model,
        values=values,
        source=document["kind"],
        document=document["title"],
        best=float(row["best"]),
        parts=parts,
        variant=None if "tool" in document else row.get("variant"),
        max_tiles=_tiles(row, model),
        judge=row.get("judge"),
        note=row.get("notes", {}).get(model, ""),
    )


def _tiles(row: Mapping[str, Any], model: str) -> int | None:
    """The limit of the row's protocol; models before 1.5 saw a picture as one tile."""
    limit: int | None = row.get("max_tiles")
    return 1 if limit is not None and model in _file()["single_tile"] else limit


def _key(name: str) -> str:
    """Letters, digits and plus signs: RefCOCO and RefCOCO+ differ in nothing else."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in plain if character.isalnum() or character == "+")
