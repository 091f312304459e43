"""`config.json` of the transformers-native layout (`InternVLForConditionalGeneration`), to and from `InternVLConfig`.

The native layout has no place for the template, the tile limits or the pixel shuffle version. What we write keeps them in one
extra object, `internvl_chat`, which transformers carries along untouched, so that a conversion back loses nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from internvl.checkpoint.fields import Fields
from internvl.checkpoint.language_config import read_language, write_language
from internvl.errors import ConfigError
from internvl.models.config import Activation, InternVLConfig, Norm, VisionConfig

MODEL_TYPE = "internvl"
EXTRA = "internvl_chat"
# A native checkpoint of other hands says nothing of its template; all that were published are of the 2.5 kind or later.
DEFAULT_TEMPLATE = "internvl2_5"


def read_native(values: dict[str, Any], where: str) -> InternVLConfig:
    """The native JSON -> InternVLConfig."""
    fields = Fields(values, where)
    extra = Fields(fields.get(EXTRA, dict, {}), f"{where} {EXTRA}")
    vision = _read_vision(fields.sub("vision_config"), extra)
    fields.expect("projector_hidden_act", "gelu", "the projector of the family has no other")
    fields.expect("vision_feature_select_strategy", "default", "the class token is never shown to the language model")
    language = read_language(fields.sub("text_config"), family=extra.get("family", str, None))
    select = fields.get("vision_feature_layer", int, -1)
    return InternVLConfig(
        vision=vision,
        # transformers obeys the outer flag, whose absence means tied; files with a head of their own are untied on opening.
        language=replace(language, tie_embeddings=fields.get("tie_word_embeddings", bool, True)),
        template=extra.get("template", str, DEFAULT_TEMPLATE),
        image_size=extra.get("image_size", int, vision.image_size),
        select_layer=select,
        downsample_ratio=fields.ratio("downsample_ratio", 0.5),
        pixel_shuffle="v2",
        dynamic_tiles=extra.get("dynamic_tiles", bool, True),
        use_thumbnail=extra.get("use_thumbnail", bool, True),
        min_tiles=extra.get("min_tiles", int, 1),
        max_tiles=extra.get("max_tiles", int, 12),
        pad_to_square=extra.get("pad_to_square", bool, False),
        system_message=extra.get("system_message", str, None),
    )


def write_native(config: InternVLConfig, *, dtype: str, placeholder_id: int) -> dict[str, Any]:
    """InternVLConfig -> native JSON. Pixel shuffle v1 has no native form, nor has a model whose placeholder is unknown: ConfigError."""
    if placeholder_id < 0:
        raise ConfigError("the transformers-native layout names the id of <IMG_CONTEXT>; give placeholder_id")
    if config.pixel_shuffle != "v2":
        raise ConfigError("pixel shuffle v1 (Chat-V1-1, V1-2) does not exist in the transformers-native layout; keep the original")
    return {
        "architectures": ["InternVLForConditionalGeneration"],
        "model_type": MODEL_TYPE,
        "dtype": dtype,
        "downsample_ratio": config.downsample_ratio,
        "image_seq_length": config.tokens_per_tile,
        "image_token_id": placeholder_id,
        "projector_hidden_act": "gelu",
        "text_config": write_language(config.language, native=True) | {"dtype": dtype},
        "tie_word_embeddings": config.language.tie_embeddings,
        "vision_config": _write_vision(config.vision) | {"dtype": dtype},
        "vision_feature_layer": config.select_layer,
        "vision_feature_select_strategy": "default",
        EXTRA: _write_extra(config),
    }


def _write_extra(config: InternVLConfig) -> dict[str, Any]:
    values: dict[str, Any] = {
        "family": config.language.family,
        "template": config.template,
        "image_size": config.image_size,
        "dynamic_tiles": config.dynamic_tiles,
        "use_thumbnail": config.use_thumbnail,
        "min_tiles": config.min_tiles,
        "max_tiles": config.max_tiles,
        "pad_to_square": config.pad_to_square,
        "drop_path_rate": config.vision.drop_path_rate,
    }
    return values if config.system_message is None else values | {"system_message": config.system_message}


def _read_vision(fields: Fields, extra: Fields) -> VisionConfig:
    fields.expect("num_channels", 3, "pictures have red, green and blue")
    return VisionConfig(
        hidden_size=fields.get("hidden_size", int, 1024),
        intermediate_size=fields.get("intermediate_size", int, 4096),
        num_layers=fields.get("num_hidden_layers", int, 24),
        num_heads=fields.get("num_attention_heads", int, 16),
        patch_size=_side(fields, "patch_size", 14),
        image_size=_side(fields, "image_size", 448),
        norm=cast(Norm, fields.get("norm_type", str, "layer_norm")),
        norm_eps=fields.get("layer_norm_eps", float, 1e-6),
        qkv_bias=fields.get("attention_bias", bool, False),
        qk_norm=fields.get("use_qk_norm", bool, False),
        hidden_act=cast(Activation, fields.get("hidden_act", str, "gelu")),
        drop_path_rate=extra.get("drop_path_rate", float, 0.0),
        layer_scale_init=fields.get("layer_scale_init_value", float, 0.1),
    )


def _side(fields: Fields, name: str, default: int) -> int:
    """A size written as one number or as a pair of equal ones."""
    value = fields.values.get(name, default)
    if isinstance(value, list) and len(value) == 2 and value[0] == value[1]:
        value = value[0]
    return Fields({name: value}, fields.where).get(name, int)


def _write_vision(config: VisionConfig) -> dict[str, Any]:
    return {
        "architectures": ["InternVLVisionModel"],
        "model_type": "internvl_vision",
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "patch_size": [config.patch_size, config.patch_size],
        "image_size": [config.image_size, config.image_size],
        "num_channels": config.num_channels,
        "norm_type": config.norm,
        "layer_norm_eps": config.norm_eps,
        "attention_bias": config.qkv_bias,
        "use_qk_norm": config.qk_norm,
        "hidden_act": config.hidden_act,
        "layer_scale_init_value": config.layer_scale_init,
        "use_absolute_position_embeddings": True,
        "use_mask_token": False,
        "use_mean_pooling": True,
        "attention_dropout": 0.0,
        "hidden_dropout_prob": 0.0,
        "projection_dropout": 0.0,
    }
