"""The tensors of a quantised folder, checked against its config on opening; and the same as plain weights.

packed: weight, scales, zeros, bias of each layer by our names -> PackedWeight, mapped as it lies on disk
plain:  the names of the original layout -> what the packed integers stand for, in one number type  (a TensorReader)
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from internvl.checkpoint.keymap import Entry, keymap
from internvl.checkpoint.quantised_config import Quantization
from internvl.checkpoint.shard_header import DTYPE_CODES, TensorInfo
from internvl.checkpoint.shards import ShardReader
from internvl.errors import CheckpointError
from internvl.kernels.packed import PackedWeight, unpack
from internvl.models.build import parameter_shapes
from internvl.models.config import InternVLConfig
from internvl.quantize.formats import StoredAs, layer_shapes, shares_table, stored_tensors
from internvl.quantize.plan import EMBEDDING, HEAD

_FLOATS = ("F32", "BF16", "F16")


class QuantisedReader:
    """A quantised folder. `dtype` is the type of the plain weights that it is read as; packed layers are asked for by `packed`.

    Raises CheckpointError for a tensor that is missing, unknown, or of another shape or type than the config says.
    """

    def __init__(self, folder: Path, config: InternVLConfig, quantization: Quantization, *, dtype: torch.dtype) -> None:
        self.folder, self.quantization, self.dtype = folder, quantization, dtype
        self.shared_table = shares_table(quantization.layers, config)
        self._reader = ShardReader(folder)
        self._layers = layer_shapes(config)
        self._shapes = parameter_shapes(config)
        self._places = {name: (entry, part) for entry in keymap(config, "original") for part, name in enumerate(entry.stored)}
        self._last: tuple[str, Tensor] | None = None
        self._check()

    @property
    def floating(self) -> list[str]:
        """Our names of the parameters that are not packed."""
        return [name for name in self._shapes if name.rpartition(".")[0] not in self.quantization.layers]

    def packed(self, layer: str) -> PackedWeight:
        """A layer's packed weight, mapped from disk."""
        form, shape = self.quantization.layers[layer], self._layers[layer]
        source = EMBEDDING if layer == HEAD and self.shared_table else layer
        tensors = {name: self._reader.tensor(f"{source}.{name}", stays=True) for name in stored_tensors(form, shape)}
        data = tensors.pop("weight")
        return PackedWeight(kind=form.kind, rows=shape.rows, columns=shape.columns, group=form.group, data=data, **tensors)

    def parameter(self, name: str) -> Tensor:
        """A parameter that is not packed, mapped from disk as it is stored."""
        return self._reader.tensor(name, stays=True)

    def file_infos(self) -> list[TensorInfo]:
        """What the files hold."""
        return [self._reader.info(name) for name in sorted(self._reader.names())]

    def names(self) -> set[str]:
        """Names of the original layout."""
        return set(self._places)

    def info(self, name: str) -> TensorInfo:
        """Shape and type of the plain weight."""
        entry, part = self._place(name)
        return TensorInfo(entry.stored_shapes(self._shapes[entry.ours])[part], DTYPE_CODES[self.dtype], "")

    def tensor(self, name: str, *, stays: bool = False) -> Tensor:
        """The plain weight: what its integers stand for, rounded to `dtype`."""
        entry, part = self._place(name)
        if self._last is None or self._last[0] != entry.ours:
            self._last = None  # before the next is made, so that there is one at a time
            self._last = (entry.ours, self._plain(entry.ours))
        return entry.split(self._last[1])[part]

    def _plain(self, ours: str) -> Tensor:
        layer, _, leaf = ours.rpartition(".")
        if layer not in self.quantization.layers:
            return self._reader.tensor(ours).to(self.dtype)
        packed = self.packed(layer)
        if leaf == "weight" or packed.bias is None:
            return unpack(packed).to(self.dtype)
        return packed.bias[: packed.rows].to(self.dtype)

    def _place(self, name: str) -> tuple[Entry, int]:
        if name not in self._places:
            raise CheckpointError(f"{self.folder}: the checkpoint has no tensor {name!r}")
        return self._places[name]

    def _check(self) -> None:
        expected = {name: StoredAs(self._shapes[name], self.dtype) for name in self.floating}
        for layer, form in self.quantization.layers.items():
            if layer != HEAD or not self.shared_table:
                tensors = stored_tensors(form, self._layers[layer])
                expected |= {f"{layer}.{name}": stored for name, stored in tensors.items()}
        names = self._reader.names()
        if missing := sorted(expected.keys() - names):
            raise CheckpointError(f"{self.folder}: {len(missing)} tensors are missing, first {missing[0]!r}; a shard may be absent")
        if extra := sorted(names - expected.keys()):
            raise CheckpointError(f"{self.folder}: {len(extra)} tensors belong to no layer of config.json, first {extra[0]!r}")
        floating = set(self.floating)
        for name, stored in expected.items():
            # The kernels trust sizes and types, so those of packed tensors must be exactly theirs.
            self._check_tensor(name, stored, _FLOATS if name in floating else (DTYPE_CODES[stored.dtype],))

    def _check_tensor(self, name: str, stored: StoredAs, types: tuple[str, ...]) -> None:
        info = self._reader.info(name)
        if info.shape != stored.shape:
            raise CheckpointError(
                f"{self.folder}: {name} has the shape {list(info.shape)}, but config.json describes {list(stored.shape)}"
            )
        if info.dtype not in types:
            raise CheckpointError(f"{self.folder}: {name} is stored as {info.dtype}, but config.json describes {' or '.join(types)}")
        if name.endswith(".scales") and not _usable(self._reader.tensor(name)):
            raise CheckpointError(f"{self.folder}: {name} holds scales that are negative, NaN or infinite; write the folder again")


def _usable(scales: Tensor) -> bool:
    return bool(torch.isfinite(scales).all()) and bool((scales >= 0).all())
