"""InternViT and the projector on packed weights, each as one native call; torch twins where nothing native can be built.

    pixels [T,3,S,S] --embeddings (torch)--> hidden [T,1+N,D] --VisionPass--> [T,1+N,D] --ProjectorPass--> visual tokens [T,V,D']

Linear layers read their input in 8 bits (int8 weights), one scale a row; attention is flash attention in bfloat16 or float32,
whichever the processor computes faster. Memory is 12 MB a tile at 448 px and width 1024, so tiles go a few at a time.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from internvl.errors import ConfigError
from internvl.kernels.library import native
from internvl.kernels.linear import WeightStruct, describe
from internvl.kernels.vision_twin import layers_twin, projector_twin
from internvl.kernels.vision_weights import (
    LayerWeights,
    LinearWeights,
    NormWeights,
    ProjectorWeights,
    VisionWeights,
    projector_weights,
    vision_weights,
)

PARTS = ("quantise", "qkv", "attention", "out", "up", "down")
TILES_AT_ONCE = 4
_INT, _FLOAT, _ADDRESS = ctypes.c_int32, ctypes.c_float, ctypes.c_void_p


class _Linear(ctypes.Structure):
    _fields_ = (("weight", WeightStruct), ("x_group", _INT))


class _Layer(ctypes.Structure):
    """struct VisionLayer of native/vision.hpp."""

    _fields_ = (
        *((name, _ADDRESS) for name in ("norm1", "norm1_bias", "norm2", "norm2_bias", "q_norm", "k_norm", "scale1", "scale2")),
        *((name, _Linear) for name in ("qkv", "out", "up", "down")),
    )


class _Model(ctypes.Structure):
    """struct VisionModel."""

    _fields_ = (
        ("layer", ctypes.POINTER(_Layer)),
        *((name, _INT) for name in ("layers", "width", "heads", "mlp_width", "silu", "exact", "in_bytes")),
        ("eps", _FLOAT),
    )


class _Call(ctypes.Structure):
    """struct VisionCall."""

    _fields_ = (("hidden", _ADDRESS), ("times", _ADDRESS), ("tiles", _INT), ("tokens", _INT), ("threads", _INT))


class _Projector(ctypes.Structure):
    """struct ProjectorModel."""

    _fields_ = (
        ("norm", _ADDRESS),
        ("norm_bias", _ADDRESS),
        ("up", _Linear),
        ("out", _Linear),
        ("width", _INT),
        ("k", _INT),
        ("transposed", _INT),
        ("eps", _FLOAT),
    )


class _ProjectorCall(ctypes.Structure):
    """struct ProjectorCall."""

    _fields_ = (("hidden", _ADDRESS), ("visual", _ADDRESS), *((name, _INT) for name in ("tiles", "rows", "columns", "threads")))


class VisionPass:
    """The layers of InternViT."""

    def __init__(self, weights: VisionWeights) -> None:
        self.weights = weights
        self._layers = (_Layer * len(weights.layers))(*(_layer(layer) for layer in weights.layers))
        sizes = (
            len(weights.layers),
            weights.width,
            weights.heads,
            weights.mlp_width,
            weights.silu,
            not weights.narrow,
            weights.attention_in_bytes,
        )
        self._model = _Model(self._layers, *sizes, weights.eps)

    def __call__(self, hidden: Tensor, *, times: Tensor | None = None) -> Tensor:
        """[T,N,D] of any number type -> float32 [T,N,D].

        times: int64 [6], to which the nanoseconds spent in each of `PARTS` are added, summed over threads.
        """
        if hidden.dim() != 3 or hidden.shape[-1] != self.weights.width:
            raise ConfigError(f"the vision layers take hidden states [T,N,{self.weights.width}], not {list(hidden.shape)}")
        library = native()
        if library is None or hidden.device.type != "cpu":
            return layers_twin(hidden.detach().float(), self.weights)
        out = hidden.detach().to(torch.float32, copy=True, memory_format=torch.contiguous_format)
        call = _Call(out.data_ptr(), None if times is None else times.data_ptr(), *out.shape[:2], torch.get_num_threads())
        _run(library, "internvl_vision", self._model, call)
        return out


class ProjectorPass:
    """Pixel shuffle, norm and two linear layers."""

    def __init__(self, weights: ProjectorWeights) -> None:
        self.weights = weights
        up, out = (_linear(linear) for linear in (weights.up, weights.out))
        self._model = _Projector(*_norm(weights.norm), up, out, weights.width, weights.k, weights.transposed, weights.eps)

    def __call__(self, hidden: Tensor, *, rows: int, columns: int) -> Tensor:
        """Hidden states with the class token, [T, 1 + rows * columns, D] -> float32 [T,V,D']."""
        k, width = self.weights.k, self.weights.width
        if hidden.shape[1:] != (1 + rows * columns, width) or rows % k or columns % k:
            raise ConfigError(
                f"the projector takes [T, 1 + rows * columns, {width}] with rows and columns in {k}s,"
                f" not {list(hidden.shape)} with {rows} and {columns}"
            )
        library = native()
        if library is None or hidden.device.type != "cpu":
            return projector_twin(hidden.detach().float(), self.weights, rows=rows, columns=columns)
        hidden = hidden.detach().float().contiguous()
        visual = torch.empty(hidden.shape[0], rows // k * (columns // k), self.weights.out.packed.rows)
        call = _ProjectorCall(hidden.data_ptr(), visual.data_ptr(), hidden.shape[0], rows, columns, torch.get_num_threads())
        _run(library, "internvl_projector", self._model, call)
        return visual


class TileEncoder:
    """Pixels to visual tokens for an `InternVL` whose vision layers are packed; make it with `tile_encoder`."""

    def __init__(self, model: Any, vision: VisionPass, projector: ProjectorPass | None) -> None:
        self._model, self._vision, self._projector = model, vision, projector

    def encode(self, pixels: Tensor) -> Tensor:
        """Normalised pixels [T,3,S,S] -> visual tokens [T,V,D], in the model's number type."""
        return torch.cat([self._encode(part) for part in pixels.split(TILES_AT_ONCE)])

    @torch.inference_mode()
    def _encode(self, pixels: Tensor) -> Tensor:
        model = self._model
        pixels = pixels.to(device=model.device, dtype=model.dtype)
        hidden = self._vision(model.vision_encoder.embeddings(pixels))
        patch = model.config.vision.patch_size
        if self._projector is None:
            return model.projector(hidden[:, 1:].to(model.dtype))  # type: ignore[no-any-return]
        return self._projector(hidden, rows=pixels.shape[-2] // patch, columns=pixels.shape[-1] // patch).to(model.dtype)


def tile_encoder(model: Any) -> TileEncoder | None:
    """For an `InternVL`; None where its vision layers aren't packed (or have widths that the kernels don't take)."""
    weights, projector = vision_weights(model), projector_weights(model)
    if weights is None:
        return None
    return TileEncoder(model, VisionPass(weights), None if projector is None else ProjectorPass(projector))


def _layer(layer: LayerWeights) -> _Layer:
    floats = (
        *_norm(layer.norm1),
        *_norm(layer.norm2),
        *(_address(part) for part in (layer.q_norm, layer.k_norm, layer.scale1, layer.scale2)),
    )
    return _Layer(*floats, *(_linear(linear) for linear in (layer.qkv, layer.out, layer.up, layer.down)))


def _norm(norm: NormWeights) -> tuple[int | None, int | None]:
    return _address(norm.weight), _address(norm.bias)


def _linear(linear: LinearWeights) -> _Linear:
    return _Linear(describe(linear.packed), linear.x_group)


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def _run(library: ctypes.CDLL, name: str, model: ctypes.Structure, call: ctypes.Structure) -> None:
    if _function(library, name)(ctypes.byref(model), ctypes.byref(call)):
        raise MemoryError("no memory for the vision side")


@lru_cache(maxsize=8)
def _function(library: ctypes.CDLL, name: str) -> ctypes._NamedFuncPointer:
    function: ctypes._NamedFuncPointer = getattr(library, name)
    function.argtypes = (_ADDRESS, _ADDRESS)
    function.restype = _INT
    return function
