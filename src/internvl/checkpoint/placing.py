"""One parameter of a model from its stored tensors, and its place in the model."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from internvl.checkpoint.keymap import Entry
from internvl.checkpoint.shard_header import DTYPES
from internvl.checkpoint.shards import TensorReader


def read_parameter(reader: TensorReader, entry: Entry, *, device: torch.device, dtype: torch.dtype, keeps: bool = True) -> Tensor:
    """A parameter on its device in its type. keeps: what needs no change stays mapped to its file; else it is used and dropped."""
    info = reader.info(entry.stored[0])
    as_stored = keeps and entry.is_copy and device.type == "cpu" and DTYPES[info.dtype] == dtype
    stored = [reader.tensor(name, stays=as_stored) for name in entry.stored]
    return entry.join(stored, dtype=dtype, device=device)


def assign(model: nn.Module, name: str, tensor: Tensor) -> None:
    """Make a tensor the parameter of that name."""
    owner, _, leaf = name.rpartition(".")
    setattr(model.get_submodule(owner), leaf, nn.Parameter(tensor, requires_grad=tensor.is_floating_point()))
