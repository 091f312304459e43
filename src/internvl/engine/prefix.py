"""What a model has already read, and how much of it a new prompt shares.

A prefix is shared as far as the ids agree and the tiles behind their placeholders are the same pictures: two different
pictures have equal placeholder ids, so ids alone would be wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

from internvl.inputs import ModelInputs
from internvl.models.language.cache import KVCache


@dataclass(frozen=True)
class Prefix:
    """Ids and tiles whose keys and values are in `cache`."""

    ids: tuple[int, ...]
    tile_keys: tuple[str, ...]
    cache: KVCache

    def shared_with(self, inputs: ModelInputs) -> int:
        """How many leading tokens of a prompt are in the cache; at least one is left to be read, so that logits come out."""
        ids = inputs.ids.tolist()
        limit = min(len(self.ids), len(ids) - 1)
        shared = next((i for i in range(limit) if self.ids[i] != ids[i]), limit)
        tile = next((t for t, (a, b) in enumerate(zip(self.tile_keys, inputs.tile_keys, strict=False)) if a != b), None)
        if tile is None:
            return shared
        placeholders = [i for i, token in enumerate(ids) if token == inputs.placeholder_id]
        return min(shared, placeholders[tile * inputs.tokens_per_tile])
