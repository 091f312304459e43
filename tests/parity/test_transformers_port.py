"""transformers' own InternVL as the oracle: it reads what we write, we read what it writes, and both say the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.convert import convert
from internvl.checkpoint.load import load_model
from internvl.inputs import ModelInputs
from internvl.messages import Image
from internvl.models.internvl import InternVL
from internvl.processor import Processor, compose
from internvl.prompt.pieces import Trusted
from internvl.prompt.tokenizer import load_tokenizer

transformers = pytest.importorskip("transformers")

FIXTURES = Path(__file__).parent / "fixtures"
KINDS = ("internvl2-qwen2", "internvl2-internlm2", "internvl2-phi3", "internvl2-llama3")
TOLERANCE = 3e-5


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def native(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(kind) / "native"
    convert(FIXTURES / kind, folder, layout="native", max_shard_bytes=200_000)
    return folder


@pytest.fixture(scope="module")
def port(native: Path) -> Any:
    return theirs(native)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Models this small only lose by sharing their work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@cache
def golden(kind: str) -> dict[str, Any]:
    return json.loads((FIXTURES / kind / "golden.json").read_text("utf-8"))


def case_named(kind: str, name: str) -> dict[str, Any]:
    return next(case for case in golden(kind)["cases"] if case["kind"] == name)


def prompt(folder: Path, case: dict[str, Any]) -> ModelInputs:
    processor = Processor.of(Checkpoint(folder).config, load_tokenizer(folder))
    images = [Image(FIXTURES / f"image{i}.png", max_tiles=case["max_num"]) for i in case.get("images", [])]
    return processor.prepare(compose(case["question"], images))


def theirs(folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    model, info = transformers.InternVLForConditionalGeneration.from_pretrained(folder, dtype=dtype, output_loading_info=True)
    assert not any(info[what] for what in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    return model.eval()


def arguments(inputs: ModelInputs, dtype: torch.dtype = torch.float32) -> dict[str, Any]:
    pixels = {} if inputs.pixels is None else {"pixel_values": inputs.pixels.to(dtype)}
    return {"input_ids": inputs.ids[None], "attention_mask": torch.ones_like(inputs.ids[None])} | pixels


@torch.inference_mode()
def our_logits(model: InternVL, inputs: ModelInputs) -> torch.Tensor:
    visual = None if inputs.pixels is None else model.encode_tiles(inputs.pixels)
    return model(inputs.ids[None], visual, placeholder_id=inputs.placeholder_id)[0]


def test_it_gives_the_golden_logits_and_ours(kind: str, native: Path, port: Any) -> None:
    ours = load_model(native)
    for name in ("text", "image", "multi-image"):
        case = case_named(kind, name)
        inputs = prompt(native, case)
        with torch.inference_mode():
            logits = port(**arguments(inputs)).logits[0]
        torch.testing.assert_close(logits[-1], torch.tensor(case["logits"][0]), atol=TOLERANCE, rtol=0)
        torch.testing.assert_close(logits, our_logits(ours, inputs), atol=TOLERANCE, rtol=0)


def test_it_gives_the_golden_features(kind: str, port: Any) -> None:
    arrays = np.load(FIXTURES / kind / "golden.npz")
    with torch.inference_mode():
        features = port.model.get_image_features(pixel_values=torch.from_numpy(arrays["pixels0"]))
    found = features if isinstance(features, torch.Tensor) else features.pooler_output
    expected = torch.from_numpy(arrays["features0"])
    torch.testing.assert_close(found.reshape(expected.shape), expected, atol=TOLERANCE, rtol=0)


def test_it_generates_the_golden_replies(kind: str, native: Path, port: Any) -> None:
    for name in ("text", "image", "multi-image"):
        case = case_named(kind, name)
        inputs = prompt(native, case)
        with torch.inference_mode():  # the stop token comes from the generation_config.json that we wrote
            output = port.generate(**arguments(inputs), max_new_tokens=24, do_sample=False)
        assert output[0, inputs.tokens :].tolist() == case["tokens"][0][1:]


def test_bfloat16_agrees_in_the_next_token(kind: str, native: Path) -> None:
    """Random weights leave the first and second token closer than bf16 can tell now and then, so the gap decides."""
    half, ours = theirs(native, torch.bfloat16), load_model(native, dtype=torch.bfloat16)
    inputs = prompt(native, case_named(kind, "multi-image"))
    with torch.inference_mode():
        expected = half(**arguments(inputs, torch.bfloat16)).logits[0].float()
    found = our_logits(ours, inputs).float()
    assert (found.argmax(-1) == expected.argmax(-1)).float().mean() >= 0.95
    gap = expected.topk(2).values
    clear = gap[:, 0] - gap[:, 1] > 0.05
    assert clear.sum() > 10
    assert torch.equal(found.argmax(-1)[clear], expected.argmax(-1)[clear])


def test_what_it_saves_is_read(kind: str, native: Path, port: Any, tmp_path: Path) -> None:
    port.save_pretrained(tmp_path / "saved", max_shard_size="200KB")
    inputs = prompt(native, case_named(kind, "image"))
    assert torch.equal(our_logits(load_model(tmp_path / "saved"), inputs), our_logits(load_model(native), inputs))


def test_its_image_processor_makes_our_tiles(kind: str, native: Path) -> None:
    from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil

    case = case_named(kind, "multi-image")
    pictures = [Pillow.open(FIXTURES / f"image{i}.png").convert("RGB") for i in case["images"]]
    processor = GotOcr2ImageProcessorPil.from_pretrained(native)
    found = processor(pictures, return_tensors="pt", max_patches=case["max_num"])["pixel_values"]
    torch.testing.assert_close(found, prompt(native, case).pixels, atol=1e-6, rtol=0)


def test_the_chat_template_writes_our_prompts(kind: str, native: Path) -> None:
    text = render_jinja((native / "chat_template.jinja").read_text("utf-8"), case_named(kind, "multi-image"))
    tokenizer = load_tokenizer(native)
    inputs = prompt(native, case_named(kind, "multi-image"))
    counts = [len(run) for run in "".join("x" if id == inputs.placeholder_id else " " for id in inputs.ids).split()]
    for count in counts:
        text = text.replace("<IMG_CONTEXT>", "<img>" + "\0" * count + "</img>", 1)
    bos = [tokenizer.bos_id] if tokenizer.add_bos and tokenizer.bos_id is not None else []
    assert tokenizer.encode([*bos, Trusted(text.replace("\0", "<IMG_CONTEXT>"))]) == inputs.ids.tolist()


def render_jinja(source: str, case: dict[str, Any]) -> str:
    jinja2 = pytest.importorskip("jinja2")
    question = case["question"].split("<image>\n")[-1]
    content = [*({"type": "image"} for _ in case["images"]), {"type": "text", "text": question}]
    template = jinja2.Environment(trim_blocks=True, lstrip_blocks=True).from_string(source)
    return template.render(messages=[{"role": "user", "content": content}], add_generation_prompt=True)


def test_early_native_names_are_read(kind: str, native: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    early = {}
    for file in native.glob("*.safetensors"):
        for name, tensor in load_file(file).items():
            renamed = name.replace("model.language_model.", "language_model.model.").removeprefix("model.")
            early["language_model." + name if name.startswith("lm_head") else renamed] = tensor
    save_file(early, tmp_path / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "config.json").write_bytes((native / "config.json").read_bytes())
    inputs = prompt(native, case_named(kind, "text"))
    assert torch.equal(our_logits(load_model(tmp_path), inputs), our_logits(load_model(native), inputs))


SMALL = {
    "vocab_size": 120, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 64, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
    "tie_word_embeddings": False,
}  # fmt: skip
VIT_300M = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": [56, 56],
    "patch_size": [14, 14], "norm_type": "layer_norm", "use_qk_norm": False, "attention_bias": True,
}  # fmt: skip
VIT_6B = VIT_300M | {"norm_type": "rms_norm", "use_qk_norm": True, "attention_bias": False}


def rope(kind: str, **more: Any) -> dict[str, Any]:
    return {"rope_parameters": {"rope_type": kind, "rope_theta": 1e4} | more}


LLAMA3 = rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)
LONG = {"original_max_position_embeddings": 16, "short_factor": [1.0, 1.1, 1.2, 1.3], "long_factor": [2.0, 2.5, 3.0, 4.0]}
TEXTS: dict[str, dict[str, Any]] = {
    "qwen2": {"model_type": "qwen2"},
    "qwen2-tied": {"model_type": "qwen2", "tie_word_embeddings": True},
    "qwen3": {"model_type": "qwen3", "head_dim": 12},
    "internlm3": {"model_type": "llama", "head_dim": 16, "num_key_value_heads": 1, **rope("dynamic", factor=6.0)},
    "llama-biased": {"model_type": "llama", "attention_bias": True, "mlp_bias": True},
    "llama3-scaled": {"model_type": "llama", **LLAMA3},
    "linear": {"model_type": "llama", **rope("linear", factor=2.0)},
    "dynamic": {"model_type": "llama", **rope("dynamic", factor=2.0)},
    "longrope": {"model_type": "phi3", "num_key_value_heads": 4, **rope("longrope", **LONG)},
}


def random_port(text: dict[str, Any], vision: dict[str, Any], folder: Path) -> Any:
    """A model of theirs with random weights everywhere, saved."""
    torch.manual_seed(0)
    config = transformers.InternVLConfig(
        vision_config=vision,
        text_config=SMALL | text,
        image_token_id=5,
        image_seq_length=4,
        tie_word_embeddings=text.get("tie_word_embeddings", False),
    )
    model = transformers.InternVLForConditionalGeneration(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(folder)
    return model


def check_equal(port: Any, folder: Path, length: int) -> None:
    ids = torch.randint(6, 120, (length,), generator=torch.Generator().manual_seed(1))
    ids[3:7] = 5
    pixels = torch.randn(1, 3, 56, 56, generator=torch.Generator().manual_seed(2))
    inputs = ModelInputs(ids=ids, placeholder_id=5, tokens_per_tile=4, pixels=pixels)
    with torch.inference_mode():
        expected = port(**arguments(inputs)).logits[0]
    torch.testing.assert_close(our_logits(load_model(folder), inputs), expected, atol=TOLERANCE, rtol=1e-4)


@pytest.mark.parametrize("length", [12, 100], ids=["short", "beyond-the-trained-length"])
@pytest.mark.parametrize("name", TEXTS)
def test_language_models_built_there_are_read(name: str, length: int, tmp_path: Path) -> None:
    check_equal(random_port(TEXTS[name], VIT_300M, tmp_path), tmp_path, length)


def test_the_6b_kind_of_encoder_built_there_is_read(tmp_path: Path) -> None:
    check_equal(random_port(TEXTS["qwen2"], VIT_6B, tmp_path), tmp_path, 12)
    config = Checkpoint(tmp_path).config.vision
    assert (config.norm, config.qk_norm, config.qkv_bias) == ("rms_norm", True, False)


def test_a_wrong_rope_would_be_noticed(tmp_path: Path) -> None:
    port = random_port(TEXTS["linear"], VIT_300M, tmp_path)
    values = json.loads((tmp_path / "config.json").read_text("utf-8"))
    values["text_config"]["rope_parameters"]["factor"] = 3.0
    (tmp_path / "config.json").write_text(json.dumps(values), "utf-8")
    with pytest.raises(AssertionError, match="not close"):
        check_equal(port, tmp_path, 12)
