"""Replies of the model-card class equal the original's, token for token, and so do the logits and features on the way."""

from __future__ import annotations

import PIL
import pytest
import torch
from original import FIXTURES, TILE_SIZE, Kind

import internvl
from internvl.media.image import open_image
from internvl.media.tiling import TilePolicy

# Pillow 13 rounds its bicubic filter differently near saturated colours (by up to 5 grey levels); the answers were made with it.
needs_pillow_13 = pytest.mark.skipif(int(PIL.__version__.partition(".")[0]) < 13, reason="golden pixels are those of Pillow 13")
GREEDY = {"max_new_tokens": 24, "do_sample": False}
FOLLOWS = {"text-turn2": "text", "image-turn2": "image", "multi-image-turn2": "multi-image"}
SINGLE = ("text", "image", "image-noplaceholder", "multi-image", "combined-image", "video")


def answer(kind: Kind, case: dict, *, combined: bool = False, history: list | None = None) -> tuple[str, list]:
    pixels, counts = kind.pixels(case)
    return kind.model.chat(
        kind.tokenizer,
        pixels,
        case["question"],
        GREEDY,
        history=history,
        return_history=True,
        num_patches_list=None if combined or not counts else counts,
    )


@pytest.mark.parametrize("name", SINGLE)
def test_one_turn(kind: Kind, name: str) -> None:
    case = kind.case(name)
    reply, _ = answer(kind, case, combined=name == "combined-image")
    assert reply == case["response"]
    assert list(kind.model.last_reply.ids) == case["tokens"][0][1:]


@pytest.mark.parametrize("name", FOLLOWS)
def test_second_turn(kind: Kind, name: str) -> None:
    _, history = answer(kind, kind.case(FOLLOWS[name]))
    case = kind.case(name)
    reply, longer = answer(kind, case, history=history)
    assert reply == case["response"]
    assert list(kind.model.last_reply.ids) == case["tokens"][0][1:]
    assert kind.model.last_reply.usage.cached_tokens > 0
    assert [question for question, _ in longer][1:] == [case["question"]]


def test_batch(kind: Kind) -> None:
    case = kind.case("batch")
    pixels, counts = kind.pixels(case)
    assert kind.model.batch_chat(kind.tokenizer, pixels, case["question"], GREEDY, num_patches_list=counts) == case["response"]


@needs_pillow_13
@pytest.mark.parametrize("name", SINGLE)
def test_logits_of_the_last_prompt_position(kind: Kind, name: str) -> None:
    case = kind.case(name)
    pixels, counts = kind.pixels(case)
    tiles = [sum(counts)] if name == "combined-image" else counts
    question = case["question"] if name != "image-noplaceholder" else f"<image>\n{case['question']}"
    inputs = kind.model.prepare(kind.tokenizer, [(question, None)], pixels, tiles)
    with torch.inference_mode():
        visual = None if pixels is None else kind.model.extract_feature(pixels)
        logits = kind.model.model(inputs.ids[None], visual, placeholder_id=inputs.placeholder_id, last_only=True)[0, 0]
    torch.testing.assert_close(logits, torch.tensor(case["logits"][0]), atol=1e-4, rtol=0)


def test_tiles(kind: Kind) -> None:
    for limit in (6, 12):
        policy = TilePolicy(tile_size=TILE_SIZE, max_tiles=limit)
        for i, expected in enumerate(kind.golden[f"tiles{limit}"]):
            size = open_image(FIXTURES / f"image{i}.png").size
            assert list(policy.grid(*size)) == expected["ratio"]
            assert policy.tiles(*size) == expected["n"]


@needs_pillow_13
def test_features(kind: Kind) -> None:
    compared = 0
    for i in range(5):
        pixels = internvl.load_image(FIXTURES / f"image{i}.png", input_size=TILE_SIZE, max_num=12)
        torch.testing.assert_close(pixels, torch.from_numpy(kind.arrays[f"pixels{i}"]), atol=1e-6, rtol=0)
        if f"features{i}" in kind.arrays:
            features = kind.model.extract_feature(pixels)
            torch.testing.assert_close(features, torch.from_numpy(kind.arrays[f"features{i}"]), atol=1e-5, rtol=0)
            compared += 1
    assert compared > 0
