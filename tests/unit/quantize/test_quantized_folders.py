"""Quantised folders: saved and loaded they are the same, bit for bit; what is broken or unknown is refused by its name."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from quantised_folders import FIXTURES, KINDS, QWEN2, WEIGHTS, logits, quantised, reloaded, spoiled, tiny_model
from torch import Tensor

from internvl.checkpoint.assemble import assemble
from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.convert import convert
from internvl.checkpoint.load import load_model, load_weights, save_model
from internvl.checkpoint.shard_header import CACHE_LINE
from internvl.engine.vlm import VLM
from internvl.errors import CheckpointError, ConfigError, InternVLError
from internvl.kernels.packed import unpack
from internvl.quantize.layer import layers_of
from internvl.quantize.plan import EMBEDDING, HEAD, PRESETS

UP = "language_model.layers.0.mlp.gate_up"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quantised folder that must not be changed."""
    target = tmp_path_factory.mktemp("quantised") / "model"
    quantised(QWEN2, target, name="int4")
    return target


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    """A copy to be spoiled."""
    return Path(shutil.copytree(folder, tmp_path / "own"))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_loaded_is_what_was_saved(kind: str, tmp_path: Path) -> None:
    saved = quantised(FIXTURES / kind, tmp_path / "model", name="int4")
    loaded = reloaded(tmp_path / "model")
    assert loaded.config == saved.config
    before, after = saved.state_dict(), loaded.state_dict()
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        assert after[name].dtype == tensor.dtype, name
        assert torch.equal(after[name], tensor), name
    assert torch.equal(logits(loaded), logits(saved))


def test_a_native_checkpoint_becomes_the_same_folder(folder: Path, tmp_path: Path) -> None:
    convert(QWEN2, tmp_path / "native", layout="native")
    quantised(tmp_path / "native", tmp_path / "model", name="int4")
    assert (tmp_path / "model" / WEIGHTS).read_bytes() == (folder / WEIGHTS).read_bytes()


@pytest.mark.parametrize("head", ["int8", "int4", "float"])
def test_tied_embeddings(head: Any, tmp_path: Path) -> None:
    save_model(tiny_model(tied=True), tmp_path / "plain")
    plan = replace(PRESETS["int8"], head=head)
    checkpoint = Checkpoint(tmp_path / "plain")
    model = load_weights(checkpoint, plan=plan)
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json", "added_tokens.json"):
        shutil.copyfile(QWEN2 / name, tmp_path / "plain" / name)
    quantised(tmp_path / "plain", tmp_path / "model", plan=plan)
    loaded = reloaded(tmp_path / "model")
    assert torch.equal(logits(loaded), logits(model))
    assert loaded.config.language.tie_embeddings
    table, top = loaded.language_model.embedding, loaded.language_model.head
    if head == "int8":
        assert top is not None
        assert top.weight.data_ptr() == table.weight.data_ptr()
    assert (top is None) == (head == "float")
    truth = logits(reloaded(tmp_path / "plain"))
    assert float((logits(loaded) - truth).norm() / truth.norm()) < 0.25


def test_weights_are_mapped_and_lie_at_cache_lines(folder: Path) -> None:
    model = reloaded(folder)
    mapped = [layer.weight for layer in layers_of(model).values()]
    assert all(weight.data_ptr() % CACHE_LINE == 0 for weight in mapped)


def test_dequantised_it_is_a_plain_checkpoint_of_what_the_integers_stand_for(folder: Path, tmp_path: Path) -> None:
    packed = reloaded(folder)
    for layout in ("original", "native"):
        convert(folder, tmp_path / layout, layout=layout, dtype=torch.float32)
        plain = load_model(tmp_path / layout)
        assert Checkpoint(tmp_path / layout).packed is None
        for name, layer in layers_of(packed).items():
            assert torch.equal(plain.get_submodule(name).weight, unpack(layer.packed)), name
        assert torch.equal(plain.vision_encoder.embeddings.positions, packed.vision_encoder.embeddings.positions)
    values = json.loads((tmp_path / "original" / "config.json").read_text("utf-8"))
    assert values["model_type"] == "internvl_chat"
    assert "quantization" not in values
    with pytest.raises(ConfigError, match="not quantised"):
        convert(QWEN2, tmp_path / "no", layout="original", dtype=torch.float32)


def test_what_needs_plain_weights_says_so(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"quantised.*internvl convert"):
        convert(folder, tmp_path / "converted", layout="native")
    with pytest.raises(CheckpointError, match="quantised"):
        assemble(vision=folder, language=folder, out=tmp_path / "out", template="Hermes-2", image_size=56)
    with pytest.raises(CheckpointError, match="quantised"):
        Checkpoint(folder)
    with pytest.raises(ConfigError, match="packed"):
        save_model(reloaded(folder), tmp_path / "saved")


def test_it_chats_as_it_is_and_a_second_quantisation_is_refused(folder: Path) -> None:
    assert isinstance(VLM.load(folder).chat("Hello?", max_new_tokens=3), str)
    assert VLM.load(folder, dtype="int4").number_type == "int4+int8+float32"
    assert "int8+bfloat16" in repr(VLM.load(folder, dtype="bfloat16"))
    assert VLM.load(QWEN2).number_type == "float32"
    with pytest.raises(ConfigError, match="quantised already"):
        VLM.load(folder, dtype="int8")
    with pytest.raises(ConfigError, match="int8 or int4"):
        VLM.load(QWEN2, dtype="int2")


def test_peers_see_a_model_type_of_our_own(folder: Path) -> None:
    values = json.loads((folder / "config.json").read_text("utf-8"))
    assert values["model_type"] == "internvl_quantized"
    assert values["architectures"] == ["InternVLQuantized"]
    assert values["quantization"]["version"] == 1
    transformers = pytest.importorskip("transformers")
    with pytest.raises(ValueError, match="internvl_quantized"):
        transformers.AutoConfig.from_pretrained(folder)


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    values = json.loads((folder / "config.json").read_text("utf-8"))
    change(values)
    (folder / "config.json").write_text(json.dumps(values), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values["quantization"].update(version=2), "version 2"),
        (lambda values: values["quantization"].pop("version"), "version"),
        (lambda values: values.pop("quantization"), "quantization"),
        (lambda values: values["quantization"].update(layers=[]), "layers"),
        (lambda values: values["quantization"]["layers"].update({"nobody": {}}), "nobody"),
        (lambda values: values["quantization"]["layers"][UP].update(kind="int2"), "int2"),
        (lambda values: values["quantization"]["layers"][UP].update(kind=8), "kind"),
        (lambda values: values["quantization"]["layers"][UP].update(group=0), "group"),
        (lambda values: values["quantization"]["layers"][UP].update(group=10**9), "group"),
        (lambda values: values["quantization"]["layers"][UP].update(input_group=16), "inputs"),
        (lambda values: values["quantization"]["layers"].update({UP: None}), "gate_up"),
        (lambda values: values["quantization"]["layers"][EMBEDDING].update(kind="int4", group=32, input_group=32), "embedding"),
        (lambda values: values.update(torch_dtype="int8"), "torch_dtype"),
        (lambda values: values.pop("torch_dtype"), "torch_dtype"),
        (lambda values: values["llm_config"].update(hidden_size=64), "shape|missing"),
    ],
)
def test_impossible_configs_are_refused(own: Path, change: Callable[[dict[str, Any]], object], message: str) -> None:
    edit(own, change)
    with pytest.raises(InternVLError, match=message):
        load_model(own)


def test_a_tied_head_must_be_packed_with_its_table(own: Path) -> None:
    def tie(values: dict[str, Any]) -> None:
        values["llm_config"]["tie_word_embeddings"] = values["tie_word_embeddings"] = True
        values["quantization"]["layers"].pop(HEAD)

    with pytest.raises(ConfigError, match="tied"):
        load_model(edit(own, tie))


@pytest.mark.parametrize(
    ("change", "tensor"),
    [
        (lambda tensors: tensors.pop(f"{UP}.scales"), f"{UP}.scales"),
        (lambda tensors: tensors.pop("language_model.norm.weight"), "language_model.norm.weight"),
        (lambda tensors: tensors.update({f"{UP}.more": torch.zeros(1)}), f"{UP}.more"),
        (lambda tensors: tensors.update({f"{UP}.weight": tensors[f"{UP}.weight"][:1]}), f"{UP}.weight"),
        (lambda tensors: tensors.update({f"{UP}.zeros": tensors[f"{UP}.zeros"].flatten()}), f"{UP}.zeros"),
        (lambda tensors: tensors.update({f"{UP}.weight": tensors[f"{UP}.weight"].to(torch.int8)}), f"{UP}.weight"),
        (lambda tensors: tensors.update({f"{UP}.scales": tensors[f"{UP}.scales"].float()}), f"{UP}.scales"),
        (lambda tensors: tensors["projector.up.scales"].fill_(float("nan")), "projector.up.scales"),
        (lambda tensors: tensors["projector.up.scales"].neg_(), "projector.up.scales"),
        (lambda tensors: tensors.update({"projector.up.bias": tensors["projector.up.bias"].bfloat16()}), "projector.up.bias"),
        (lambda tensors: tensors.update({"projector.norm.weight": tensors["projector.norm.weight"].int()}), "projector.norm.weight"),
    ],
)
def test_broken_tensors_are_named(own: Path, change: Callable[[dict[str, Tensor]], object], tensor: str) -> None:
    with pytest.raises(CheckpointError, match=tensor.replace(".", r"\.")):
        load_model(spoiled(own, change))


def test_a_kind_that_the_tensors_contradict_is_refused(own: Path) -> None:
    edit(own, lambda values: values["quantization"]["layers"][UP].update(kind="int8"))
    with pytest.raises(CheckpointError, match=f"{UP}.weight"):
        load_model(own)


PEAK = """
import gc, sys
from pathlib import Path
import torch
from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.load import load_weights
from internvl.quantize.plan import PRESETS
torch.set_num_threads(1)
def status(name):
    return int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1])
kept = load_weights(Checkpoint(Path(sys.argv[1])), plan=PRESETS["int8"])  # what is imported on the way is not counted
for kind in ("int8", "int4"):
    checkpoint = Checkpoint(Path(sys.argv[2]))
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    kept = load_weights(checkpoint, plan=PRESETS[kind])
    packed = sum(t.nbytes for t in [*kept.parameters(), *kept.buffers()])
    print((status("VmHWM") - before) * 1024 - packed)
    del kept
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peaks are read from /proc")
def test_quantising_while_loading_needs_little_beside_the_packed_model(tmp_path: Path) -> None:
    model = tiny_model(width=512)
    config = replace(model.config, language=replace(model.config.language, vocab_size=60_000))
    from internvl.models.build import build_model

    save_model(build_model(config, seed=0).to(torch.bfloat16), tmp_path / "plain")
    stored = (tmp_path / "plain" / WEIGHTS).stat().st_size
    assert stored > 140 << 20
    command = [sys.executable, "-c", PEAK, str(QWEN2), str(tmp_path / "plain")]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # The largest tensor is 61 MB on disk; a mapping of 32 MB may be held beside it, and a piece in float32.
    assert max(map(int, output.split())) < 120 << 20, output
