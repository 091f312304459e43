"""Which parts of a model the native passes can run: the pass, or None for a part with something unknown in it.

Every module of a part has to be one of ours, as `models` makes it or `quantize` replaces it, without hooks, on the CPU and not in
training: a wrapper, an adapter or a subclass may compute anything, so its part runs by its own modules.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from internvl.engine.angles import Angles
from internvl.kernels.language import LanguageWeights, LayerWeights, Matrix, NativeLanguage
from internvl.kernels.library import native
from internvl.kernels.linear import TYPES
from internvl.kernels.vision import TileEncoder, tile_encoder
from internvl.models.internvl import InternVL
from internvl.models.language import block as language
from internvl.models.language.decoder import Decoder
from internvl.models.language.rope import Rotary
from internvl.models.linear import Linear
from internvl.models.norm import RMSNorm
from internvl.models.projector import Projector
from internvl.models.vision import block as vision
from internvl.models.vision.embeddings import Embeddings
from internvl.models.vision.encoder import VisionEncoder
from internvl.quantize.layer import QuantEmbedding, QuantLinear

LAYERS = {RMSNorm, Linear, QuantLinear, nn.ModuleList}
LANGUAGE = {*LAYERS, Decoder, language.Block, language.Attention, language.Mlp, Rotary, QuantEmbedding, nn.Embedding}
VISION = {*LAYERS, VisionEncoder, Embeddings, vision.Block, vision.Attention, vision.Mlp, Projector, nn.Conv2d, nn.LayerNorm}


@dataclass(frozen=True)
class LanguagePass:
    """A language model as a native pass.

    angles: of its positions. like: an empty tensor of the shape and type of cached keys. reads: whether prompts are faster natively
    too, which takes packed layers; plain ones are read where they lie, a few rows at a time.
    """

    run: NativeLanguage
    angles: Angles
    like: Tensor
    reads: bool


def language_pass(decoder: nn.Module) -> LanguagePass | None:
    """For a language model that the native pass computes as its modules would, up to rounding."""
    if native() is None or not isinstance(decoder, Decoder) or decoder.config.hidden_act != "silu" or not _known(decoder, LANGUAGE):
        return None
    types = {parameter.dtype for parameter in decoder.parameters()}  # outside packed weights; caches have it too
    tied_to_packed = decoder.head is None and isinstance(decoder.embedding, QuantEmbedding)
    if len(types) != 1 or not types <= set(TYPES) or tied_to_packed:
        return None
    weights, config = language_weights(decoder), decoder.config
    like = decoder.norm.weight.detach().new_empty(1, config.num_kv_heads, 0, config.head_dim)
    return LanguagePass(NativeLanguage(weights), Angles(decoder.rotary, config), like, _all_packed(weights))


def vision_pass(model: InternVL) -> TileEncoder | None:
    """For a model whose vision side is quantised."""
    known = _known(model.vision_encoder, VISION) and _known(model.projector, VISION)
    return tile_encoder(model) if native() is not None and known else None


def language_weights(decoder: Decoder) -> LanguageWeights:
    """The tensors of a language model, where they lie."""
    config, table = decoder.config, decoder.embedding
    return LanguageWeights(
        layers=[_layer(block) for block in decoder.blocks],
        norm=decoder.norm.weight,
        head=Matrix(weight=table.weight.detach()) if decoder.head is None else _matrix(decoder.head),
        embedding=Matrix(weight=table.packed if isinstance(table, QuantEmbedding) else table.weight.detach()),
        embeds=table.dtype if isinstance(table, QuantEmbedding) else table.weight.dtype,
        heads=config.num_heads,
        key_heads=config.num_kv_heads,
        head_width=config.head_dim,
        mlp_width=config.intermediate_size,
        eps=config.norm_eps,
    )


def signature(*parts: nn.Module) -> tuple[object, ...]:
    """Changes whenever the modules of some parts, where their tensors lie, or what these hold is changed."""
    found: list[object] = []
    for module in (module for part in parts for module in part.modules()):
        found += (type(module), module.training, _hooked(module))
        for tensor in _tensors(module):
            found += (tensor.data_ptr(), tensor.dtype, 0 if tensor.is_inference() else tensor._version)
    return tuple(found)


def _known(part: nn.Module, kinds: set[type[nn.Module]]) -> bool:
    for module in part.modules():
        if type(module) not in kinds or module.training or _hooked(module):
            return False
        if any(tensor.device.type != "cpu" or not tensor.is_contiguous() for tensor in _tensors(module)):
            return False
    return True


def recordable(decoder: nn.Module) -> bool:
    """Whether a language model's step does nothing but start kernels of one device, so that it may be recorded and played again."""
    modules = list(decoder.modules())
    devices = {tensor.device for module in modules for tensor in _tensors(module)}
    plain = all(type(module) in LANGUAGE - {QuantLinear, QuantEmbedding} and not module.training for module in modules)
    return plain and len(devices) == 1 and not any(_hooked(module) or module._compiled_call_impl is not None for module in modules)


def _tensors(module: nn.Module) -> list[Tensor]:
    return [tensor for tensor in (*module._parameters.values(), *module._buffers.values()) if tensor is not None]


def _hooked(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module))


def _layer(block: language.Block) -> LayerWeights:
    attention, mlp = block.attention, block.mlp
    return LayerWeights(
        norm1=block.norm1.weight,
        norm2=block.norm2.weight,
        qkv=_matrix(attention.qkv),
        out=_matrix(attention.out),
        gate_up=_matrix(mlp.gate_up),
        down=_matrix(mlp.down),
        q_norm=None if attention.q_norm is None else attention.q_norm.weight,
        k_norm=None if attention.k_norm is None else attention.k_norm.weight,
    )


def _matrix(layer: Linear | QuantLinear) -> Matrix:
    if isinstance(layer, QuantLinear):
        return Matrix(weight=layer.packed, x_group=layer.input_group)
    return Matrix(weight=layer.weight.detach(), bias=layer.bias)


def _all_packed(weights: LanguageWeights) -> bool:
    matrices = (matrix for layer in weights.layers for matrix in (layer.qkv, layer.out, layer.gate_up, layer.down))
    return not any(isinstance(matrix.weight, torch.Tensor) for matrix in matrices)
