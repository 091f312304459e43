"""Several processes as one: who is who, what all of them agree on, and how the module is spread over them.

    torchrun's environment -> World (rank, size, device)        TrainingModule -> Spread: as it is, DDP, or FSDP2 shards

Gradients of all ranks come out summed, not averaged: the step divides by the weight of all ranks itself.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal, TypeAlias, TypeVar, cast

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from internvl.data.batch import Batch
from internvl.errors import ConfigError, DeviceError
from internvl.models.language.block import Block as LanguageBlock
from internvl.models.language.decoder import Decoder
from internvl.models.vision.block import Block as VisionBlock
from internvl.train.config import TrainConfig
from internvl.train.objectives.module import Losses, TrainingModule

Kind: TypeAlias = Literal["none", "ddp", "fsdp"]
Value = TypeVar("Value")

# Weight, gradient and AdamW's two moments of a parameter that learns, all float32.
BYTES_OF_A_LEARNER = 16
# What is left of a device for activations when a whole copy of the model lies on it (DDP).
SHARE_FOR_WEIGHTS = 0.6
TIMEOUT = timedelta(minutes=30)


@dataclass(frozen=True)
class World:
    """The processes of a run and this one among them. Alone: rank 0 of 1."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def is_first(self) -> bool:
        """Whether this process writes what is written once."""
        return self.rank == 0

    def sum(self, values: Sequence[float]) -> list[float]:
        """Sums over all ranks, in float64."""
        return self._reduce(values, dist.ReduceOp.SUM)

    def lowest(self, value: float) -> float:
        """The smallest value of all ranks."""
        return self._reduce([value], dist.ReduceOp.MIN)[0]

    def any(self, flag: bool) -> bool:
        """Whether it holds on any rank."""
        return self.sum([float(flag)])[0] > 0

    def all_of(self, value: Value) -> list[Value]:
        """Every rank's value, in their order."""
        if self.size == 1:
            return [value]
        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, value)
        return found

    def barrier(self) -> None:
        """Wait until all ranks are here."""
        self.sum([0.0])

    def _reduce(self, values: Sequence[float], how: Any) -> list[float]:
        if self.size == 1:
            return [float(value) for value in values]
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(tensor, op=how)
        return [float(value) for value in tensor.tolist()]


@contextmanager
def open_world() -> Iterator[World]:
    """The world that torchrun's environment describes (RANK, WORLD_SIZE, LOCAL_RANK): gloo on CPUs, NCCL on CUDA devices.

    A process group that exists already is used and left open. Raises DeviceError for a LOCAL_RANK without its CUDA device.
    """
    size, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    device = _device(int(os.environ.get("LOCAL_RANK", "0")))
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if dist.is_initialized():
        yield World(dist.get_rank(), dist.get_world_size(), device)
        return
    if size == 1:
        yield World(device=device)
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", rank=rank, world_size=size, timeout=TIMEOUT)
    try:
        yield World(rank, size, device)
    finally:
        dist.destroy_process_group()


def choose_kind(module: nn.Module, world: World, wanted: Literal["auto", "none", "ddp", "fsdp"]) -> tuple[Kind, str]:
    """How to spread a module, and why in one sentence.

    auto: one process, nothing; several, DDP if a device holds a whole copy with its optimiser in 60 % of its memory, else FSDP2.
    Raises ConfigError when several processes are to train with "none": each would train a model of its own.
    """
    if world.size == 1:
        return "none", "one process: nothing to spread"
    if wanted == "none":
        raise ConfigError(f"parallel='none' is for one process, but there are {world.size}; choose ddp, fsdp or auto")
    if wanted != "auto":
        return wanted, f"{wanted} over {world.size} processes, as configured"
    needed = sum(p.numel() * (BYTES_OF_A_LEARNER if p.requires_grad else p.element_size()) for p in module.parameters())
    if world.device.type != "cuda":
        return "ddp", f"ddp over {world.size} processes: CPUs share their memory"
    room = int(SHARE_FOR_WEIGHTS * torch.cuda.get_device_properties(world.device).total_memory)
    kind: Kind = "ddp" if needed <= room else "fsdp"
    relation = "fit into" if kind == "ddp" else "exceed"
    sizes = f"{needed / 2**30:.1f} GiB of weights and optimiser {relation} {room / 2**30:.1f} GiB"
    return kind, f"{kind} over {world.size} processes: {sizes}"


class Spread:
    """A training module on this rank's device, spread over the ranks. `module` keeps its names; `root` is what is called."""

    def __init__(self, module: TrainingModule, world: World, config: TrainConfig, *, kind: Kind) -> None:
        self.module, self.world, self.kind = module, world, kind
        self.bf16 = config.precision == "bf16"
        if kind != "fsdp":
            _float32_where_it_learns(module)
            module.to(world.device)
        if config.compile:
            for block in _blocks(module):
                block.compile()
        self.root = _wrapped(module, world, kind, bf16=self.bf16)

    def __call__(self, batch: Batch) -> Losses:
        """Losses of a batch that lies on the device."""
        with self.autocast():
            # In evaluation DDP has nothing to prepare or to reduce.
            root = self.module if self.kind == "ddp" and not torch.is_grad_enabled() else self.root
            return cast(Losses, root(batch))

    def autocast(self) -> AbstractContextManager[object]:
        """The number types of a forward pass. FSDP2 shards come out of their collection in bfloat16 already."""
        mixed = self.bf16 and self.kind != "fsdp"
        return torch.autocast(self.world.device.type, torch.bfloat16) if mixed else nullcontext()

    def settle(self) -> None:
        """Back to shards after forward passes without a backward, which leave the outermost weights together."""
        for each in self.root.modules():
            if isinstance(each, FSDPModule):
                each.reshard()

    @contextmanager
    def gathering(self, last: bool) -> Iterator[None]:
        """Around forward and backward of a micro-batch: gradients travel only with the last one of a step."""
        if isinstance(self.root, FSDPModule):
            self.root.set_requires_gradient_sync(last)
            yield
            return
        with self.root.no_sync() if isinstance(self.root, DistributedDataParallel) and not last else nullcontext():
            yield

    @property
    def gradient_scale(self) -> float:
        """What a loss is multiplied by, so that the mean of gradients that DDP and FSDP2 take becomes their sum."""
        return float(self.world.size)


def _wrapped(module: TrainingModule, world: World, kind: Kind, *, bf16: bool) -> nn.Module:
    if kind == "none":
        return module
    if kind == "ddp":
        # Buffers are not sent around: objectives keep theirs equal on all ranks themselves. Newer torch renames the argument.
        known = inspect.signature(DistributedDataParallel.__init__).parameters
        buffers: dict[str, Any] = {"forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers": False}
        return DistributedDataParallel(module, gradient_as_bucket_view=True, **buffers)
    mesh = dist.device_mesh.init_device_mesh(world.device.type, (world.size,))
    policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32) if bf16 else MixedPrecisionPolicy()
    for block in _blocks(module):  # one after the other, so that no rank ever has the whole model in float32
        _float32_where_it_learns(block)
        fully_shard(block, mesh=mesh, mp_policy=policy)
    for each in module.modules():
        if isinstance(each, Decoder):
            each.register_forward_pre_hook(_wants_gradient)
    _float32_where_it_learns(module)
    # The root's inputs stay as they are: cast to bfloat16, a batch's weights would no longer add up to what the step divides by.
    fully_shard(module, mesh=mesh, mp_policy=replace(policy, cast_forward_inputs=False))
    return module


def _wants_gradient(decoder: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    """A decoder's input always has a gradient. FSDP2 sends a block's gradients away when that of its input is there, or else at the
    very end: with a frozen embedding, ranks that see pictures and ranks that see none would send in different orders, and hang."""
    if not torch.is_grad_enabled() or inputs[0].requires_grad:
        return None
    return (inputs[0].detach().requires_grad_(), *inputs[1:])


def _blocks(module: nn.Module) -> list[nn.Module]:
    """Every layer of every encoder and decoder inside, a reference model's too."""
    return [each for each in module.modules() if isinstance(each, VisionBlock | LanguageBlock)]


def _float32_where_it_learns(module: nn.Module) -> None:
    for parameter in module.parameters():
        if parameter.requires_grad and not isinstance(parameter, DTensor):
            # A copy always: loaded weights may lie in a mapped file, which an optimiser must not write to.
            parameter.data = parameter.data.to(torch.float32, copy=True)


def _device(local_rank: int) -> torch.device:
    if not torch.cuda.is_available():
        return torch.device("cpu")
    if local_rank >= torch.cuda.device_count():
        raise DeviceError(f"LOCAL_RANK is {local_rank}, but there are {torch.cuda.device_count()} CUDA devices; start fewer processes")
    return torch.device("cuda", local_rank)
