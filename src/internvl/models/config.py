"""Sizes and kinds of the three parts, checked before any memory is spent.

    InternVLConfig = VisionConfig + LanguageConfig (with RopeConfig) + how they meet (layer read, pixel shuffle, tiles, template)

Field names are ours; `internvl.checkpoint.original` and `.native` map the released `config.json` files onto them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from internvl.errors import ConfigError

Norm: TypeAlias = Literal["rms_norm", "layer_norm"]
Activation: TypeAlias = Literal["gelu", "silu"]
RopeKind: TypeAlias = Literal["default", "linear", "dynamic", "longrope", "llama3"]

# Far above every released model (128 layers, 25,600 wide, 200,000 words), and low enough that a hostile file can't ask for memory.
MAX_LAYERS = 1024
MAX_WIDTH = 1 << 17
MAX_VOCABULARY = 1 << 22
MAX_POSITIONS = 1 << 24
MAX_IMAGE_SIZE = 8192


@dataclass(frozen=True, kw_only=True)
class VisionConfig:
    """InternViT. The 6B kind has RMSNorm, qk-norm and no qkv bias; the 300M kind LayerNorm, qkv bias and no qk-norm."""

    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_heads: int
    patch_size: int = 14
    image_size: int = 448  # side in pixels that the position table was made for
    num_channels: int = 3
    norm: Norm = "rms_norm"
    norm_eps: float = 1e-6
    qkv_bias: bool = False
    qk_norm: bool = True
    hidden_act: Activation = "gelu"
    drop_path_rate: float = 0.0
    layer_scale_init: float = 0.1

    def __post_init__(self) -> None:
        _in_range("vision", self, ("hidden_size", "intermediate_size"), MAX_WIDTH)
        _in_range("vision", self, ("num_layers",), MAX_LAYERS)
        _in_range("vision", self, ("num_heads",), self.hidden_size)
        _in_range("vision", self, ("image_size", "patch_size"), MAX_IMAGE_SIZE)
        _in_range("vision", self, ("num_channels",), 16)
        _one_of("vision", "norm", self.norm, ("rms_norm", "layer_norm"))
        _one_of("vision", "hidden_act", self.hidden_act, ("gelu", "silu"))
        _divides("vision", "num_heads", self.num_heads, "hidden_size", self.hidden_size)
        _divides("vision", "patch_size", self.patch_size, "image_size", self.image_size)
        if not 0.0 <= self.drop_path_rate < 1.0:
            raise ConfigError(f"vision drop_path_rate must lie in [0, 1), not {self.drop_path_rate}")
        _finite_positive("vision", "norm_eps", self.norm_eps)

    @property
    def grid(self) -> int:
        """Patches along one side of the position table."""
        return self.image_size // self.patch_size


@dataclass(frozen=True, kw_only=True)
class RopeConfig:
    """Rotary positions. `short_factor` and `long_factor` have head_dim / 2 entries and belong to `longrope` (Phi-3's `su`)."""

    theta: float = 10000.0
    kind: RopeKind = "default"
    factor: float = 1.0
    original_max_positions: int | None = None
    short_factor: tuple[float, ...] = ()
    long_factor: tuple[float, ...] = ()
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0

    def __post_init__(self) -> None:
        _one_of("rope", "kind", self.kind, ("default", "linear", "dynamic", "longrope", "llama3"))
        _finite_positive("rope", "theta", self.theta)
        _finite_positive("rope", "factor", self.factor)
        if self.kind in ("longrope", "llama3") and not self.original_max_positions:
            raise ConfigError(f"{self.kind} rope needs original_max_position_embeddings above 0")
        if self.kind == "longrope" and not (self.short_factor and len(self.short_factor) == len(self.long_factor)):
            raise ConfigError(
                "longrope needs short_factor and long_factor of one length, "
                f"not {len(self.short_factor)} and {len(self.long_factor)} entries"
            )
        if self.kind == "llama3" and not self.high_freq_factor > self.low_freq_factor:
            raise ConfigError("llama3 rope needs high_freq_factor above low_freq_factor")


@dataclass(frozen=True, kw_only=True)
class LanguageConfig:
    """The decoder: pre-norm, SwiGLU, grouped heads, rotary positions. `family` is a row of `models.language.families`."""

    family: str
    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    max_positions: int
    rope: RopeConfig = field(default_factory=RopeConfig)
    norm_eps: float = 1e-6
    qkv_bias: bool = False
    out_bias: bool = False
    mlp_bias: bool = False
    qk_norm: bool = False
    tie_embeddings: bool = False
    hidden_act: Activation = "silu"

    def __post_init__(self) -> None:
        _in_range("language", self, ("vocab_size",), MAX_VOCABULARY)
        _in_range("language", self, ("hidden_size", "intermediate_size", "head_dim"), MAX_WIDTH)
        _in_range("language", self, ("num_layers",), MAX_LAYERS)
        _in_range("language", self, ("num_heads", "num_kv_heads"), self.hidden_size)
        _in_range("language", self, ("max_positions",), MAX_POSITIONS)
        _one_of("language", "hidden_act", self.hidden_act, ("gelu", "silu"))
        _divides("language", "num_kv_heads", self.num_kv_heads, "num_heads", self.num_heads)
        _divides("language", "2", 2, "head_dim", self.head_dim)
        _finite_positive("language", "norm_eps", self.norm_eps)
        factors = len(self.rope.short_factor)
        if self.rope.kind == "longrope" and factors != self.head_dim // 2:
            raise ConfigError(f"longrope needs head_dim / 2 = {self.head_dim // 2} factors, not {factors}")

    @property
    def attention_width(self) -> int:
        """Width of all query heads together (not always hidden_size: Qwen3)."""
        return self.num_heads * self.head_dim

    @property
    def kv_width(self) -> int:
        """Width of all key heads together."""
        return self.num_kv_heads * self.head_dim


@dataclass(frozen=True, kw_only=True)
class InternVLConfig:
    """A whole chat model: the parts, how they meet, and how pictures are tiled unless the user says otherwise."""

    vision: VisionConfig
    language: LanguageConfig
    template: str
    image_size: int = 448  # side of a tile in pixels
    select_layer: int = -1  # which hidden state of the vision encoder is read; -1 is the last
    downsample_ratio: float = 0.5
    pixel_shuffle: Literal["v1", "v2"] = "v2"
    dynamic_tiles: bool = True
    use_thumbnail: bool = True
    min_tiles: int = 1
    max_tiles: int = 12
    pad_to_square: bool = False
    system_message: str | None = None

    def __post_init__(self) -> None:
        _in_range("model", self, ("image_size",), MAX_IMAGE_SIZE)
        _divides("model", "patch_size", self.vision.patch_size, "force_image_size", self.image_size)
        _one_of("model", "ps_version", self.pixel_shuffle, ("v1", "v2"))
        if not (0 < self.downsample_ratio <= 1) or abs(1 / self.downsample_ratio - self.shuffle) > 1e-6:
            raise ConfigError(f"downsample_ratio must be 1/k for a whole k, not {self.downsample_ratio}")
        _divides("model", "1 / downsample_ratio", self.shuffle, "patches along a tile", self.tile_patches)
        layers = self.vision.num_layers
        if not -layers - 1 <= self.select_layer <= layers:
            raise ConfigError(f"select_layer must lie in [{-layers - 1}, {layers}], not {self.select_layer}")
        if not 1 <= self.min_tiles <= self.max_tiles:
            raise ConfigError(f"tiles need 1 <= min <= max, not min={self.min_tiles}, max={self.max_tiles}")

    @property
    def shuffle(self) -> int:
        """k of the pixel shuffle: k x k patches become one visual token."""
        return max(1, round(1 / self.downsample_ratio))

    @property
    def tile_patches(self) -> int:
        """Patches along one side of a tile."""
        return self.image_size // self.vision.patch_size

    @property
    def tokens_per_tile(self) -> int:
        """Visual tokens of one tile: 256 for 448 px tiles, patch 14 and k = 2."""
        return (self.tile_patches // self.shuffle) ** 2

    @property
    def vision_layers_used(self) -> int:
        """How many layers of the vision encoder must run to reach `select_layer`."""
        return self.select_layer if self.select_layer >= 0 else self.vision.num_layers + 1 + self.select_layer


def _in_range(part: str, config: object, names: tuple[str, ...], limit: int) -> None:
    for name in names:
        value = getattr(config, name)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= limit:
            raise ConfigError(f"{part} {name} must be a whole number in 1...{limit}, not {value!r}")


def _one_of(part: str, name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"{part} {name} must be one of {', '.join(allowed)}, not {value!r}")


def _divides(part: str, small_name: str, small: int, large_name: str, large: int) -> None:
    if large % small:
        raise ConfigError(f"{part}: {small_name} ({small}) must divide {large_name} ({large})")


def _finite_positive(part: str, name: str, value: float) -> None:
    if not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
        raise ConfigError(f"{part} {name} must be a finite number above 0, not {value!r}")
