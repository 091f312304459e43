"""InternVL: vision encoder, projector and language model as one module.

pixels [T,3,S,S] -> VisionEncoder -> [T,1+N,C] -> without class token -> Projector -> visual tokens [T,V,D]
ids [B,L] -> embeddings [B,L,D], visual tokens at the placeholders -> Decoder -> logits [B,L,vocabulary]
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from internvl.models.config import InternVLConfig
from internvl.models.fusion import fuse
from internvl.models.language.cache import KVCache, Step
from internvl.models.language.decoder import Decoder
from internvl.models.language.rows import Cache
from internvl.models.projector import Projector
from internvl.models.recompute import set_checkpointing
from internvl.models.vision.encoder import VisionEncoder


class InternVL(nn.Module):
    """The whole model. Build it with `internvl.models.build.build_model`, load it with `internvl.checkpoint.load_model`."""

    def __init__(self, config: InternVLConfig) -> None:
        super().__init__()
        self.config = config
        self.vision_encoder = VisionEncoder(config.vision)
        self.projector = Projector(config)
        self.language_model = Decoder(config.language)

    @property
    def device(self) -> torch.device:
        """Where inputs are expected: the device of the vision encoder."""
        return self.vision_encoder.embeddings.class_token.device

    @property
    def dtype(self) -> torch.dtype:
        """Number type of the weights."""
        return self.vision_encoder.embeddings.class_token.dtype

    def encode_tiles(self, pixels: Tensor) -> Tensor:
        """Normalised pixels [T,3,S,S] -> visual tokens [T,V,D]."""
        pixels = pixels.to(device=self.device, dtype=self.dtype)
        patches = self.vision_encoder(pixels, layers=self.config.vision_layers_used)[:, 1:]
        return cast(Tensor, self.projector(patches.to(self.projector.out.weight.device)))

    def embed(self, ids: Tensor, visual: Tensor | None = None, *, placeholder_id: int | None = None) -> Tensor:
        """ids [B,L] -> embeddings [B,L,D]; `visual` [n,V,D] replaces the placeholders when given."""
        table = self.language_model.embedding
        ids = ids.to(table.weight.device)
        embeddings: Tensor = table(ids)
        if visual is None or placeholder_id is None:
            return embeddings
        return fuse(embeddings, ids, visual, placeholder_id)

    def forward(
        self,
        ids: Tensor,
        visual: Tensor | None = None,
        *,
        placeholder_id: int | None = None,
        cache: Cache | None = None,
        step: Step | None = None,
        last_only: bool = False,
    ) -> Tensor:
        """ids [B,L], visual tokens [n,V,D] -> logits [B,L,vocabulary], or [B,1,vocabulary] of the last position only."""
        embeddings = self.embed(ids, visual, placeholder_id=placeholder_id)
        hidden = self.language_model(embeddings, cache=cache, step=step)
        return self.language_model.logits(hidden[:, -1:] if last_only else hidden)

    def set_activation_checkpointing(self, enabled: bool) -> None:
        """In training, keep each block's input only and compute the block again for its gradient: less memory, a third more work."""
        set_checkpointing((*self.vision_encoder.blocks, *self.language_model.blocks), enabled)

    def new_cache(self) -> KVCache:
        """An empty cache for one sequence."""
        return KVCache(self.config.language.num_layers)
