"""The pickles of InternVL 1.0 become folders bit for bit, and nothing else of a pickle is ever opened or run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from internvl import Image, load_dual
from internvl.checkpoint.dual import load_dual_model, read_dual_config
from internvl.checkpoint.fields import read_json
from internvl.checkpoint.pickled_models import convert_pickle
from internvl.checkpoint.pickled_sizes import dual_config
from internvl.cli.main import app
from internvl.errors import CheckpointError, ConfigError
from internvl.eval.vision_features import open_vision_features
from internvl.models.config import LanguageConfig, VisionConfig
from internvl.models.contrastive.config import DualConfig
from internvl.models.contrastive.dual import DualModel

FOLDER = Path(__file__).parents[2] / "parity" / "fixtures" / "internvl-14b"
PICTURE = FOLDER.parent / "image0.png"
Tensors = dict[str, torch.Tensor]


def vision_tensors(model: DualModel) -> Tensors:
    """InternViT under the names of the original's own code, written out here once more."""
    eyes = model.vision_encoder
    found = {"cls_token": eyes.embeddings.class_token, "pos_embed": eyes.embeddings.positions}
    found |= {f"patch_embed.proj.{kind}": getattr(eyes.embeddings.patch, kind) for kind in ("weight", "bias")}
    names = {
        "norm1.weight": "norm1.weight", "attention.qkv.weight": "attn.qkv.weight", "attention.q_norm.weight": "attn.q_norm.weight",
        "attention.k_norm.weight": "attn.k_norm.weight", "attention.out.weight": "attn.proj.weight",
        "attention.out.bias": "attn.proj.bias",
        "scale1": "ls1.gamma", "norm2.weight": "norm2.weight", "mlp.up.weight": "mlp.fc1.weight", "mlp.up.bias": "mlp.fc1.bias",
        "mlp.down.weight": "mlp.fc2.weight", "mlp.down.bias": "mlp.fc2.bias", "scale2": "ls2.gamma",
    }  # fmt: skip
    for number, block in enumerate(eyes.blocks):
        found |= {f"blocks.{number}.{names[name]}": parameter for name, parameter in block.named_parameters()}
    return found


def text_tensors(model: DualModel, before: str) -> Tensors:
    """LLaMA under transformers' names."""
    words, width = model.language_model, model.config.language
    found = {f"{before}embed_tokens.weight": words.embedding.weight, f"{before}norm.weight": words.norm.weight}
    for number, block in enumerate(words.blocks):
        inside = dict(block.named_parameters())
        queries = inside["attention.qkv.weight"].split([width.attention_width, width.kv_width, width.kv_width])
        gates = inside["mlp.gate_up.weight"].chunk(2)
        layer = {f"self_attn.{name}_proj.weight": part for name, part in zip("qkv", queries, strict=True)}
        layer |= {f"mlp.{name}_proj.weight": part for name, part in zip(("gate", "up"), gates, strict=True)}
        layer |= {"self_attn.o_proj.weight": inside["attention.out.weight"], "mlp.down_proj.weight": inside["mlp.down.weight"]}
        layer |= {"input_layernorm.weight": inside["norm1.weight"], "post_attention_layernorm.weight": inside["norm2.weight"]}
        found |= {f"{before}layers.{number}.{name}": tensor for name, tensor in layer.items()}
    return found


def released_tensors(model: DualModel, before: str = "transformer.") -> Tensors:
    """The layout of internvl_c_13b_224px.pth."""
    pool = {f"clip_projector.norm1_{part}.{kind}": getattr(getattr(model.pool, f"norm_{part}"), kind)
            for part in "qkv" for kind in ("weight", "bias")}  # fmt: skip
    for part in "qkv":
        layer = getattr(model.pool, part)
        pool |= {f"clip_projector.cross_attn.{part}.weight": layer.weight, f"clip_projector.cross_attn.{part}_bias": layer.bias}
    pool |= {f"clip_projector.cross_attn.proj.{kind}": getattr(model.pool.out, kind) for kind in ("weight", "bias")}
    heads = {"text_projection": model.text_projection, "logit_scale": model.logit_scale.reshape(())}
    tensors = {**text_tensors(model, before), **vision_tensors(model), **pool, **heads}
    tensors["transformer.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(4)
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


@pytest.fixture(scope="module")
def model() -> DualModel:
    return load_dual_model(FOLDER)


def pickled(tmp_path: Path, values: Any, **options: Any) -> Path:
    torch.save(values, tmp_path / "internvl_c_13b_224px.pth", **options)
    return tmp_path / "internvl_c_13b_224px.pth"


@pytest.mark.parametrize("before", ["transformer.", "transformer.model."])
@pytest.mark.parametrize("new_form", [True, False])
def test_internvl_c_sees_and_reads_as_before(tmp_path: Path, model: DualModel, before: str, new_form: bool) -> None:
    source = pickled(tmp_path, {"module": released_tensors(model, before)}, _use_new_zipfile_serialization=new_form)
    made = convert_pickle(source, tmp_path / "made", tokenizer=FOLDER, config=FOLDER / "config.json", max_shard_bytes=200_000)
    assert (made.kind, made.left_out) == ("InternVL-C", ("transformer.layers.0.self_attn.rotary_emb.inv_freq",))
    assert len(list((tmp_path / "made").glob("model-*.safetensors"))) > 1
    dual, before_it = load_dual(tmp_path / "made", device="cpu"), load_dual(FOLDER, device="cpu")
    assert dual.model.config.queries == 0
    assert torch.equal(dual.encode_images([Image(PICTURE)]), before_it.encode_images([Image(PICTURE)]))
    assert torch.equal(dual.encode_texts(["a red car", "猫"]), before_it.encode_texts(["a red car", "猫"]))
    with pytest.raises(ConfigError, match="InternVL-C"):
        load_dual(tmp_path / "made", device="cpu", mode="InternVL-G")


def test_sizes_are_read_from_shapes(tmp_path: Path) -> None:
    vision = VisionConfig(hidden_size=256, intermediate_size=320, num_layers=2, num_heads=2, image_size=42)
    language = LanguageConfig(
        family="llama", vocab_size=90, hidden_size=128, intermediate_size=96, num_layers=3, num_heads=1, num_kv_heads=1, head_dim=128,
        max_positions=2048, tie_embeddings=True,
    )  # fmt: skip
    sizes = DualConfig(vision=vision, language=language, embed_dim=24, queries=0)
    tensors = released_tensors(DualModel(sizes))
    assert dual_config(tmp_path, tensors) == sizes
    convert_pickle(pickled(tmp_path, tensors), tmp_path / "made", tokenizer=FOLDER)
    assert read_dual_config(read_json(tmp_path / "made" / "config.json"), "config.json") == sizes


def test_internvit_alone_becomes_a_folder_that_can_be_probed(tmp_path: Path, model: DualModel) -> None:
    tensors = {**vision_tensors(model), "clip_projector.norm1_q.weight": torch.ones(3), "head.weight": torch.ones(2, 2)}
    source = pickled(tmp_path, tensors)
    values = read_json(FOLDER / "config.json")["vision_config"]
    (tmp_path / "config.json").write_text(json.dumps(values))
    made = convert_pickle(source, tmp_path / "made", config=tmp_path / "config.json")
    assert (made.kind, made.left_out) == ("InternViT", ("clip_projector.norm1_q.weight", "head.weight"))
    features = open_vision_features(tmp_path / "made", image_size=56)
    pixels = torch.randn(1, 3, 56, 56, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        assert torch.equal(features.tokens(pixels, [features.num_layers - 1])[0], model.vision_encoder(pixels))


def without(name: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {key: tensor for key, tensor in tensors.items() if key != name}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("blocks.1.mlp.fc2.bias"), "1 tensors are missing, first 'blocks.1.mlp.fc2.bias'"),
        (without("cls_token"), "1 tensors are missing, first 'cls_token'"),
        (lambda tensors: {**tensors, "blocks.0.extra": torch.ones(1)}, "1 tensors are not part of the model, first 'blocks.0.extra'"),
        (lambda tensors: {**tensors, "cls_token": torch.ones(1, 1, 3)}, "cls_token has the shape"),
        (lambda tensors: {"layer.weight": torch.ones(2)}, "neither InternVL-C"),
        (lambda tensors: {**tensors, "step": 5}, "'step' is no tensor"),
        (lambda tensors: [1, 2], "a dictionary of tensors was expected"),
    ],
)
def test_another_layout_is_refused_by_name(tmp_path: Path, model: DualModel, change: Callable[[Tensors], Any], said: str) -> None:
    source = pickled(tmp_path, change(released_tensors(model)))
    with pytest.raises(CheckpointError, match=said):
        convert_pickle(source, tmp_path / "made", tokenizer=FOLDER, config=FOLDER / "config.json")
    assert not (tmp_path / "made").exists()


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch hostile-was-here",)


def test_nothing_of_a_pickle_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match="holds more than tensors"):
        convert_pickle(pickled(tmp_path, {"cls_token": Hostile()}), tmp_path / "made", tokenizer=FOLDER)
    assert not (tmp_path / "hostile-was-here").exists()


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 cut off", b"\x80\x02}"])
def test_damaged_files_are_refused(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "cut.pth"
    source.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"cut\.pth"):
        convert_pickle(source, tmp_path / "made", tokenizer=FOLDER)


def test_a_text_tower_needs_a_tokenizer(tmp_path: Path, model: DualModel) -> None:
    source = pickled(tmp_path, released_tensors(model))
    with pytest.raises(ConfigError, match="no tokenizer"):
        convert_pickle(source, tmp_path / "made", config=FOLDER / "config.json")
    with pytest.raises(ConfigError, match="holds no tokenizer"):
        convert_pickle(source, tmp_path / "made", config=FOLDER / "config.json", tokenizer=tmp_path)


def test_the_verb_converts_and_loading_names_the_verb(tmp_path: Path, model: DualModel) -> None:
    source = pickled(tmp_path, released_tensors(model))
    with pytest.raises(CheckpointError, match=r"internvl convert .*pth FOLDER --to original"):
        load_dual(source)
    shutil.copyfile(FOLDER / "config.json", tmp_path / "sizes.json")
    given = ["convert", str(source), str(tmp_path / "made"), "--to", "original", "--tokenizer", str(FOLDER)]
    refused = CliRunner().invoke(app, [*given[:4], "native", *given[5:]])
    assert refused.exit_code == 2
    assert "--to original" in " ".join(refused.stderr.split())
    done = CliRunner().invoke(app, [*given, "--config", str(tmp_path / "sizes.json")])
    assert done.exit_code == 0, done.output
    assert "left out, as the model has no use for them: transformer.layers.0" in " ".join(done.stderr.split())
    assert load_dual(tmp_path / "made", device="cpu").mode == "InternVL-C"
