"""The card's way to say which tiles belong where: `<image>` marks in the questions, `num_patches_list` beside them.

    "Image-1: <image>\\nImage-2: <image>\\nCompare." + [7, 3]  ->  text, 7 tiles, text, 3 tiles, text

Marks count in questions only. What the model answered is text, even where it happens to read `<image>`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from internvl.errors import PlaceholderCountError, PromptError
from internvl.inputs import ModelInputs
from internvl.processor import Processor
from internvl.prompt.pieces import Typed
from internvl.prompt.placeholders import GROUNDING_MARKS, IMAGE_MARK, slot_ids
from internvl.prompt.template import Piece, Turn

Pair = tuple[str, str | None]


def card_inputs(processor: Processor, pairs: Sequence[Pair], pixel_values: Tensor | None, tiles: Sequence[int]) -> ModelInputs:
    """(question, answer) pairs, the last answer None, with their tiles and tiles per picture -> ModelInputs.

    Raises PlaceholderCountError when marks and pictures differ in number.
    """
    check_marks(sum(question.count(IMAGE_MARK) for question, _ in pairs), len(tiles))
    remaining = iter(tiles)
    turns = []
    for question, answer in pairs:
        turns.append(Turn("user", tuple(_content(processor, question, remaining))))
        if answer is not None:
            turns.append(Turn("assistant", (Typed(answer, GROUNDING_MARKS),)))
    return model_inputs(processor.encode(turns), processor.placeholder_id, processor.tokens_per_tile, pixel_values)


def model_inputs(ids: Sequence[int], placeholder_id: int, tokens_per_tile: int, pixel_values: Tensor | None) -> ModelInputs:
    """Ids with placeholders and the tiles [T,3,S,S] that belong to them."""
    return ModelInputs(
        ids=torch.tensor(ids, dtype=torch.long),
        placeholder_id=placeholder_id,
        tokens_per_tile=tokens_per_tile,
        pixels=pixel_values,
        tile_keys=() if pixel_values is None else tuple(_content_key(tile) for tile in pixel_values),
    )


def tile_counts(pixel_values: Tensor | None, num_patches_list: Sequence[int] | None) -> list[int]:
    """Tiles of each picture; all of them are one picture when nothing is said."""
    if pixel_values is not None and pixel_values.dim() != 4:
        raise PromptError(f"pixel_values must be [tiles, 3, size, size], as load_image gives them, not {list(pixel_values.shape)}")
    given = 0 if pixel_values is None else int(pixel_values.shape[0])
    if num_patches_list is None:
        return [given] if given else []
    counts = list(num_patches_list) if pixel_values is not None else []
    if sum(counts) != given or any(count < 1 for count in counts):
        raise PlaceholderCountError(
            f"num_patches_list {counts} adds up to {sum(counts)} tiles, but pixel_values has {given}",
            expected=sum(counts),
            given=given,
        )
    return counts


def check_marks(marks: int, pictures: int) -> None:
    """Raise PlaceholderCountError unless there is one mark for each picture."""
    if marks != pictures:
        raise PlaceholderCountError(
            f"the questions and history have {marks} {IMAGE_MARK} marks, but {pictures} pictures were given "
            "(one entry of num_patches_list each)",
            expected=marks,
            given=pictures,
        )


def _content(processor: Processor, question: str, tiles: Iterator[int]) -> Iterator[Piece]:
    first, *rest = question.split(IMAGE_MARK)
    yield Typed(first, GROUNDING_MARKS)
    for stretch in rest:
        yield from slot_ids(processor.tokenizer, next(tiles) * processor.tokens_per_tile)
        yield Typed(stretch, GROUNDING_MARKS)


def _content_key(tile: Tensor) -> str:
    data = tile.detach().to("cpu").contiguous().view(torch.uint8).numpy()
    return hashlib.blake2b(data.data, digest_size=16, person=str(tile.dtype)[6:22].encode()).hexdigest()
