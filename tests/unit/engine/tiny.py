"""The tiny random checkpoints of the parity fixtures as VLM objects, loaded once, and clips to show them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import av
import numpy as np

from internvl import Image, Message
from internvl.engine.vlm import VLM
from internvl.messages import assistant, user

FIXTURES = Path(__file__).parents[2] / "parity" / "fixtures"
KINDS = ("internvl2-qwen2", "internvl2-internlm2", "internvl2-phi3", "internvl2-llama3", "v1-1-llama2")
ONE = KINDS[0]


@cache
def vlm(kind: str = ONE) -> VLM:
    """One checkpoint, fp32, on the CPU. Its vision cache is shared by all tests; `fresh` gives an own one."""
    return VLM.load(FIXTURES / kind, device="cpu")


def fresh(kind: str = ONE) -> VLM:
    """The same weights with a vision cache that has seen nothing."""
    known = vlm(kind)
    return VLM(known.model, known.tokenizer, name=kind)


def picture(number: int) -> Image:
    return Image(FIXTURES / f"image{number}.png")


def conversation(*turns: str | Image) -> list[Message]:
    """One user message of these parts."""
    return [user(*turns)]


def history(*texts: str) -> list[Message]:
    """Alternating user and assistant texts, the user's first."""
    return [user(text) if i % 2 == 0 else assistant(text) for i, text in enumerate(texts)]


def write_clip(path: Path, *, frames: int = 12, fps: int = 4) -> Path:
    """A small clip whose stills differ."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(frames):
            pixels = np.full((64, 96, 3), 20 * number % 256, dtype=np.uint8)
            pixels[8 * (number % 8) : 8 * (number % 8) + 8] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path
