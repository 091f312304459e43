"""The tensors of one part of a model to be assembled, wherever they are stored.

chat checkpoint of either layout | InternViT folder | causal language model folder
    -> Part: our names -> stored tensors -> (stretched, grown) -> tensors as the original layout stores them
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.keymap import Entry, keymap
from internvl.checkpoint.shard_header import DTYPES, TensorInfo
from internvl.checkpoint.shards import TensorReader
from internvl.checkpoint.stored_tensors import check_names, check_shapes
from internvl.models.build import parameter_shapes
from internvl.models.config import InternVLConfig

Change = Callable[[Tensor], Tensor]


class PartSource(Protocol):
    """Where the tensors of a part come from: files, or a random generator."""

    def dtype(self, ours: str) -> torch.dtype: ...
    def tensors(self, after: Entry) -> list[Tensor]: ...


@dataclass(frozen=True)
class Part:
    """A stored part. entries: by our names. changes: what is done to a parameter on the way, by our names."""

    reader: TensorReader
    entries: Mapping[str, Entry]
    changes: Mapping[str, Change] = field(default_factory=dict)

    def dtype(self, ours: str) -> torch.dtype:
        """Number type in which a parameter is stored."""
        return DTYPES[self.reader.info(self.entries[ours].stored[0]).dtype]

    def tensors(self, after: Entry) -> list[Tensor]:
        """A parameter as the entry of another layout stores it; bit for bit where nothing changes."""
        before, change = self.entries[after.ours], self.changes.get(after.ours)
        stored = [self.reader.tensor(name) for name in before.stored]
        if change is None and before.same_storage(after):
            return stored
        ours = before.join(stored)
        return after.split(ours if change is None else change(ours))


class Prefixed:
    """A reader whose names get the prefix that they have inside a chat checkpoint."""

    def __init__(self, reader: TensorReader, prefix: str) -> None:
        self._reader, self._prefix = reader, prefix

    def names(self) -> set[str]:
        """All names, prefixed."""
        return {self._prefix + name for name in self._reader.names()}

    def info(self, name: str) -> TensorInfo:
        """Shape, type and file."""
        return self._reader.info(name.removeprefix(self._prefix))

    def tensor(self, name: str, *, stays: bool = False) -> Tensor:
        """The tensor."""
        return self._reader.tensor(name.removeprefix(self._prefix), stays=stays)


class Below(Prefixed):
    """A reader that sees only what stands under a prefix, by its full names."""

    def __init__(self, reader: TensorReader, prefix: str) -> None:
        super().__init__(reader, "")
        self._inside = prefix

    def names(self) -> set[str]:
        """The names under the prefix."""
        return {name for name in super().names() if name.startswith(self._inside)}


def part_of_checkpoint(checkpoint: Checkpoint, name: str) -> Part:
    """A part of an opened chat checkpoint, whose names and shapes are checked already."""
    return Part(checkpoint.reader, _of_part(checkpoint.entries, name))


def part_of_folder(name: str, folder: Path, reader: TensorReader, config: InternVLConfig) -> Part:
    """A part stored alone, its names prefixed as in the original layout. `config` describes it as it is stored.

    Raises CheckpointError for a tensor that is missing, unknown, or of another shape than its config says.
    """
    entries = _of_part(keymap(config, "original"), name)
    check_names(folder, entries.values(), reader.names())
    check_shapes(folder, entries.values(), reader, parameter_shapes(config))
    return Part(reader, entries)


def _of_part(entries: list[Entry], name: str) -> dict[str, Entry]:
    return {entry.ours: entry for entry in entries if entry.ours.startswith(f"{name}.")}
