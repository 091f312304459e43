"""Visual tokens by content: encoded once, kept while there is room, and those of the right tile."""

from __future__ import annotations

import pytest
import torch
from tiny import picture, vlm

from internvl.engine import vision_cache
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
