"""What a worker is told: model, pictures, prompts; and what has to be prepared before a program can take part.

PEERS_DIR/llama/bin/llama-server          PEERS_DIR/openvino/bin/python         (`python -m benchmarks.peers.prepare` makes them)
PEERS_DIR/models/SHAPE/llama.cpp/q4_0.gguf ...   PEERS_DIR/models/SHAPE/openvino/int8/ ...   PEERS_DIR/models/SHAPE/internvl/int4/ ...
"""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from benchmarks.chat_speed import one_turn_ids, second_turn_ids
from benchmarks.checkpoints import ensure_checkpoint, shape_named
from benchmarks.peers.peer import NEXT_QUESTION, QUESTION, Picture
from benchmarks.peers.plan import PICTURES, TILES, Contender
from PIL import Image

from internvl.processor import Processor
from internvl.prompt.tokenizer import load_tokenizer

# Multiples of a tile's side, on which the programs' tile policies agree: grids of 1, 6 and 12, with a thumbnail beside the latter two.
GRIDS = {1: (1, 1), 7: (3, 2), 13: (4, 3)}
CELLS = 24  # coloured cells along a tile's side


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where things lie, and how many threads a program may use."""

    peers: Path
    cache: Path
    threads: int


def missing(contender: Contender, shape: str, place: Place) -> str | None:
    """Why a program can't take part; None if it can."""
    needed = {
        "llama.cpp": [place.peers / "llama/bin/llama-server", _model(place, shape, "llama.cpp") / f"{contender.weights}.gguf"],
        "openvino": [_python(place), _model(place, shape, "openvino") / contender.variant / "openvino_tokenizer.xml"],
    }
    absent = [path for path in needed.get(contender.program, []) if not path.exists()]
    return f"not prepared: no {absent[0].relative_to(place.peers)} in the folder of the peers" if absent else None


def python_of(contender: Contender, place: Place) -> str:
    """The interpreter of a program's environment."""
    return str(_python(place)) if contender.program == "openvino" else sys.executable


def job_of(contender: Contender, shape: str, parts: list[str], lengths: dict[str, int], place: Place) -> dict[str, Any]:
    """The job of a worker, as JSON can hold it."""
    folders = ensure_checkpoint(shape, place.cache)
    log = place.cache / f"llama-server-{os.getpid()}.log"  # two runs at once don't read each other's
    log.write_bytes(b"")
    setup: dict[str, Any] = {"variant": contender.variant, "threads": place.threads, "binary": "", "log": str(log), "extra": {}}
    if contender.program == "internvl":
        setup |= {"folder": str(folders["original"]), "extra": _prepared(contender, shape, place)}
    elif contender.program == "transformers":
        setup |= {"folder": str(folders["native"]), "extra": _ids(shape, folders["original"])}
    else:
        setup |= {"folder": str(_model(place, shape, contender.program)), "binary": str(place.peers / "llama/bin/llama-server")}
    pictures = {part: [asdict(each) for each in group] for part, group in pictures_of(shape, place.cache).items()}
    return {"program": contender.program, "setup": setup, "parts": parts, "pictures": pictures} | lengths


def pictures_of(shape: str, cache: Path) -> dict[str, list[Picture]]:
    """The pictures of each part, written first if they are absent."""
    side = shape_named(shape).image_size
    found: dict[str, list[Picture]] = {}
    seed = 0
    for part, count in PICTURES.items():
        found[part] = []
        for _ in range(count):
            seed += 1
            path = cache / "pictures" / f"{side}_{TILES[part]}_{seed}.png"
            if not path.exists():
                _draw(path, side, GRIDS[TILES[part]], seed)
            found[part].append(Picture(path=str(path), tiles=TILES[part], seed=seed))
    return found


def _draw(path: Path, side: int, grid: tuple[int, int], seed: int) -> None:
    """Cells of random colours: no tile is uniform, none is like another."""
    width, height = (CELLS * number for number in grid)
    cells = torch.randint(0, 256, (height, width, 3), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(cells.numpy()).resize((side * grid[0], side * grid[1]), Image.Resampling.BILINEAR).save(path)


def _ids(shape: str, folder: Path) -> dict[str, Any]:
    """The prompts for a program that takes ids: as long as the others'."""
    processor = Processor.of(shape_named(shape), load_tokenizer(folder))
    ids = {str(tiles): one_turn_ids(processor, tiles, QUESTION, system="Chat 001.") for tiles in GRIDS}
    return {"ids": ids, "second_turn_ids": second_turn_ids(processor, NEXT_QUESTION), "side": shape_named(shape).image_size}


def _prepared(contender: Contender, shape: str, place: Place) -> dict[str, Any]:
    """Our quantised folder, if one was made; otherwise weights are quantised while they are read."""
    folder = _model(place, shape, "internvl") / contender.variant
    return {"quantised": str(folder)} if (folder / "config.json").exists() else {}


def _model(place: Place, shape: str, program: str) -> Path:
    return place.peers / "models" / shape / program


def _python(place: Place) -> Path:
    return place.peers / "openvino/bin/python"
