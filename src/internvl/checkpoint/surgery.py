"""Checkpoints that are not plain weights, read as if they were: LoRA wrappers are merged, bitsandbytes int8 is dequantised.

    W = base + (alpha / r) * B @ A, alpha = 2 r      (`use_llm_lora`, `use_backbone_lora`; rank r from the tensors themselves)
    W = int8 * SCB / 127, one scale a row            (Chat-V1-5-Int8)

Each is a `TensorReader` over another, so the loader above sees the released names only. Everything is checked on opening.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import torch
from torch import Tensor

from internvl.checkpoint.shard_header import DTYPES, TensorInfo
from internvl.checkpoint.shards import TensorReader
from internvl.errors import CheckpointError, ConfigError

# The released code wraps with lora_alpha = 2 * r, whatever r is.
LORA_SCALE = 2.0
_WRAPPER = ".base_model.model."
_LORA = re.compile(r"^(?P<module>.+)\.lora_(?P<side>[AB])(\.default)?\.weight$")
# The config's flag of each wrapped part, and how names of that part start.
_LORA_FLAGS = {"use_llm_lora": "language_model.", "use_backbone_lora": "vision_model."}
_FLOATS = ("F64", "F32", "F16", "BF16")


class LoraMerged:
    """A LoRA-wrapped original: names without the wrapper, weights with the adapters added."""

    def __init__(self, reader: TensorReader) -> None:
        self._reader = reader
        self._base: dict[str, str] = {}
        self._adapters: dict[str, dict[str, str]] = {}
        for name in sorted(reader.names()):
            match = _LORA.match(name)
            if match:
                self._adapters.setdefault(_unwrapped(match["module"]) + ".weight", {})[match["side"]] = name
            else:
                self._add_base(name)
        for name, sides in self._adapters.items():
            self._check(name, sides)

    def names(self) -> set[str]:
        """Released names."""
        return set(self._base)

    def info(self, name: str) -> TensorInfo:
        """Shape and type of the base weight."""
        return self._reader.info(self._base.get(name, name))

    def tensor(self, name: str, *, stays: bool = False) -> Tensor:
        """The weight with its adapter, if it has one, added in float32."""
        adapter = self._adapters.get(name)
        base = self._reader.tensor(self._base.get(name, name), stays=stays and adapter is None)
        if adapter is None:
            return base
        down, up = self._reader.tensor(adapter["A"]).float(), self._reader.tensor(adapter["B"]).float()
        return (base.float() + LORA_SCALE * (up @ down)).to(base.dtype)

    def _add_base(self, name: str) -> None:
        plain = _unwrapped(name).replace(".base_layer.", ".")
        if plain in self._base:
            raise CheckpointError(f"{self._base[plain]!r} and {name!r} are the same weight, with and without the LoRA wrapper")
        self._base[plain] = name

    def _check(self, name: str, sides: dict[str, str]) -> None:
        if name not in self._base:
            raise CheckpointError(f"a LoRA adapter belongs to {name!r}, which the checkpoint lacks")
        if set(sides) != {"A", "B"}:
            raise CheckpointError(f"the LoRA adapter of {name!r} has only its {' '.join(sides)} half; A and B are needed")
        base, down, up = (self._reader.info(stored).shape for stored in (self._base[name], sides["A"], sides["B"]))
        if len(base) != 2 or len(down) != 2 or up != (base[0], down[0]) or down[1] != base[1]:
            raise CheckpointError(
                f"the LoRA adapter of {name!r} does not fit: weight {list(base)}, A {list(down)}, B {list(up)}; "
                "expected [out, in], [rank, in] and [out, rank]"
            )


class Int8Dequantised:
    """A bitsandbytes 8-bit checkpoint as weights of the type its other tensors have."""

    def __init__(self, reader: TensorReader) -> None:
        self._reader = reader
        self._scales = {name[: -len("SCB")] + "weight": name for name in reader.names() if name.endswith(".SCB")}
        self._dtype = self._dtype_of_the_rest()
        for name in sorted(reader.names()):
            self._check(name)

    def names(self) -> set[str]:
        """Names of the weights; scales and format marks are not weights."""
        return {name for name in self._reader.names() if not name.endswith((".SCB", ".weight_format"))}

    def info(self, name: str) -> TensorInfo:
        """Shape, with the type that `tensor` gives."""
        info = self._reader.info(name)
        return TensorInfo(info.shape, self._dtype, info.file) if name in self._scales else info

    def tensor(self, name: str, *, stays: bool = False) -> Tensor:
        """The weight; rows of int8 are multiplied by their scale."""
        if name not in self._scales:
            return self._reader.tensor(name, stays=stays)
        scale = self._reader.tensor(self._scales[name]).float()
        return (self._reader.tensor(name).float() * (scale[:, None] / 127)).to(DTYPES[self._dtype])

    def _dtype_of_the_rest(self) -> str:
        kinds = Counter(self._reader.info(name).dtype for name in self.names() if name not in self._scales)
        floats = [kind for kind, _ in kinds.most_common() if kind in _FLOATS]
        return floats[0] if floats else "BF16"

    def _check(self, name: str) -> None:
        info = self._reader.info(name)
        if info.dtype == "I8" and name not in self._scales:
            raise CheckpointError(f"{name!r} is int8, but its scales {name.removesuffix('weight') + 'SCB'!r} are missing")
        if name.endswith(".weight_format") and int(self._reader.tensor(name).sum()) != 0:
            raise CheckpointError(f"{name!r}: only int8 stored row by row can be read; save it again with a later bitsandbytes")
        if name in self._scales:
            self._check_scale(name, info)

    def _check_scale(self, name: str, info: TensorInfo) -> None:
        scale_info = self._reader.info(self._scales[name])
        if info.dtype != "I8" or len(info.shape) != 2 or scale_info.shape != info.shape[:1]:
            raise CheckpointError(
                f"{self._scales[name]!r} of shape {list(scale_info.shape)} does not fit {name!r}, {info.dtype} {list(info.shape)}; "
                "expected one scale for each row of an int8 matrix"
            )
        if not bool(torch.isfinite(self._reader.tensor(self._scales[name]).float()).all()):
            raise CheckpointError(f"{self._scales[name]!r} holds NaN or infinite scales; download or write it again")


def plain(reader: TensorReader, raw: dict[str, Any], where: str) -> TensorReader:
    """The reader, wrapped by what its tensors call for. `raw` is the config.json that came with them.

    Raises ConfigError for a quantisation that can't be read, CheckpointError where flags and tensors contradict each other.
    """
    _check_quantisation(raw, where)
    if any(name.endswith(".SCB") for name in reader.names()):
        reader = Int8Dequantised(reader)
    for name in sorted(reader.names()):
        if reader.info(name).dtype not in _FLOATS:
            raise CheckpointError(
                f"{where}: {name!r} is stored as {reader.info(name).dtype}; of quantised checkpoints only bitsandbytes int8 can be read"
            )
    adapted = {_unwrapped(match["module"]) for name in reader.names() if (match := _LORA.match(name))}
    _check_lora_flags(raw, adapted, where)
    return LoraMerged(reader) if adapted else reader


def _check_quantisation(raw: dict[str, Any], where: str) -> None:
    settings = raw.get("quantization_config")
    if settings is None:
        return
    method = settings.get("quant_method", "bitsandbytes") if isinstance(settings, dict) else settings
    if method != "bitsandbytes" or not settings.get("load_in_8bit", False):
        kind = "4-bit bitsandbytes" if method == "bitsandbytes" else f"{method!r:.40}"
        raise ConfigError(
            f"{where}: the weights are quantised ({kind}); only bitsandbytes int8 can be read. "
            "Use the unquantised release of this model"
        )


def _check_lora_flags(raw: dict[str, Any], adapted: set[str], where: str) -> None:
    for flag, part in _LORA_FLAGS.items():
        rank = raw.get(flag)
        if rank is not None and (isinstance(rank, bool) or not isinstance(rank, int) or rank < 0):
            raise ConfigError(f"{where}: {flag} must be a LoRA rank or 0, not {rank!r:.60}")
        if rank and not any(module.startswith(part) for module in adapted):
            raise CheckpointError(
                f"{where}: {flag} is {rank}, but no LoRA tensors of {part[:-1]} are stored; "
                f"if they were merged already, set {flag} to 0 in config.json, else a file is missing"
            )


def _unwrapped(name: str) -> str:
    return name.replace(_WRAPPER, ".", 1)
