"""Sizes of a dual encoder: InternViT, QLLaMA, and what stands between them and the common space (InternVL 1.0, section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass

from internvl.errors import ConfigError
from internvl.models.config import MAX_WIDTH, LanguageConfig, VisionConfig

MAX_QUERIES = 4096


@dataclass(frozen=True, kw_only=True)
class DualConfig:
    """A picture tower and a text tower. `queries` = 0 makes an InternVL-C without the parts that only InternVL-G and captions need.

    embed_dim: width of the common space. pool_heads: of the attention pools. cross_every: every how many layers of QLLaMA, from the
    first, queries look at the picture.
    """

    vision: VisionConfig
    language: LanguageConfig
    embed_dim: int = 768
    pool_heads: int = 16
    queries: int = 96
    cross_every: int = 2
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("clip_embed_dim", self.embed_dim, 1, MAX_WIDTH),
            ("attn_pool_num_heads", self.pool_heads, 1, MAX_WIDTH),
            ("num_query_token", self.queries, 0, MAX_QUERIES),
            ("cross_attention_frequency", self.cross_every, 1, MAX_WIDTH),
        ):
            if not least <= value <= most:
                raise ConfigError(f"{name} must be a whole number in {least}...{most}, not {value}")
        for name, width in (("vision", self.vision.hidden_size), ("language", self.language.hidden_size)):
            if width % self.pool_heads:
                raise ConfigError(f"attn_pool_num_heads ({self.pool_heads}) must divide the {name} width ({width})")
        if not 0.0 <= self.label_smoothing < 1.0:
            raise ConfigError(f"label_smoothing must lie in [0, 1), not {self.label_smoothing}")

    @property
    def vision_layers_used(self) -> int:
        """How many layers of the vision encoder run: all."""
        return self.vision.num_layers

    def looks(self, layer: int) -> bool:
        """Whether the queries look at the picture in this layer of QLLaMA."""
        return self.queries > 0 and layer % self.cross_every == 0
