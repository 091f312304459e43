"""From what users say to what models eat, and what it will cost before anything runs.

    messages -> turns with slots -> tiles [T,3,S,S] and ids [L] -> ModelInputs
    messages -> sizes from file headers -> TokenCount                              (no pixel is decoded)

The processor owns the TilePolicy: the one place that decides how many tiles a picture gets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from internvl.errors import ConfigError, PromptError
from internvl.inputs import ModelInputs
from internvl.media.opening import DEFAULT_FRAMES, LocalOpener, Opener
from internvl.media.pixels import IMAGENET, Normalisation, TileBatch, batch_of
from internvl.media.tiling import TilePolicy
from internvl.messages import Box, Image, Message, Part, Ref, Video, as_messages, user
from internvl.models.config import InternVLConfig
from internvl.prompt.pieces import Typed
from internvl.prompt.placeholders import (
    BOX,
    IMAGE_MARK,
    PLACEHOLDER,
    REF,
    VIDEO_MARK,
    Mark,
    check_mark_count,
    slot_ids,
    split_marks,
)
from internvl.prompt.template import Piece, Template, Turn, render
from internvl.prompt.templates import template_named
from internvl.prompt.tokenizer import Tokenizer

__all__ = ["DEFAULT_FRAMES", "MediaCount", "Processor", "Tiled", "TokenCount", "compose", "frame_labels", "part_policy", "policy_of"]


@dataclass(frozen=True)
class MediaCount:
    """What one picture or still costs: its size in pixels (None for a still that needed no decoding), its grid, its tokens."""

    name: str
    size: tuple[int, int] | None
    grid: str
    tiles: int
    tokens: int


@dataclass(frozen=True)
class TokenCount:
    """What a prompt costs. `text` counts everything that is not a visual token: words, template, start and end marks."""

    text: int
    visual: int
    media: tuple[MediaCount, ...]

    @property
    def total(self) -> int:
        """Length of the prompt in tokens."""
        return self.text + self.visual


@dataclass(frozen=True)
class Tiled:
    """A picture or clip made ready: the tile batch of each still. It holds `part`, whose id is the key it is kept under."""

    part: Image | Video
    stills: tuple[TileBatch, ...]
    labels: tuple[str, ...]  # text in front of each still, such as "Frame1: "; one empty string for a picture


class Processor:
    """Turns messages into ModelInputs for one model. Reuse one: pictures given again are not cut again within a `tiled` dict."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        template: Template,
        *,
        policy: TilePolicy,
        tokens_per_tile: int,
        system_message: str | None = None,
        normalisation: Normalisation = IMAGENET,
        opener: Opener | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.template = template
        self.policy = policy
        self.tokens_per_tile = tokens_per_tile
        self.system_message = system_message
        self.normalisation = normalisation
        self.opener = opener or LocalOpener()
        self.placeholder_id = tokenizer.token_id(PLACEHOLDER)
        self.stop_id = tokenizer.token_id(template.stop)

    @classmethod
    def of(cls, config: InternVLConfig, tokenizer: Tokenizer, *, policy: TilePolicy | None = None) -> Processor:
        """The processor of a checkpoint: its template, its tile limits."""
        if tokenizer.vocab_size > config.language.vocab_size:
            raise ConfigError(
                f"the tokenizer has {tokenizer.vocab_size} entries, but the language model only {config.language.vocab_size} rows"
            )
        if policy is not None and policy.tile_size != config.image_size:
            raise ConfigError(f"the model's tiles are {config.image_size} px, the policy's {policy.tile_size} px")
        return cls(
            tokenizer,
            template_named(config.template),
            policy=policy or policy_of(config),
            tokens_per_tile=config.tokens_per_tile,
            system_message=config.system_message,
        )

    def with_policy(self, policy: TilePolicy) -> Processor:
        """The same processor with another tile policy."""
        if policy.tile_size != self.policy.tile_size:
            raise ConfigError(f"the model's tiles are {self.policy.tile_size} px, the policy's {policy.tile_size} px")
        return self._with(policy, self.opener)

    def with_opener(self, opener: Opener) -> Processor:
        """The same processor, whose pictures and clips are decoded elsewhere."""
        return self._with(self.policy, opener)

    def prepare(self, question: str | Message | Sequence[Message], *, tiled: dict[int, Tiled] | None = None) -> ModelInputs:
        """Messages -> ModelInputs.

        `tiled` (keyed by id of the Image or Video object) keeps cut pictures between calls: a session passes its own dict.
        Raises PromptError, PlaceholderCountError, MediaError.
        """
        messages = self._checked(question)
        tiled = {} if tiled is None else tiled
        policy = self.policy.for_images(max(1, _count_images(messages)))
        batches: list[TileBatch] = []

        def show(part: Image | Video) -> Iterator[Piece]:
            if id(part) not in tiled:
                tiled[id(part)] = self._cut(part, policy)
            batches.extend(tiled[id(part)].stills)
            return self._slots(tiled[id(part)])

        return self._inputs(self._turns(messages, show), batches)

    def plain(self, text: str) -> ModelInputs:
        """A text as it stands, without the template, for a model that is to go on with it. Raises PromptError when it is empty."""
        start = self.tokenizer.bos_id
        ids = [start] if self.tokenizer.add_bos and start is not None else []
        ids += self.tokenizer.encode([*ids, Typed(text)])[len(ids) :]
        if not ids:
            raise PromptError("there is no text to go on with")
        return ModelInputs(
            ids=torch.tensor(ids, dtype=torch.long), placeholder_id=self.placeholder_id, tokens_per_tile=self.tokens_per_tile
        )

    def count(self, question: str | Message | Sequence[Message]) -> TokenCount:
        """What the prompt will cost, from file headers alone (stills of several tiles need their clip's size, so it is decoded)."""
        messages = self._checked(question)
        policy = self.policy.for_images(max(1, _count_images(messages)))
        media: list[MediaCount] = []

        def show(part: Image | Video) -> Iterator[Piece]:
            counts = self._measure(part, policy)
            media.extend(counts)
            return self._counted_slots(part, counts)

        turns = self._turns(messages, show)
        visual = sum(item.tokens for item in media)
        return TokenCount(text=len(self.encode(turns)) - visual, visual=visual, media=tuple(media))

    def _with(self, policy: TilePolicy, opener: Opener) -> Processor:
        return Processor(
            self.tokenizer,
            self.template,
            policy=policy,
            tokens_per_tile=self.tokens_per_tile,
            system_message=self.system_message,
            normalisation=self.normalisation,
            opener=opener,
        )

    def _checked(self, question: str | Message | Sequence[Message]) -> tuple[Message, ...]:
        messages = as_messages(question)
        for message in messages:
            if not isinstance(message, Message):
                raise PromptError(f"a conversation is made of Message objects, not {type(message).__name__}; build them with user(...)")
        return messages

    def _turns(self, messages: Sequence[Message], show: Callable[[Image | Video], Iterator[Piece]]) -> list[Turn]:
        """Messages with their parts as pieces; `show` gives those of a picture or clip."""
        turns = []
        for message in messages:
            content: list[Piece] = []
            for part in message.parts:
                content += show(part) if isinstance(part, Image | Video) else self._text(part)
            turns.append(Turn(message.role, tuple(content)))
        return turns

    def encode(self, turns: Sequence[Turn]) -> list[int]:
        """Turns -> ids of the whole prompt, begin-of-sequence included where the tokenizer has one."""
        ids = self.tokenizer.encode(render(self.template, turns, system_message=self.system_message))
        start = self.tokenizer.bos_id
        return [start, *ids] if self.tokenizer.add_bos and start is not None else ids

    def _inputs(self, turns: Sequence[Turn], batches: Sequence[TileBatch]) -> ModelInputs:
        pixels = torch.cat([batch.pixels for batch in batches]) if batches else None
        return ModelInputs(
            ids=torch.tensor(self.encode(turns), dtype=torch.long),
            placeholder_id=self.placeholder_id,
            tokens_per_tile=self.tokens_per_tile,
            pixels=pixels,
            tile_keys=tuple(key for batch in batches for key in batch.keys),
        )

    def _text(self, part: str | Ref | Box) -> list[Piece]:
        if isinstance(part, str):
            return [Typed(part)]
        start, end = REF if isinstance(part, Ref) else BOX
        inside = part.phrase if isinstance(part, Ref) else f"[[{part.x1}, {part.y1}, {part.x2}, {part.y2}]]"
        return [self.tokenizer.token_id(start), Typed(inside), self.tokenizer.token_id(end)]

    def _cut(self, part: Image | Video, policy: TilePolicy) -> Tiled:
        made = self.opener.cut(part, part_policy(policy, part), self.normalisation.mean_colour)
        stills = tuple(batch_of(each, self.normalisation) for each in made)
        return Tiled(part, stills, ("",) if isinstance(part, Image) else frame_labels(len(stills)))

    def _slots(self, tiled: Tiled) -> Iterator[Piece]:
        for label, batch in zip(tiled.labels, tiled.stills, strict=True):
            yield from self._slot(label, int(batch.pixels.shape[0]))

    def _slot(self, label: str, tiles: int) -> Iterator[Piece]:
        if label:
            yield Typed(label)
        yield from slot_ids(self.tokenizer, tiles * self.tokens_per_tile)
        if label:
            yield Typed("\n")

    def _measure(self, part: Image | Video, policy: TilePolicy) -> list[MediaCount]:
        return [self._media_count(part.source, size, part_policy(policy, part)) for size in self.opener.sizes(part)]

    def _media_count(self, source: object, size: tuple[int, int] | None, policy: TilePolicy) -> MediaCount:
        if size is None:
            return MediaCount(_name(source), None, "1x1", 1, self.tokens_per_tile)
        tiles = policy.tiles(*size)
        return MediaCount(_name(source), size, str(policy.grid(*size)), tiles, tiles * self.tokens_per_tile)

    def _counted_slots(self, part: Image | Video, counts: Sequence[MediaCount]) -> Iterator[Piece]:
        labels = ("",) if isinstance(part, Image) else frame_labels(len(counts))
        for label, item in zip(labels, counts, strict=True):
            yield from self._slot(label, item.tiles)


def compose(question: str, media: Sequence[Image | Video]) -> Message:
    """A user message from a question and its pictures and clips, laid out as the released models were trained.

    `<image>` and `<video>` marks in the question say where each goes; their numbers must match what is given
    (PlaceholderCountError). Without marks: one picture stands in front on a line of its own, several as `Image-1: <image>` and so
    on, clips as `Frame1: <image>` lines; two clips and more get a line `Video-1:` before each.
    Raises PromptError for what is neither an Image nor a Video.
    """
    for item in media:
        if not isinstance(item, Image | Video):
            kind = type(item).__name__
            raise PromptError(f"pictures and clips are given as internvl.Image(...) or internvl.Video(...), not as {kind}")
    images = [item for item in media if isinstance(item, Image)]
    videos = [item for item in media if isinstance(item, Video)]
    split = split_marks(question)
    marks = [part.name for part in split if isinstance(part, Mark)]
    if not marks:
        return user(*_in_front(images, videos), question)
    check_mark_count(marks.count(IMAGE_MARK), len(images))
    check_mark_count(marks.count(VIDEO_MARK), len(videos), mark=VIDEO_MARK, what="videos")
    return user(*_at_marks(split, images, videos))


def policy_of(config: InternVLConfig) -> TilePolicy:
    """The tile policy a checkpoint was trained with."""
    return TilePolicy(
        tile_size=config.image_size,
        min_tiles=config.min_tiles,
        max_tiles=config.max_tiles,
        thumbnail=config.use_thumbnail,
        dynamic=config.dynamic_tiles,
        pad_to_square=config.pad_to_square,
    )


def frame_labels(frames: int) -> tuple[str, ...]:
    """`Frame1: `, `Frame2: `, ... without a hyphen, as the model card writes them."""
    return tuple(f"Frame{i + 1}: " for i in range(frames))


def _in_front(images: Sequence[Image], videos: Sequence[Video]) -> Iterator[Part]:
    if len(images) == 1 and not videos:
        yield from (images[0], "\n")
        return
    for number, image in enumerate(images, start=1):
        yield from (f"Image-{number}: ", image, "\n")
    for number, video in enumerate(videos, start=1):
        if len(videos) > 1:
            yield f"Video-{number}:\n"
        yield video


def _at_marks(split: Sequence[str | Mark], images: Sequence[Image], videos: Sequence[Video]) -> Iterator[Part]:
    next_image, next_video = iter(images), iter(videos)
    after_video = False
    for part in split:
        if isinstance(part, Mark):
            after_video = part.name == VIDEO_MARK
            yield next(next_video) if after_video else next(next_image)
        else:
            # The last frame's line already ends the line that the mark stood on.
            yield part.removeprefix("\n") if after_video else part
            after_video = False


def part_policy(policy: TilePolicy, part: Image | Video) -> TilePolicy:
    """The policy of one picture, or of each still of a clip."""
    if isinstance(part, Image):
        return policy if part.max_tiles is None else policy.with_max_tiles(part.max_tiles)
    if part.sampling.max_tiles == 1:
        return replace(policy, dynamic=False, min_tiles=1, budget=None)
    return policy.with_max_tiles(part.sampling.max_tiles)


def _count_images(messages: Sequence[Message]) -> int:
    return sum(isinstance(part, Image) for message in messages for part in message.parts)


def _name(source: object) -> str:
    return str(source) if isinstance(source, str | Path) else type(source).__name__
