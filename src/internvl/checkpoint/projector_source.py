"""The projector of a model to be assembled: one that was trained before and fits, or random numbers from a seed.

chat checkpoint | FILE.safetensors with mlp1.0.weight ... or 0.weight ...  ->  Part          nothing given  ->  RandomProjector
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.keymap import Entry
from internvl.checkpoint.part import Part, Prefixed, part_of_checkpoint, part_of_folder
from internvl.checkpoint.shard_header import TensorInfo, open_shard, read_header
from internvl.checkpoint.shards import PICKLE_ADVICE, TensorReader
from internvl.errors import CheckpointError, ConfigError
from internvl.models.config import InternVLConfig
from internvl.models.projector import Projector

PART = "projector"
INIT_STD = 0.02  # as all other weights of a model that is trained from nothing


@dataclass(frozen=True)
class ProjectorSource:
    """A projector in its file. pixel_shuffle: the version its checkpoint was trained with; None where the file can't say."""

    path: Path
    widths: tuple[int, int]  # of what it reads (k x k patches side by side) and of what it writes
    pixel_shuffle: Literal["v1", "v2"] | None
    reader: TensorReader
    checkpoint: Checkpoint | None = None

    def part(self, config: InternVLConfig) -> Part:
        """Its tensors for a model of that config. ConfigError when the widths differ."""
        wanted = (config.vision.hidden_size * config.shuffle**2, config.language.hidden_size)
        if self.widths != wanted:
            raise ConfigError(
                f"{self.path}: this projector goes from {self.widths[0]} to {self.widths[1]}, but the encoder and the language "
                f"model need one from {wanted[0]} to {wanted[1]}; leave it out to start with a random one"
            )
        if self.checkpoint is not None:
            return part_of_checkpoint(self.checkpoint, PART)
        return part_of_folder(PART, self.path, self.reader, config)


class RandomProjector:
    """Weights drawn from a seed, biases zero, norm one, in one number type."""

    def __init__(self, config: InternVLConfig, *, seed: int, dtype: torch.dtype) -> None:
        generator = torch.Generator().manual_seed(seed)
        with torch.device("meta"):
            shapes = Projector(config)
        self._dtype = dtype
        self._weights = dict(_drawn(shapes.to_empty(device="cpu"), generator).named_parameters(prefix=PART))

    def dtype(self, ours: str) -> torch.dtype:
        """The number type it is to be stored in."""
        return self._dtype

    def tensors(self, after: Entry) -> list[Tensor]:
        """A parameter as the entry stores it."""
        return after.split(self._weights[after.ours].detach().to(self._dtype))


def open_projector(path: Path) -> ProjectorSource:
    """A projector to start from: that of a chat checkpoint, or a safetensors file that holds nothing else."""
    if path.is_dir():
        checkpoint = Checkpoint(path)
        config = checkpoint.config
        widths = (config.vision.hidden_size * config.shuffle**2, config.language.hidden_size)
        return ProjectorSource(path, widths, config.pixel_shuffle, checkpoint.reader, checkpoint)
    if path.suffix != ".safetensors":
        raise CheckpointError(f"{path}: a projector is a chat checkpoint's folder or a .safetensors file; {PICKLE_ADVICE}")
    reader: TensorReader = _FileReader(path)
    if not any(name.startswith("mlp1.") for name in reader.names()):
        reader = Prefixed(reader, "mlp1.")
    shape = reader.info("mlp1.1.weight").shape
    if len(shape) != 2:
        raise CheckpointError(f"{path}: mlp1.1.weight must be a matrix, not of the shape {list(shape)}")
    return ProjectorSource(path, (shape[1], shape[0]), None, reader)


def _drawn(projector: Projector, generator: torch.Generator) -> Projector:
    with torch.no_grad():
        for module in projector.modules():
            if isinstance(module, nn.Linear):
                module.weight.normal_(0.0, INIT_STD, generator=generator)
                module.bias.zero_()
            if isinstance(module, nn.LayerNorm):
                module.weight.fill_(1.0)
                module.bias.zero_()
    return projector


class _FileReader:
    """One safetensors file as a reader."""

    def __init__(self, path: Path) -> None:
        self._path, self._infos = path, read_header(path)

    def names(self) -> set[str]:
        return set(self._infos)

    def info(self, name: str) -> TensorInfo:
        if name not in self._infos:
            raise CheckpointError(f"{self._path}: the file has no tensor {name!r}")
        return self._infos[name]

    def tensor(self, name: str, *, stays: bool = False) -> Tensor:
        tensor: Tensor = open_shard(self._path).get_tensor(name)
        return tensor
