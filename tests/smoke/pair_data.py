"""A few pictures with captions, as a data file: coloured squares, two captions of each picture if asked."""

from __future__ import annotations

import json
from pathlib import Path

import PIL.Image
import PIL.ImageDraw

COLOURS = ("red", "green", "blue", "yellow", "white", "black", "purple", "orange")
PLACES = ("left", "right")


def write_pairs(folder: Path, *, captions: int = 1) -> Path:
    """16 pictures of 56 px: a square of a colour on the left or the right of grey."""
    folder.mkdir(parents=True)
    lines = []
    for colour in COLOURS:
        for place in PLACES:
            picture = PIL.Image.new("RGB", (56, 56), (90, 90, 90))
            PIL.ImageDraw.Draw(picture).rectangle((4 if place == "left" else 30, 16, 26 if place == "left" else 52, 40), fill=colour)
            picture.save(folder / f"{colour}_{place}.png")
            for said in (f"a {colour} square on the {place}", f"{place}: {colour}")[:captions]:
                turns = [{"from": "human", "value": "<image>\nDescribe."}, {"from": "gpt", "value": said}]
                lines.append(json.dumps({"image": f"{colour}_{place}.png", "conversations": turns}))
    (folder / "pairs.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "pairs.jsonl"
