"""The linear kernels beside torch's products, in one process: billions of operations a second for many rows, GB/s of weights for few.

    python benchmarks/kernels.py [--threads 1] [--rows 1025] [--seconds 0.3] [--read-mb 400]

Everything in a table is measured in turns, and the best of its turns counts, in processor time where one thread is asked for, so that
other processes disturb little. A plain read of the same amount of memory stands beside the matrix-vector products.
"""

from __future__ import annotations

import argparse
import ctypes
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F

from internvl.kernels import linear
from internvl.kernels.library import native, status
from internvl.kernels.packed import LARGEST, Integers, Kind, PackedWeight, pack, pack_integers

KINDS: tuple[tuple[Kind, int, int], ...] = (
    ("int8", 0, 0),
    ("int8", 0, 128),
    ("int4", 32, 32),
    ("int4", 64, 64),
    ("int4", 128, 128),
    ("bfloat16", 0, 0),
    ("float32", 0, 0),
)
SHAPES = ((1024, 3072), (1024, 4096), (4096, 1024), (896, 1152), (896, 4864), (4864, 896))  # k, n of a 1B model's layers
Work = dict[str, Callable[[], object]]


def main() -> None:
    """Print both tables."""
    options = arguments()
    torch.set_num_threads(options.threads)
    print(f"kernels: {status().instructions}; torch {torch.__version__} {torch.backends.cpu.get_cpu_capability()}")
    print(f"threads: {options.threads}")
    print(f"\n{options.rows} rows: 10^9 operations a second, reading float32 rows included")
    for columns, rows in SHAPES:
        work = products(options.rows, columns, rows)
        operations = 2 * options.rows * columns * rows
        report(f"{columns} -> {rows}", {name: operations / seconds / 1e9 for name, seconds in best(work, options).items()})
    print("\nfew rows: 10^9 bytes of weights a second")
    for count in (1, 2, 4, 8):
        work, sizes = vectors(count, options.read_mb << 20)
        times = best(work, options)
        report(f"{count} rows", {name: sizes[name] / seconds / 1e9 for name, seconds in times.items()})


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rows", type=int, default=1025)
    parser.add_argument("--seconds", type=float, default=0.3, help="for each number")
    parser.add_argument("--read-mb", type=int, default=400, help="weights of the few-row products, more than any cache holds")
    return parser.parse_args()


def products(count: int, columns: int, rows: int) -> Work:
    """Many rows by a layer: ours of each kind, then torch's."""
    x, weight = torch.randn(count, columns), torch.randn(rows, columns) * 0.02
    work: Work = {label(*kind): ours(x, pack(weight, kind[0], group=kind[1]), kind[2]) for kind in KINDS}
    bytes_x, bytes_w = (torch.randint(-127, 128, tensor.shape, dtype=torch.int8) for tensor in (x, weight))
    half_x, half_w = x.bfloat16(), weight.bfloat16()
    work["torch int8"] = lambda: torch._int_mm(bytes_x, bytes_w.T)
    work["torch bfloat16"] = lambda: F.linear(half_x, half_w)
    work["torch float32"] = lambda: F.linear(x, weight)
    return work


def vectors(count: int, size: int) -> tuple[Work, dict[str, int]]:
    """Few rows by a layer of about `size` bytes, and the bytes that each of them reads."""
    columns = 896
    x = torch.randn(count, columns)
    work: Work = {}
    sizes = {}
    for kind, group, x_group in KINDS:
        packed = large(kind, group, columns, size)
        work[label(kind, group, x_group)], sizes[label(kind, group, x_group)] = ours(x, packed, x_group), packed.nbytes
    half = torch.full((size // 2 // columns, columns), 0.02, dtype=torch.bfloat16)
    half_x = x.bfloat16()
    work["torch bfloat16"], sizes["torch bfloat16"] = lambda: F.linear(half_x, half), half.nbytes
    library = native()
    if library is not None:
        words, address, threads = ctypes.c_int64(half.nbytes // 8), ctypes.c_void_p(half.data_ptr()), torch.get_num_threads()
        work["plain read"], sizes["plain read"] = lambda: library.internvl_read_bytes(address, words, threads), half.nbytes
    return work, sizes


def large(kind: Kind, group: int, columns: int, size: int) -> PackedWeight:
    """A weight of about `size` bytes; its values don't matter."""
    bits = {"int8": 8, "int4": 4, "bfloat16": 16, "float32": 32}[kind]
    rows = size * 8 // bits // columns
    if kind not in LARGEST:
        return pack(torch.full((rows, columns), 0.02), kind)
    groups = -(-columns // group) if group else 1
    tables = torch.ones(rows, groups), torch.full((rows, groups), 8, dtype=torch.uint8)
    values = torch.full((rows, columns), 7, dtype=torch.uint8)
    return pack_integers(Integers(values=values, scales=tables[0], zeros=tables[1]), kind, group=group)


def ours(x: torch.Tensor, packed: PackedWeight, x_group: int) -> Callable[[], object]:
    return lambda: linear.product(x, packed, x_group=x_group)


def label(kind: Kind, group: int, x_group: int) -> str:
    return kind if kind not in LARGEST else f"{kind} {group or 'row'}/{x_group or 'row'}"


def best(work: Work, options: argparse.Namespace) -> dict[str, float]:
    """Seconds of the quickest turn of each."""
    clock = time.thread_time if options.threads == 1 else time.perf_counter
    seconds = dict.fromkeys(work, float("inf"))
    for call in work.values():
        call()
    end = time.monotonic() + options.seconds * len(work)
    while time.monotonic() < end:
        for name, call in work.items():
            start = clock()
            call()
            seconds[name] = min(seconds[name], clock() - start)
    return seconds


def report(title: str, numbers: dict[str, float]) -> None:
    print(
        f"{title:>13}: " + "  ".join(f"{name} {number:.{0 if number >= 100 else 1}f}" for name, number in numbers.items()), flush=True
    )


if __name__ == "__main__":
    main()
