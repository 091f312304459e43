"""The language model's part of a `config.json`, the same in both layouts, to and from `LanguageConfig`."""

from __future__ import annotations

import math
from typing import Any

from internvl.checkpoint.fields import Fields
from internvl.errors import ConfigError
from internvl.models.config import Activation, LanguageConfig, RopeConfig, RopeKind
from internvl.models.language.families import FAMILIES, family_named, family_of_architecture

_ROPE_KINDS: dict[str, RopeKind] = {
    "default": "default", "linear": "linear", "dynamic": "dynamic", "su": "longrope", "longrope": "longrope", "llama3": "llama3",
}  # fmt: skip
_ACTIVATIONS: dict[str, Activation] = {"silu": "silu", "swish": "silu", "gelu": "gelu"}


def read_language(fields: Fields, *, family: str | None = None) -> LanguageConfig:
    """`llm_config` or `text_config` -> LanguageConfig. `family` overrides what the architecture name says."""
    name = family or _family(fields)
    row = family_named(name)
    _refuse_unknown_arithmetic(fields)
    width, heads = fields.get("hidden_size", int), fields.get("num_attention_heads", int)
    if heads < 1 or width < 1:
        raise ConfigError(f"{fields.where}: hidden_size and num_attention_heads must be above 0, not {width} and {heads}")
    bias = fields.get("bias", bool, False)
    attention_bias = fields.get("attention_bias", bool, bias)
    return LanguageConfig(
        family=name,
        vocab_size=fields.get("vocab_size", int),
        hidden_size=width,
        intermediate_size=fields.get("intermediate_size", int),
        num_layers=fields.get("num_hidden_layers", int),
        num_heads=heads,
        num_kv_heads=fields.get("num_key_value_heads", int, heads),
        head_dim=fields.get("head_dim", int, width // heads),
        max_positions=fields.get("max_position_embeddings", int, 2048),
        rope=_read_rope(fields, fields.get("head_dim", int, width // heads)),
        norm_eps=fields.get("rms_norm_eps", float, 1e-6),
        qkv_bias=row.qkv_bias or attention_bias or fields.get("qkv_bias", bool, False),
        out_bias=attention_bias and not row.qkv_bias,
        mlp_bias=fields.get("mlp_bias", bool, bias) if row.storage == "llama" else False,
        qk_norm=row.qk_norm,
        tie_embeddings=fields.get("tie_word_embeddings", bool, False),
        hidden_act=_activation(fields),
    )


def write_language(config: LanguageConfig, *, native: bool) -> dict[str, Any]:
    """LanguageConfig -> the JSON object of either layout (InternLM2 and InternLM3 become Llama in the native one)."""
    row = FAMILIES[config.family]
    target = FAMILIES[row.native] if native else row
    values: dict[str, Any] = {
        "architectures": [target.architecture],
        "model_type": target.model_type,
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "num_key_value_heads": config.num_kv_heads,
        "head_dim": config.head_dim,
        "max_position_embeddings": config.max_positions,
        "rms_norm_eps": config.norm_eps,
        "hidden_act": config.hidden_act,
        "rope_theta": config.rope.theta,
        "rope_scaling": _write_rope(config.rope, native=native),
        "tie_word_embeddings": config.tie_embeddings,
    }
    if config.rope.original_max_positions:
        values["original_max_position_embeddings"] = config.rope.original_max_positions
    if target.storage == "internlm2":
        values["bias"] = config.out_bias
    elif not target.qkv_bias:
        values |= {"attention_bias": config.qkv_bias, "mlp_bias": config.mlp_bias}
    return values


def _family(fields: Fields) -> str:
    architectures = fields.get("architectures", list, [])
    if architectures:
        return family_of_architecture(str(architectures[0]))
    model_type = fields.get("model_type", str, "")
    matches = [name for name, row in FAMILIES.items() if row.model_type == model_type]
    if not matches:
        raise ConfigError(f"{fields.where}: names no supported language model (architectures or model_type {model_type!r})")
    return matches[0]


def _refuse_unknown_arithmetic(fields: Fields) -> None:
    """Settings of the supported architectures that would change results and that the decoder does not know."""
    fields.expect("attention_multiplier", None, "attention is scaled by head_dim^-1/2 here")
    fields.expect("final_logit_softcapping", None, "logits are not capped here")
    window, positions = fields.get("sliding_window", int, None), fields.get("max_position_embeddings", int, 2048)
    if window is not None and fields.get("use_sliding_window", bool, True) and window < positions:
        raise ConfigError(
            f"{fields.where}: sliding_window {window} is below max_position_embeddings {positions}; "
            "sliding-window attention is not supported, every token sees all earlier ones"
        )


def _activation(fields: Fields) -> Activation:
    name = fields.get("hidden_act", str, "silu")
    if name not in _ACTIVATIONS:
        raise ConfigError(f"{fields.where}: hidden_act must be one of {', '.join(_ACTIVATIONS)}, not {name!r}")
    return _ACTIVATIONS[name]


def _read_rope(fields: Fields, head_dim: int) -> RopeConfig:
    """From `rope_theta` and `rope_scaling`, or from the `rope_parameters` of transformers 5."""
    merged = fields.get("rope_parameters", dict, None) or fields.get("rope_scaling", dict, None) or {}
    scaling = Fields(merged, f"{fields.where} rope_scaling")
    name = scaling.get("rope_type", str, None) or scaling.get("type", str, "default")
    if name not in _ROPE_KINDS:
        raise ConfigError(f"{scaling.where}: rope type must be one of {', '.join(_ROPE_KINDS)}, not {name!r:.60}")
    kind = _ROPE_KINDS[name]
    partial = fields.get("partial_rotary_factor", float, scaling.get("partial_rotary_factor", float, 1.0))
    if partial != 1.0:
        raise ConfigError(f"{fields.where}: partial_rotary_factor {partial} is not supported, only 1.0")
    original = fields.get("original_max_position_embeddings", int, None)
    rope = RopeConfig(
        theta=fields.get("rope_theta", float, scaling.get("rope_theta", float, 10000.0)),
        kind=kind,
        factor=1.0 if kind == "longrope" else scaling.get("factor", float, 1.0),
        original_max_positions=scaling.get("original_max_position_embeddings", int, original),
        short_factor=scaling.floats("short_factor") if kind == "longrope" else (),
        long_factor=scaling.floats("long_factor") if kind == "longrope" else (),
        low_freq_factor=scaling.get("low_freq_factor", float, 1.0),
        high_freq_factor=scaling.get("high_freq_factor", float, 4.0),
    )
    _check_rope(rope, scaling, fields.get("max_position_embeddings", int, 2048), head_dim)
    return rope


def _check_rope(rope: RopeConfig, scaling: Fields, max_positions: int, head_dim: int) -> None:
    """Refuse values whose arithmetic would divide by zero, take roots of negative numbers, or differ from the release's."""
    if rope.kind == "dynamic" and (rope.factor < 1 or head_dim <= 2):
        raise ConfigError(f"{scaling.where}: dynamic rope needs a factor of at least 1 and head_dim above 2")
    if rope.kind != "longrope":
        return
    original = rope.original_max_positions or 0
    if original < 2 or min(*rope.short_factor, *rope.long_factor) <= 0:
        raise ConfigError(f"{scaling.where}: longrope needs original_max_position_embeddings above 1 and factors above 0")
    scale = scaling.get("factor", float, max_positions / original)
    gain = 1.0 if scale <= 1 else math.sqrt(1 + math.log(scale) / math.log(original))
    ours = 1.0 if max_positions <= original else math.sqrt(1 + math.log(max_positions / original) / math.log(original))
    if abs(scaling.get("attention_factor", float, gain) - ours) > 1e-6:
        raise ConfigError(
            f"{scaling.where}: longrope whose gain is not sqrt(1 + ln(max / original) / ln(original)) is not supported; "
            "factor and attention_factor ask for another"
        )


def _write_rope(rope: RopeConfig, *, native: bool) -> dict[str, Any] | None:
    if rope.kind == "default":
        return None
    name = "su" if rope.kind == "longrope" and not native else rope.kind
    values: dict[str, Any] = {"type": name, "rope_type": name} if native else {"type": name}
    if rope.kind == "longrope":
        return values | {"short_factor": list(rope.short_factor), "long_factor": list(rope.long_factor)}
    values["factor"] = rope.factor
    if rope.kind == "llama3":
        values |= {
            "low_freq_factor": rope.low_freq_factor,
            "high_freq_factor": rope.high_freq_factor,
            "original_max_position_embeddings": rope.original_max_positions,
        }
    return values
