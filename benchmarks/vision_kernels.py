"""Our vision kernels beside torch's modules, part by part: `python -m benchmarks.vision_kernels` (`--shape nano`, `--threads 1`).

random weights of a shape -> one layer of InternViT: ours in int8, torch in bfloat16 and float32, round by round
                          -> attention alone: 8-bit, bfloat16, float32, torch's in bfloat16 and float32
->  milliseconds a layer and tile, medians over rounds, and where ours go
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Callable
from statistics import median

import torch
from benchmarks.machine import describe, moment
from torch import Tensor, nn

from internvl.kernels.attention import attention
from internvl.kernels.library import status
from internvl.kernels.packed import pack
from internvl.kernels.vision import PARTS, VisionPass
from internvl.kernels.vision_weights import vision_weights
from internvl.models.attention import attend
from internvl.models.build import initialise, meta_model
from internvl.models.config import InternVLConfig, LanguageConfig, VisionConfig
from internvl.models.internvl import InternVL
from internvl.quantize.layer import QuantLinear

# width, MLP width, heads, tokens of a tile
SHAPES = {"1b": (1024, 4096, 16, 1025), "nano": (384, 1536, 6, 1025)}
LAYERS = 2


def main() -> None:
    """Measure, print."""
    options = _options()
    torch.set_num_threads(options.threads)
    width, mlp, heads, tokens = SHAPES[options.shape]
    print(json.dumps({"shape": options.shape, "threads": options.threads, "kernels": status().instructions, **moment()}))
    print(json.dumps(describe()))
    with torch.inference_mode():
        ways, parts = layer_ways(_model(width, mlp, heads), tokens, options.tiles)
        report("a layer", ways, options.rounds, per=LAYERS * options.tiles)
        share = parts / parts.sum()
        print("  ours: " + ", ".join(f"{name} {part:.0%}" for name, part in zip(PARTS, share.tolist(), strict=True)))
        report("attention", attention_ways(heads, tokens, width // heads), options.rounds, per=1)


def layer_ways(model: InternVL, tokens: int, tiles: int) -> tuple[dict[str, Callable[[], object]], Tensor]:
    """What computes the same layers, by name, and the tensor in which ours adds up the time of its parts."""
    blocks = {dtype: copy.deepcopy(model).to(dtype).vision_encoder.blocks for dtype in (torch.bfloat16, torch.float32)}
    _pack(model)
    weights = vision_weights(model)
    assert weights is not None
    run, times = VisionPass(weights), torch.zeros(len(PARTS), dtype=torch.int64)
    hidden = torch.randn(tiles, tokens, model.config.vision.hidden_size)

    def modules(dtype: torch.dtype) -> Tensor:
        x = hidden.to(dtype)
        for block in blocks[dtype]:
            x = block(x)
        return x

    ways: dict[str, Callable[[], object]] = {
        "ours int8": lambda: run(hidden, times=times),
        "torch bfloat16": lambda: modules(torch.bfloat16),
        "torch float32": lambda: modules(torch.float32),
    }
    return ways, times


def attention_ways(heads: int, tokens: int, width: int) -> dict[str, Callable[[], object]]:
    """Attention of one tile's heads."""
    wide = [torch.randn(heads, tokens, width) for _ in range(3)]
    narrow = [part.bfloat16() for part in wide]
    return {
        "ours 8-bit": lambda: attention(*narrow, in_bytes=True),
        "ours bfloat16": lambda: attention(*narrow, products="bfloat16"),
        "ours float32": lambda: attention(*narrow, products="float32"),
        "torch bfloat16": lambda: attend(*(part[None] for part in narrow)),
        "torch float32": lambda: attend(*(part[None] for part in wide)),
    }


def report(title: str, ways: dict[str, Callable[[], object]], rounds: int, *, per: int) -> None:
    """Run all ways in turn, some rounds long, and print medians in milliseconds and as ratios to the first way's."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            if turn:  # the first one warms up
                seconds[name].append(time.perf_counter() - started)
    first = median(next(iter(seconds.values())))
    print(f"{title}, ms")
    for name, values in seconds.items():
        print(f"  {name:16} {median(values) / per * 1e3:8.2f}   x {median(values) / first:.2f}")


def _model(width: int, mlp: int, heads: int) -> InternVL:
    sizes = {"hidden_size": width, "intermediate_size": mlp, "num_layers": LAYERS, "num_heads": heads}
    vision = VisionConfig(**sizes, norm="layer_norm", qkv_bias=True, qk_norm=False)
    language = LanguageConfig(
        family="qwen2",
        vocab_size=64,
        hidden_size=64,
        intermediate_size=64,
        num_layers=1,
        num_heads=1,
        num_kv_heads=1,
        head_dim=64,
        max_positions=64,
    )
    model = meta_model(InternVLConfig(vision=vision, language=language, template="internlm2-chat")).to_empty(device="cpu")
    initialise(model, seed=0, init_std=0.02)
    return model.eval()


def _pack(model: InternVL) -> None:
    for block in model.vision_encoder.blocks:
        for part, name in ((block.attention, "qkv"), (block.attention, "out"), (block.mlp, "up"), (block.mlp, "down")):
            layer: nn.Linear = getattr(part, name)
            setattr(part, name, QuantLinear(pack(layer.weight, "int8", bias=layer.bias)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="1b")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--tiles", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
