"""The header of a safetensors file, checked before anything trusts it: sizes, names written twice, types, and where the file lies.

    8 bytes: length of the JSON | JSON {name: {dtype, shape, data_offsets}} | the numbers

The safetensors library would take the last of two tensors of one name, and maps a whole file to look at its header.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from internvl.errors import CheckpointError

MAX_HEADER_BYTES = 100_000_000  # the format's own limit
_LENGTH = struct.Struct("<Q")
AGAIN = "download or write it again"
CACHE_LINE = 64

DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I8": torch.int8, "U8": torch.uint8,
}  # fmt: skip
# All types of the format with whole bytes; those that are not in `DTYPES` are refused by name later.
ITEM_BYTES = {code: dtype.itemsize for code, dtype in DTYPES.items()} | {
    "I64": 8, "U64": 8, "C64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2, "BOOL": 1,
    "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "F8_E4M3FNUZ": 1, "F8_E5M2FNUZ": 1,
}  # fmt: skip
DTYPE_CODES = {dtype: code for code, dtype in DTYPES.items()}


@dataclass(frozen=True)
class TensorInfo:
    """Shape and type of a stored tensor, and the file it is in."""

    shape: tuple[int, ...]
    dtype: str
    file: str


def open_shard(path: Path) -> safe_open:
    """A handle, lazily mapped. CheckpointError names the file and what is wrong with it."""
    try:
        return safe_open(path, framework="pt")
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a whole safetensors file ({error}); {AGAIN}") from error
    except RuntimeError as error:  # the system maps no single file that is larger than its memory
        raise CheckpointError(f"{path}: can't be mapped ({error}); write it in smaller shards on a larger machine") from error


def read_header(path: Path) -> dict[str, TensorInfo]:
    """Name -> TensorInfo of a whole file, from its header alone.

    Raises CheckpointError for a link out of the folder, a header that is too long, cut off or names a tensor twice, and for
    tensors that overlap, leave gaps, or don't end with the file.
    """
    check_inside(path)
    try:
        entries, data_bytes = _entries(path)
        infos = {name: TensorInfo(_shape(entry), entry["dtype"], path.name) for name, entry in entries.items()}
        _check_layout(entries, infos, data_bytes)
    except (OSError, ValueError, TypeError, KeyError, RecursionError, struct.error) as error:
        raise CheckpointError(f"{path}: not a whole safetensors file ({error}); {AGAIN}") from error
    return infos


def check_inside(path: Path) -> None:
    """Refuse what is no regular file, or a link out of the folder. The hub's cache links within one model's own folder."""
    real = path.resolve()
    if not real.is_file():
        raise CheckpointError(f"{path} is not a file, or a link to none")
    folder = path.parent.resolve()
    home = folder.parent.parent if folder.parent.name == "snapshots" else folder
    if not real.is_relative_to(home):
        raise CheckpointError(f"{path} is a link to {real}, outside of its folder; copy the file, or give the folder it lies in")


def encode_header(entries: dict[str, Any]) -> bytes:
    """Length and JSON of a header, padded so that the numbers behind it are aligned."""
    text = json.dumps(entries, separators=(",", ":")).encode("utf-8")
    text += b" " * (-(len(text) + _LENGTH.size) % CACHE_LINE)
    return _LENGTH.pack(len(text)) + text


def _entries(path: Path) -> tuple[dict[str, Any], int]:
    """The header's entries, and how many bytes follow it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
        if length > min(MAX_HEADER_BYTES, size - _LENGTH.size):
            raise ValueError(f"a header of {length} bytes in a file of {size}")
        text = file.read(length)
    entries = json.loads(text, object_pairs_hook=_unique)
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise TypeError("the header is no object of objects")
    entries.pop("__metadata__", None)
    return entries, size - _LENGTH.size - length


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise ValueError(f"the header names {name!r:.80} twice")
        values[name] = value
    return values


def _shape(entry: dict[str, Any]) -> tuple[int, ...]:
    shape = entry["shape"]
    if not isinstance(shape, list) or not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError(f"a shape is a list of whole numbers, not {shape!r:.80}")
    return tuple(shape)


def _check_layout(entries: dict[str, Any], infos: dict[str, TensorInfo], data_bytes: int) -> None:
    """Tensors must follow each other without overlap or gap and fill the file."""
    end = 0
    for name in sorted(entries, key=lambda name: tuple(entries[name]["data_offsets"])):
        info, (start, stop) = infos[name], entries[name]["data_offsets"]
        if info.dtype not in ITEM_BYTES:
            raise ValueError(f"{name!r:.80} has the unknown type {info.dtype!r:.20}")
        if start != end or stop - start != math.prod(info.shape) * ITEM_BYTES[info.dtype]:
            raise ValueError(f"{name!r:.80} of shape {list(info.shape)!s:.80} lies at {start}...{stop}, expected to start at {end}")
        end = stop
    if end != data_bytes:
        raise ValueError(f"the tensors take {end} bytes, the file holds {data_bytes}")
