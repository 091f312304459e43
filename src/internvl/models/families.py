"""Every released chat model as a row: which encoder, which language model, which template, and the size that was published.

`internvl show NAME` builds a row on the meta device and counts its parameters; nothing here is used to load a checkpoint, whose own
`config.json` speaks for itself. Dense models of 2.5, 3 and 3.5 are rows too: the same three parts with other sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from internvl.errors import ConfigError
from internvl.models.config import InternVLConfig, LanguageConfig, RopeConfig, VisionConfig
from internvl.models.language.families import FAMILIES


@dataclass(frozen=True, kw_only=True)
class Released:
    """A released model. `published` is the parameter count its card prints; `note` says where it and ours part."""

    name: str
    hub: str
    vision: str
    language: str
    vocabulary: int
    template: str
    published: str
    year: int
    dynamic: bool = True
    select_layer: int = -1
    pixel_shuffle: Literal["v1", "v2"] = "v2"
    tied: bool = False
    note: str = ""

    def config(self) -> InternVLConfig:
        """The model's sizes and kinds."""
        return InternVLConfig(
            vision=VISION[self.vision],
            language=_language(self.language, self.vocabulary, tied=self.tied),
            template=self.template,
            image_size=448,
            select_layer=self.select_layer,
            pixel_shuffle=self.pixel_shuffle,
            dynamic_tiles=self.dynamic,
            use_thumbnail=self.dynamic,
            max_tiles=12 if self.dynamic else 1,
        )


def _vision_6b(layers: int, image_size: int) -> VisionConfig:
    return VisionConfig(hidden_size=3200, intermediate_size=12800, num_layers=layers, num_heads=25, image_size=image_size)


VISION: dict[str, VisionConfig] = {
    "InternViT-6B-224px": _vision_6b(48, 224),
    "InternViT-6B-448px-V1-0": _vision_6b(48, 448),
    "InternViT-6B-448px-V1-2": _vision_6b(45, 448),
    "InternViT-6B-448px-V1-5": _vision_6b(45, 448),
    "InternViT-6B-448px-V2_5": _vision_6b(45, 448),
    "InternViT-300M-448px": VisionConfig(
        hidden_size=1024, intermediate_size=4096, num_layers=24, num_heads=16, norm="layer_norm", qkv_bias=True, qk_norm=False
    ),
}
VISION["InternViT-300M-448px-V2_5"] = VISION["InternViT-300M-448px"]

_NTK_2 = RopeConfig(theta=1e6, kind="dynamic", factor=2.0)


@dataclass(frozen=True)
class _Decoder:
    """Sizes of a language model: family, width, MLP width, layers, heads, key heads, positions, rope, norm eps, head width."""

    family: str
    width: int
    mlp: int
    layers: int
    heads: int
    kv_heads: int
    positions: int
    rope: RopeConfig
    eps: float = 1e-6
    head_dim: int = 128


# Phi-3's short and long factors, 48 each, come from the checkpoint; they change no shape, so ones stand here.
_SU = RopeConfig(theta=1e4, kind="longrope", original_max_positions=4096, short_factor=(1.0,) * 48, long_factor=(1.0,) * 48)
_QWEN = RopeConfig(theta=1e6)
LANGUAGE: dict[str, _Decoder] = {
    "llama2-13b-zh": _Decoder("llama", 5120, 13824, 40, 40, 40, 4096, RopeConfig(theta=1e4), 1e-5),
    "Nous-Hermes-2-Yi-34B": _Decoder("llama", 7168, 20480, 60, 56, 8, 4096, RopeConfig(theta=5e6), 1e-5),
    "Hermes-2-Theta-Llama-3-70B": _Decoder("llama", 8192, 28672, 80, 64, 8, 8192, RopeConfig(theta=5e5), 1e-5),
    "internlm2-chat-1_8b": _Decoder("internlm2", 2048, 8192, 24, 16, 8, 32768, _NTK_2, 1e-5),
    "internlm2_5-7b-chat": _Decoder("internlm2", 4096, 14336, 32, 32, 8, 32768, _NTK_2, 1e-5),
    "internlm2-chat-20b": _Decoder("internlm2", 6144, 16384, 48, 48, 8, 32768, RopeConfig(theta=1e6, kind="dynamic", factor=3.0), 1e-5),
    "internlm3-8b-instruct": _Decoder(
        "internlm3", 4096, 10240, 48, 32, 2, 32768, RopeConfig(theta=5e7, kind="dynamic", factor=6.0), 1e-5
    ),
    "Phi-3-mini-128k-instruct": _Decoder("phi3", 3072, 8192, 32, 32, 32, 131072, _SU, 1e-5, 96),
    "Qwen2-0.5B-Instruct": _Decoder("qwen2", 896, 4864, 24, 14, 2, 32768, _QWEN, head_dim=64),
    "Qwen2.5-0.5B-Instruct": _Decoder("qwen2", 896, 4864, 24, 14, 2, 32768, _QWEN, head_dim=64),
    "Qwen2.5-1.5B": _Decoder("qwen2", 1536, 8960, 28, 12, 2, 32768, _QWEN),
    "Qwen2.5-3B-Instruct": _Decoder("qwen2", 2048, 11008, 36, 16, 2, 32768, _QWEN),
    "Qwen2.5-7B": _Decoder("qwen2", 3584, 18944, 28, 28, 4, 32768, _QWEN),
    "Qwen2.5-14B": _Decoder("qwen2", 5120, 13824, 48, 40, 8, 32768, _QWEN),
    "Qwen2.5-32B-Instruct": _Decoder("qwen2", 5120, 27648, 64, 40, 8, 32768, _QWEN),
    "Qwen2.5-72B-Instruct": _Decoder("qwen2", 8192, 29568, 80, 64, 8, 32768, _QWEN),
    "Qwen3-0.6B": _Decoder("qwen3", 1024, 3072, 28, 16, 8, 40960, _QWEN),
    "Qwen3-1.7B": _Decoder("qwen3", 2048, 6144, 28, 16, 8, 40960, _QWEN),
    "Qwen3-4B": _Decoder("qwen3", 2560, 9728, 36, 32, 8, 40960, _QWEN),
    "Qwen3-8B": _Decoder("qwen3", 4096, 12288, 36, 32, 8, 40960, _QWEN),
    "Qwen3-14B": _Decoder("qwen3", 5120, 17408, 40, 40, 8, 40960, _QWEN),
    "Qwen3-32B": _Decoder("qwen3", 5120, 25600, 64, 64, 8, 40960, _QWEN),
}


def _language(name: str, vocabulary: int, *, tied: bool) -> LanguageConfig:
    sizes = LANGUAGE[name]
    family = FAMILIES[sizes.family]
    return LanguageConfig(
        family=sizes.family,
        vocab_size=vocabulary,
        hidden_size=sizes.width,
        intermediate_size=sizes.mlp,
        num_layers=sizes.layers,
        num_heads=sizes.heads,
        num_kv_heads=sizes.kv_heads,
        head_dim=sizes.head_dim,
        max_positions=sizes.positions,
        rope=sizes.rope,
        norm_eps=sizes.eps,
        qkv_bias=family.qkv_bias,
        qk_norm=family.qk_norm,
        tie_embeddings=tied,
    )


_V1 = {"dynamic": False, "pixel_shuffle": "v1"}
_6B, _300M = "InternViT-6B-448px-V1-5", "InternViT-300M-448px"
_6B_25, _300M_25 = "InternViT-6B-448px-V2_5", "InternViT-300M-448px-V2_5"
_IL, _H, _P, _T25 = "internlm2-chat", "Hermes-2", "phi3-chat", "internvl2_5"
_YI = "Nous-Hermes-2-Yi-34B"


def _row(name: str, vision: str, language: str, vocabulary: int, template: str, published: str, year: int, **more: object) -> Released:
    return Released(
        name=name, hub=f"OpenGVLab/{name}", vision=vision, language=language, vocabulary=vocabulary, template=template,
        published=published, year=year, **more,  # type: ignore[arg-type]
    )  # fmt: skip


_VOCABULARY_GUESS = "the released vocabulary is known to about a hundred entries only"
_INTERNLM3_ROWS = "128512 rows, as InternLM3 stores them; unconfirmed for this release"
_QWEN3_ROWS = "151936 rows, as Qwen3 stores them; the counts agree with the card, the number itself is unconfirmed"
_ROWS = (
    _row("InternVL-Chat-V1-1", "InternViT-6B-448px-V1-0", "llama2-13b-zh", 41911, "internvl_zh", "19.1B", 2024,
         select_layer=-4, note=_VOCABULARY_GUESS, **_V1),
    _row("InternVL-Chat-V1-2", "InternViT-6B-448px-V1-2", _YI, 64007, _H, "40B", 2024, **_V1),
    _row("InternVL-Chat-V1-2-Plus", "InternViT-6B-448px-V1-2", _YI, 64007, _H, "40B", 2024, **_V1),
    _row("InternVL-Chat-V1-5", _6B, "internlm2-chat-20b", 92553, _IL, "25.5B", 2024),
    _row("Mini-InternVL-Chat-2B-V1-5", _300M, "internlm2-chat-1_8b", 92553, _IL, "2.2B", 2024),
    _row("Mini-InternVL-Chat-4B-V1-5", _300M, "Phi-3-mini-128k-instruct", 32020, _P, "4.2B", 2024,
         note="the tensors add up to 4.15B, which the card rounds up"),
    _row("InternVL2-1B", _300M, "Qwen2-0.5B-Instruct", 151655, _H, "0.9B", 2024),
    _row("InternVL2-2B", _300M, "internlm2-chat-1_8b", 92553, _IL, "2.2B", 2024),
    _row("InternVL2-4B", _300M, "Phi-3-mini-128k-instruct", 32020, _P, "4.2B", 2024,
         note="the tensors add up to 4.15B, which the card rounds up"),
    _row("InternVL2-8B", _300M, "internlm2_5-7b-chat", 92553, _IL, "8.1B", 2024),
    _row("InternVL2-26B", _6B, "internlm2-chat-20b", 92553, _IL, "25.5B", 2024),
    _row("InternVL2-40B", _6B, _YI, 64007, _H, "40.1B", 2024),
    _row("InternVL2-Llama3-76B", _6B, "Hermes-2-Theta-Llama-3-70B", 128265, _IL, "76.3B", 2024, note=_VOCABULARY_GUESS),
    _row("InternVL2_5-1B", _300M_25, "Qwen2.5-0.5B-Instruct", 151674, _T25, "0.9B", 2024),
    _row("InternVL2_5-2B", _300M_25, "internlm2-chat-1_8b", 92553, _T25, "2.2B", 2024),
    _row("InternVL2_5-4B", _300M_25, "Qwen2.5-3B-Instruct", 151674, _T25, "3.7B", 2024),
    _row("InternVL2_5-8B", _300M_25, "internlm2_5-7b-chat", 92553, _T25, "8.1B", 2024),
    _row("InternVL2_5-26B", _6B_25, "internlm2-chat-20b", 92553, _T25, "25.5B", 2024),
    _row("InternVL2_5-38B", _6B_25, "Qwen2.5-32B-Instruct", 151674, _T25, "38.4B", 2024),
    _row("InternVL2_5-78B", _6B_25, "Qwen2.5-72B-Instruct", 151674, _T25, "78.4B", 2024),
    _row("InternVL3-1B", _300M_25, "Qwen2.5-0.5B-Instruct", 151674, _T25, "0.9B", 2025),
    _row("InternVL3-2B", _300M_25, "Qwen2.5-1.5B", 151674, _T25, "2.1B", 2025),
    _row("InternVL3-8B", _300M_25, "Qwen2.5-7B", 151674, _T25, "7.9B", 2025),
    _row("InternVL3-9B", _300M_25, "internlm3-8b-instruct", 128512, _T25, "9.1B", 2025, note=_INTERNLM3_ROWS),
    _row("InternVL3-14B", _300M_25, "Qwen2.5-14B", 151674, _T25, "15.1B", 2025),
    _row("InternVL3-38B", _6B_25, "Qwen2.5-32B-Instruct", 151674, _T25, "38.4B", 2025),
    _row("InternVL3-78B", _6B_25, "Qwen2.5-72B-Instruct", 151674, _T25, "78.4B", 2025),
    _row("InternVL3_5-1B", _300M_25, "Qwen3-0.6B", 151936, _T25, "1.1B", 2025, note=_QWEN3_ROWS),
    _row("InternVL3_5-2B", _300M_25, "Qwen3-1.7B", 151936, _T25, "2.3B", 2025, note=_QWEN3_ROWS),
    _row("InternVL3_5-4B", _300M_25, "Qwen3-4B", 151936, _T25, "4.7B", 2025, note=_QWEN3_ROWS),
    _row("InternVL3_5-8B", _300M_25, "Qwen3-8B", 151936, _T25, "8.5B", 2025, note=_QWEN3_ROWS),
    _row("InternVL3_5-14B", _300M_25, "Qwen3-14B", 151936, _T25, "15.1B", 2025, note=_QWEN3_ROWS),
    _row("InternVL3_5-38B", _6B_25, "Qwen3-32B", 151936, _T25, "38.4B", 2025, note=_QWEN3_ROWS),
)  # fmt: skip

RELEASED: dict[str, Released] = {row.name: row for row in _ROWS}


def released_named(name: str) -> Released:
    """The row of a released model, by its name with or without the owner."""
    short = name.rpartition("/")[2]
    if short not in RELEASED:
        raise ConfigError(f"no released model {name!r} in the table; known are {', '.join(RELEASED)}")
    return RELEASED[short]
