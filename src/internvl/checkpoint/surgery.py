"""Checkpoints that are not plain weights, read as if they were: LoRA wrappers are merged, bitsandbytes int8 is dequantised.

    W = base + (alpha / r) * B @ A, alpha = 2 r      (`use_llm_lora`, `use_backbone_lora`; rank r from the tensors themselves)
    W = int8 * SCB / 127, one scale a row            (Chat-V1-5-Int8)

Each is a `TensorReader` over another, so the loader above sees the released names only.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor

from internvl.checkpoint.shards import DTYPES, TensorInfo, TensorReader
from internvl.errors import CheckpointError

# The released code wraps with lora_alpha = 2 * r, whatever r is.
LORA_SCALE = 2.0
_WRAPPER = ".base_model.model."
_LORA = re.compile(r"^(?P<module>.+)\.lora_(?P<side>[AB])(\.default)?\.weight$")


class LoraMerged:
    """A LoRA-wrapped original: names without the wrapper, weights with the adapters added."""

    def __init__(self, reader: TensorReader) -> None:
        self._reader = reader
        self._base: dict[str, str] = {}
        self._adapters: dict[str, dict[str, str]] = {}
        for name in reader.names():
            match = _LORA.match(name)
            if match:
                self._adapters.setdefault(_unwrapped(match["module"]) + ".weight", {})[match["side"]] = name
            else:
                self._base[_unwrapped(name).replace(".base_layer.", ".")] = name
        self._check()

    def names(self) -> set[str]:
        """Released names."""
        return set(self._base)

    def info(self, name: str) -> TensorInfo:
        """Shape and type of the base weight."""
        return self._reader.info(self._base.get(name, name))

    def tensor(self, name: str) -> Tensor:
        """The weight with its adapter, if it has one, added in float32."""
        base = self._reader.tensor(self._base.get(name, name))
        adapter = self._adapters.get(name)
        if adapter is None:
            return base
        down, up = self._reader.tensor(adapter["A"]).float(), self._reader.tensor(adapter["B"]).float()
        return (base.float() + LORA_SCALE * (up @ down)).to(base.dtype)

    def _check(self) -> None:
        for name, sides in self._adapters.items():
            if name not in self._base:
                raise CheckpointError(f"a LoRA adapter belongs to {name!r}, which the checkpoint lacks")
            if set(sides) != {"A", "B"}:
                raise CheckpointError(f"the LoRA adapter of {name!r} has only its {' '.join(sides)} half; A and B are needed")


class Int8Dequantised:
    """A bitsandbytes 8-bit checkpoint as bfloat16 weights."""

    def __init__(self, reader: TensorReader) -> None:
        self._reader = reader
        self._scales = {name[: -len("SCB")] + "weight": name for name in reader.names() if name.endswith(".SCB")}

    def names(self) -> set[str]:
        """Names of the weights; scales and format marks are not weights."""
        return {name for name in self._reader.names() if not name.endswith((".SCB", ".weight_format"))}

    def info(self, name: str) -> TensorInfo:
        """Shape, with the type that `tensor` gives."""
        info = self._reader.info(name)
        return TensorInfo(info.shape, "BF16", info.file) if name in self._scales else info

    def tensor(self, name: str) -> Tensor:
        """The weight; rows of int8 are multiplied by their scale."""
        tensor = self._reader.tensor(name)
        if name not in self._scales:
            return tensor
        scale = self._reader.tensor(self._scales[name]).float()
        return (tensor.float() * (scale[:, None] / 127)).to(torch.bfloat16)


def plain(reader: TensorReader) -> TensorReader:
    """The reader, wrapped by what its tensors call for."""
    names = reader.names()
    if any(name.endswith(".SCB") for name in names):
        reader = Int8Dequantised(reader)
    elif any(reader.info(name).dtype not in DTYPES or reader.info(name).dtype in ("I8", "U8") for name in names):
        raise CheckpointError("the checkpoint holds quantised tensors of an unknown kind; only bitsandbytes int8 can be read")
    if any(_LORA.match(name) for name in names):
        reader = LoraMerged(reader)
    return reader


def _unwrapped(name: str) -> str:
    return name.replace(_WRAPPER, ".", 1)
