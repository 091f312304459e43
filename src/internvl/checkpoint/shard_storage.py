"""Where torch's distributed checkpoints (DCP) keep their tensors: safetensors of each rank and one index, never a pickle.

    FOLDER/rank_00000/model.safetensors     the pieces that rank 0 wrote, named TENSOR@OFFSETS
    FOLDER/index.json                       shape, type and pieces of every tensor; written last

A piece is written as soon as it is on the CPU, and reading touches only the rows asked for, so neither needs room for a whole state.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.distributed.checkpoint.metadata import (
    ChunkStorageMetadata,
    Metadata,
    MetadataIndex,
    TensorProperties,
    TensorStorageMetadata,
)
from torch.distributed.checkpoint.planner import LoadPlan, LoadPlanner, SavePlan, SavePlanner, WriteItem
from torch.distributed.checkpoint.storage import StorageReader, StorageWriter, WriteResult
from torch.futures import Future

from internvl.checkpoint.shard_header import DTYPE_CODES, DTYPES
from internvl.checkpoint.shard_writer import TensorSpec, write_shards, write_text
from internvl.checkpoint.shards import ShardReader
from internvl.errors import CheckpointError, ConfigError

INDEX = "index.json"
MAX_SHARD_BYTES = 5 << 30


class _Place(NamedTuple):
    """Where a piece is: folder of the rank that wrote it, and its name there."""

    folder: str
    name: str


class PieceWriter(StorageWriter):
    """Writes the pieces of each rank into a folder of its own, and the index when all ranks are done."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def reset(self, checkpoint_id: Any = None) -> None:
        """Nothing is kept from one save to the next."""

    def set_up_storage_writer(self, is_coordinator: bool, *args: Any, **kwargs: Any) -> None:
        """Every rank writes alike."""

    def prepare_local_plan(self, plan: SavePlan) -> SavePlan:
        """The plan as it is."""
        return plan

    def prepare_global_plan(self, plans: list[SavePlan]) -> list[SavePlan]:
        """Gives each rank its folder."""
        return [replace(plan, storage_data=f"rank_{rank:05d}") for rank, plan in enumerate(plans)]

    def write_data(self, plan: SavePlan, planner: SavePlanner) -> Future[list[WriteResult]]:
        """Write this rank's pieces, one at a time."""
        specs = {_name(item): TensorSpec(tuple(_chunk(item).sizes), _dtype(item)) for item in plan.items}

        def pieces() -> Iterator[tuple[str, Tensor]]:
            for item in plan.items:
                piece = planner.resolve_data(item)
                if not isinstance(piece, Tensor):
                    raise ConfigError(f"a distributed checkpoint holds tensors only; {item.index.fqn} is none")
                yield _name(item), piece.detach()

        if specs:
            write_shards(self.folder / plan.storage_data, pieces(), specs, max_shard_bytes=MAX_SHARD_BYTES)
        results = [WriteResult(item.index, specs[_name(item)].bytes, _Place(plan.storage_data, _name(item))) for item in plan.items]
        future: Future[list[WriteResult]] = Future()
        future.set_result(results)
        return future

    def finish(self, metadata: Metadata, results: list[list[WriteResult]]) -> None:
        """Write the index, on one rank, after all have written."""
        places = {result.index: result.storage_data for of_rank in results for result in of_rank}
        tensors = {}
        for name, facts in metadata.state_dict_metadata.items():
            if not isinstance(facts, TensorStorageMetadata):
                raise ConfigError(f"a distributed checkpoint holds tensors only; {name} is none")
            pieces = [
                {"offsets": list(chunk.offsets), "sizes": list(chunk.sizes), **places[MetadataIndex(name, chunk.offsets)]._asdict()}
                for chunk in facts.chunks
            ]
            tensors[name] = {"shape": list(facts.size), "dtype": DTYPE_CODES[facts.properties.dtype], "pieces": pieces}
        write_text(self.folder / INDEX, json.dumps({"tensors": tensors}) + "\n")

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: Any) -> bool:
        """Folders only."""
        return isinstance(checkpoint_id, str | Path)


class PieceReader(StorageReader):
    """Reads what `PieceWriter` wrote, in whatever pieces this rank wants it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self._places: dict[MetadataIndex, _Place] = {}
        self._readers: dict[str, ShardReader] = {}

    def reset(self, checkpoint_id: Any = None) -> None:
        """Nothing is kept from one load to the next."""

    def read_metadata(self, *args: Any, **kwargs: Any) -> Metadata:
        """The index in DCP's words. CheckpointError when it is missing or damaged."""
        facts = {}
        for name, (shape, dtype, pieces) in read_index(self.folder).items():
            chunks = []
            for offsets, sizes, place in pieces:
                chunks.append(ChunkStorageMetadata(torch.Size(offsets), torch.Size(sizes)))
                self._places[MetadataIndex(name, torch.Size(offsets))] = place
            facts[name] = TensorStorageMetadata(TensorProperties(dtype=dtype), torch.Size(shape), chunks)
        return Metadata(state_dict_metadata=dict(facts))

    def set_up_storage_reader(self, metadata: Metadata, is_coordinator: bool, *args: Any, **kwargs: Any) -> None:
        """Every rank reads alike."""

    def prepare_local_plan(self, plan: LoadPlan) -> LoadPlan:
        """The plan as it is."""
        return plan

    def prepare_global_plan(self, plans: list[LoadPlan]) -> list[LoadPlan]:
        """The plans as they are."""
        return plans

    def read_data(self, plan: LoadPlan, planner: LoadPlanner) -> Future[None]:
        """Copy the wanted part of each piece to where it belongs."""
        for item in plan.items:
            place = self._places[item.storage_index]
            piece = self._reader(place.folder).tensor(place.name)
            for axis, (start, length) in enumerate(zip(item.storage_offsets, item.lengths, strict=True)):
                piece = piece.narrow(axis, start, length)
            target = planner.resolve_tensor(item).detach()
            target.copy_(piece)
            planner.commit_tensor(item, target)
        future: Future[None] = Future()
        future.set_result(None)
        return future

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: Any) -> bool:
        """Folders only."""
        return isinstance(checkpoint_id, str | Path)

    def _reader(self, folder: str) -> ShardReader:
        if folder not in self._readers:
            self._readers[folder] = ShardReader(self.folder / folder)
        return self._readers[folder]


_Piece = tuple[list[int], list[int], _Place]  # offsets, sizes, where


def read_index(folder: Path) -> dict[str, tuple[list[int], torch.dtype, list[_Piece]]]:
    """Name -> shape, type, pieces of every tensor of a folder. CheckpointError when the index is missing or damaged."""
    path = folder / INDEX
    try:
        found = json.loads(path.read_text("utf-8"))["tensors"]
        return {name: _facts(facts) for name, facts in found.items()}
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}; this is no whole checkpoint, take an earlier one") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: not the index of a distributed checkpoint ({error!r}); take an earlier one") from error


def _facts(facts: dict[str, Any]) -> tuple[list[int], torch.dtype, list[_Piece]]:
    pieces = [(_sizes(p["offsets"]), _sizes(p["sizes"]), _Place(_inside(p["folder"]), str(p["name"]))) for p in facts["pieces"]]
    return _sizes(facts["shape"]), DTYPES[facts["dtype"]], pieces


def _sizes(values: list[Any]) -> list[int]:
    return [int(value) for value in values]


def _inside(folder: str) -> str:
    if Path(folder).name != folder:
        raise ValueError(f"{folder!r} is no folder beside the index")
    return folder


def _chunk(item: WriteItem) -> ChunkStorageMetadata:
    if item.tensor_data is None:
        raise ConfigError(f"a distributed checkpoint holds tensors only; {item.index.fqn} is none")
    return item.tensor_data.chunk


def _name(item: WriteItem) -> str:
    return f"{item.index.fqn}@{','.join(map(str, _chunk(item).offsets))}"


def _dtype(item: WriteItem) -> torch.dtype:
    dtype = item.tensor_data.properties.dtype if item.tensor_data is not None else torch.float32
    if dtype not in DTYPE_CODES:
        raise ConfigError(f"{item.index.fqn}: a distributed checkpoint holds {', '.join(map(str, DTYPE_CODES))}, not {dtype}")
    return dtype
