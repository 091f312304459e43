"""The language models of the family as rows of a table: what their architecture name implies, and how their weights are stored.

A new family that is a pre-norm, SwiGLU, rotary decoder needs a row here and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from internvl.errors import ConfigError

Storage: TypeAlias = Literal["llama", "internlm2", "phi3"]


@dataclass(frozen=True, kw_only=True)
class Family:
    """One architecture: which biases and norms it has when its config is silent, and the names of its tensors on disk.

    native: the `model_type` transformers knows it by (InternLM2 becomes a Llama there: same arithmetic, other names).
    """

    architecture: str
    storage: Storage
    model_type: str
    native: str
    qkv_bias: bool = False
    qk_norm: bool = False


FAMILIES: dict[str, Family] = {
    "qwen2": Family(architecture="Qwen2ForCausalLM", storage="llama", model_type="qwen2", native="qwen2", qkv_bias=True),
    "qwen3": Family(architecture="Qwen3ForCausalLM", storage="llama", model_type="qwen3", native="qwen3", qk_norm=True),
    "llama": Family(architecture="LlamaForCausalLM", storage="llama", model_type="llama", native="llama"),
    "internlm2": Family(architecture="InternLM2ForCausalLM", storage="internlm2", model_type="internlm2", native="llama"),
    "internlm3": Family(architecture="InternLM3ForCausalLM", storage="llama", model_type="internlm3", native="llama"),
    "phi3": Family(architecture="Phi3ForCausalLM", storage="phi3", model_type="phi3", native="phi3"),
}


def family_named(name: str) -> Family:
    """The row of a family."""
    if name not in FAMILIES:
        raise ConfigError(f"language family must be one of {', '.join(FAMILIES)}, not {name!r}")
    return FAMILIES[name]


def family_of_architecture(architecture: str) -> str:
    """`Qwen2ForCausalLM` -> `qwen2`."""
    for name, row in FAMILIES.items():
        if row.architecture == architecture:
            return name
    known = ", ".join(row.architecture for row in FAMILIES.values())
    raise ConfigError(f"the language model {architecture!r} is not supported; supported are {known}")
