"""What a token costs: the native language pass beside the model's own modules, on random weights of a released shape, without a ViT.

    python -m benchmarks.decode_kernels --shape 1b --kinds int4,int8,bfloat16 --contexts 322,1858,3394 [--torch] [--threads 2]

A row a kind and context: milliseconds a token (median), those outside the native call, bytes of weights and cache that a token reads
and the bandwidth this makes, beside what this machine reads at best (`probe`). `--prompt N` times reading N tokens as well.
"""

from __future__ import annotations

import argparse
import ctypes
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from benchmarks.checkpoints import shape_named
from torch import nn

from internvl.engine.native import NativeRunner, native_runner
from internvl.engine.runner import Runner, TorchRunner
from internvl.kernels.library import native, status
from internvl.kernels.packed import pack
from internvl.models.build import meta_model
from internvl.models.config import InternVLConfig
from internvl.models.internvl import InternVL
from internvl.models.language.cache import KVCache
from internvl.models.linear import Linear
from internvl.quantize.layer import QuantEmbedding, QuantLinear

TINY_VISION = {"hidden_size": 32, "intermediate_size": 32, "num_layers": 1, "num_heads": 1}
TYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}


def main() -> None:
    options = arguments()
    torch.set_num_threads(options.threads)
    print(f"{options.shape}, {options.threads} threads, {status().instructions}, probe {probe():.1f} GB/s")
    for kind in options.kinds.split(","):
        model = random_model(shape_named(options.shape), kind)
        modules = TorchRunner(model)
        runners: dict[str, Runner] = {"native": native_runner(model, modules) or modules}
        if options.torch:
            runners["modules"] = modules
        with torch.inference_mode():
            for context in map(int, options.contexts.split(",")):
                for name, runner in runners.items():
                    report(f"{kind:9} {name:8} {context:5}", runner, context, options)
            if options.prompt:
                for name, runner in runners.items():
                    time_reading(f"{kind:9} {name:8}", runner, options)


def report(title: str, runner: Runner, context: int, options: argparse.Namespace) -> None:
    caches = [filled_cache(runner, context) for _ in range(options.rows)]
    inside: list[float] = []
    run = runner._language.known.run if isinstance(runner, NativeRunner) and runner._language.known else None
    if run is not None:
        run._function = clocked(run._function, inside)
    whole: list[float] = []
    for _ in range(options.tokens):
        began = time.perf_counter()
        runner.decode([[1]] * len(caches), caches)
        whole.append(time.perf_counter() - began)
        for cache in caches:
            cache.truncate(context)
    read = weight_bytes(runner.model) + sum(cached_bytes(cache) for cache in caches)
    seconds = statistics.median(whole)
    told = f"{title}  {1e3 * seconds:8.3f} ms  best {1e3 * min(whole):8.3f} ms  {len(caches) / seconds:7.1f} tok/s"
    told += f"  {read / 1e6:7.1f} MB  {read / seconds / 1e9:5.1f} GB/s"
    if run is not None:
        told += f"  outside the call {1e3 * (seconds - statistics.median(inside)):.3f} ms"
        run._function = run._function.inner
    print(told, flush=True)


def time_reading(title: str, runner: Runner, options: argparse.Namespace) -> None:
    ids = torch.randint(0, 1000, (1, options.prompt))
    seconds = []
    for _ in range(3):
        cache = runner.model.new_cache()
        began = time.perf_counter()
        runner.read(ids, None, placeholder_id=-1, cache=cache, total=options.prompt)
        seconds.append(time.perf_counter() - began)
    print(f"{title}  reads {options.prompt} tokens in {min(seconds):.3f} s", flush=True)


def clocked(function: Callable[..., int], spent: list[float]) -> Callable[..., int]:
    """The same function, that notes how long each call took."""

    def call(*given: object) -> int:
        began = time.perf_counter()
        result = function(*given)
        spent.append(time.perf_counter() - began)
        return result

    call.inner = function
    return call


def random_model(config: InternVLConfig, kind: str) -> InternVL:
    """A language model of the shape with random weights of this kind (head of 8 bits where they are quantised), behind a tiny ViT."""
    vision = replace(config.vision, **TINY_VISION)
    model = meta_model(replace(config, vision=vision))
    dtype = TYPES.get(kind, torch.bfloat16)
    generator = torch.Generator().manual_seed(0)
    for name, module in list(model.language_model.named_modules()):
        for part, parameter in list(module.named_parameters(recurse=False)):
            numbers = torch.empty(parameter.shape).normal_(0, 0.05, generator=generator) + (part == "weight" and parameter.dim() == 1)
            setattr(module, part, nn.Parameter(numbers.to(dtype), requires_grad=False))
        if kind not in TYPES and isinstance(module, Linear | nn.Embedding):
            owner, _, leaf = name.rpartition(".")
            setattr(model.language_model.get_submodule(owner), leaf, packed_layer(module, kind, head=name == "head"))
    return model.eval()


def packed_layer(module: Linear | nn.Embedding, kind: str, *, head: bool) -> nn.Module:
    """A layer as `internvl quantize` stores it."""
    weight = module.weight.float()
    if isinstance(module, nn.Embedding):
        return QuantEmbedding(pack(weight, "int8"), dtype=module.weight.dtype)
    group = 64 if kind == "int4" and not head else 0
    return QuantLinear(pack(weight, "int4" if group else "int8", group=group, bias=module.bias), input_group=group or 128)


def filled_cache(runner: Runner, tokens: int) -> KVCache:
    """A cache as if that many tokens had been read, with some room."""
    config = runner.model.config.language
    cache = runner.model.new_cache()
    cache.reserve(tokens + 64, runner.model.language_model.norm.weight.new_empty(1, config.num_kv_heads, 0, config.head_dim))
    for stored in (*cache.keys, *cache.values):
        stored.normal_()
    cache.lengths = [tokens]
    return cache


def weight_bytes(model: InternVL) -> int:
    """Bytes of weights that a token reads: all but the embedding table, unless that is the head too."""
    tensors = (tensor for part in (model.language_model.layers, model.language_model.head) if part is not None
               for tensor in (*part.parameters(), *part.buffers()))  # fmt: skip
    return sum(tensor.nbytes for tensor in tensors)


def cached_bytes(cache: KVCache) -> int:
    return sum(stored[:, :, : cache.length].nbytes for stored in (*cache.keys, *cache.values))


def probe() -> float:
    """Bytes a second at which our threads read memory, the best of some."""
    library = native()
    if library is None:
        return 0.0
    words = 1 << 25
    memory = torch.zeros(words, dtype=torch.int64)
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        library.internvl_read_bytes(ctypes.c_void_p(memory.data_ptr()), ctypes.c_int64(words), torch.get_num_threads())
        seconds.append(time.perf_counter() - began)
    return 8e-9 * words / min(seconds)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=("1b", "nano"), default="nano")
    parser.add_argument("--kinds", default="int4,int8,bfloat16")
    parser.add_argument("--contexts", default="322,1858,3394")
    parser.add_argument("--tokens", type=int, default=50)
    parser.add_argument("--rows", type=int, default=1, help="sequences that decode together")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--prompt", type=int, default=0)
    parser.add_argument("--torch", action="store_true", help="the model's own modules too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
