"""How long loading and a question of one tile take, each the median of several tries on so many threads.

model -> {"load_s", "one_tile_s", "threads", ...}
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

import PIL.Image
from PIL import ImageDraw

if TYPE_CHECKING:
    from internvl.engine.vlm import VLM
    from internvl.messages import Image, Message

TRIES = 5
ASKED = "What number is this?"


def timings(name: str, *, threads: int = 2) -> dict[str, Any]:
    """Seconds to load the model once the libraries are imported, and to answer one short question about a picture of one tile."""
    import torch

    import internvl

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        vlm, first = _loaded(name)
        loads = [first, *(_loaded(name)[1] for _ in range(TRIES - 1))]
        answers, tokens = [], 0
        for number in range(TRIES + 1):
            # Another number each time: what the model has seen of a picture is kept.
            picture = internvl.Image(_number_picture(4711 + number), max_tiles=1)
            started = time.perf_counter()
            reply = vlm.answer_all([[_turn(picture)]], max_new_tokens=16)[0]
            answers.append(time.perf_counter() - started)
            tokens = max(tokens, len(reply.ids))
    finally:
        torch.set_num_threads(before)
    return {
        "threads": threads,
        "tries": TRIES,
        "load_s": statistics.median(loads),
        # The first answer warms up and is not counted.
        "one_tile_s": statistics.median(answers[1:]),
        "longest_answer_tokens": tokens,
    }


def _loaded(name: str) -> tuple[VLM, float]:
    import internvl

    started = time.perf_counter()
    vlm = internvl.load(name, device="cpu")
    return vlm, time.perf_counter() - started


def _turn(picture: Image) -> Message:
    from internvl.processor import compose

    return compose(ASKED, [picture])


def _number_picture(number: int) -> PIL.Image.Image:
    picture = PIL.Image.new("RGB", (448, 448), "white")
    ImageDraw.Draw(picture).text((120, 180), str(number), fill="black", font_size=72)
    return picture
