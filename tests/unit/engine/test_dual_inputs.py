"""What a dual encoder's doors refuse, each with a sentence: other models, modes, devices, empty and wrong lists, names, languages."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import internvl
from internvl import Image, InternVLModel, load, load_dual
from internvl.engine.dual import Dual
from internvl.errors import CheckpointError, ConfigError, DeviceError, InternVLError, MediaError, SamplingError

FOLDER = Path(__file__).parents[2] / "parity" / "fixtures" / "internvl-14b"
CHAT = FOLDER.with_name("internvl2-qwen2")
PICTURE = Image(FOLDER.parent / "image0.png")


@pytest.fixture(scope="module")
def dual() -> Dual:
    return load_dual(FOLDER, device="cpu")


@pytest.fixture(scope="module")
def card() -> InternVLModel:
    return InternVLModel.from_pretrained(FOLDER)


@pytest.mark.parametrize(
    ("open_it", "error", "said"),
    [
        (lambda: load_dual(CHAT), ConfigError, "chat models are opened by internvl.load"),
        (lambda: InternVLModel.from_pretrained(CHAT), ConfigError, "chat models are opened by internvl.load"),
        (lambda: load(FOLDER), ConfigError, "open it by internvl.load_dual"),
        (lambda: load_dual("no/such/model/here"), CheckpointError, "no model"),
        (lambda: load_dual(FOLDER / "config.json"), CheckpointError, "is a file"),
        (lambda: load_dual(FOLDER, mode="InternVL-X"), ConfigError, "has the modes InternVL-C, InternVL-G, not 'InternVL-X'"),
        (lambda: load_dual(FOLDER, device="toaster"), DeviceError, "'toaster' is not a device"),
        (lambda: load_dual(FOLDER, dtype="int8", device="cpu"), ConfigError, "dtype must be one of"),
        (lambda: load_dual(FOLDER, device="cpu", batch=0), ConfigError, "a batch is at least 1"),
        (lambda: InternVLModel.from_pretrained(FOLDER, use_magic=True), ConfigError, "unknown argument 'use_magic'"),
    ],
)
def test_a_model_that_is_none_is_refused(open_it: Callable[[], Any], error: type[InternVLError], said: str) -> None:
    with pytest.raises(error, match=said):
        open_it()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"attn_pool_num_heads": 7}, r"config\.json.*attn_pool_num_heads \(7\) must divide"),
        ({"qllama_config": []}, "qllama_config"),
        ({"use_backbone_lora": 4}, "merge the adapter first"),
        ({"clip_embed_dim": "wide"}, "clip_embed_dim must be int"),
    ],
)
def test_a_config_that_cannot_be_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    folder = shutil.copytree(FOLDER, tmp_path / "model")
    values = json.loads((folder / "config.json").read_text("utf-8")) | change
    (folder / "config.json").write_text(json.dumps(values))
    with pytest.raises(ConfigError, match=said):
        load_dual(folder)


@pytest.mark.parametrize(
    ("ask", "error", "said"),
    [
        (lambda d: d.classify(PICTURE, []), ConfigError, "one or more different names"),
        (lambda d: d.classify(PICTURE, ["cat", "cat"]), ConfigError, "one or more different names"),
        (lambda d: d.classify(PICTURE, ["cat", " "]), ConfigError, "one or more different names"),
        (lambda d: d.classify(PICTURE, "cat"), ConfigError, "names is a list of str, not one alone"),
        (lambda d: d.classify(PICTURE, ["cat", 7]), ConfigError, r"names\[1\] must be of the kind str, not 7"),
        (lambda d: d.classify(PICTURE, ["cat"], language="tlh"), ConfigError, "not in 'tlh'; give templates"),
        (lambda d: d.classify(PICTURE, ["cat"], templates="a {}"), ConfigError, "templates is a list of str"),
        (lambda d: d.classify(PICTURE, ["cat"], templates=["a cat"]), ConfigError, "has a {} where the name goes"),
        (lambda d: d.classify(PICTURE, ["cat"], templates=[]), ConfigError, "at least one template"),
        (lambda d: d.similarity(PICTURE, ["a"]), ConfigError, "images is a list of Image, not one alone"),
        (lambda d: d.similarity(["a.png"], ["a"]), ConfigError, r"images\[0\] .*internvl\.Image\(path\)"),
        (lambda d: d.similarity([PICTURE], "a"), ConfigError, "texts is a list of str, not one alone"),
        (lambda d: d.similarity([PICTURE], None), ConfigError, "texts is a list of str, not None"),
        (lambda d: d.similarity([Image("nowhere.png")], ["a"]), MediaError, "nowhere.png"),
        (lambda d: d.similarity([Image(b"no picture")], ["a"]), MediaError, "format"),
        (lambda d: d.search("a", [PICTURE], top=0), ConfigError, "at least one picture"),
        (lambda d: d.encode_images([PICTURE], view="stretch"), ConfigError, "crop, squash, not 'stretch'"),
    ],
)
def test_questions_that_make_no_sense_are_refused(
    dual: Dual, ask: Callable[[Dual], Any], error: type[InternVLError], said: str
) -> None:
    with pytest.raises(error, match=said):
        ask(dual)


def test_nothing_asked_is_nothing_answered(dual: Dual) -> None:
    assert dual.similarity([], ["a", "b"]).shape == (0, 2)
    assert dual.similarity([PICTURE], []).shape == (1, 0)
    assert dual.search("a", []) == []
    assert dual.classify_all([], ["cat", "dog"]) == []
    assert torch.isfinite(dual.encode_texts(["", " ", "\n", "😀" * 500])).all()


def test_a_model_without_queries_says_so(dual: Dual) -> None:
    from dataclasses import replace

    from internvl.models.contrastive.dual import DualModel

    alone = DualModel(replace(dual.model.config, queries=0))
    with pytest.raises(ConfigError, match="the modes InternVL-C, not 'InternVL-G'"):
        Dual(alone, dual.tokenizer, mode="InternVL-G")
    with pytest.raises(ConfigError, match="no queries, so no InternVL-G and no captions"):
        Dual(alone, dual.tokenizer).caption(PICTURE)


IDS = torch.tensor([[1, 5, 2]])
PIXELS = torch.zeros(1, 3, 56, 56)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda c: c(image=PIXELS, text=IDS, mode="C"), ConfigError, "a mode is one of InternVL-C, InternVL-G, not 'C'"),
        (lambda c: c(image=PIXELS[0], text=IDS), ConfigError, r"a float tensor \[B,3,S,S\], not torch.float32 \[3, 56, 56\]"),
        (lambda c: c(image=PIXELS.byte(), text=IDS), ConfigError, "not torch.uint8"),
        (lambda c: c.encode_image("a.png", "InternVL-C"), ConfigError, "not a str"),
        (lambda c: c.encode_image(PIXELS[..., :55], "InternVL-C"), MediaError, "multiple of 14"),
        (lambda c: c.encode_text(IDS[0]), ConfigError, r"whole numbers \[B,L\]"),
        (lambda c: c.encode_text(IDS.float()), ConfigError, "whole numbers"),
        (lambda c: c.encode_text(IDS * 100_000), ConfigError, "token ids go from 0 to"),
        (lambda c: c.encode_text(-IDS), ConfigError, "token ids go from 0 to"),
        (lambda c: c.encode_text(IDS * 0), ConfigError, "padding alone"),
        (lambda c: c.generate(PIXELS, IDS.repeat(2, 1), torch.ones(2, 3)), ConfigError, "1 pictures were given with 2 prompts"),
        (lambda c: c.generate(PIXELS, IDS, torch.zeros(1, 3)), SamplingError, "no padding"),
        (lambda c: c.generate(PIXELS, IDS, torch.ones(1, 3), top_k=5), SamplingError, "nothing else can be set"),
    ],
)
def test_the_cards_class_refuses_in_words(
    card: InternVLModel, call: Callable[[InternVLModel], Any], error: type[InternVLError], said: str
) -> None:
    with pytest.raises(error, match=said):
        call(card)


def test_the_doors_are_public() -> None:
    assert {"load_dual", "InternVLModel", "Dual"} <= set(internvl.__all__)
