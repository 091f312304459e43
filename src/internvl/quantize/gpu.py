"""Weights of 8 or 4 bits on a CUDA device, by torchao where it is installed (`pip install 'internvl[quant]'`).

Only weights are rounded, to the nearest, when the model is loaded; the vision encoder, which is bound by arithmetic and not by memory,
stays as it is. Tested with torchao's int8 on the CPU; not run on a GPU, and int4 runs nowhere else.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import torch
from torch import nn

from internvl.errors import ConfigError, MissingDependencyError
from internvl.models.internvl import InternVL
from internvl.models.linear import Linear
from internvl.quantize.plan import QuantPlan


def quantised_on_gpu(model: InternVL, plan: QuantPlan) -> InternVL:
    """Round the language model's weights in place as the plan has it, and return the model.

    Raises MissingDependencyError without torchao, ConfigError for int4 beside anything but bfloat16.
    """
    try:
        torchao = importlib.import_module("torchao.quantization")
    except ImportError as error:
        raise MissingDependencyError("int8 and int4 weights on a GPU need torchao: pip install 'internvl[quant]'") from error
    for name, module in list(model.language_model.named_modules()):
        kind = plan.kind_of(f"language_model.{name}") if isinstance(module, Linear) else "float"
        if kind == "float":
            continue
        group = _group(module.in_features, plan.group) if kind == "int4" else None
        if group and model.dtype != torch.bfloat16:
            told = f"int4 weights on a GPU come with bfloat16 for everything else, not {model.dtype}"
            raise ConfigError(f"{told}; `internvl convert --dtype bfloat16` makes such a checkpoint")
        config = _int4(torchao, group) if group else torchao.Int8WeightOnlyConfig()
        try:
            torchao.quantize_(module, config, filter_fn=_everything)
        except ImportError as error:
            raise MissingDependencyError(f"torchao can't make {kind} weights with what is installed here: {error}") from error
    return model


def _group(columns: int, most: int) -> int | None:
    """The group of weights with one scale: those that torch's kernel knows. None, and so int8, where no group divides a row."""
    return next((size for size in (256, 128, 64, 32) if size <= most and columns % size == 0), None)


def _int4(torchao: Any, group: int) -> Any:
    """The format of torch's own int4 kernel. What newer versions of torchao take unless told otherwise needs one more library."""
    config = torchao.Int4WeightOnlyConfig
    choosable = "int4_packing_format" in inspect.signature(config).parameters
    return config(group_size=group, **({"int4_packing_format": "tile_packed_to_4d"} if choosable else {}))


def _everything(module: nn.Module, name: Any) -> bool:
    return True
