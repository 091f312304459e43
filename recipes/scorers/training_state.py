"""Where training stands, as one safetensors file: weights, AdamW's two means of each, and the number of steps done."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

MEANS = ("exp_avg", "exp_avg_sq")


def save_state(path: Path, network: nn.Module, optimiser: torch.optim.Optimizer, steps: int) -> None:
    """Write the state; the file is whole at any moment."""
    tensors: dict[str, Tensor] = {f"weights.{name}": tensor.contiguous() for name, tensor in network.state_dict().items()}
    for name, parameter in network.named_parameters():
        if held := optimiser.state.get(parameter):
            tensors |= {f"{mean}.{name}": held[mean].contiguous() for mean in MEANS}
    unfinished = path.with_suffix(".tmp")
    save_file(tensors, unfinished, metadata={"steps": str(steps)})
    unfinished.replace(path)


def load_state(path: Path, network: nn.Module, optimiser: torch.optim.Optimizer) -> int:
    """Fill network and optimiser; how many steps were done, 0 without a file."""
    if not path.is_file():
        return 0
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        steps = int(file.metadata()["steps"])
    network.load_state_dict({name.removeprefix("weights."): tensor for name, tensor in tensors.items() if name.startswith("weights.")})
    for name, parameter in network.named_parameters():
        if f"{MEANS[0]}.{name}" in tensors:
            means = {mean: tensors[f"{mean}.{name}"].to(memory_format=torch.preserve_format) for mean in MEANS}
            optimiser.state[parameter] = {"step": torch.tensor(float(steps)), **means}
    return steps
