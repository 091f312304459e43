"""Pairs of the proxy task: the labelled pictures of recipes/dual_nano with their names in one language.

    SOURCE/pictures.json -> OUT/train.jsonl (what every shape learns from), OUT/held_out.json (drawings that none has seen)

What is held out is one drawing of a thing whose other drawings are learnt: the names are known, the strokes are not.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

from internvl.errors import ConfigError
from internvl.prompt.captions import cleaned_caption

TRAIN, HELD_OUT = "train.jsonl", "held_out.json"
ONE_IN = 12


def prepare(source: Path, out: Path, *, language: str = "en", questions: int = 512) -> None:
    """Write both lists unless they are there; the pictures are drawn first where they are not.

    Raises MissingMaterial when pictures have to be drawn and their sets are absent.
    """
    if (out / TRAIN).is_file() and (out / HELD_OUT).is_file():
        return
    if not (source / "pictures.json").is_file():
        from recipes.dual_nano.pairs import make

        make(source)
    rows = [row for row in json.loads((source / "pictures.json").read_text("utf-8")) if language in row["names"]]
    learnt, held_out = divided([row for row in rows if row["split"] == "train"], questions)
    out.mkdir(parents=True, exist_ok=True)
    lines = [_line(row["file"], row["names"][language]) for row in learnt]
    (out / TRAIN).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    asked = [{"file": row["file"], "name": cleaned_caption(row["names"][language])} for row in held_out]
    (out / HELD_OUT).write_text(json.dumps(asked, ensure_ascii=False), encoding="utf-8")


def divided(rows: list[dict[str, Any]], questions: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(learnt, held out): by the hash of a picture's file, at most one in `ONE_IN`, and one drawing of a thing that has several."""
    drawings = Counter(row["code"] for row in rows)
    ranked = sorted(rows, key=lambda row: _hash(row["file"]))
    held_out: dict[str, dict[str, Any]] = {}
    for row in ranked:
        if drawings[row["code"]] > 1 and len(held_out) < min(questions, max(1, len(rows) // ONE_IN)):
            held_out.setdefault(row["code"], row)
    if not held_out:
        raise ConfigError("nothing can be held out: no thing is drawn twice")
    files = {row["file"] for row in held_out.values()}
    return [row for row in rows if row["file"] not in files], list(held_out.values())


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8).digest()


def _line(file: str, said: str) -> str:
    turns = [{"from": "human", "value": "<image>"}, {"from": "gpt", "value": said}]
    return json.dumps({"image": file, "conversations": turns}, ensure_ascii=False)
