"""Visual tokens by content: encoded once, kept while there is room, and those of the right tile."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny import KINDS, fresh, picture, vlm

from internvl import Image
from internvl.engine import vision_cache
from internvl.engine.engine import Engine
from internvl.engine.shown import Eye, Shown
from internvl.engine.vision_cache import VisionCache
from internvl.inputs import ModelInputs
from internvl.messages import user


def tiles() -> ModelInputs:
    return vlm().processor.prepare(user(picture(0), picture(1)))


@torch.inference_mode()
def test_equal_keys_are_encoded_once() -> None:
    inputs, cache = tiles(), VisionCache()
    direct = vlm().model.encode_tiles(inputs.pixels)
    keys = list(inputs.tile_keys)
    twice = cache.encode(vlm().model.encode_tiles, torch.cat([inputs.pixels, inputs.pixels]), keys + keys)
    torch.testing.assert_close(twice, torch.cat([direct, direct]))
    assert (cache.encoded, cache.hits) == (len(set(keys)), 2 * len(keys) - len(set(keys)))
    again = cache.encode(vlm().model.encode_tiles, inputs.pixels.flip(0), keys[::-1])
    assert torch.equal(again, twice[: len(keys)].flip(0))
    assert cache.encoded == len(set(keys))


@torch.inference_mode()
def test_the_oldest_go_when_there_is_no_room() -> None:
    inputs = tiles()
    one = vlm().model.encode_tiles(inputs.pixels[:1])
    cache = VisionCache(max_bytes=3 * one.numel() * one.element_size())
    keys = [str(i) for i in range(5)]
    cache.encode(vlm().model.encode_tiles, inputs.pixels[:5], keys)
    assert cache.encoded == 5
    cache.encode(vlm().model.encode_tiles, inputs.pixels[2:5], keys[2:5])
    assert (cache.encoded, cache.hits) == (5, 3)
    cache.encode(vlm().model.encode_tiles, inputs.pixels[:1], keys[:1])
    assert cache.encoded == 6


@torch.inference_mode()
def test_many_tiles_go_through_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = tiles()
    whole = VisionCache().encode(vlm().model.encode_tiles, inputs.pixels, inputs.tile_keys)
    monkeypatch.setattr(vision_cache, "TILES_PER_CALL", 2)
    torch.testing.assert_close(VisionCache().encode(vlm().model.encode_tiles, inputs.pixels, inputs.tile_keys), whole)


def scan(colour: int, *, width: int) -> Image:
    """A page with a mark in its first corner, else of one colour; tiles are 56 px."""
    page = np.full((112, width, 3), colour, dtype=np.uint8)
    page[10:30, 10:40] = 128
    return Image(page)


def test_tiles_of_one_colour_are_encoded_once_for_all_pictures() -> None:
    model = fresh()
    pages = [scan(255, width=224), scan(255, width=336), scan(0, width=224)]
    keys = [set(model.processor.prepare(user(page)).tile_keys) for page in pages]
    tiles = [model.processor.prepare(user(page)).tiles for page in pages]
    assert [len(each) for each in keys] == [3, 3, 3], "the marked tile, the thumbnail, and all the others"
    assert min(tiles) > 8
    assert len(keys[0] & keys[1]) == 2, "the empty tile, and the marked one, which is the same"
    assert keys[0].isdisjoint(keys[2])
    replies = [model.answer([user(page, "Hi")], max_new_tokens=1) for page in pages]
    assert [reply.work.encoded_tiles for reply in replies] == [3, 1, 3]
    assert [reply.usage.tiles for reply in replies] == tiles


def test_keys_are_of_the_final_pixels() -> None:
    """Scaled to the same pixels, pictures share tiles whatever file they came from; a normalisation of its own shares nothing."""
    model = fresh()
    small, large = (np.full((size, size, 3), 200, dtype=np.uint8) for size in (30, 300))
    keys = [model.processor.prepare(user(Image(each))).tile_keys for each in (small, large)]
    assert set(keys[0]) == set(keys[1])
    other = fresh().processor
    other.normalisation = type(other.normalisation)("other", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert set(other.prepare(user(Image(small))).tile_keys).isdisjoint(keys[0])


def test_one_cache_serves_two_models() -> None:
    """Visual tokens are those of a model; with another one's the answer would be wrong."""
    cache = VisionCache()
    engines = [Engine(vlm(kind).model, vlm(kind).tokenizer, stop_ids=frozenset({1}), vision_cache=cache) for kind in KINDS[:2]]
    again = Engine(vlm(KINDS[0]).model, None, stop_ids=frozenset({1}), vision_cache=cache)
    inputs = vlm(KINDS[0]).processor.prepare(user(picture(3)))
    encoded = []
    for engine in (*engines, again):
        shown = Shown(inputs)
        assert shown.prepare(engine._eye, 0, inputs.tokens)
        encoded.append(shown.encoded)
    assert encoded == [len(set(inputs.tile_keys))] * 2 + [0]


@torch.inference_mode()
def test_tiles_come_a_few_at_a_time_and_once_each() -> None:
    inputs, calls = tiles(), []

    def encoder(pixels: torch.Tensor) -> torch.Tensor:
        calls.append(len(pixels))
        return vlm().model.encode_tiles(pixels)

    eye, shown = Eye(encoder, VisionCache(max_bytes=1)), Shown(inputs)
    whole = vlm().model.encode_tiles(inputs.pixels).flatten(0, 1)
    unique = len(set(inputs.tile_keys))
    assert [shown.prepare(eye, 0, inputs.tokens, limit=2) for _ in range(-(-unique // 2))][-1]
    assert shown.prepare(eye, 0, inputs.tokens, limit=0), "all are ready, though the cache had room for one"
    assert max(calls) <= 2
    middle = int((inputs.ids == inputs.placeholder_id).nonzero()[6])  # inside the second tile
    parts = [shown.take(0, middle), shown.take(middle, inputs.tokens)]
    torch.testing.assert_close(torch.cat([part for part in parts if part is not None]), whole)
    assert shown.take(inputs.tokens - 1, inputs.tokens) is None
