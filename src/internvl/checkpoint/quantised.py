"""Quantised models to files and back, and plain checkpoints that are quantised while they are loaded.

InternVL of QuantLinear layers --save_quantised--> config.json, safetensors with the packed tensors as the kernels read them
quantised folder --load_packed--> InternVL whose weights are mapped from the files: nothing is computed or copied
plain checkpoint --load_quantising--> InternVL of QuantLinear layers, one tensor at a time
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from internvl.checkpoint.keymap import Entry
from internvl.checkpoint.placing import assign, read_parameter
from internvl.checkpoint.quantised_config import Quantization, quantised_values
from internvl.checkpoint.quantised_reader import QuantisedReader
from internvl.checkpoint.shard_writer import TensorSpec, json_text, write_shards, write_text
from internvl.checkpoint.shards import TensorReader
from internvl.models.build import meta_model
from internvl.models.config import InternVLConfig
from internvl.models.internvl import InternVL
from internvl.quantize.formats import LayerFormat, formats_of, shares_table
from internvl.quantize.layer import Packed, layers_of
from internvl.quantize.packing import packed_nearest, quant_module, set_module
from internvl.quantize.plan import EMBEDDING, HEAD, QuantPlan

CPU = torch.device("cpu")
MAX_SHARD_BYTES = 5 << 30


def load_packed(reader: QuantisedReader, config: InternVLConfig, *, dtype: torch.dtype) -> InternVL:
    """The model of a quantised folder, on the CPU and in evaluation mode. dtype: of what is not packed.

    Packed weights are mapped from their files, and read when they are first used.
    """
    model = meta_model(config)
    for name in reader.floating:
        assign(model, name, reader.parameter(name).to(dtype))
    for name, form in reader.quantization.layers.items():
        set_module(model, name, quant_module(name, reader.packed(name), form, dtype=dtype))
    return model.eval()


def load_quantising(
    reader: TensorReader, entries: Sequence[Entry], config: InternVLConfig, plan: QuantPlan, *, dtype: torch.dtype
) -> InternVL:
    """A plain checkpoint as a quantised model on the CPU, weights to their nearest integers. dtype: of what is not packed.

    Memory peaks at the packed model plus the largest tensor; a piece of a few rows at a time is made float32.
    """
    model = meta_model(config)
    formats = formats_of(plan, config)
    for name, own in groupby(entries, key=lambda entry: entry.ours.rpartition(".")[0]):
        keeps = name not in formats
        tensors = {entry.ours: read_parameter(reader, entry, device=CPU, dtype=dtype, keeps=keeps) for entry in own}
        if keeps:
            for ours, tensor in tensors.items():
                assign(model, ours, tensor)
        else:
            _set_packed(model, name, formats[name], tensors, dtype)
        if name == EMBEDDING and config.language.tie_embeddings and HEAD in formats:
            _set_tied_head(model, formats, tensors, config)
    return model.eval()


def _set_packed(model: InternVL, name: str, form: LayerFormat, tensors: Mapping[str, Tensor], dtype: torch.dtype) -> None:
    packed = packed_nearest(tensors[f"{name}.weight"], form, tensors.get(f"{name}.bias"))
    set_module(model, name, quant_module(name, packed, form, dtype=dtype))


def _set_tied_head(model: InternVL, formats: Mapping[str, LayerFormat], tensors: Mapping[str, Tensor], config: InternVLConfig) -> None:
    table = model.language_model.embedding
    if shares_table(formats, config) and isinstance(table, Packed):
        set_module(model, HEAD, quant_module(HEAD, table.packed, formats[HEAD], dtype=model.dtype))
    else:
        _set_packed(model, HEAD, formats[HEAD], {f"{HEAD}.weight": tensors[f"{EMBEDDING}.weight"]}, model.dtype)


def save_quantised(
    model: InternVL, folder: Path, *, name: str, plain: Mapping[str, Any], dtype: torch.dtype, max_shard_bytes: int = MAX_SHARD_BYTES
) -> None:
    """Write config.json and safetensors of a model with packed layers; what is loaded from them is the same bit for bit.

    name: of the plan. plain: the config.json of the original layout. dtype: what floating tensors are stored in, where that loses
    nothing; where it would they keep the type they have.
    """
    layers = layers_of(model)
    shared = shares_table({layer: module.format for layer, module in layers.items()}, model.config)
    stored = dict(_tensors(model, layers, shared, dtype))
    specs = {key: TensorSpec(tuple(tensor.shape), tensor.dtype) for key, tensor in stored.items()}
    quantization = Quantization(name=name, layers={layer: module.format for layer, module in layers.items()})
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "config.json", json_text(quantised_values(plain, quantization)))
    write_shards(folder, iter(stored.items()), specs, max_shard_bytes=max_shard_bytes)


def _tensors(model: InternVL, layers: Mapping[str, Packed], shared: bool, dtype: torch.dtype) -> Iterator[tuple[str, Tensor]]:
    for key, parameter in model.named_parameters():
        yield key, _narrow(parameter.detach(), dtype)
    for name, layer in layers.items():
        if name != HEAD or not shared:
            for leaf, buffer in layer.named_buffers():
                yield f"{name}.{leaf}", buffer


def _narrow(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    narrow = tensor.to(dtype)
    return narrow if torch.equal(narrow.to(tensor.dtype), tensor) else tensor
