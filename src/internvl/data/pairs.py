"""From a record to a pair of picture and caption, as a dual encoder learns from it (InternVL 1.0, section 3.3).

    one picture, the assistant's last words -> cleaned caption -> Example: ids of "summarize:" + caption, one tile [1,3,S,S]
                                            -> PairTexts: the caption alone (matching), "English caption:" + caption (captioning)

The picture is a random part of half to all of its area, squashed to a square and mirrored every other time, and a share of its patches
may be left out; held-back ones are squashed whole, with all patches. Nothing is repaired: a record without exactly one picture, or
whose caption is empty once cleaned, is refused.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from internvl.data.builder import Measure
from internvl.data.example import Example
from internvl.data.record import MediaSource, Record, RecordError
from internvl.errors import ConfigError, MediaError
from internvl.media.image import image_size, open_image
from internvl.media.pixels import normalise
from internvl.media.views import random_view, squashed
from internvl.prompt.captions import CAPTION_PROMPT, TEXT_PREFIX, cleaned_caption
from internvl.prompt.labels import IGNORED
from internvl.prompt.tokenizer import Tokenizer

if TYPE_CHECKING:
    from internvl.data.manifest import DatasetSpec

SMALLEST_VIEW = 0.5  # of the picture's area


@dataclass(frozen=True)
class PairTexts:
    """What else is made of a caption. image_key: equal for equal pictures; captions of one picture are no negatives of each other.

    matching, caption_ids, caption_labels: int64 [L]; the prompt of the caption has no loss. kept: int64 [K], the patches of the
    picture that are shown, row by row from 0, in order; None: all.
    """

    matching: Tensor
    caption_ids: Tensor
    caption_labels: Tensor
    image_key: int
    kept: Tensor | None = None

    def copy(self) -> PairTexts:
        """The same in tensors of its own."""
        kept = None if self.kept is None else self.kept.clone()
        return PairTexts(self.matching.clone(), self.caption_ids.clone(), self.caption_labels.clone(), self.image_key, kept)


class PairBuilder:
    """Turns records into pairs for one dual encoder; it travels to worker processes by pickling.

    image_size: side of the pictures. max_tokens: of each of the three texts; a longer caption loses its end, as in the original.
    patches: of a picture; so many of them times `masking`, rounded, are left out, anew each time a picture is seen.
    """

    _shown = _patches = 0  # 0: all

    def __init__(
        self, tokenizer: Tokenizer, *, image_size: int, max_tokens: int, mirror: bool = True, patches: int = 0, masking: float = 0.0
    ) -> None:
        self._tokenizer, self._side, self._max_tokens, self._mirror = tokenizer, image_size, max_tokens, mirror
        self._patches, self._shown = patches, patches - round(masking * patches)
        if not 0.0 <= masking < 1.0 or (masking and self._shown < 1):
            raise ConfigError(f"patch_masking must lie in [0, 1) and leave one of the {patches} patches, not be {masking}")

    def build(self, record: Record, spec: DatasetSpec, *, seed: int) -> Example:
        """The pair of a record. The same seed gives the same view of the picture; seed 0 shows all of it. Raises RecordError."""
        source, caption = _pair_of(record)
        ids = self._ids(TEXT_PREFIX + caption)
        prompt = [self._bos, *self._tokenizer.encode_text(CAPTION_PROMPT)]
        written = [*self._tokenizer.encode_text(caption), self._eos][: self._max_tokens - len(prompt)]
        texts = PairTexts(
            matching=torch.tensor(self._ids(caption)),
            caption_ids=torch.tensor(prompt + written),
            caption_labels=torch.tensor([IGNORED] * len(prompt) + written),
            image_key=_key(source),
            kept=self._kept(seed),
        )
        return Example(
            origin=record.origin,
            ids=torch.tensor(ids),
            labels=torch.full((len(ids),), IGNORED),
            pixels=self._pixels(source, seed),
            pair=texts,
        )

    def measure(self, record: Record, spec: DatasetSpec, *, seed: int | None = None) -> Measure:
        """Tokens of the text and one tile; from the text and the picture's header. Raises RecordError."""
        source, caption = _pair_of(record)
        try:
            image_size(source)
        except MediaError as error:
            raise RecordError(str(error)) from error
        return Measure(len(self._ids(TEXT_PREFIX + caption)), 1)

    def fingerprint(self) -> str:
        """A short text that changes whenever a measure could."""
        told = repr((self._max_tokens, self._tokenizer.vocab_size, sorted(self._tokenizer.added_tokens.items()), "pairs 1"))
        return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()

    def _ids(self, text: str) -> list[int]:
        return [self._bos, *self._tokenizer.encode_text(text)[: self._max_tokens - 2], self._eos]

    @property
    def _bos(self) -> int:
        return 0 if self._tokenizer.bos_id is None else self._tokenizer.bos_id

    @property
    def _eos(self) -> int:
        return 0 if self._tokenizer.eos_id is None else self._tokenizer.eos_id

    def _kept(self, seed: int) -> Tensor | None:
        """Drawn from the seed of this showing alone: the same on any rank, after a restart, and whatever else is random."""
        if not seed or self._shown == self._patches:
            return None
        return torch.tensor(sorted(random.Random(f"patches {seed}").sample(range(self._patches), self._shown)))

    def _pixels(self, source: MediaSource, seed: int) -> Tensor:
        try:
            image = open_image(source)
        except MediaError as error:
            raise RecordError(str(error)) from error
        if seed:
            image = random_view(image, random.Random(f"view {seed}"), smallest=SMALLEST_VIEW, mirror=self._mirror)
        return normalise([squashed(image, self._side)])


def _pair_of(record: Record) -> tuple[MediaSource, str]:
    if len(record.images) != 1 or record.videos:
        raise RecordError(f"a pair has one picture, this record has {len(record.images)} and {len(record.videos)} clips")
    said = [each.text for each in record.utterances if each.role == "assistant"]
    if not said:
        raise RecordError("a pair has a caption, the assistant's words; this record has none")
    caption = cleaned_caption(said[-1])
    if not caption:
        raise RecordError(f"nothing is left of the caption {said[-1]!r:.60} once cleaned")
    return record.images[0], caption


def _key(source: MediaSource) -> int:
    content = source if isinstance(source, bytes) else str(Path(source)).encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little", signed=True)
