"""The rows of the trial: which picture, which caption, and what was done to either.

    pictures, number, seed -> rows in a random order, each with one fault or none, and the pictures of the evaluation set

A share is of all rows; the rest is as the packages have it. Duplicates copy a row without a fault, so one of each pair is right.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.data_engine import picture_faults as pictures
from benchmarks.data_engine.caption_faults import CAPTION_FAULTS
from benchmarks.data_engine.drawn import Drawn
from benchmarks.data_engine.labelled import Labelled, caption

SHARES = {
    "watermark": 0.04,
    "wrong_caption": 0.04,
    "same_bytes": 0.03,
    "same_pixels": 0.03,
    "near_duplicate": 0.06,
    "in_evaluation_set": 0.02,
    "truncated": 0.02,
    "zero_bytes": 0.01,
    "bomb": 0.002,
    "mislabelled_language": 0.03,
    "tiny": 0.02,
    "extreme_aspect": 0.02,
    "degraded": 0.04,
    **dict.fromkeys(CAPTION_FAULTS, 0.02),
}
COPIES = {"same_bytes", "same_pixels", "near_duplicate"}
DONE_TO_THE_FILE: dict[str, Callable[[random.Random, bytes], pictures.Planted]] = {
    "watermark": pictures.watermark,
    "same_pixels": pictures.re_encoded,
    "near_duplicate": pictures.nearly,
    "truncated": pictures.truncated,
    "zero_bytes": pictures.empty,
    "bomb": pictures.bomb,
    "tiny": pictures.tiny,
    "extreme_aspect": pictures.stretched,
    "degraded": pictures.degraded,
}
# One in how many captions is in which language, where the picture has a name in it.
_ENGLISH, _CHINESE = 0.5, 0.25
_FIRST_CJK = 0x2E80
_STRANGERS = 100  # of the evaluation set: pictures that no row shows


@dataclass
class Row:
    """One sample. partner: key of the row that it copies; fault: None for a row that is right. language: what the row says it is in."""

    key: str
    picture: str
    source: str
    caption: str
    caption_language: str
    language: str
    fault: str | None = None
    partner: str | None = None
    original_caption: str | None = None
    content: bytes = b""
    ending: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """All rows in order, and the files of the evaluation set by name."""

    rows: list[Row]
    evaluation: dict[str, bytes]


def plan(labelled: dict[str, Labelled], drawn: Sequence[Drawn], number: int, seed: int) -> Trial:
    """The rows. Raises ValueError when there are too few pictures for so many."""
    source = random.Random(f"trial/{seed}")
    counts = {fault: max(1, round(share * number)) for fault, share in SHARES.items()}
    copies = sum(counts[fault] for fault in COPIES)
    strangers = min(_STRANGERS, number // 20)
    if len(drawn) < (needed := number - copies + strangers):
        raise ValueError(f"{number} rows need {needed} different pictures, there are {len(drawn)}")
    chosen = source.sample(list(drawn), needed)
    unseen, chosen = chosen[:strangers], chosen[strangers:]
    rows = [_row(source, labelled[each.key], each) for each in chosen]
    faults = [fault for fault, count in counts.items() for _ in range(count) if fault not in COPIES]
    for row, fault in zip(rows, faults, strict=False):
        row.fault = fault
    right = rows[len(faults) :]
    rows += _copies(source, right, counts)
    _plant_captions(source, rows)
    evaluation = _plant_evaluation(source, rows, unseen)
    for row in rows:
        _plant_file(random.Random(f"{seed}/{row.fault}/{row.picture}"), row)
    source.shuffle(rows)
    for index, row in enumerate(rows):
        row.detail["place"] = index
    return Trial(rows, evaluation)


def _row(source: random.Random, each: Labelled, drawn: Drawn) -> Row:
    language = _language(source, each)
    row = Row(each.key, each.key, each.source, caption(source, each, language), language, language)
    row.content, row.ending = drawn.file.read_bytes(), drawn.file.suffix
    return row


def _language(source: random.Random, each: Labelled) -> str:
    """English, Chinese or any other; of a picture without names in it, the next of these."""
    others = sorted(set(each.names) - {"en", "zh"})
    chance = source.random()
    if chance < _ENGLISH or len(each.names) == 1:
        return "en"
    return "zh" if (chance < _ENGLISH + _CHINESE and "zh" in each.names) or not others else source.choice(others)


def _copies(source: random.Random, right: Sequence[Row], counts: dict[str, int]) -> list[Row]:
    """Each copies another row; the caption goes with it."""
    kinds = [fault for fault in sorted(COPIES) for _ in range(counts[fault])]
    copied = source.sample(list(right), len(kinds))
    made = []
    for kind, of in zip(kinds, copied, strict=True):
        row = Row(f"{of.key}#{kind}", of.picture, of.source, of.caption, of.caption_language, of.language, kind, of.key)
        row.content, row.ending = of.content, of.ending
        made.append(row)
    return made


def _plant_captions(source: random.Random, rows: Sequence[Row]) -> None:
    captions = [row.caption for row in rows]
    for row in rows:
        if row.fault in CAPTION_FAULTS:
            row.original_caption = row.caption
            row.caption = CAPTION_FAULTS[row.fault](source, row.caption, captions)
        elif row.fault == "mislabelled_language":
            row.language = source.choice([one for one in ("en", "zh", "de", "fr", "ru", "ja") if one != row.caption_language])
    _swap(source, [row for row in rows if row.fault == "wrong_caption"])


def _swap(source: random.Random, rows: Sequence[Row]) -> None:
    """Captions go round among rows of one language, each to a picture of which it shares no word."""
    for language in sorted({row.caption_language for row in rows}):
        group = [row for row in rows if row.caption_language == language]
        said = [row.caption for row in group]
        for row in group:
            foreign = [each for each in said if not _words(each) & _words(row.caption)]
            row.original_caption, row.caption = row.caption, source.choice(foreign) if foreign else ""
        for row in group:
            if not row.caption:  # the only one of its language
                row.caption, row.original_caption, row.fault = row.original_caption or "", None, None


def _words(said: str) -> set[str]:
    """Words, and where words are not divided every character that writes one."""
    cleaned = "".join(letter.lower() if letter.isalnum() else " " for letter in said)
    return set(cleaned.split()) | {letter for letter in cleaned if ord(letter) > _FIRST_CJK}


def _plant_evaluation(source: random.Random, rows: Sequence[Row], strangers: Sequence[Drawn]) -> dict[str, bytes]:
    """The set has the picture as it was drawn; every second row has a changed copy of it."""
    files = {f"stranger-{index:04d}{each.file.suffix}": each.file.read_bytes() for index, each in enumerate(strangers)}
    for index, row in enumerate(each for each in rows if each.fault == "in_evaluation_set"):
        files[f"question-{index:04d}{row.ending}"] = row.content
        if index % 2:
            planted = pictures.nearly(source, row.content)
            row.content, row.ending = planted.content, planted.ending
            row.detail = {"copy": "changed", **planted.detail}
        else:
            row.detail = {"copy": "same bytes"}
    return files


def _plant_file(source: random.Random, row: Row) -> None:
    if row.fault in DONE_TO_THE_FILE:
        planted = DONE_TO_THE_FILE[row.fault](source, row.content)
        row.content, row.ending = planted.content, planted.ending
        row.detail = {**row.detail, **planted.detail}
