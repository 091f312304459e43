"""InternVL-C and -G answer as the original: vectors, logits in both modes and with both transforms, text ids, captions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import PIL
import pytest
import torch

import internvl
from internvl.engine.dual import Dual
from internvl.engine.dual_text import caption_ids, text_ids
from internvl.engine.sampling import SamplingParams
from internvl.media.views import view_pixels

FOLDER = Path(__file__).parent / "fixtures" / "internvl-14b"
MODES = ("InternVL-C", "InternVL-G")
VIEWS = {"retrieval": "squash", "classification": "crop"}
PICTURES = [internvl.Image(FOLDER.parent / f"image{index}.png") for index in range(5)]
TIGHT = {"atol": 1e-4, "rtol": 0.0}
# Pillow 13 rounds its bicubic filter differently near saturated colours; the answers were made with it.
needs_pillow_13 = pytest.mark.skipif(int(PIL.__version__.partition(".")[0]) < 13, reason="golden pixels are those of Pillow 13")


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    return json.loads((FOLDER / "golden.json").read_text("utf-8"))  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def card() -> internvl.InternVLModel:
    return internvl.InternVLModel.from_pretrained(FOLDER, trust_remote_code=True).eval()


@pytest.fixture(scope="module")
def dual() -> Dual:
    return internvl.load_dual(FOLDER, device="cpu")


def pixels(view: str) -> torch.Tensor:
    return view_pixels(PICTURES, VIEWS[view], size=56)


def test_text_ids(dual: Dual, golden: dict[str, Any]) -> None:
    assert text_ids(dual.tokenizer, golden["texts"]).tolist() == golden["input_ids"]
    assert caption_ids(dual.tokenizer).tolist() == golden["caption_prompt_ids"][0]


@torch.inference_mode()
def test_text_vectors(card: internvl.InternVLModel, golden: dict[str, Any]) -> None:
    torch.testing.assert_close(card.encode_text(torch.tensor(golden["input_ids"])), torch.tensor(golden["text_embeds"]), **TIGHT)


@needs_pillow_13
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("view", VIEWS)
@torch.inference_mode()
def test_picture_vectors_and_logits(card: internvl.InternVLModel, golden: dict[str, Any], view: str, mode: str) -> None:
    ids = torch.tensor(golden["input_ids"])
    torch.testing.assert_close(
        torch.nn.functional.normalize(card.encode_image(pixels(view), mode), dim=-1),
        torch.nn.functional.normalize(torch.tensor(golden[f"image_embeds/{view}/{mode}"]), dim=-1),
        **TIGHT,
    )
    by_picture, by_text = card(image=pixels(view), text=ids, mode=mode)
    torch.testing.assert_close(by_picture, torch.tensor(golden[f"logits_per_image/{view}/{mode}"]), **TIGHT)
    torch.testing.assert_close(by_text, by_picture.T)


@needs_pillow_13
def test_captions(card: internvl.InternVLModel, dual: Dual, golden: dict[str, Any]) -> None:
    prompts = torch.tensor(golden["caption_prompt_ids"])
    made = card.generate(pixels("retrieval"), prompts, torch.ones_like(prompts), max_new_tokens=12)
    assert made.tolist() == golden["caption_tokens"]
    told = [dual.caption(picture, params=SamplingParams(max_new_tokens=12)) for picture in PICTURES]
    assert told == [caption.strip() for caption in golden["captions"]]


@needs_pillow_13
@pytest.mark.parametrize("mode", MODES)
def test_likeness_for_people(golden: dict[str, Any], mode: str) -> None:
    dual = internvl.load_dual(FOLDER, device="cpu", mode=mode, batch=2)
    scale = float(dual.model.logit_scale.detach().exp())
    expected = torch.tensor(golden[f"logits_per_image/retrieval/{mode}"])
    torch.testing.assert_close(scale * dual.similarity(PICTURES, golden["texts"]), expected, **TIGHT)
