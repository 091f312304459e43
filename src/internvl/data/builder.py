"""From a record to a training example, and what the example will cost before a pixel is decoded.

    record --headers--> pictures and clips with their tile counts --labels--> ids [L], labels [L] --decode, cut--> pixels [T,3,S,S]

One path lays out the text for `build` and `measure`, so the two agree. Whatever can't be used is a RecordError with its reason: nothing
is cut short, replaced by another record, or padded with pictures that nobody sent.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import PIL.Image
import torch
from torch import Tensor

from internvl.data.augment import recompressed
from internvl.data.config import DataConfig
from internvl.data.example import Example
from internvl.data.fingerprint import fingerprint
from internvl.data.frames import TRAINING_FRAME_TAG, FrameDraw, FrameMethod, count_stills, read_stills
from internvl.data.record import MediaSource, Record, RecordError
from internvl.errors import MediaError, PromptError
from internvl.media.image import image_size, open_image
from internvl.media.pixels import tiles_of
from internvl.media.tiling import TilePolicy
from internvl.processor import Processor
from internvl.prompt.labels import check_marks, encode_turns, text_turn, typed
from internvl.prompt.placeholders import IMAGE_MARK, VIDEO_MARK, slot_ids
from internvl.prompt.template import Piece, Turn

if TYPE_CHECKING:
    from internvl.data.manifest import DatasetSpec


@dataclass(frozen=True)
class Measure:
    """What an example costs: tokens of its sequence (with the better answer, in preference training) and tiles."""

    tokens: int
    tiles: int


@dataclass(frozen=True, kw_only=True)
class _Medium:
    """A picture, or a clip of so many stills of one tile each. images: the stills, when they are decoded already."""

    name: str
    source: MediaSource
    policy: TilePolicy
    tiles: int
    is_clip: bool = False
    images: tuple[PIL.Image.Image, ...] = ()


@dataclass(frozen=True)
class _Layout:
    """The text of an example, and its media in the order of their placeholders."""

    ids: list[int]
    labels: list[int]
    rejected: tuple[list[int], list[int]] | None
    media: tuple[_Medium, ...]

    @property
    def tokens(self) -> int:
        """Length of the sequence, of the longer answer where there are two."""
        return max(len(self.ids), len(self.rejected[0]) if self.rejected else 0)


class ExampleBuilder:
    """Turns records into examples for one model; it travels to worker processes by pickling.

    preference: each record brings a worse answer too, and only the last answers are learnt from.
    frame_method, frame_tag: how stills of clips are drawn, and what is written before each (see `frames`).
    """

    def __init__(
        self,
        processor: Processor,
        config: DataConfig,
        *,
        preference: bool = False,
        frame_method: FrameMethod = "rand",
        frame_tag: str = TRAINING_FRAME_TAG,
    ) -> None:
        self._processor = processor
        self._config = config
        self._preference = preference
        self._frame_method = frame_method
        self._frame_tag = frame_tag

    def build(self, record: Record, spec: DatasetSpec, *, seed: int) -> Example:
        """The example of a record. The same seed gives the same stills and the same augmentation.

        A picture gets `spec.max_tiles` or the config's tiles at most, several share them (each 1 at least), thumbnails come on top; a
        still gets one. Raises RecordError for media that can't be used, marks that don't fit them, a conversation without an answer,
        and more than `max_tokens` tokens.
        """
        # Stills are decoded first: how many a clip has is only certain then, and its packets are read once.
        layout = self._lay_out(record, self._pictures(record, spec), self._decoded_clips(record, seed))
        self._check_length(layout)
        pixels = [self._pixels(medium, augment=_augmentation(spec, seed, number)) for number, medium in enumerate(layout.media)]
        rejected = None if layout.rejected is None else [torch.tensor(each) for each in layout.rejected]
        return Example(
            origin=record.origin,
            ids=torch.tensor(layout.ids),
            labels=torch.tensor(layout.labels),
            pixels=torch.cat(pixels) if pixels else None,
            rejected_ids=rejected[0] if rejected else None,
            rejected_labels=rejected[1] if rejected else None,
        )

    def measure(self, record: Record, spec: DatasetSpec, *, seed: int | None = None) -> Measure:
        """What `build` with this seed gives, from text, file headers and the packets of clips; a record's own sizes are not trusted.

        Without a seed each clip counts with as many stills as it can get, and the length of such a record is not limited. Raises
        RecordError as `build`, except for damage that only decoding can find.
        """
        layout = self._lay_out(record, self._pictures(record, spec), self._counted_clips(record, seed))
        if seed is not None or not record.videos:
            self._check_length(layout)
        return Measure(layout.tokens, sum(medium.tiles for medium in layout.media))

    def fingerprint(self) -> str:
        """A short text that changes whenever a measure could: the name of caches of them."""
        return fingerprint(self._processor, self._config, self._preference, self._frame_method, self._frame_tag)

    def _lay_out(self, record: Record, images: Sequence[_Medium], videos: Sequence[_Medium]) -> _Layout:
        with _refused():
            media, turns = self._turns(record, images, videos)
            ids, labels = self._encode(turns)
            rejected = self._encode(self._rejected(record, turns)) if self._preference else None
        return _Layout(ids, labels, rejected, media)

    def _check_length(self, layout: _Layout) -> None:
        if layout.tokens > self._config.max_tokens:
            raise RecordError(f"{layout.tokens} tokens, limit {self._config.max_tokens}")

    def _encode(self, turns: Sequence[Turn]) -> tuple[list[int], list[int]]:
        processor = self._processor
        return encode_turns(
            processor.tokenizer,
            processor.template,
            turns,
            system_message=processor.system_message,
            last_only=self._preference,
        )

    def _rejected(self, record: Record, turns: Sequence[Turn]) -> list[Turn]:
        if record.rejected is None:
            raise RecordError("there is no rejected answer: preference training compares two answers")
        return [*turns[:-1], text_turn(self._processor.template, "assistant", record.rejected, {})]

    def _turns(self, record: Record, images: Sequence[_Medium], videos: Sequence[_Medium]) -> tuple[tuple[_Medium, ...], list[Turn]]:
        """The turns, and the media in the order in which the turns show them."""
        asked = "\n".join(each.text for each in record.utterances if each.role == "user")
        check_marks(asked.count(IMAGE_MARK), len(images))
        check_marks(asked.count(VIDEO_MARK), len(videos), mark=VIDEO_MARK, what="videos")
        shown: list[_Medium] = []

        def slots(media: Sequence[_Medium]) -> Iterator[list[Piece]]:
            for medium in media:
                shown.append(medium)
                yield self._slot(medium)

        template, places = self._processor.template, {IMAGE_MARK: slots(images), VIDEO_MARK: slots(videos)}
        turns = [text_turn(template, each.role, each.text, places) for each in record.utterances]
        return tuple(shown), turns

    def _slot(self, medium: _Medium) -> list[Piece]:
        tokenizer, tokens_per_tile = self._processor.tokenizer, self._processor.tokens_per_tile
        if not medium.is_clip:
            return [*slot_ids(tokenizer, medium.tiles * tokens_per_tile)]
        still = slot_ids(tokenizer, tokens_per_tile)
        pieces: list[Piece] = []
        for number in range(1, medium.tiles + 1):
            pieces += [typed(self._frame_tag.format(number)), *still, typed("\n")]
        return pieces

    def _pictures(self, record: Record, spec: DatasetSpec) -> list[_Medium]:
        policy = self._picture_policy(spec, len(record.images))
        pictures = []
        for number, source in enumerate(record.images, start=1):
            name = _name(source, f"image {number}")
            with _refused(name):
                tiles = policy.tiles(*image_size(source))
            pictures.append(_Medium(name=name, source=source, policy=policy, tiles=tiles))
        return pictures

    def _picture_policy(self, spec: DatasetSpec, pictures: int) -> TilePolicy:
        policy = self._processor.policy
        if not policy.dynamic:
            return policy
        most = self._config.max_tiles if spec.max_tiles is None else spec.max_tiles
        return replace(policy.with_max_tiles(most), budget=most).for_images(max(1, pictures))

    def _counted_clips(self, record: Record, seed: int | None) -> list[_Medium]:
        clips = []
        for name, source, draw in self._draws(record, seed):
            with _refused(name):
                stills = count_stills(source, draw)
            clips.append(_Medium(name=name, source=source, policy=self._still_policy, tiles=stills, is_clip=True))
        return clips

    def _decoded_clips(self, record: Record, seed: int) -> list[_Medium]:
        clips = []
        for name, source, draw in self._draws(record, seed):
            with _refused(name):
                images = tuple(read_stills(source, draw))
            clips.append(_Medium(name=name, source=source, policy=self._still_policy, tiles=len(images), is_clip=True, images=images))
        return clips

    @property
    def _still_policy(self) -> TilePolicy:
        return replace(self._processor.policy, dynamic=False, min_tiles=1, budget=None)

    def _draws(self, record: Record, seed: int | None) -> Iterator[tuple[str, MediaSource, FrameDraw]]:
        """Name, file and drawing of each clip; without a seed, of as many stills as it can get."""
        most = self._config.video_frames[1]
        limits = (most, most) if seed is None else self._config.video_frames
        for number, source in enumerate(record.videos, start=1):
            draw = FrameDraw(limits=limits, seed=f"{seed} {number}", method=self._frame_method, clip=record.clip)
            yield _name(source, f"video {number}"), source, draw

    def _pixels(self, medium: _Medium, *, augment: random.Random | None) -> Tensor:
        """The tiles [T,3,S,S] of a picture or of a clip's stills."""
        with _refused(medium.name):
            images = medium.images or (open_image(medium.source),)
            if augment is not None:
                images = tuple(recompressed(image, augment) for image in images)
            tiles = [tiles_of(image, medium.policy, normalisation=self._processor.normalisation).pixels for image in images]
        return tiles[0] if len(tiles) == 1 else torch.cat(tiles)


def _augmentation(spec: DatasetSpec, seed: int, number: int) -> random.Random | None:
    return random.Random(f"augment {seed} {number}") if spec.data_augment else None


def _name(source: MediaSource, otherwise: str) -> str:
    return otherwise if isinstance(source, bytes) else str(source)


@contextmanager
def _refused(name: str = "") -> Iterator[None]:
    """Inside, what is wrong with media or with the conversation becomes a RecordError that names the file."""
    try:
        yield
    except (MediaError, PromptError) as error:
        reason = str(error)
        raise RecordError(reason if name in reason else f"{name}: {reason}") from error
