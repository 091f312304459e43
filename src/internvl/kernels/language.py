"""A language model as one native call: all layers, for new tokens of one or several sequences.

    LanguageWeights -> NativeLanguage:  embeddings [n,D] or words, a NewTokens each sequence
                                        -> keys and values into the caches, logits [n,vocabulary]

Weights are packed ones (int8, int4, ...) or plain tensors [n,k], read where they lie; activations stay float32 between products.
The steps are in native/language.cpp, its torch twin is `models.language`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from internvl.errors import ConfigError
from internvl.kernels.library import native
from internvl.kernels.linear import TYPES, describe
from internvl.kernels.packed import PackedWeight


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """A linear layer: a packed weight, where x_group says how x is rounded (`kernels.linear.product`), or a plain one with its bias."""

    weight: PackedWeight | Tensor
    bias: Tensor | None = None
    x_group: int = 0


@dataclass(frozen=True, kw_only=True)
class LayerWeights:
    """One layer; qkv has rows Q, K, V, gate_up the gate's first. Norms [D], or [head width] where heads are normalised."""

    norm1: Tensor
    norm2: Tensor
    qkv: Matrix
    out: Matrix
    gate_up: Matrix
    down: Matrix
    q_norm: Tensor | None = None
    k_norm: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class LanguageWeights:
    """A pre-norm decoder with SwiGLU and rotary positions. embeds: type of the vectors that a packed embedding gives."""

    layers: Sequence[LayerWeights]
    norm: Tensor
    head: Matrix
    embedding: Matrix
    embeds: torch.dtype
    heads: int
    key_heads: int
    head_width: int
    mlp_width: int
    eps: float


class NewTokens(NamedTuple):
    """New tokens of a sequence, behind `start` cached ones.

    keys, values: a tensor [1,key heads,capacity,head width] a layer, contiguous, with room for `tokens` more.
    cosines, sines: float32 [tokens, head width / 2], contiguous, of their angles.
    """

    keys: Sequence[Tensor | None]
    values: Sequence[Tensor | None]
    start: int
    tokens: int
    cosines: Tensor
    sines: Tensor


class NativeLanguage:
    """Weights as C++ reads them. It keeps the tensors it was given; call it from any thread."""

    def __init__(self, weights: LanguageWeights) -> None:
        library = native()
        if library is None:
            raise ConfigError("there are no native kernels here; use the model's own modules")
        self._function = _function(library)
        self._held: list[object] = [weights]  # everything that C++ has the address of
        self.width, self.vocabulary = weights.norm.shape[0], _rows(weights.head)
        self._words, self._key_heads, self._head_width = _rows(weights.embedding), weights.key_heads, weights.head_width
        _check(weights)
        layers = (_LayerStruct * len(weights.layers))(*(self._layer(layer) for layer in weights.layers))
        self._held.append(layers)
        self._layers = len(layers)
        self._model = _ModelStruct(
            layer=ctypes.addressof(layers),
            norm=self._float(weights.norm),
            head=self._matrix(weights.head),
            embedding=self._matrix(weights.embedding),
            embeds_rounded=weights.embeds == torch.bfloat16,
            layers=len(layers),
            width=self.width,
            heads=weights.heads,
            key_heads=weights.key_heads,
            head_width=weights.head_width,
            mlp_width=weights.mlp_width,
            eps=weights.eps,
        )

    def has_room(self, keys: Sequence[Tensor | None], tokens: int) -> bool:
        """Whether the storage of the last layer's keys is enough for so many tokens: then that of all is, where all grow together."""
        last = keys[-1]
        return last is not None and last.stride(1) >= tokens * self._head_width

    def words(self, words: Sequence[int], sequences: Sequence[NewTokens]) -> Tensor:
        """Append words, those of all sequences in their order -> logits [words,vocabulary] after each. IndexError for unknown ones."""
        rows = sum([new.tokens for new in sequences])
        if len(words) != rows:
            raise ConfigError(f"{rows} words are announced, {len(words)} came")
        ids = (ctypes.c_int64 * rows)(*words)
        return self._run(None, ctypes.addressof(ids), sequences, rows, last_only=False)

    def __call__(self, hidden: Tensor, sequences: Sequence[NewTokens], *, last_only: bool = False) -> Tensor:
        """Append the tokens whose embeddings hidden [rows,D] holds, float32, contiguous; it is overwritten.

        -> float32 logits [rows,vocabulary], or with last_only [sequences,vocabulary] after the last token of each. Lengths of caches
        are the caller's to count. MemoryError when there is no memory for what lies between.
        """
        rows = sum([new.tokens for new in sequences])
        if hidden.shape != (rows, self.width) or hidden.dtype != torch.float32 or not hidden.is_contiguous():
            raise ConfigError(
                f"embeddings have to be float32 [{rows},{self.width}], contiguous, not {hidden.dtype} {list(hidden.shape)}"
            )
        return self._run(hidden.data_ptr(), None, sequences, rows, last_only=last_only)

    def _run(self, hidden: int | None, words: int | None, sequences: Sequence[NewTokens], rows: int, *, last_only: bool) -> Tensor:
        logits = torch.empty(len(sequences) if last_only else rows, self.vocabulary)
        tables = [self._caches(new) for new in sequences]  # held until the call is over
        structs = (_SequenceStruct * len(sequences))(*map(self._sequence, sequences, tables))
        call = _CallStruct(
            hidden, words, ctypes.addressof(structs), logits.data_ptr(), len(sequences), last_only, torch.get_num_threads()
        )
        failed = self._function(ctypes.byref(self._model), ctypes.byref(call))
        if failed == 2:
            raise IndexError(f"a token's id has to lie in 0...{self._words - 1}")
        if failed:
            raise MemoryError(f"no memory to read {rows} tokens")
        return logits

    def _caches(self, new: NewTokens) -> ctypes.Array[ctypes.c_int64]:
        """Addresses and strides of each layer's keys and values. C++ would write anywhere, so what comes is looked at."""
        numbers: list[int] = []
        width, end = self._head_width, (new.start + new.tokens) * self._head_width
        dtype = new.keys[0].dtype if new.keys[0] is not None else None
        for key, value in zip(new.keys, new.values, strict=True):
            if key is None or value is None or key.dtype is not dtype or value.dtype is not dtype:
                raise ConfigError("every layer's cache needs storage, all of one type")
            key_head, value_head = key.stride(1), value.stride(1)
            if (
                key_head < end
                or value_head < end
                or key.numel() != self._key_heads * key_head
                or value.numel() != self._key_heads * value_head
            ):
                raise ConfigError(
                    f"a cache has to be [1,{self._key_heads},{end // width} or more,{width}], contiguous, "
                    f"not {list(key.shape)} and {list(value.shape)}"
                )
            numbers += (key.data_ptr(), value.data_ptr(), key_head, value_head)
        if len(numbers) != 4 * self._layers:
            raise ConfigError(f"a cache of {self._layers} layers is needed, not of {len(new.keys)}")
        return (ctypes.c_int64 * len(numbers))(*numbers)

    def _sequence(self, new: NewTokens, table: ctypes.Array[ctypes.c_int64]) -> _SequenceStruct:
        for part in (new.cosines, new.sines):
            if part.numel() != new.tokens * self._head_width // 2 or part.dtype is not torch.float32 or not part.is_contiguous():
                raise ConfigError(f"cosines and sines have to be float32 [{new.tokens},{self._head_width // 2}], contiguous")
        assert new.keys[0] is not None  # by _caches
        cosines, sines = new.cosines.data_ptr(), new.sines.data_ptr()
        return _SequenceStruct(ctypes.addressof(table), cosines, sines, TYPES[new.keys[0].dtype], new.start, new.tokens)

    def _layer(self, layer: LayerWeights) -> _LayerStruct:
        return _LayerStruct(
            norm1=self._float(layer.norm1),
            norm2=self._float(layer.norm2),
            q_norm=self._float(layer.q_norm),
            k_norm=self._float(layer.k_norm),
            qkv=self._matrix(layer.qkv),
            out=self._matrix(layer.out),
            gate_up=self._matrix(layer.gate_up),
            down=self._matrix(layer.down),
        )

    def _matrix(self, matrix: Matrix) -> _MatrixStruct:
        weight = matrix.weight
        if isinstance(weight, PackedWeight):
            described = describe(weight)
            self._held.append(described)
            return _MatrixStruct(packed=ctypes.addressof(described), n=weight.rows, k=weight.columns, x_group=matrix.x_group)
        bias = self._float(matrix.bias)
        return _MatrixStruct(plain=weight.data_ptr(), bias=bias, type=TYPES[weight.dtype], n=weight.shape[0], k=weight.shape[1])

    def _float(self, tensor: Tensor | None) -> int | None:
        if tensor is None:
            return None
        numbers = tensor.detach().float().contiguous()
        self._held.append(numbers)
        return numbers.data_ptr()


class _MatrixStruct(ctypes.Structure):
    _fields_ = (
        ("packed", ctypes.c_void_p),
        ("plain", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("type", ctypes.c_int32),
        ("n", ctypes.c_int32),
        ("k", ctypes.c_int32),
        ("x_group", ctypes.c_int32),
    )


class _LayerStruct(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("norm1", "norm2", "q_norm", "k_norm")),
        *((name, _MatrixStruct) for name in ("qkv", "out", "gate_up", "down")),
    )


class _ModelStruct(ctypes.Structure):
    _fields_ = (
        ("layer", ctypes.c_void_p),
        ("norm", ctypes.c_void_p),
        ("head", _MatrixStruct),
        ("embedding", _MatrixStruct),
        ("embeds_rounded", ctypes.c_int32),
        *((name, ctypes.c_int32) for name in ("layers", "width", "heads", "key_heads", "head_width", "mlp_width")),
        ("eps", ctypes.c_float),
    )


class _SequenceStruct(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("cache", "cosines", "sines")),
        *((name, ctypes.c_int32) for name in ("type", "start", "rows")),
    )


class _CallStruct(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("hidden", "words", "sequences", "logits")),
        *((name, ctypes.c_int32) for name in ("count", "last_only", "threads")),
    )


def _check(weights: LanguageWeights) -> None:
    """ConfigError unless all shapes fit each other, since C++ would read beyond them."""
    width, seen, cached = weights.norm.shape[0], weights.heads * weights.head_width, weights.key_heads * weights.head_width
    for layer in weights.layers:
        shapes = {"qkv": (seen + 2 * cached, width), "out": (width, seen)}
        shapes |= {"gate_up": (2 * weights.mlp_width, width), "down": (width, weights.mlp_width)}
        for name, shape in shapes.items():
            _check_matrix(getattr(layer, name), name, *shape)
        for norm, size in (
            (layer.norm1, width),
            (layer.norm2, width),
            (layer.q_norm, weights.head_width),
            (layer.k_norm, weights.head_width),
        ):
            if norm is not None and norm.shape != (size,):
                raise ConfigError(f"a norm here has to be [{size}], not {list(norm.shape)}")
    _check_matrix(weights.head, "head", _rows(weights.head), width)
    _check_matrix(weights.embedding, "embedding", _rows(weights.embedding), width)
    if isinstance(weights.embedding.weight, PackedWeight) and weights.embedding.weight.kind != "int8":
        raise ConfigError(f"a packed embedding has to be int8, not {weights.embedding.weight.kind}")


def _check_matrix(matrix: Matrix, name: str, rows: int, columns: int) -> None:
    weight = matrix.weight
    shape = (weight.rows, weight.columns) if isinstance(weight, PackedWeight) else tuple(weight.shape)
    if shape != (rows, columns):
        raise ConfigError(f"the weight of {name} has to be [{rows},{columns}], not {list(shape)}")
    if isinstance(weight, PackedWeight):
        return
    if weight.dtype not in TYPES or weight.device.type != "cpu" or not weight.is_contiguous():
        raise ConfigError(f"the weight of {name} has to lie in the CPU's memory, contiguously, in float32 or bfloat16")
    if matrix.bias is not None and matrix.bias.shape != (rows,):
        raise ConfigError(f"the bias of {name} has to be [{rows}], not {list(matrix.bias.shape)}")


def _rows(matrix: Matrix) -> int:
    return matrix.weight.rows if isinstance(matrix.weight, PackedWeight) else matrix.weight.shape[0]


@lru_cache(maxsize=4)
def _function(library: ctypes.CDLL) -> ctypes._NamedFuncPointer:
    function = library.internvl_language
    function.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
    function.restype = ctypes.c_int32
    return function
