"""PEFT as the oracle of adapters: it reads what we save, we read what it saves, on transformers' own port, and both say the same."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from internvl.checkpoint.convert import convert
from internvl.checkpoint.keymap import Entry, keymap
from internvl.checkpoint.load import load_model
from internvl.models.internvl import InternVL
from internvl.train.adapter_files import load_adapter, save_adapter
from internvl.train.config import LoraConfig, TrainConfig
from internvl.train.freeze import freeze
from internvl.train.lora import add_lora, merge_lora

transformers = pytest.importorskip("transformers")
peft = pytest.importorskip("peft")

FIXTURES = Path(__file__).parent / "fixtures"
KINDS = ("internvl2-qwen2", "internvl2-internlm2", "internvl2-phi3", "internvl2-llama3")
TOLERANCE = {"atol": 3e-5, "rtol": 1e-4}
TARGETS = {
    "phi3": ["self_attn.qkv_proj", "self_attn.o_proj", "mlp.gate_up_proj", "mlp.down_proj"],
    "llama": ["self_attn.q_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj"],
}
VISION = ["attention.q_proj", "attention.k_proj", "attention.v_proj", "attention.projection_layer", "mlp.fc1", "mlp.fc2"]


@pytest.fixture(scope="module", params=KINDS)
def native(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param) / "native"
    convert(FIXTURES / request.param, folder, layout="native")
    return folder


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Models this small only lose by sharing their work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def port(folder: Path) -> Any:
    """A fresh one each time, because PEFT changes the model that it is given."""
    return transformers.InternVLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()


@cache
def prompt(folder: Path) -> tuple[torch.Tensor, torch.Tensor, int]:
    """ids [1,L], pixels [1,3,S,S], id of the placeholder."""
    config = transformers.InternVLConfig.from_pretrained(folder)
    model = load_model(folder)
    generator = torch.Generator().manual_seed(0)
    count, size = model.config.tokens_per_tile, model.config.image_size
    text = torch.randint(10, 60, (8,), generator=generator)
    ids = torch.cat([text, torch.full((count,), config.image_token_id), text.flip(0)])
    return ids[None], torch.randn(1, 3, size, size, generator=generator), config.image_token_id


@torch.inference_mode()
def theirs(model: Any, folder: Path) -> torch.Tensor:
    ids, pixels, _ = prompt(folder)
    out: torch.Tensor = model(input_ids=ids, attention_mask=torch.ones_like(ids), pixel_values=pixels).logits
    return out


@torch.inference_mode()
def ours(model: InternVL, folder: Path) -> torch.Tensor:
    ids, pixels, placeholder = prompt(folder)
    out: torch.Tensor = model(ids, model.encode_tiles(pixels), placeholder_id=placeholder)
    return out


@torch.no_grad()
def randomise(named: Any, ending: str) -> None:
    generator = torch.Generator().manual_seed(1)
    for name, parameter in named:
        if ending in name:
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05)


def targets(folder: Path) -> list[str]:
    family = load_model(folder).config.language.family
    return [*TARGETS["phi3" if family == "phi3" else "llama"], *VISION]


@pytest.mark.parametrize("grouped", ["original", "native"])
def test_peft_reads_what_we_save(native: Path, grouped: Any, tmp_path: Path) -> None:
    model = load_model(native)
    plain = ours(model, native)
    add_lora(model, LoraConfig(language_rank=4, vision_rank=2), layout=grouped)
    randomise(model.named_parameters(), "lora_b")
    expected = ours(model, native)
    assert (expected - plain).abs().max() > 0.01
    save_adapter(model, tmp_path, str(native), layout="native")
    wrapped = peft.PeftModel.from_pretrained(port(native), tmp_path).eval()
    torch.testing.assert_close(theirs(wrapped, native), expected, **TOLERANCE)
    torch.testing.assert_close(theirs(wrapped.merge_and_unload(), native), expected, **TOLERANCE)


@pytest.mark.parametrize("root_scaled", [False, True], ids=["lora", "rslora"])
def test_we_read_what_peft_saves(native: Path, root_scaled: bool, tmp_path: Path) -> None:
    """Without k, so that a joined matrix is adapted in part; two ranks, two alphas."""
    settings = peft.LoraConfig(
        r=3, lora_alpha=5, lora_dropout=0.1, target_modules=targets(native), init_lora_weights=False, use_rslora=root_scaled,
        rank_pattern=dict.fromkeys(VISION, 2), alpha_pattern=dict.fromkeys(VISION, 7),
    )  # fmt: skip
    torch.manual_seed(0)
    wrapped = peft.get_peft_model(port(native), settings).eval()
    randomise(wrapped.named_parameters(), "lora_B")
    wrapped.save_pretrained(tmp_path)
    model = load_model(native)
    plain = ours(model, native)
    config = load_adapter(model, tmp_path)
    expected = theirs(wrapped, native)
    assert config.base_name == str(native)
    assert (expected - plain).abs().max() > 0.01
    torch.testing.assert_close(ours(model, native), expected, **TOLERANCE)
    torch.testing.assert_close(ours(merge_lora(model), native), expected, **TOLERANCE)


def test_a_projector_trained_beside_goes_there_and_back(native: Path, tmp_path: Path) -> None:
    model = load_model(native)
    lora = LoraConfig(language_rank=2)
    add_lora(model, lora)
    freeze(model, TrainConfig(train_parts=frozenset({"projector"}), lora=lora))
    randomise(model.named_parameters(), "lora_b")
    with torch.no_grad():
        model.projector.out.weight.mul_(1.3)
    expected = ours(model.eval(), native)
    save_adapter(model, tmp_path / "ours", str(native), layout="native")
    wrapped = peft.PeftModel.from_pretrained(port(native), tmp_path / "ours").eval()
    torch.testing.assert_close(theirs(wrapped, native), expected, **TOLERANCE)
    wrapped.save_pretrained(tmp_path / "theirs")
    again = load_model(native)
    load_adapter(again, tmp_path / "theirs")
    torch.testing.assert_close(ours(again, native), expected, **TOLERANCE)


@pytest.mark.parametrize("kind", KINDS)
def test_peft_reads_the_original_names(kind: str, tmp_path: Path) -> None:
    """The original model's code is not at hand, but PEFT needs no more of it than linear layers under its names."""
    model = load_model(FIXTURES / kind)
    entries = [e for e in keymap(model.config, "original") if e.ours.endswith(".weight") and model.get_parameter(e.ours).ndim == 2]
    tree = linear_tree({name: tensor for e in entries for name, tensor in stored(model, e)})
    add_lora(model, LoraConfig(language_rank=4, vision_rank=2))
    randomise(model.named_parameters(), "lora_b")
    save_adapter(model, tmp_path, kind)
    config = peft.PeftConfig.from_pretrained(tmp_path)
    config.task_type = None  # there is nothing here that generates
    merged = peft.PeftModel.from_pretrained(tree, tmp_path, config=config).merge_and_unload()
    merge_lora(model)
    before, changed = load_file(FIXTURES / kind / "model.safetensors"), 0
    for entry in entries:
        for name, expected in stored(model, entry):
            found = merged.get_parameter(name)
            torch.testing.assert_close(found.detach(), expected, atol=1e-6, rtol=1e-5)
            changed += not torch.equal(found, before[name])
    assert changed == sum(len(entry.stored) for entry in entries if ".layers." in entry.ours)


def stored(model: InternVL, entry: Entry) -> Iterator[tuple[str, torch.Tensor]]:
    return zip(entry.stored, (t.clone() for t in entry.split(model.get_parameter(entry.ours).detach())), strict=True)


def linear_tree(weights: dict[str, torch.Tensor]) -> torch.nn.Module:
    """Nested modules with a linear layer for each weight."""
    tree = torch.nn.Module()
    for name, weight in weights.items():
        *path, leaf, _ = name.split(".")
        place = tree
        for part in path:
            if not hasattr(place, part):
                place.add_module(part, torch.nn.Module())
            place = place.get_submodule(part)
        layer = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        layer.weight.data = weight.clone()
        place.add_module(leaf, layer)
    return tree
