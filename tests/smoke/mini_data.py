"""A data set that is made in a moment: flat coloured pictures with the colour as the answer, and a few lines of plain text."""

from __future__ import annotations

import json
import random
from pathlib import Path

from PIL import Image

COLOURS = {"red": (220, 30, 30), "green": (30, 180, 60), "blue": (40, 60, 220), "white": (250, 250, 250)}


def write_data(
    folder: Path,
    *,
    pictures: int = 24,
    texts: int = 8,
    side: int = 56,
    seed: int = 0,
    broken: tuple[int, ...] = (),
    worse: bool = False,
) -> Path:
    """Write pictures of one or two tiles and records; gives the JSONL file. The rows in `broken` (from 0) name a missing picture.

    worse: with a second, worse answer, as preference training wants it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(seed)
    lines = []
    for number in range(pictures):
        name = draw.choice(list(COLOURS))
        size = draw.choice([(side, side), (2 * side, side), (side, 2 * side)])
        Image.new("RGB", size, COLOURS[name]).save(folder / f"{number}.png")
        lines.append(_line("<image>\nWhich colour?", name, image=f"{number}.png"))
    lines += [_line(f"What is {number} and {number}?", str(2 * number)) for number in range(texts)]
    draw.shuffle(lines)
    if worse:
        lines = [_pair(line) for line in lines]
    for number in broken:
        lines[number] = _line("<image>\nWhich colour?", "red", image="missing.png")
    path = folder / "mini.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def _line(question: str, answer: str, **media: str) -> dict[str, object]:
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return {**media, "conversations": turns}


def _pair(line: dict[str, object]) -> dict[str, object]:
    question, answer = line.pop("conversations")  # type: ignore[misc]
    return {**line, "question": question["value"], "chosen": answer["value"], "rejected": f"not {answer['value']}"}
