"""Wrong answers to look at: a page of HTML with the pictures inside, and the first of them as one PNG.

[Answered, ...] -> wrong.html, wrong.png
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path

import PIL.Image
from recipes.nano.data.contact_sheet import contact_sheet
from recipes.nano.data.sample import Sample, Turn
from recipes.nano.measure.run import Answered

SIDE, STILLS = 480, 6
EACH_GROUP, ON_SHEET = 12, 24
STYLE = (
    "body{font:15px sans-serif;margin:24px}"
    "article{display:inline-block;vertical-align:top;width:480px;margin:8px;padding:8px;border:1px solid #bbb}"
    "img{max-width:100%}p{margin:4px 0;white-space:pre-wrap;overflow-wrap:anywhere}"
    ".a{color:#a00}.t{color:#060}h2{border-bottom:1px solid}"
)


def wrong_of(answered: Sequence[Answered]) -> list[Answered]:
    """The worst answers of each group first, at most EACH_GROUP of each."""
    groups: dict[str, list[Answered]] = {}
    for one in sorted(answered, key=_badness, reverse=True):
        if one.scores["score"] < 0.999:
            groups.setdefault(one.question.group, []).append(one)
    return [one for name in sorted(groups) for one in groups[name][:EACH_GROUP]]


def _badness(one: Answered) -> float:
    if "edits" in one.scores:
        return one.scores["edits"] / max(1.0, one.scores["characters"])
    return 1 - one.scores["score"]


def write_html(wrong: Sequence[Answered], path: Path) -> None:
    """Everything in one file, so that it can be sent as it is."""
    parts = [f"<!doctype html><meta charset=utf-8><title>Wrong answers</title><style>{STYLE}</style><h1>Wrong answers</h1>"]
    group = None
    for one in wrong:
        if one.question.group != group:
            group = one.question.group
            parts.append(f"<h2>{html.escape(group)}</h2>")
        parts.append(_article(one))
    path.write_text("\n".join(parts) + "\n", encoding="utf-8")


def _article(one: Answered) -> str:
    pictures = "".join(f'<img alt="" src="data:image/jpeg;base64,{_small(path)}">' for path in one.question.pictures[:STILLS])
    truth = " / ".join(one.question.answers)
    texts = (("", one.question.id), ("", one.question.asked), ("t", truth), ("a", one.answer or "(nothing)"))
    return f"<article>{pictures}" + "".join(f'<p class="{kind}">{html.escape(text)}</p>' for kind, text in texts) + "</article>"


def _small(path: str) -> str:
    with PIL.Image.open(path) as image:
        small = image.convert("RGB")
    small.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def write_sheet(wrong: Sequence[Answered], path: Path) -> None:
    """Some of every group on one picture. Raises MissingMaterial without a font for both languages."""
    step = max(1, len(wrong) // ON_SHEET)
    contact_sheet([_as_sample(one) for one in wrong[::step][:ON_SHEET]]).save(path)


def _as_sample(one: Answered) -> Sample:
    question = one.question
    shown = f"[right] {question.answers[0]}\n[given] {one.answer}"
    images = tuple(PIL.Image.open(path).convert("RGB") for path in question.pictures[:STILLS])
    language = "zh" if question.language == "zh" else "en"
    turn = Turn(question=question.asked, answer=shown)
    return Sample(family=question.group, task=question.id, language=language, images=images, turns=(turn,))
