"""Weights of 8 or 4 bits on a CUDA device, by torchao where it is installed (`pip install 'internvl[quant]'`).

Only weights are rounded, to the nearest, when the model is loaded; the vision encoder, which is bound by arithmetic and not by memory,
stays as it is. Tested with torchao's int8 on the CPU; not run on a GPU, and int4 runs nowhere else.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any

from torch import nn

from internvl.errors import MissingDependencyError
from internvl.models.internvl import InternVL
from internvl.models.linear import Linear
from internvl.quantize.plan import QuantPlan, group_for


def quantised_on_gpu(model: InternVL, plan: QuantPlan) -> InternVL:
    """Round the language model's weights in place as the plan has it, and return the model. MissingDependencyError without torchao."""
    try:
        torchao = importlib.import_module("torchao.quantization")
    except ImportError as error:
        raise MissingDependencyError("int8 and int4 weights on a GPU need torchao: pip install 'internvl[quant]'") from error
    for name, module in list(model.language_model.named_modules()):
        kind = plan.kind_of(f"language_model.{name}") if isinstance(module, Linear) else "float"
        if kind == "float":
            continue
        config = torchao.Int8WeightOnlyConfig() if kind == "int8" else _int4(torchao, group_for(module.in_features, plan.group))
        try:
            torchao.quantize_(module, config, filter_fn=_everything)
        except ImportError as error:
            raise MissingDependencyError(f"torchao can't make {kind} weights with what is installed here: {error}") from error
    return model


def _int4(torchao: Any, group: int) -> Any:
    """The format of torch's own int4 kernel. What newer versions of torchao take unless told otherwise needs one more library."""
    config = torchao.Int4WeightOnlyConfig
    choosable = "int4_packing_format" in inspect.signature(config).parameters
    return config(group_size=group, **({"int4_packing_format": "tile_packed_to_4d"} if choosable else {}))


def _everything(module: nn.Module, name: Any) -> bool:
    return True
