"""`config.json` of the original layout (`InternVLChatModel`), to and from `InternVLConfig`."""

from __future__ import annotations

from typing import Any, cast

from internvl.checkpoint.fields import Fields
from internvl.checkpoint.language_config import read_language, write_language
from internvl.errors import ConfigError
from internvl.models.config import Activation, InternVLConfig, Norm, VisionConfig

MODEL_TYPE = "internvl_chat"


def read_original(values: dict[str, Any], where: str) -> InternVLConfig:
    """The released JSON -> InternVLConfig. Absent vision fields take the released class's defaults, those of the 6B encoder."""
    fields = Fields(values, where)
    vision = read_vision(fields.sub("vision_config"))
    return InternVLConfig(
        vision=vision,
        language=read_language(fields.sub("llm_config")),
        template=fields.get("template", str),
        image_size=fields.get("force_image_size", int, vision.image_size),
        select_layer=fields.get("select_layer", int, -1),
        downsample_ratio=fields.ratio("downsample_ratio", 0.5),
        pixel_shuffle=_pixel_shuffle(fields),
        dynamic_tiles=fields.get("dynamic_image_size", bool, False),
        use_thumbnail=fields.get("use_thumbnail", bool, False),
        min_tiles=fields.get("min_dynamic_patch", int, 1),
        max_tiles=fields.get("max_dynamic_patch", int, 6),
        pad_to_square=fields.get("pad2square", bool, False),
        system_message=fields.get("system_message", str, None),
    )


def read_vision(fields: Fields) -> VisionConfig:
    """`vision_config` of the original layout. A missing `norm_type` means RMSNorm, as in the released class."""
    fields.expect("num_channels", 3, "pictures have red, green and blue")
    return VisionConfig(
        hidden_size=fields.get("hidden_size", int, 3200),
        intermediate_size=fields.get("intermediate_size", int, 12800),
        num_layers=fields.get("num_hidden_layers", int, 48),
        num_heads=fields.get("num_attention_heads", int, 25),
        patch_size=fields.get("patch_size", int, 14),
        image_size=fields.get("image_size", int, 224),
        norm=cast(Norm, fields.get("norm_type", str, "rms_norm")),
        norm_eps=fields.get("layer_norm_eps", float, 1e-6),
        qkv_bias=fields.get("qkv_bias", bool, False),
        qk_norm=fields.get("qk_normalization", bool, True),
        hidden_act=cast(Activation, fields.get("hidden_act", str, "gelu")),
        drop_path_rate=fields.get("drop_path_rate", float, 0.0),
        layer_scale_init=fields.get("initializer_factor", float, 0.1),
    )


def write_original(config: InternVLConfig, *, dtype: str) -> dict[str, Any]:
    """InternVLConfig -> the JSON that the original code, and the peers that read it, expect."""
    values: dict[str, Any] = {
        "architectures": ["InternVLChatModel"],
        "model_type": MODEL_TYPE,
        "downsample_ratio": config.downsample_ratio,
        "dynamic_image_size": config.dynamic_tiles,
        "force_image_size": config.image_size,
        "hidden_size": config.language.hidden_size,
        "llm_config": write_language(config.language, native=False) | {"torch_dtype": dtype},
        "max_dynamic_patch": config.max_tiles,
        "min_dynamic_patch": config.min_tiles,
        "pad2square": config.pad_to_square,
        "ps_version": config.pixel_shuffle,
        "select_layer": config.select_layer,
        "template": config.template,
        "tie_word_embeddings": config.language.tie_embeddings,
        "torch_dtype": dtype,
        "use_backbone_lora": 0,
        "use_llm_lora": 0,
        "use_thumbnail": config.use_thumbnail,
        "vision_config": write_vision(config.vision) | {"torch_dtype": dtype},
    }
    return values if config.system_message is None else values | {"system_message": config.system_message}


def write_vision(config: VisionConfig) -> dict[str, Any]:
    """VisionConfig -> `vision_config` of the original layout."""
    return {
        "architectures": ["InternVisionModel"],
        "model_type": "intern_vit_6b",
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "patch_size": config.patch_size,
        "image_size": config.image_size,
        "num_channels": config.num_channels,
        "norm_type": config.norm,
        "layer_norm_eps": config.norm_eps,
        "qkv_bias": config.qkv_bias,
        "qk_normalization": config.qk_norm,
        "hidden_act": config.hidden_act,
        "drop_path_rate": config.drop_path_rate,
        "initializer_factor": config.layer_scale_init,
        "attention_dropout": 0.0,
        "dropout": 0.0,
        "use_flash_attn": False,
    }


def _pixel_shuffle(fields: Fields) -> Any:
    """`ps_version`; its absence means v1 only where no later model can be meant (dynamic tiles came with v2)."""
    version = fields.get("ps_version", str, None)
    if version is not None:
        return version
    if fields.get("dynamic_image_size", bool, False):
        raise ConfigError(
            f"{fields.where}: ps_version is missing. Chat-V1-1 and V1-2 use 'v1', all later models 'v2'; "
            "the wrong one scrambles positions, so add the right one to config.json"
        )
    return "v1"
