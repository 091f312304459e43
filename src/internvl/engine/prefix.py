"""What a model has already read, and how much of it a new prompt shares.

A prefix is shared as far as the ids agree and the tiles behind their placeholders are the same pictures: two different
pictures have equal placeholder ids, so ids alone would be wrong. And rotary angles must agree: InternLM2's and Phi-3's change
once a sequence outgrows a limit, so keys from below it don't fit above, and reading anew is what gives the right answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from internvl.inputs import ModelInputs
from internvl.models.config import LanguageConfig
from internvl.models.language.cache import KVCache


@dataclass(frozen=True, eq=False)
class Prefix:
    """Ids [n] and tiles whose keys and values are in `cache`; `first_prompt` is the length of the prompt that began it.

    lent: the cache stays its owner's, who may go on writing: whoever continues the prefix works on a copy.
    """

    ids: Tensor
    tile_keys: tuple[str, ...]
    cache: KVCache
    first_prompt: int
    lent: bool = False

    def shared_with(self, inputs: ModelInputs, language: LanguageConfig) -> int:
        """How many leading tokens of a prompt are in the cache; at least one is left to be read, so that logits come out."""
        if not self._same_angles(inputs.tokens, language):
            return 0
        limit = min(len(self.ids), inputs.tokens - 1)
        differing = (self.ids[:limit] != inputs.ids[:limit]).nonzero()
        shared = int(differing[0]) if len(differing) else limit
        return min(shared, self._same_pictures(inputs))

    def is_within(self, other: Prefix) -> bool:
        """Whether another prefix has all that this one has."""
        tokens = len(self.ids)
        same_start = tokens <= len(other.ids) and self.tile_keys == other.tile_keys[: len(self.tile_keys)]
        return same_start and self.first_prompt == other.first_prompt and bool((self.ids == other.ids[:tokens]).all())

    def _same_pictures(self, inputs: ModelInputs) -> int:
        """Where the first placeholder stands whose tile is not the one that was read there."""
        pairs = zip(inputs.tile_keys, self.tile_keys, strict=False)
        same = next((tile for tile, (new, old) in enumerate(pairs) if new != old), min(len(inputs.tile_keys), len(self.tile_keys)))
        if same == len(inputs.tile_keys):
            return inputs.tokens
        return int((inputs.ids == inputs.placeholder_id).nonzero()[same * inputs.tokens_per_tile])

    def _same_angles(self, tokens: int, language: LanguageConfig) -> bool:
        limit = angle_limit(language)
        if limit is None:
            return True
        if tokens <= limit and len(self.ids) <= limit:
            return True
        # Above its limit longrope has one set of angles, but dynamic rope another one for each length.
        return language.rope.kind == "longrope" and tokens > limit and self.first_prompt > limit


def angle_limit(language: LanguageConfig) -> int | None:
    """The length above which rotary angles depend on the length; None where they never do."""
    if language.rope.kind == "dynamic":
        return language.max_positions
    if language.rope.kind == "longrope":
        return language.rope.original_max_positions or 0
    return None
