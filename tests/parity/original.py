"""The tiny checkpoints in the released layouts, and what the original implementation answered for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

import internvl
from internvl.engine.card import InternVLChatModel

FIXTURES = Path(__file__).parent / "fixtures"
KINDS = ("internvl2-qwen2", "internvl2-internlm2", "internvl2-phi3", "internvl2-llama3", "v1-1-llama2")
TILE_SIZE = 56


class Kind:
    """One checkpoint with its golden answers."""

    def __init__(self, name: str) -> None:
        self.folder = FIXTURES / name
        self.golden: dict[str, Any] = json.loads((self.folder / "golden.json").read_text("utf-8"))
        self.arrays = np.load(self.folder / "golden.npz")
        self.tokenizer = internvl.AutoTokenizer.from_pretrained(self.folder)
        self.model = InternVLChatModel.from_pretrained(self.folder)

    def case(self, kind: str) -> dict[str, Any]:
        return next(case for case in self.golden["cases"] if case["kind"] == kind)

    def pixels(self, case: dict[str, Any]) -> tuple[torch.Tensor | None, list[int]]:
        """Pixel values of a case, as the card's load_image makes them, and tiles per picture."""
        tiles = [
            internvl.load_image(FIXTURES / f"image{i}.png", input_size=TILE_SIZE, max_num=case["max_num"])
            for i in case.get("images", [])
        ]
        return (torch.cat(tiles) if tiles else None), [int(t.shape[0]) for t in tiles]
