"""Checkpoints of models that lie in shards on several ranks, through torch's distributed checkpoint (DCP).

    tensors (whole, or DTensor shards) --save_tensors--> folder --load_tensors--> tensors, sharded alike, otherwise, or not at all
    shards --export_model--> an ordinary checkpoint folder, gathered one tensor at a time

Every rank calls these functions with the same names in the same order.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist

from internvl.checkpoint.keymap import Layout, keymap
from internvl.checkpoint.load import DEFAULT_SHARD_BYTES, DTYPE_NAMES, config_values
from internvl.checkpoint.shard_storage import PieceReader, PieceWriter, read_index
from internvl.checkpoint.shard_writer import json_text, specs_of, write_shards, write_text
from internvl.errors import CheckpointError, ConfigError
from internvl.models.internvl import InternVL


def save_tensors(tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Write named tensors; every rank writes its shards, and one of them what all have alike."""
    from torch.distributed.checkpoint.state_dict_saver import save

    with _in_our_words():
        save(dict(tensors), storage_writer=PieceWriter(folder), no_dist=not dist.is_initialized())


def load_tensors(tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Fill the tensors in place from what `save_tensors` wrote, however it was sharded then.

    Raises CheckpointError for a tensor that the folder lacks or has in another shape.
    """
    from torch.distributed.checkpoint.state_dict_loader import load

    saved = saved_shapes(folder)
    for name, tensor in tensors.items():
        if name not in saved:
            raise CheckpointError(f"{folder}: the checkpoint has no {name}; it was written by a run that trains something else")
        if saved[name] != tuple(tensor.shape):
            raise CheckpointError(f"{folder}: {name} has the shape {list(saved[name])}, but {list(tensor.shape)} is expected")
    with _in_our_words():
        load(
            {name: tensor.detach() for name, tensor in tensors.items()},
            storage_reader=PieceReader(folder),
            no_dist=not dist.is_initialized(),
        )


def saved_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Names and whole shapes of the tensors in a folder of `save_tensors`."""
    return {name: tuple(shape) for name, (shape, _, _) in read_index(folder).items()}


def whole(tensor: Tensor) -> Tensor:
    """A tensor put together from all ranks' shards; one that is whole already as it is. All ranks must ask alike."""
    gather = getattr(tensor, "full_tensor", None)
    gathered: Tensor = tensor.detach() if gather is None else gather().detach()
    return gathered


def export_model(
    model: InternVL,
    folder: Path,
    *,
    dtype: torch.dtype,
    layout: Layout = "original",
    placeholder_id: int = -1,
    values: Mapping[str, Any] | None = None,
    weight_of: Callable[[str, nn.Parameter], Tensor] | None = None,
    write: bool = True,
    max_shard_bytes: int = DEFAULT_SHARD_BYTES,
) -> None:
    """Write a model as config.json and safetensors, as `save_model` does, without its shards ever being together.

    values: the config.json; None writes a new one. weight_of: what is stored for a parameter, given its name and itself, such as
    its sum with adapters; None stores the whole of it.
    write: true on one rank; the others only hand over their shards. Memory peaks at the shards plus one tensor.
    """
    if dtype not in DTYPE_NAMES:
        raise ConfigError(f"a checkpoint holds {', '.join(DTYPE_NAMES.values())}, not {dtype}")
    state = dict(model.named_parameters())
    entries = keymap(model.config, layout)

    def tensors() -> Iterator[tuple[str, Tensor]]:
        for entry in entries:
            parameter = state[entry.ours]
            tensor = whole(parameter) if weight_of is None else weight_of(entry.ours, parameter)
            yield from zip(entry.stored, entry.split(tensor.to(dtype)), strict=True)

    if not write:
        for _ in tensors():
            pass
        return
    specs = specs_of(entries, state, dtype)
    if values is None:
        values = config_values(model.config, layout=layout, dtype=dtype, placeholder_id=placeholder_id, token_ids={})
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "config.json", json_text(values))
    write_shards(folder, tensors(), specs, max_shard_bytes=max_shard_bytes)


@contextmanager
def _in_our_words() -> Iterator[None]:
    """What failed on any rank as the error it was, without torch's wrapping; and without its warning that a process saves alone."""
    from torch.distributed.checkpoint.api import CheckpointException

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*torch.distributed is disabled.*")
        try:
            yield
        except CheckpointException as error:
            cause, _ = next(iter(error.failures.values()))
            raise cause from None
