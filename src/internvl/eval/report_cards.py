"""The wrong answers of a report: which samples are shown, with their question, pictures, reference and each run's answer.

Line (one benchmark), its samples -> ids where a run is not fully right, largest disagreement first -> cards, at most `most`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from internvl.eval.compare import Line
from internvl.eval.errors import EvalError
from internvl.eval.pairs import score_of
from internvl.eval.report_markup import Markup, element, join, text_of
from internvl.eval.report_pictures import PictureStore, Shown
from internvl.eval.results import load_samples
from internvl.eval.sample import Sample, Scored
from internvl.eval.task import Task
from internvl.eval.tasks import registered
from internvl.messages import Box, Image, Ref, Video

MOST_PICTURES = 16


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """A sample that some run did not get fully right. rows: one a run, None where it lacks it. spread: between the runs' scores."""

    id: str
    row: int
    rows: tuple[Scored | None, ...]
    full: float
    spread: float
    lowest: float


def wrong_samples(line: Line) -> list[Wrong]:
    """All of them: where runs differ most first, then the lowest scores, then file order."""
    runs = [{} if cell is None or cell.result.folder is None else _by_id(cell.result.folder) for cell in line.cells]
    scores = [score_of(row) for rows in runs for row in rows.values()]
    full = max([1.0, *scores])  # grades of a judge go beyond 1
    found = []
    for name in dict.fromkeys(name for rows in runs for name in rows):
        rows = tuple(each.get(name) for each in runs)
        values = [score_of(row) for row in rows if row is not None]
        if min(values) < full:
            place = next(row.row for row in rows if row is not None)
            spread = max(values) - min(values)
            found.append(Wrong(id=name, row=place, rows=rows, full=full, spread=spread, lowest=min(values)))
    return sorted(found, key=lambda each: (-each.spread, each.lowest, each.row))


def questions(line: Line, wanted: Sequence[Wrong], root: Path | None) -> dict[str, Sample]:
    """The samples of these ids, read again from the benchmark's files below `root`; none without a root or for tasks of embeddings.

    Raises BenchmarkFileError for damaged files and EvalError when none of the ids is there: it is another benchmark file.
    """
    result = next(cell.result for cell in line.cells if cell)
    task = None if root is None else registered(result.task)
    if root is None or not isinstance(task, Task) or not wanted:
        return {}
    ids = {each.id for each in wanted}
    found: dict[str, Sample] = {}
    for sample in task.samples(root, result.split, result.variant):
        if sample.id in ids:
            found[sample.id] = sample
            if len(found) == len(ids):
                break
    if not found:
        raise EvalError(f"{line.name}: none of the {len(ids)} wrong samples is in the files below {root}; is it the right folder?")
    return found


def card(line: Line, wrong: Wrong, sample: Sample | None, pictures: PictureStore) -> Markup:
    """One sample as an article."""
    disagree = wrong.spread > 0
    all_wrong = all(row is None or score_of(row) < wrong.full for row in wrong.rows)
    head = element("h4", f"{wrong.id} ", element("small", f"row {wrong.row}"))
    said = [_question(sample, pictures)] if sample else []
    gold = element("p", element("b", "reference "), element("bdi", text_of(next(r.reference for r in wrong.rows if r))), class_="gold")
    named = zip(line.cells, wrong.rows, strict=True)
    answers = [_answer(cell.run if cell and len(line.cells) > 1 else None, row, wrong.full) for cell, row in named if row]
    return element(
        "article", head, *said, gold, *answers,
        tabindex="0", class_="card", data_differ="1" if disagree else None, data_wrong="1" if all_wrong else None,
    )  # fmt: skip


def _by_id(folder: Path) -> Mapping[str, Scored]:
    return {row.id: row for row in load_samples(folder)}


def _question(sample: Sample, pictures: PictureStore) -> Markup:
    media, words = [], []
    for message in sample.messages:
        for part in message.parts:
            if isinstance(part, Image | Video):
                media.append(part)
                words.append(f"[{'picture' if isinstance(part, Image) else 'clip'} {len(media)}] ")
            else:
                words.append(_words(part))
    shown = [each for part in media[:MOST_PICTURES] for each in pictures.add(part)]
    more = [element("p", f"{len(media) - MOST_PICTURES} more pictures", class_="dim")] if len(media) > MOST_PICTURES else []
    figures = [_figure(each, sample.id, place) for place, each in enumerate(shown, start=1)]
    text = element("p", element("bdi", text_of("".join(words).strip())), class_="question")
    return join((element("div", *figures, *more, class_="pictures") if figures else None, text))


def _words(part: str | Ref | Box) -> str:
    if isinstance(part, Ref):
        return f"<ref>{part.phrase}</ref>"
    return f"<box>[[{part.x1}, {part.y1}, {part.x2}, {part.y2}]]</box>" if isinstance(part, Box) else part


def _figure(shown: Shown, name: str, place: int) -> Markup:
    if shown.place is None:
        return element("p", f"picture {place}: {shown.reason}", class_="dim")
    width, height = shown.size
    picture = element("img", alt=f"picture {place} of {name}, {width} x {height}", data_picture=shown.place, width=width, height=height)
    return element("button", picture, type="button", class_="zoom", title="enlarge")


def _answer(run: str | None, row: Scored, full: float) -> Markup:
    score = score_of(row)
    mark = "right" if score >= full else "wrong" if score <= 0 else "partly"
    verdict = element("span", f"{mark} {score:g}", class_=f"mark {mark}")
    said: list[Markup] = [element("blockquote", text_of(each) or Markup("<i>empty</i>"), dir="auto") for each in row.answers]
    details: dict[str, Any] = {key: value for key, value in row.score.items() if key != "score" and value is not None}
    scored = element("p", *_pairs(details), class_="dim") if details else None
    return element("section", element("p", element("b", f"{run} " if run else "answer "), verdict), *said, scored, class_="answer")


def _pairs(details: Mapping[str, Any]) -> list[Markup]:
    return [element("span", f"{key}: ", element("bdi", text_of(value, most=300)), class_="pair") for key, value in details.items()]
