"""InternVL 1.0 as one module: InternViT, QLLaMA, and what brings both into one space (section 3.2 and Figure 4 of the paper).

    InternVL-C  pixels -> InternViT -> pool -> [B,E]
    InternVL-G  pixels -> InternViT -> 96 queries through QLLaMA, which look at it -> query_pool -> [B,E], plus InternVL-C's
    text        ids -> QLLaMA, causal -> state of the last token @ text_projection -> [B,E]
    captions    queries + prompt -> QLLaMA -> head -> logits

QLLaMA is the shared decoder; in every second of its layers stands a cross attention.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from internvl.errors import ConfigError
from internvl.models.contrastive.attention_pool import AttentionPool
from internvl.models.contrastive.config import DualConfig
from internvl.models.contrastive.cross_attention import CrossAttention
from internvl.models.contrastive.masks import caption_mask, text_mask
from internvl.models.language.cache import KVCache, Step
from internvl.models.language.decoder import Decoder
from internvl.models.linear import Linear
from internvl.models.recompute import set_checkpointing
from internvl.models.vision.embeddings import stretch_positions
from internvl.models.vision.encoder import VisionEncoder

Mode: TypeAlias = Literal["InternVL-C", "InternVL-G"]
MODES: tuple[Mode, ...] = ("InternVL-C", "InternVL-G")
TEMPERATURE = 0.07
MATCH_CLASSES = 2


class DualModel(nn.Module):
    """Pictures and texts to vectors [B,E] of length 1, and pictures to captions."""

    def __init__(self, config: DualConfig) -> None:
        super().__init__()
        self.config = config
        width = config.language.hidden_size
        self.vision_encoder = VisionEncoder(config.vision)
        self.language_model = Decoder(config.language)
        self.text_projection = nn.Parameter(torch.zeros(width, config.embed_dim))
        self.logit_scale = nn.Parameter(torch.tensor([math.log(1 / TEMPERATURE)]))
        self.pool = AttentionPool(config.vision.hidden_size, config.embed_dim, config.pool_heads)
        if config.queries:
            self.queries = nn.Parameter(torch.zeros(1, config.queries, width))
            self.query_pool = AttentionPool(width, config.embed_dim, config.pool_heads)
            self.match_head = Linear(width, MATCH_CLASSES)
        for index, block in enumerate(self.language_model.blocks):
            block.cross = CrossAttention(config) if config.looks(index) else None

    @property
    def device(self) -> torch.device:
        """Where inputs are expected."""
        return self.text_projection.device

    @property
    def dtype(self) -> torch.dtype:
        """Number type of the weights."""
        return self.text_projection.dtype

    def forward(self, pixels: Tensor, ids: Tensor, mode: Mode = "InternVL-C") -> tuple[Tensor, Tensor]:
        """Cosines times exp(logit_scale): of each picture to the texts [B,T], and of each text to the pictures [T,B]."""
        images, texts = F.normalize(self.encode_image(pixels, mode), dim=-1), F.normalize(self.encode_text(ids), dim=-1)
        logits = self.logit_scale.exp() * images @ texts.T
        return logits, logits.T

    def encode_image(self, pixels: Tensor, mode: Mode = "InternVL-C") -> Tensor:
        """Normalised pixels [B,3,S,S] -> [B,E], of any length: compare them by their directions."""
        if mode not in MODES:
            raise ConfigError(f"a mode is one of {', '.join(MODES)}, not {mode!r}")
        vision = self.see(pixels)
        plain: Tensor = self.pool(vision)
        if mode == "InternVL-C":
            return plain
        return F.normalize(self.query_pool(self.ask(vision)), dim=-1) + F.normalize(plain, dim=-1)

    def see(self, pixels: Tensor, *, kept: Tensor | None = None) -> Tensor:
        """Pixels [B,3,S,S] -> what the vision encoder says of them, [B,1+N,C]. kept: patches int64 [B,K], [B,1+K,C] of them alone."""
        vision: Tensor = self.vision_encoder(pixels.to(device=self.device, dtype=self.dtype), kept=kept)
        return vision

    def ask(self, vision: Tensor) -> Tensor:
        """The queries' states [B,Q,D] after they looked at [B,1+N,C] and at each other, in both directions."""
        queries = self._queries(len(vision))
        positions = torch.arange(queries.shape[1], device=queries.device)[None]
        step = Step(positions, None, False, queries.shape[1], context=vision)
        states: Tensor = self.language_model(queries, step=step)
        return states

    def encode_text(self, ids: Tensor) -> Tensor:
        """ids [B,L], padded at their ends with 0 -> the last token's state in the common space, [B,E], of any length.

        What counts as padding is what has id 0, as when it was trained. ConfigError for a row of padding alone.
        """
        ids = ids.to(self.device)
        known = ids > 0
        if not bool(known.any(1).all()):
            raise ConfigError("a text of padding alone has no last token")
        positions = torch.arange(ids.shape[1], device=ids.device)[None]
        step = Step(positions, text_mask(known), False, ids.shape[1])
        states = self.language_model(self.language_model.embedding(ids), step=step)
        last = known.sum(1) - 1
        return states[torch.arange(len(ids), device=ids.device), last] @ self.text_projection

    def begin_caption(self, pixels: Tensor, ids: Tensor) -> tuple[KVCache, Tensor]:
        """One picture [1,3,S,S] and a prompt [L] -> a cache that holds queries and prompt, and the logits [vocabulary] after it."""
        prompt = self.language_model.embedding(ids.to(self.device)[None])
        hidden = torch.cat([self._queries(1), prompt], dim=1)
        length = hidden.shape[1]
        mask = caption_mask(self.config.queries, len(ids)).to(self.device)
        step = Step(torch.arange(length, device=self.device)[None], mask, False, length, context=self.see(pixels))
        cache = KVCache(self.config.language.num_layers)
        states = self.language_model(hidden, cache=cache, step=step)
        return cache, self.language_model.logits(states[:, -1:])[0, -1]

    def continue_caption(self, ids: Tensor, *, cache: KVCache) -> Tensor:
        """The next tokens [B,1] of captions in a cache -> logits [B,1,vocabulary]."""
        return self.language_model.logits(self.language_model(self.language_model.embedding(ids.to(self.device)), cache=cache))

    def set_image_size(self, side: int) -> None:
        """Take pictures of another size from now on, in px: the position table is stretched. ConfigError for a size without whole
        patches."""
        vision = replace(self.config.vision, image_size=side)
        embeddings = self.vision_encoder.embeddings
        table = stretch_positions(embeddings.positions.detach(), embeddings.grid, vision.grid, vision.grid)
        embeddings.positions, embeddings.grid = nn.Parameter(table.clone()), vision.grid
        self.config = replace(self.config, vision=vision)

    def set_activation_checkpointing(self, enabled: bool) -> None:
        """In training, keep each block's input only and compute the block again for its gradient."""
        set_checkpointing((*self.vision_encoder.blocks, *self.language_model.blocks), enabled)

    def _queries(self, batch: int) -> Tensor:
        if not self.config.queries:
            raise ConfigError("this checkpoint is an InternVL-C alone: it has no queries, so no InternVL-G and no captions")
        return self.queries.expand(batch, -1, -1)
