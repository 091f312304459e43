"""Weights of 8 or 4 bits on a CUDA device, by torchao where it is installed (`pip install 'internvl[quant]'`).

Only weights are rounded, to the nearest, when the model is loaded; the vision encoder, which is bound by arithmetic and not by memory,
stays as it is. Not run on a GPU by this package's tests.
"""

from __future__ import annotations

import importlib
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
        if kind == "int8":
            torchao.quantize_(module, torchao.Int8WeightOnlyConfig(), filter_fn=_everything)
        elif kind == "int4":
            group = group_for(module.in_features, plan.group)
            torchao.quantize_(module, torchao.Int4WeightOnlyConfig(group_size=group), filter_fn=_everything)
    return model


def _everything(module: nn.Module, name: Any) -> bool:
    return True
