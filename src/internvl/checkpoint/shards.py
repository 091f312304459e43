"""Tensors on disk: one safetensors file, or shards with an index. Headers are checked before a byte of weights is read.

    folder -> index or single file -> headers -> ShardReader.tensor(name)

Reading is by name and lazy. Files are mapped; a mapping whose tensors are used once and dropped is let go every
`RELEASE_BYTES`, so that reading a checkpoint needs little memory beside what is made of it. Pickles are refused: opening one
runs whatever it contains.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Protocol

from safetensors import safe_open
from torch import Tensor

from internvl.checkpoint.fields import read_json
from internvl.checkpoint.shard_header import ITEM_BYTES, TensorInfo, check_inside, open_shard, read_header
from internvl.errors import CheckpointError

SINGLE_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
RELEASE_BYTES = 32 << 20
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
PICKLE_ADVICE = (
    "pickles are never opened, because opening one runs the code inside. Convert it where you trust it: "
    'python -c "import torch, safetensors.torch as s; s.save_file({k: v.contiguous().clone() for k, v in '
    "torch.load('pytorch_model.bin', weights_only=True).items()}, 'model.safetensors')\""
)


class TensorReader(Protocol):
    """Tensors by name, from wherever they are."""

    def names(self) -> set[str]: ...
    def info(self, name: str) -> TensorInfo: ...
    def tensor(self, name: str, *, stays: bool = False) -> Tensor: ...


class ShardReader:
    """The tensors of a checkpoint folder, opened lazily."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lasting: dict[str, safe_open] = {}
        self._passing: dict[str, safe_open] = {}
        self._passed_bytes = 0
        self._infos: dict[str, TensorInfo] = {}
        for file, declared in _files_of(folder).items():
            self._read_header(file, declared)

    def names(self) -> set[str]:
        """All tensor names."""
        return set(self._infos)

    def info(self, name: str) -> TensorInfo:
        """Shape, type and file of a tensor, from the header."""
        if name not in self._infos:
            raise CheckpointError(f"{self.folder}: the checkpoint has no tensor {name!r}")
        return self._infos[name]

    def tensor(self, name: str, *, stays: bool = False) -> Tensor:
        """The tensor, mapped from disk; its pages are read when used.

        stays: the caller keeps it. Otherwise it should be used and dropped, so that its pages can go too.
        """
        handles = self._lasting if stays else self._passing
        if not stays:
            self._let_go(_bytes(self.info(name)))
        file = self.info(name).file
        if file not in handles:
            handles[file] = open_shard(self.folder / file)
        tensor: Tensor = handles[file].get_tensor(name)
        return tensor

    def _let_go(self, more_bytes: int) -> None:
        if self._passed_bytes + more_bytes > RELEASE_BYTES:
            self._passing.clear()
            self._passed_bytes = 0
        self._passed_bytes += more_bytes

    def _read_header(self, file: str, declared: set[str] | None) -> None:
        path = self.folder / file
        infos = read_header(path)
        if declared is not None and declared - infos.keys():
            lost = sorted(declared - infos.keys())
            raise CheckpointError(f"{path}: the index places {len(lost)} tensors here that the file lacks, first {lost[0]!r}")
        for name, info in infos.items():
            if name in self._infos:
                raise CheckpointError(f"{path}: the tensor {name!r} is also in {self._infos[name].file}")
            self._infos[name] = info


def _bytes(info: TensorInfo) -> int:
    return math.prod(info.shape) * ITEM_BYTES[info.dtype]


def _files_of(folder: Path) -> dict[str, set[str] | None]:
    """File -> names the index places in it (None: no index)."""
    if (folder / INDEX_FILE).exists():
        return _files_of_index(folder)
    if (folder / SINGLE_FILE).exists():
        return {SINGLE_FILE: None}
    pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
    if pickles:
        raise CheckpointError(f"{folder}: the weights are a pickle ({pickles[0]}), not safetensors; {PICKLE_ADVICE}")
    raise CheckpointError(f"{folder}: no weights found; expected {SINGLE_FILE}, or {INDEX_FILE} with its shards")


def _files_of_index(folder: Path) -> dict[str, set[str] | None]:
    path = folder / INDEX_FILE
    check_inside(path)
    weight_map = read_json(path).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError(f"{path}: not a shard index; expected a weight_map of tensor names to files")
    files: dict[str, set[str] | None] = {}
    for name, file in weight_map.items():
        if not isinstance(file, str) or Path(file).name != file or "\\" in file or not file.endswith(".safetensors"):
            raise CheckpointError(f"{path}: shards must be .safetensors files in the same folder, not {file!r:.80}")
        if file not in files and not (folder / file).exists():
            raise CheckpointError(f"{folder}: the shard {file} is missing; the index names it for {name!r}")
        held = files.setdefault(file, set())
        if held is not None:
            held.add(name)
    return files
