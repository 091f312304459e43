"""A question of the measurement: pictures on disk, what is asked, the answers that are right, and how an answer is scored.

Question -> conversation (one user turn, grounding marks as control tokens) -> answer -> scores (scoring.py)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from internvl.messages import Box, Image, Message, Part, Ref, user

FRAME_MARK, PICTURE_MARK = "Frame-{}: ", "Image-{}: "
# Numbers have at most four digits, so the pattern is linear on any text.
_MARKED = re.compile(r"<ref>([^<]{1,200})</ref>|<box>\[\[(\d{1,4}), ?(\d{1,4}), ?(\d{1,4}), ?(\d{1,4})\]\]</box>")


@dataclass(frozen=True, kw_only=True)
class Question:
    """id is unique in a run; group: a row of the results; measure: a name of scoring.MEASURES; answers: any of them is right.

    pictures: paths; is_clip: they are the stills of a clip. facts: JSON values that the measure needs, such as a tolerance.
    """

    id: str
    group: str
    task: str
    language: str
    asked: str
    answers: tuple[str, ...]
    measure: str
    pictures: tuple[str, ...] = ()
    is_clip: bool = False
    facts: dict[str, Any] = field(default_factory=dict)

    def conversation(self, *, max_tiles: int | None = None) -> list[Message]:
        """The user turn as the model reads it; max_tiles: of each picture, instead of the model's own. Stills are one tile each."""
        limit = 1 if self.is_clip else max_tiles
        mark = FRAME_MARK if self.is_clip else PICTURE_MARK if len(self.pictures) > 1 else ""
        parts: list[Part] = []
        for number, path in enumerate(self.pictures, start=1):
            parts += [*([mark.format(number)] if mark else []), Image(path, max_tiles=limit), "\n"]
        return [user(*parts, *_parts(self.asked))]


def _parts(text: str) -> Iterator[Part]:
    """Text, and grounding marks as parts: typed marks would not become control tokens."""
    end = 0
    for found in _MARKED.finditer(text):
        if found.start() > end:
            yield text[end : found.start()]
        phrase, *corners = found.groups()
        yield Ref(phrase) if phrase else Box(*(int(corner) for corner in corners))
        end = found.end()
    if end < len(text):
        yield text[end:]


def write_questions(path: Path, questions: Sequence[Question]) -> None:
    """One line of JSON each; pictures are stored relative to the file. The file appears when it is whole."""
    lines = []
    for question in questions:
        row = asdict(question)
        row["pictures"] = [str(Path(picture).relative_to(path.parent)) for picture in question.pictures]
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text("".join(lines), encoding="utf-8")
    unfinished.replace(path)


def read_questions(path: Path) -> list[Question]:
    """What `write_questions` wrote, with whole paths."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        row["pictures"] = tuple(str(path.parent / picture) for picture in row["pictures"])
        found.append(Question(**{**row, "answers": tuple(row["answers"])}))
    return found
