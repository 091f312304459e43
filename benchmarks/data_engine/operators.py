"""Samples a second of one core, for every operator of the data engine by itself, and for pictures as large as those of the web.

    trial's pictures (256 to 384 px) | photographs of 1024 x 768 px --each operator, one thread--> CPU seconds a sample

CPU time of the process, not wall time: other work on the machine does not count. Loading of models is not in it.

    python -m benchmarks.data_engine.operators --trial runs/trial
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.data_engine.drawn import encoded
from benchmarks.data_engine.kills import RESULTS
from benchmarks.data_engine.written import inputs
from benchmarks.machine import describe, moment
from PIL import Image

if TYPE_CHECKING:
    from internvl.pipelines.item import Item
    from internvl.pipelines.operator import Operator

WEB_SIDES = (1024, 768)
_WARM = 4
_SCREENS = "real-debian-handbook/usr/share/doc/debian-handbook/html/en-US/images"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_engine.operators", description="Time each operator.")
    parser.add_argument("--trial", type=Path, required=True, help="folder made by benchmarks.data_engine.make")
    parser.add_argument("--items", type=int, default=256)
    parser.add_argument("--web-items", type=int, default=48)
    parser.add_argument("--pages", type=int, default=6, help="screenshots that are read by OCR; 0 leaves it out")
    chosen = parser.parse_args(arguments)
    os.environ["OMP_NUM_THREADS"] = "1"
    result = {"machine": {**describe(), **moment()}, **_measured(chosen)}
    file = RESULTS / f"data_engine_operators_{datetime.now(UTC):%Y%m%d_%H%M%S}.json"
    file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print("\n".join(markdown(result)))
    print(file, file=sys.stderr)
    return 0


def markdown(result: dict[str, Any]) -> Iterator[str]:
    """A line an operator."""
    yield "| operator | ms a sample, 256 to 384 px | samples/s of a core | ms a sample, 1024 x 768 px | samples/s of a core |"
    yield "|---|---|---|---|---|"
    for name, small in result["trial"].items():
        web = result["web"].get(name)
        cells = f"{web['ms']:.2f} | {web['per_s']:,.1f}" if web else "- | -"
        yield f"| {name} | {small['ms']:.2f} | {small['per_s']:,.1f} | {cells} |"
    if result["ocr"]:
        yield f"| OCR of a screenshot | {result['ocr']['ms']:,.0f} | {result['ocr']['per_s']:.2f} | - | - |"


def _measured(chosen: argparse.Namespace) -> dict[str, Any]:
    import torch

    torch.set_num_threads(1)
    small = _readable(chosen.trial, chosen.items + _WARM)
    web = list(islice(_web_sized(small), chosen.web_items + _WARM))
    found: dict[str, Any] = {"web_sides": WEB_SIDES, "web_bytes": sum(len(item.image or b"") for item in web) // len(web)}
    found |= {"trial": {}, "web": {}}
    for operator in _operators():
        print(operator.name, file=sys.stderr, flush=True)
        found["trial"][operator.name] = _time(operator, small)
        found["web"][operator.name] = _time(operator, web)
    found["ocr"] = _ocr(chosen.pages) if chosen.pages else None
    return found


def _operators() -> tuple[Operator, ...]:
    from internvl.pipelines.clean.scoring import PICTURE_SCORES, operators_for

    facts = operators_for(())
    (similarity,) = operators_for(("similarity",))[len(facts) :]
    return (*facts, *(kind() for kind in PICTURE_SCORES.values()), similarity)


def _time(operator: Operator, items: Sequence[Item]) -> dict[str, float]:
    """CPU milliseconds of an item, after a few that warm up."""
    work = operator.open()
    work(items[:_WARM])
    wall, cpu = time.perf_counter(), time.process_time()
    work(items[_WARM:])
    spent, count = time.process_time() - cpu, len(items) - _WARM
    return {"items": count, "ms": 1000 * spent / count, "per_s": count / spent, "wall_ms": 1000 * (time.perf_counter() - wall) / count}


def _readable(trial: Path, count: int) -> list[Item]:
    """Items of all data sets in turn, whose pictures can be opened."""
    from internvl.errors import MediaError
    from internvl.media.image import open_image
    from internvl.pipelines.reading.slices import ReadOptions
    from internvl.pipelines.source import Reader, find_inputs

    options = ReadOptions()
    reader = Reader(options)
    sets = [_items(reader, file) for file in find_inputs(inputs(trial), options)]
    found: list[Item] = []
    while len(found) < count and sets:
        for items in list(sets):
            item = next(items, None)
            if item is None:
                sets.remove(items)
                continue
            try:
                open_image(item.image or b"")
            except MediaError:
                continue
            found.append(item)
    return found[:count]


def _items(reader: Any, file: Any) -> Iterator[Item]:
    for part in reader.cut(file, 64):
        yield from (item for item, drop in reader.items(file, part) if drop is None and item.image)


def _web_sized(small: Sequence[Item]) -> Iterator[Item]:
    """Photographs of packages as JPEG of 1024 x 768, with the captions of the others."""
    from dataclasses import replace

    from benchmarks.data_engine.stamps import photographs

    for index, each in enumerate(photographs()):
        with Image.open(each.picture) as picture:
            picture.draft("RGB", WEB_SIDES)
            sized = picture.convert("RGB").resize(WEB_SIDES, Image.Resampling.LANCZOS)
        yield replace(small[index % len(small)], image=encoded(sized, "JPEG", quality=85))


def _ocr(pages: int) -> dict[str, float] | None:
    """Screenshots of a handbook; None where its package was not fetched."""
    from recipes.nano.data.materials import folder

    from internvl.data.record import Origin
    from internvl.pipelines.item import Item
    from internvl.pipelines.ocr.config import OcrConfig
    from internvl.pipelines.ocr.read import ReadText

    files = sorted((folder() / _SCREENS).glob("*.png"))[: pages + _WARM]
    if len(files) <= _WARM:
        return None
    items = [Item(origin=Origin("screens", file.name, 1), image=file.read_bytes()) for file in files]
    return _time(ReadText(OcrConfig()), items)


if __name__ == "__main__":
    sys.exit(main())
