"""The header of a safetensors file, checked before anything trusts it: sizes, names written twice, types, and where the file lies.

    8 bytes: length of the JSON | JSON {name: {dtype, shape, data_offsets}} | the numbers

The safetensors library checks that offsets neither overlap nor leave a gap, but takes the last of two tensors of one name.
"""

from __future__ import annotations

import json
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

DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I8": torch.int8, "U8": torch.uint8,
}  # fmt: skip
DTYPE_CODES = {dtype: code for code, dtype in DTYPES.items()}


@dataclass(frozen=True)
class TensorInfo:
    """Shape and type of a stored tensor, and the file it is in."""

    shape: tuple[int, ...]
    dtype: str
    file: str


def open_shard(path: Path) -> safe_open:
    """A checked handle, lazily mapped. CheckpointError names the file and what is wrong with it."""
    check_inside(path)
    try:
        return safe_open(path, framework="pt")
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a whole safetensors file ({error}); {AGAIN}") from error


def read_header(path: Path) -> dict[str, TensorInfo]:
    """Name -> TensorInfo of a whole file. Raises CheckpointError for a header that is too long, cut off, or names a tensor twice."""
    open_shard(path)  # offsets, overlaps, and the length of the file
    entries = _entries(path)
    return {name: TensorInfo(_shape(entry), str(entry.get("dtype")), path.name) for name, entry in entries.items()}


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
    text += b" " * (-len(text) % 8)
    return _LENGTH.pack(len(text)) + text


def _entries(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
        if length > MAX_HEADER_BYTES:
            raise CheckpointError(f"{path}: a header of {length} bytes is over the format's {MAX_HEADER_BYTES}; {AGAIN}")
        text = file.read(length)
    repeated: list[str] = []
    entries: dict[str, Any] = json.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, repeated))
    if repeated:
        raise CheckpointError(f"{path}: the header names {repeated[0]!r} twice; {AGAIN}")
    entries.pop("__metadata__", None)
    return entries


def _unique(pairs: list[tuple[str, Any]], repeated: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            repeated.append(name)
        values[name] = value
    return values


def _shape(entry: dict[str, Any]) -> tuple[int, ...]:
    return tuple(int(side) for side in entry["shape"])
