"""Vectors on disk, found by what they were made from, so that no picture or sentence is encoded twice by one model.

    FOLDER/store.json                   who encodes (a changed description is refused)
    FOLDER/<hash>.safetensors           keys uint8[n, 16], features float32[n, D]; written whole or not at all

Processes share a folder without locks: each adds files of its own. A killed one loses the rows it had not added yet, no more.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors.torch import save
from torch import Tensor

from internvl.checkpoint.shard_header import open_shard, read_header
from internvl.errors import CheckpointError, NumericError
from internvl.eval.errors import EvalError
from internvl.eval.results import dump_json, read_json_object, write_atomically, write_json_atomically

Key: TypeAlias = bytes

KEY_BYTES = 16
STORE_FILE = "store.json"
OPEN_CHUNKS = 16


def content_key(content: bytes, context: str) -> Key:
    """The key of a file's bytes or a sentence's, and of how it is shown (`context`: a mode, a number of frames)."""
    digest = hashlib.blake2b(context.encode() + b"\0", digest_size=KEY_BYTES)
    digest.update(content)
    return digest.digest()


def fingerprint(description: Mapping[str, Any]) -> str:
    """A short name for a JSON description, the same whatever the order of its fields."""
    values = {name: description[name] for name in sorted(description)}
    return hashlib.blake2b(dump_json(values, "a description"), digest_size=8).hexdigest()


class FeatureStore:
    """The vectors of one model below a folder. Raises EvalError when the folder is another model's or a file of it is damaged."""

    def __init__(self, folder: Path, description: Mapping[str, Any]) -> None:
        self.folder = folder
        self.width = 0
        self._places: dict[Key, tuple[str, int]] = {}
        self._chunks: OrderedDict[str, Tensor] = OrderedDict()
        self._known: set[str] = set()
        self._claim({"format": 1, "description": dict(description)})
        self.refresh()

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: Key) -> bool:
        return key in self._places

    def refresh(self) -> None:
        """Find the files that other processes have added meanwhile."""
        for path in sorted(self.folder.glob("*.safetensors")):
            if path.name not in self._known:
                self._list(path)

    def add(self, keys: Sequence[Key], features: Tensor) -> None:
        """Keep features [n, D] under n keys, on disk when this returns. Raises NumericError for numbers that are not finite."""
        if features.ndim != 2 or len(features) != len(keys):
            raise EvalError(f"{len(keys)} vectors were expected as [{len(keys)}, D], the embedder gave {list(features.shape)}")
        values = features.detach().to("cpu", torch.float32).contiguous()
        if not bool(torch.isfinite(values).all()):
            raise NumericError("the embedder gave vectors with NaN or infinite numbers: its weights are damaged or a type overflowed")
        self._check_width(values.shape[1], "the embedder")
        name = f"{hashlib.blake2b(b''.join(keys), digest_size=KEY_BYTES).hexdigest()}.safetensors"
        stored = torch.frombuffer(bytearray(b"".join(keys)), dtype=torch.uint8).reshape(-1, KEY_BYTES)
        write_atomically(self.folder / name, [save({"keys": stored, "features": values})])
        self._place(name, keys)

    def rows(self, keys: Sequence[Key]) -> Tensor:
        """float32[len(keys), D] in that order. Few files are held in memory at a time. Raises EvalError for a key it lacks."""
        out = torch.empty(len(keys), self.width)
        wanted: dict[str, list[tuple[int, int]]] = {}
        for position, key in enumerate(keys):
            if key not in self._places:
                raise EvalError(f"{self.folder}: the vector of row {position + 1} of {len(keys)} is not stored yet")
            name, row = self._places[key]
            wanted.setdefault(name, []).append((position, row))
        for name, pairs in wanted.items():
            positions, rows = zip(*pairs, strict=True)
            out[list(positions)] = self._features(name)[list(rows)]
        return out

    def _claim(self, facts: dict[str, Any]) -> None:
        path = self.folder / STORE_FILE
        if not path.exists():
            write_json_atomically(path, facts)
        if (kept := read_json_object(path)) != facts:
            raise EvalError(f"{self.folder} holds vectors of {kept.get('description')!r:.300}, not of {facts['description']!r:.300}")

    def _list(self, path: Path) -> None:
        try:
            infos = read_header(path)
            with open_shard(path) as handle:
                keys: Tensor = handle.get_tensor("keys")
            shapes = infos["keys"].shape[1:], infos["features"].shape[:1]
        except (CheckpointError, KeyError, RuntimeError) as error:
            raise self._damaged(path, str(error)) from error
        if shapes != ((KEY_BYTES,), (len(keys),)) or keys.dtype != torch.uint8 or len(infos["features"].shape) != 2:
            raise self._damaged(path, f"keys {list(infos['keys'].shape)}, features {list(infos['features'].shape)}")
        self._check_width(infos["features"].shape[1], str(path))
        flat = keys.numpy().tobytes()
        self._place(path.name, [flat[start : start + KEY_BYTES] for start in range(0, len(flat), KEY_BYTES)])

    def _place(self, name: str, keys: Sequence[Key]) -> None:
        self._known.add(name)
        for row, key in enumerate(keys):
            self._places.setdefault(key, (name, row))

    def _check_width(self, width: int, who: str) -> None:
        if self.width and width != self.width:
            raise EvalError(f"{who} gives vectors of {width} numbers, {self.folder} holds vectors of {self.width}")
        self.width = width

    def _features(self, name: str) -> Tensor:
        if name not in self._chunks:
            try:
                with open_shard(self.folder / name) as handle:
                    self._chunks[name] = handle.get_tensor("features")
            except CheckpointError as error:
                raise self._damaged(self.folder / name, str(error)) from error
            if len(self._chunks) > OPEN_CHUNKS:
                self._chunks.popitem(last=False)
        self._chunks.move_to_end(name)
        return self._chunks[name]

    def _damaged(self, path: Path, reason: str) -> EvalError:
        return EvalError(f"{path} is damaged ({reason}); remove it, and its rows are encoded again")


class StoredFeatures:
    """Rows of a store in the order of their keys, read a block at a time."""

    def __init__(self, store: FeatureStore, keys: Sequence[Key]) -> None:
        self._store = store
        self._keys = keys
        self.width = store.width

    def __len__(self) -> int:
        return len(self._keys)

    def block(self, start: int, stop: int) -> Tensor:
        """float32[stop - start, D]."""
        return self._store.rows(self._keys[start:stop])
