"""`config.json` of a quantised folder: that of the original layout under another model_type, with what was done to each layer.

    "model_type": "internvl_quantized",
    "quantization": {"version": 1, "name": "int4", "layers": {"projector.up": {"kind": "int8", "group": 0, "input_group": 0}, ...}}

The model_type is our own, so that a program that can't read packed weights says so instead of failing at a tensor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from internvl.checkpoint import original
from internvl.checkpoint.fields import Fields
from internvl.errors import ConfigError
from internvl.models.config import InternVLConfig
from internvl.quantize.formats import LayerFormat, layer_shapes
from internvl.quantize.plan import EMBEDDING, HEAD, PackedKind

MODEL_TYPE = "internvl_quantized"
ARCHITECTURE = "InternVLQuantized"
VERSION = 1
_BLOCK = "quantization"


@dataclass(frozen=True, kw_only=True)
class Quantization:
    """What was done to a model. name: of the plan, such as int4. layers: the packed ones, by name."""

    name: str
    layers: Mapping[str, LayerFormat]

    def in_words(self) -> str:
        """Such as `int4 (24 layers int8, 96 int4)`."""
        kinds = Counter(layer.kind for layer in self.layers.values())
        return f"{self.name} ({', '.join(f'{count} layers {kind}' for kind, count in sorted(kinds.items()))})"


def is_quantised(raw: Mapping[str, Any]) -> bool:
    """Whether a config.json is that of a quantised folder."""
    return raw.get("model_type") == MODEL_TYPE


def read_quantization(raw: dict[str, Any], config: InternVLConfig, where: str) -> Quantization:
    """The `quantization` block. ConfigError for another version, an unknown layer, or a format that can't be."""
    fields = Fields(raw, where).sub(_BLOCK)
    version = fields.get("version", int)
    if version != VERSION:
        raise ConfigError(
            f"{where}: the weights are packed in version {version} of the format, and this package reads version {VERSION}; "
            "quantise the model again with this one, or install the package that wrote it"
        )
    shapes = layer_shapes(config)
    layers = fields.sub("layers")
    if unknown := sorted(layers.values.keys() - shapes.keys()):
        raise ConfigError(f"{layers.where}: the model has no layer {unknown[0]!r:.80}")
    if config.language.tie_embeddings and EMBEDDING in layers.values and HEAD not in layers.values:
        raise ConfigError(f"{layers.where}: the head is tied to the embedding, which is packed, so {HEAD!r} must be packed too")
    return Quantization(name=fields.get("name", str), layers={name: _read_layer(layers.sub(name), name) for name in layers.values})


def quantised_values(plain: Mapping[str, Any], quantization: Quantization) -> dict[str, Any]:
    """The config.json of a quantised folder, from that of the original layout."""
    layers = {name: vars(layer) for name, layer in quantization.layers.items()}
    return {
        **plain,
        "architectures": [ARCHITECTURE],
        "model_type": MODEL_TYPE,
        _BLOCK: {"version": VERSION, "name": quantization.name, "layers": layers},
    }


def plain_values(raw: Mapping[str, Any], dtype: str) -> dict[str, Any]:
    """The config.json of the same model in the original layout, with weights of a number type."""
    values = {key: value for key, value in raw.items() if key != _BLOCK}
    for part in ("vision_config", "llm_config"):
        values[part] = values[part] | {"torch_dtype": dtype}
    return values | {"architectures": ["InternVLChatModel"], "model_type": original.MODEL_TYPE, "torch_dtype": dtype}


def _read_layer(fields: Fields, name: str) -> LayerFormat:
    kind = cast(PackedKind, fields.get("kind", str))
    try:
        layer = LayerFormat(kind=kind, group=fields.get("group", int), input_group=fields.get("input_group", int))
    except ConfigError as error:
        raise error if fields.where in str(error) else ConfigError(f"{fields.where}: {error}") from error
    if name == EMBEDDING and kind != "int8":
        raise ConfigError(f"{fields.where}: an embedding is int8, not {kind!r:.40}")
    return layer
