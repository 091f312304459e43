"""MMMU's questions from either published form.

MMMU/<Subject>/validation-*.parquet {id, question, options, answer, image_1 ... image_7, question_type}    the hub's data set
MMMU_DEV_VAL.tsv {index, question, A, B, ..., answer, category, split, image}                              VLMEvalKit
    --> Question, in the order of subjects or of the file
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from internvl.eval.errors import BenchmarkFileError
from internvl.eval.readers import (
    Row,
    TsvPictures,
    picture_at,
    picture_from_bytes,
    python_list,
    read_parquet,
    read_tsv,
)
from internvl.eval.readers.cells import is_list, shown
from internvl.messages import Image

PICTURES = 7
"""A question has at most so many: `image_1` to `image_7`."""

NOT_PUBLISHED = "?"
"""Stands for the answer in the test split."""

DOMAINS: dict[str, tuple[str, ...]] = {
    "Art and Design": ("Art", "Art_Theory", "Design", "Music"),
    "Business": ("Accounting", "Economics", "Finance", "Manage", "Marketing"),
    "Science": ("Biology", "Chemistry", "Geography", "Math", "Physics"),
    "Health and Medicine": (
        "Basic_Medical_Science",
        "Clinical_Medicine",
        "Diagnostics_and_Laboratory_Medicine",
        "Pharmacy",
        "Public_Health",
    ),
    "Humanities and Social Science": ("History", "Literature", "Sociology", "Psychology"),
    "Tech and Engineering": (
        "Agriculture",
        "Architecture_and_Engineering",
        "Computer_Science",
        "Electronics",
        "Energy_and_Power",
        "Materials",
        "Mechanical_Engineering",
    ),
}
DOMAIN_OF = {subject: domain for domain, subjects in DOMAINS.items() for subject in subjects}


@dataclass(frozen=True)
class Question:
    """A question of MMMU. options: letter -> text, {} for an open one. answer: as published; "" where it is not."""

    row: Row
    id: str
    subject: str
    text: str
    hint: str
    options: Mapping[str, str]
    answer: str
    pictures: tuple[Image, ...]

    @property
    def golds(self) -> list[str] | None:
        """The accepted answers: one letter, or the texts of an open question; None where they are not published."""
        if not self.answer:
            return None
        return python_list(self.answer, self.row) if not self.options and is_list(self.answer) else [self.answer]


def read_mmmu(path: Path, split: str, root: Path) -> Iterator[Question]:
    """The questions of a split ("dev", "validation" or "test") from a folder of subjects or a TSV. Raises BenchmarkFileError."""
    questions = _from_folder(path, split, root) if path.is_dir() else _from_tsv(path, split, root)
    for question in questions:
        if question.options and question.answer and question.answer not in question.options:
            raise question.row.error(f"'answer' is {shown(question.answer)}, none of the options {', '.join(question.options)}")
        yield question


def _from_folder(path: Path, split: str, root: Path) -> Iterator[Question]:
    subjects = [subject for subject in DOMAIN_OF if (path / subject).is_dir()]
    if not subjects:
        raise BenchmarkFileError(f"{path} has no folder of an MMMU subject, such as {path / 'Accounting'}")
    seen: dict[str, Path] = {}
    for subject in subjects:
        files = sorted((path / subject).glob(f"{split}-*.parquet"))
        if not files:
            raise BenchmarkFileError(f"{path / subject} has no {split}-*.parquet, such as {split}-00000-of-00001.parquet")
        for file in files:
            for number, record in read_parquet(file, ("question", "options", "answer", "image_1", "question_type"), key="id"):
                question = _of_parquet(Row(file, number, record), subject, root)
                if seen.setdefault(question.id, file) != file:
                    raise question.row.error(f"'id' {shown(question.id)} is also in {seen[question.id]}")
                yield question


def _of_parquet(row: Row, subject: str, root: Path) -> Question:
    listed = row.optional_text("options")
    texts = python_list(listed, row) if is_list(listed) and listed.strip("[] ") else []
    if row.text("question_type") == "multiple-choice" and len(texts) < 2:
        raise row.error(f"a multiple-choice question needs two options at least, not {shown(listed)}")
    answer = row.optional_text("answer").strip()
    return Question(
        row=row,
        id=row.text("id"),
        subject=subject,
        text=row.text("question"),
        hint="",
        options=dict(zip(string.ascii_uppercase, texts, strict=False)) if row.text("question_type") == "multiple-choice" else {},
        answer="" if answer == NOT_PUBLISHED else answer,
        pictures=tuple(_parquet_pictures(row, root)),
    )


def _parquet_pictures(row: Row, root: Path) -> Iterator[Image]:
    for number in range(1, PICTURES + 1):
        cell: Any = row.fields.get(f"image_{number}")
        if cell is None:
            continue
        match cell:
            case {"bytes": bytes(content)}:
                yield picture_from_bytes(content, row.path, row.number)
            case {"path": str(name)}:
                yield picture_at(name, root, row.path, row.number)
            case _:
                raise row.error(f"'image_{number}' must be an object with bytes or path, not {shown(cell)}")


def _from_tsv(path: Path, split: str, root: Path) -> Iterator[Question]:
    pictures = TsvPictures(path, root)
    for number, record in read_tsv(path, ("question", "A", "B", "answer", "split")):
        if record["split"] != split:
            continue
        row = Row(path, number, record)
        name = record.get("id") or record["index"]
        pieces = name.split("_")
        answer = row.optional_text("answer").strip()
        yield Question(
            row=row,
            id=name,
            subject=row.optional_text("category") or "_".join(pieces[1:-1]) or "unknown",
            text=row.text("question"),
            hint=row.optional_text("hint"),
            options=row.options(),
            answer="" if answer == NOT_PUBLISHED else answer,
            pictures=pictures.of(row),
        )
