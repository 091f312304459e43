"""The linear layer: torch's own, with a faster way through a CPU where no gradient is wanted (frozen layers included).

Torch sends float32 products to MKL, which keeps to AVX2 on processors of other makers and reads a one-row product with one thread.
oneDNN, which torch ships too, does neither: on an AMD Zen 5 core prefill and encode take half the time, decoding two thirds. In
bfloat16 torch already goes to oneDNN; there the direct call spares a copy of the bias and gives the same bits.
"""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Multiplications below which the call itself costs more than it gains: one row through a layer of 700 x 700.
_WORTHWHILE = 1 << 19
_PLAIN = (nn.Parameter, Tensor)  # others, torchao's among them, know only torch's own products


class Linear(nn.Linear):
    """x @ weight.T + bias. Parameters, names and gradients are those of nn.Linear."""

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] -> [..., out]."""
        return linear(x, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x [..., in] times weight [out, in], transposed, plus bias [out] -> [..., out]."""
    if torch.compiler.is_compiling():
        return F.linear(x, weight, bias)
    worthwhile = x.numel() * weight.shape[0] >= _WORTHWHILE and type(weight) in _PLAIN
    if worthwhile and x.dtype == weight.dtype and not _wants_gradient(x, weight, bias) and takes_onednn(x):
        return product(x, weight, bias)
    return F.linear(x, weight, bias)


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`linear` by oneDNN; only where `takes_onednn` holds for x, and weight has its type."""
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


def takes_onednn(x: Tensor) -> bool:
    """Whether x may go to oneDNN directly: on a CPU that it is good for, without autocast."""
    return x.device.type == "cpu" and not torch.is_autocast_enabled("cpu") and _computes(x.dtype)


def _wants_gradient(*tensors: Tensor | None) -> bool:
    # The direct call has no gradient.
    return torch.is_grad_enabled() and any(tensor is not None and tensor.requires_grad for tensor in tensors)


@cache
def _computes(dtype: torch.dtype) -> bool:
    if not torch.backends.mkldnn.is_available() or not torch.backends.cpu.get_cpu_capability().startswith("AVX"):
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and torch.ops.mkldnn._is_mkldnn_bf16_supported())
