"""Measure a scorer on pictures that nobody trained on, time it on one core, and fill its card.

    python -m recipes.scorers.measure --model watermark --card docs/models/internvl-watermark.md
    python -m recipes.scorers.measure --model aesthetic --card docs/models/internvl-aesthetic.md

The figures go to docs/models/internvl-KIND.json too.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import time
from pathlib import Path
from typing import Any

import torch
from recipes.scorers import aesthetic_measure, watermark_measure
from recipes.scorers.canvas import canvas
from recipes.scorers.pictures import prepare

from internvl.data.record import Origin
from internvl.pipelines.item import Item
from internvl.pipelines.scorers.aesthetic import AestheticScore
from internvl.pipelines.scorers.picture_score import PictureScore
from internvl.pipelines.scorers.watermark import WatermarkScore

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
TIMED = {"640 px": (640, 640), "1,600 px": (1600, 1600)}
TIMED_PICTURES = 24


def speed(operator: PictureScore) -> dict[str, float]:
    """Pictures a second on one core, from the bytes of a JPEG to the column, by the length of the longer side."""
    source, work = random.Random("speed"), operator.open()
    rates = {}
    for name, sides in TIMED.items():
        items = [_item(source, number, sides) for number in range(TIMED_PICTURES)]
        work(items[:4])
        began = time.process_time()
        work(items)
        rates[name] = TIMED_PICTURES / (time.process_time() - began)
    return rates


def _item(source: random.Random, number: int, sides: tuple[int, int]) -> Item:
    file = io.BytesIO()
    picture = canvas(source, "test", ways={"photo": 1}, sides=sides)
    picture.resize((sides[0], round(sides[0] * picture.height / picture.width))).save(file, "JPEG", quality=88)
    return Item(origin=Origin("speed", "speed", number), image=file.getvalue())


def fill(card: Path, text: str) -> None:
    """Put the text between the marks of a card."""
    before, _, rest = card.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    card.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Measure, print, fill."""
    parser = argparse.ArgumentParser(prog="python -m recipes.scorers.measure", description="Measure a scorer of pictures.")
    parser.add_argument("--model", choices=("aesthetic", "watermark"), required=True)
    parser.add_argument("--pictures", type=int, help="pairs of twins (default 700), or pictures in six versions (default 120)")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--card", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    prepare()
    found: dict[str, Any]
    if options.model == "watermark":
        found = watermark_measure.measure(options.pictures or 700, options.seed)
        text, rates = watermark_measure.markdown(found), speed(WatermarkScore())
    else:
        found = aesthetic_measure.measure(options.pictures or 120, options.seed)
        text, rates = aesthetic_measure.markdown(found), speed(AestheticScore())
    shown = ", ".join(f"{rate:.0f} pictures of {name} a second" for name, rate in rates.items())
    text += f"\n\nSpeed on one core, decoding of the JPEG included: {shown}."
    print(text)
    if options.card is not None:
        fill(options.card, text)
        stored = json.dumps({**found, "pictures a second": rates}, indent=1, ensure_ascii=False)
        options.card.with_suffix(".json").write_text(stored + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
