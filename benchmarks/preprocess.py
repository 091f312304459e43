"""From an opened picture to normalised tiles: ours beside the model card's steps, on the same pictures, in one run.

    python benchmarks/preprocess.py [--rounds 9] [--threads 1]

The card's steps are written out below without torchvision, in what torchvision does for them. Rounds alternate between the two;
medians are printed, then one JSON row. Ours also hashes every tile, which the card's method does not. Both must give equal pixels,
or the run stops.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL
import PIL.Image
import torch

from internvl.media.pixels import IMAGENET, tiles_of
from internvl.media.tiling import TilePolicy

CASES = [(800, 600, 12), (1920, 1080, 12), (1920, 1080, 40), (3840, 2160, 12), (3840, 2160, 40)]


def card_grid(width: int, height: int, max_tiles: int, size: int) -> tuple[int, int]:
    """The card's search over all grids, with nothing remembered between calls."""
    pairs = {(i, j) for i in range(1, max_tiles + 1) for j in range(1, max_tiles + 1) if i * j <= max_tiles}
    best, gap = (1, 1), float("inf")
    for i, j in sorted(pairs, key=lambda pair: pair[0] * pair[1]):
        distance = abs(width / height - i / j)
        if distance < gap or (distance == gap and width * height > 0.5 * size * size * i * j):
            best, gap = (i, j), distance
    return best


def card_tiles(image: PIL.Image.Image, max_tiles: int, size: int = 448) -> torch.Tensor:
    """Resize, crop one by one, thumbnail; then ToTensor and Normalize on each, and stack."""
    columns, rows = card_grid(*image.size, max_tiles, size)
    resized = image.resize((columns * size, rows * size))
    crops = []
    for number in range(columns * rows):
        left, top = number % columns * size, number // columns * size
        crops.append(resized.crop((left, top, left + size, top + size)))
    if len(crops) != 1:
        crops.append(image.resize((size, size)))
    return torch.stack([card_normalised(crop) for crop in crops])


def card_normalised(tile: PIL.Image.Image) -> torch.Tensor:
    colours = torch.from_numpy(np.array(tile, copy=True)).permute(2, 0, 1).contiguous().to(torch.float32).div(255)
    mean = torch.tensor(IMAGENET.mean).view(-1, 1, 1)
    std = torch.tensor(IMAGENET.std).view(-1, 1, 1)
    return colours.clone().sub_(mean).div_(std)


def picture(width: int, height: int) -> PIL.Image.Image:
    """Smooth noise: content does not change the time, but no two tiles are equal."""
    coarse = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return PIL.Image.fromarray(coarse).resize((width, height))


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(width: int, height: int, max_tiles: int, rounds: int) -> dict[str, object]:
    image, policy = picture(width, height), TilePolicy(max_tiles=max_tiles)
    ours = tiles_of(image, policy).pixels
    if not torch.equal(ours, card_tiles(image, max_tiles)):
        raise SystemExit(f"{width}x{height} at {max_tiles} tiles: the pixels differ, so there is nothing to compare")
    card_s, ours_s = [], []
    for _ in range(rounds):
        card_s.append(timed(lambda: card_tiles(image, max_tiles)))
        ours_s.append(timed(lambda: tiles_of(image, policy)))
    return {
        "picture": f"{width}x{height}",
        "max_tiles": max_tiles,
        "tiles": len(ours),
        "card_s": round(statistics.median(card_s), 4),
        "ours_s": round(statistics.median(ours_s), 4),
        "card_range_s": [round(min(card_s), 4), round(max(card_s), 4)],
        "ours_range_s": [round(min(ours_s), 4), round(max(ours_s), 4)],
    }


def machine() -> dict[str, object]:
    """What the numbers depend on."""
    cpu = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "commit": commit.stdout.strip() or "none",
        "cpu": cpu or platform.processor(),
        "torch_threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "pillow": PIL.__version__,
        "numpy": np.__version__,
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1, help="torch threads; Pillow always uses one")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{'picture':>10} {'max':>4} {'tiles':>5} {'card ms':>9} {'ours ms':>9} {'ratio':>6}")
    rows = []
    for width, height, max_tiles in CASES:
        row = compare(width, height, max_tiles, options.rounds)
        rows.append(row)
        card_ms, ours_ms = float(str(row["card_s"])) * 1e3, float(str(row["ours_s"])) * 1e3
        print(f"{row['picture']:>10} {max_tiles:>4} {row['tiles']:>5} {card_ms:>9.1f} {ours_ms:>9.1f} {card_ms / ours_ms:>6.2f}")
    print(json.dumps({"benchmark": "preprocess", **machine(), "rounds": options.rounds, "rows": rows}))


if __name__ == "__main__":
    main()
