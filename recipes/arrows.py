"""A small data set of one's own, to show finetuning: arrows and where they point, `python -m recipes.arrows --out runs/arrows`.

    seed -> picture (PNG, 224 px) + one question in English or Chinese -> runs/arrows/records.jsonl, the released format

The embedded model has never seen an arrow, so what it knows of them afterwards it has learned here.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from pathlib import Path

from PIL import Image, ImageDraw

SIDE = 224
DIRECTIONS = {
    "up": "上", "upper right": "右上", "right": "右", "lower right": "右下",
    "down": "下", "lower left": "左下", "left": "左", "upper left": "左上",
}  # fmt: skip
ASKED = (("Where does the arrow point?", 0), ("Which way does the arrow point?", 0), ("箭头指向哪里？", 1))


def main() -> None:
    """Draw and write."""
    parser = argparse.ArgumentParser(description="Draw arrows and write them as training records.")
    parser.add_argument("--out", type=Path, default=Path("runs/arrows"))
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write(options.out, options.count, seed=options.seed)
    print(f"{options.count} records in {options.out / 'records.jsonl'}")


def write(folder: Path, count: int, *, seed: int) -> None:
    """`count` pictures and their records."""
    source = random.Random(f"arrows-{seed}")
    (folder / "images").mkdir(parents=True, exist_ok=True)
    with (folder / "records.jsonl").open("w", encoding="utf-8") as file:
        for number in range(count):
            direction = source.choice(list(DIRECTIONS))
            path = f"images/{number:05d}.png"
            arrow(source, direction).save(folder / path)
            file.write(json.dumps(record(source, number, path, direction), ensure_ascii=False) + "\n")


def record(source: random.Random, number: int, path: str, direction: str) -> dict[str, object]:
    """One line of JSONL."""
    question, chinese = source.choice(ASKED)
    answer = DIRECTIONS[direction] if chinese else direction
    turns = [{"from": "human", "value": f"<image>\n{question}"}, {"from": "gpt", "value": answer}]
    return {"id": number, "image": path, "width": SIDE, "height": SIDE, "conversations": turns}


def arrow(source: random.Random, direction: str) -> Image.Image:
    """An arrow of random size, place and colours; its angle may be up to 8 degrees off."""
    dark = tuple(source.randrange(0, 110) for _ in range(3))
    light = tuple(source.randrange(170, 256) for _ in range(3))
    ink, ground = (dark, light) if source.random() < 0.7 else (light, dark)
    picture = Image.new("RGB", (SIDE, SIDE), ground)
    angle = math.radians(45 * list(DIRECTIONS).index(direction) + source.uniform(-8, 8))
    length, width = source.uniform(70, 150), source.uniform(8, 20)
    centre = [SIDE / 2 + source.uniform(-25, 25) for _ in range(2)]

    def at(along: float, across: float) -> tuple[float, float]:
        # Along the arrow and across it; 0 degrees is up, growing clockwise.
        return (
            centre[0] + along * math.sin(angle) + across * math.cos(angle),
            centre[1] - along * math.cos(angle) + across * math.sin(angle),
        )

    head, half = length * source.uniform(0.3, 0.45), length / 2
    draw = ImageDraw.Draw(picture)
    draw.polygon([at(-half, -width / 2), at(half - head, -width / 2), at(half - head, width / 2), at(-half, width / 2)], fill=ink)
    draw.polygon([at(half, 0), at(half - head, -head * 0.7), at(half - head, head * 0.7)], fill=ink)
    return picture


if __name__ == "__main__":
    main()
