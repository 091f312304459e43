"""Adapters: where they sit, what they add, merging, switching off, and their files."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from small_models import FAMILY_NAMES, config, fill_adapters, logits, model
from torch import distributed
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from internvl.checkpoint.keymap import Layout, keymap
from internvl.errors import CheckpointError, ConfigError
from internvl.models.internvl import InternVL
from internvl.models.linear import Linear
from internvl.train.adapter_config import CONFIG_FILE, describe_adapters, read_adapter_config
from internvl.train.adapter_files import PREFIX, WEIGHTS_FILE, load_adapter, save_adapter
from internvl.train.config import LoraConfig, OptimConfig, TrainConfig
from internvl.train.freeze import describe_trainable, freeze
from internvl.train.lora import LoraLinear, adapters, add_lora, lora_parameters, merge_lora, without_adapters
from internvl.train.optim import build_optimizer

BOTH = LoraConfig(language_rank=3, vision_rank=2, dropout=0.0)
CLOSE = {"atol": 1e-5, "rtol": 1e-5}


def adapted(family: str = "qwen2", lora: LoraConfig = BOTH, *, layout: Layout = "original", **changes: object) -> InternVL:
    built = model(family, **changes)
    add_lora(built, lora, layout=layout)
    fill_adapters(built)
    return built


@torch.no_grad()
def answers(built: InternVL) -> torch.Tensor:
    return logits(built)


def saved(built: InternVL, folder: Path, layout: Layout = "original") -> dict[str, torch.Tensor]:
    save_adapter(built, folder, "base", layout=layout)
    return load_file(folder / WEIGHTS_FILE)


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_new_adapters_change_nothing_and_sit_on_every_matrix_of_the_blocks(family: str) -> None:
    built = model(family)
    before = answers(built)
    add_lora(built, BOTH)
    assert torch.equal(answers(built), before)
    names = [name for name, _ in adapters(built)]
    assert len(names) == 4 * (3 + 2)
    assert names[0] == "vision_encoder.layers.0.attention.qkv"
    assert names[-1] == "language_model.layers.1.mlp.down"
    assert all(parameter.dtype == torch.float32 for parameter in lora_parameters(built).values())
    assert {n for n, p in built.named_parameters() if p.requires_grad} == set(lora_parameters(built))


@pytest.mark.parametrize(
    ("family", "layout", "pairs"),
    [
        ("qwen2", "original", {"attention.qkv": 3, "mlp.gate_up": 2, "mlp.down": 1}),
        ("internlm2", "original", {"attention.qkv": 1, "mlp.gate_up": 2}),
        ("internlm2", "native", {"attention.qkv": 3, "mlp.gate_up": 2}),
        ("phi3", "original", {"attention.qkv": 1, "mlp.gate_up": 1}),
    ],
)
def test_a_joined_matrix_has_a_pair_for_each_stored_one(family: str, layout: Layout, pairs: dict[str, int]) -> None:
    built = adapted(family, layout=layout)
    for name, count in pairs.items():
        module = built.get_submodule(f"language_model.layers.0.{name}")
        assert isinstance(module, LoraLinear)
        assert len(module.shape.rows) == count
        assert module.lora_a.shape == (3 * count, module.in_features)
        assert module.lora_b.shape == (module.out_features, 3)
    vision = built.get_submodule("vision_encoder.layers.0.attention.qkv")
    assert isinstance(vision, LoraLinear)
    assert len(vision.shape.rows) == (3 if layout == "native" else 1)


def test_the_detour_is_the_formula_for_each_pair() -> None:
    base = Linear(6, 10)
    built = adapted()
    shape = next(iter(adapters(built)))[1].shape
    module = LoraLinear(base, type(shape)(rank=2, alpha=6.0, dropout=0.0, rows=(4, 3, 3)))
    with torch.no_grad():
        module.lora_a.normal_()
        module.lora_b.normal_()
    x = torch.randn(5, 6)
    parts, row = [], 0
    for pair, rows in enumerate((4, 3, 3)):
        a, b = module.lora_a[2 * pair : 2 * pair + 2], module.lora_b[row : row + rows]
        parts.append(x @ a.T @ b.T * 3.0)
        row += rows
    torch.testing.assert_close(module(x), base(x) + torch.cat(parts, dim=1), **CLOSE)
    torch.testing.assert_close(x @ module.delta().T, torch.cat(parts, dim=1), **CLOSE)


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_merging_keeps_the_logits_and_leaves_plain_layers(family: str) -> None:
    built = adapted(family)
    names = {name for name, _ in model(family).named_parameters()}
    with_them = answers(built)
    with without_adapters(built):
        plain = answers(built)
    assert (with_them - plain).abs().max() > 0.01
    merged = merge_lora(built)
    assert merged is built
    torch.testing.assert_close(answers(built), with_them, **CLOSE)
    assert not list(adapters(built))
    assert {name for name, _ in built.named_parameters()} == names
    assert all(type(module) is Linear for module in built.modules() if isinstance(module, torch.nn.Linear))


def test_without_adapters_is_the_base_even_after_an_error() -> None:
    built = adapted()
    expected, before = answers(model()), answers(built)
    with pytest.raises(RuntimeError, match="on the way"):
        fail_without(built, expected)
    assert torch.equal(answers(built), before)


def fail_without(built: InternVL, expected: torch.Tensor) -> None:
    with without_adapters(built):
        assert torch.equal(answers(built), expected)
        raise RuntimeError("on the way")


def test_the_same_seed_gives_the_same_adapters() -> None:
    first, second, other = model(), model(), model()
    add_lora(first, BOTH, seed=1)
    add_lora(second, BOTH, seed=1)
    add_lora(other, BOTH, seed=2)
    name = "language_model.layers.0.mlp.down.lora_a"
    assert torch.equal(lora_parameters(first)[name], lora_parameters(second)[name])
    assert not torch.equal(lora_parameters(first)[name], lora_parameters(other)[name])


def test_dropout_is_on_only_while_training() -> None:
    built = adapted(lora=LoraConfig(language_rank=3, dropout=0.5))
    assert torch.equal(answers(built), answers(built))
    freeze(built, TrainConfig(train_parts=frozenset(), lora=LoraConfig(language_rank=3)))
    assert not torch.equal(answers(built), answers(built))


def test_a_bfloat16_base_keeps_its_type_and_float32_adapters_learn_beside_it() -> None:
    built = adapted().to(torch.bfloat16)
    for parameter in lora_parameters(built).values():
        parameter.data = parameter.data.float()
    out = logits(built)
    assert out.dtype == torch.bfloat16
    out.float().square().mean().backward()
    grads = [parameter.grad for parameter in lora_parameters(built).values()]
    assert all(grad is not None and grad.dtype == torch.float32 for grad in grads)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert logits(built).dtype == torch.bfloat16
    assert merge_lora(built).dtype == torch.bfloat16


def test_vision_layers_that_are_not_read_get_none() -> None:
    built = adapted(select_layer=-2)
    assert not any(name.startswith("vision_encoder.layers.2") for name, _ in adapters(built))


def test_learning_moves_the_adapters_only() -> None:
    built = adapted()
    base = {n: p.detach().clone() for n, p in built.named_parameters() if not n.endswith(("lora_a", "lora_b"))}
    optimizer = torch.optim.SGD(lora_parameters(built).values(), lr=0.01)
    losses = []
    for _ in range(5):
        loss = torch.nn.functional.cross_entropy(logits(built)[0], torch.arange(12))
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0]
    assert all(torch.equal(p, base[n]) for n, p in built.named_parameters() if n in base)


@pytest.mark.parametrize(
    ("lora", "message"),
    [
        (LoraConfig(), "both 0"),
        (LoraConfig(language_rank=-1), "language_rank must be 0"),
        (LoraConfig(language_rank=2, dropout=1.0), "dropout"),
        (LoraConfig(language_rank=2, alpha_over_rank=0.0), "alpha_over_rank"),
    ],
)
def test_impossible_ranks_are_refused(lora: LoraConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        add_lora(model(), lora)


def test_adapters_are_not_put_on_adapters() -> None:
    built = adapted()
    with pytest.raises(ConfigError, match="adapters already"):
        add_lora(built, BOTH)


# Files


@pytest.mark.parametrize("written", ["original", "native"])
@pytest.mark.parametrize("grouped", ["original", "native"])
@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_a_saved_adapter_says_the_same_in_either_layout(family: str, grouped: Layout, written: Layout, tmp_path: Path) -> None:
    built = adapted(family, layout=grouped)
    expected = answers(built)
    tensors = saved(built, tmp_path, written)
    stored = {PREFIX + name.removesuffix("weight") for entry in keymap(config(family), written) for name in entry.stored}
    assert all(name.partition("lora_")[0] in stored for name in tensors)
    fresh = model(family)
    load_adapter(fresh, tmp_path)
    torch.testing.assert_close(answers(fresh), expected, **CLOSE)
    torch.testing.assert_close(answers(merge_lora(fresh)), expected, **CLOSE)


def test_packed_rows_are_those_of_the_stored_matrix(tmp_path: Path) -> None:
    """base + scale B A, computed on the stored wqkv, must be the merged weight as it is stored."""
    built = adapted("internlm2")
    entry = next(e for e in keymap(built.config, "original") if e.ours == "language_model.layers.0.attention.qkv.weight")
    base = entry.split(built.get_parameter(entry.ours))[0].detach()
    tensors = saved(built, tmp_path)
    start = PREFIX + "language_model.model.layers.0.attention.wqkv."
    by_hand = base + 2.0 * tensors[start + "lora_B.weight"] @ tensors[start + "lora_A.weight"]
    merge_lora(built)
    torch.testing.assert_close(entry.split(built.get_parameter(entry.ours))[0].detach(), by_hand, **CLOSE)


def test_the_config_names_targets_and_ranks_as_peft_does(tmp_path: Path) -> None:
    save_adapter(adapted(), tmp_path, "some/base", revision="abc")
    values = json.loads((tmp_path / CONFIG_FILE).read_text("utf-8"))
    assert values["peft_type"] == "LORA"
    assert values["base_model_name_or_path"] == "some/base"
    assert values["revision"] == "abc"
    assert (values["r"], values["lora_alpha"]) == (3, 6)
    assert values["rank_pattern"] == {"attn.qkv": 2, "attn.proj": 2, "mlp.fc1": 2, "mlp.fc2": 2}
    assert values["alpha_pattern"] == {"attn.qkv": 4, "attn.proj": 4, "mlp.fc1": 4, "mlp.fc2": 4}
    assert "self_attn.q_proj" in values["target_modules"]
    assert "mlp.fc1" in values["target_modules"]


def test_targets_are_named_in_full_where_the_short_names_would_catch_more(tmp_path: Path) -> None:
    save_adapter(adapted(select_layer=-2), tmp_path, "base")
    targets = read_adapter_config(tmp_path).targets
    assert "vision_model.encoder.layers.0.attn.qkv" in targets
    assert not any("layers.2.attn" in name for name in targets)


def test_ranks_that_differ_within_a_kind_are_given_by_whole_name() -> None:
    found = describe_adapters({"a.0.x.q": (2, 4.0), "a.1.x.q": (3, 6.0), "a.0.x.o": (2, 4.0)}, ["a.0.x.q"], base_name="b", dropout=0.1)
    assert (found.rank, found.ranks) == (2, {"a.0.x.q": 2, "a.1.x.q": 3})
    assert [found.rank_of(name) for name in ("a.0.x.q", "a.1.x.q", "a.0.x.o")] == [2, 3, 2]
    assert found.scale_of("a.1.x.q") == 2.0


def test_parts_trained_beside_the_adapters_travel_with_them(tmp_path: Path) -> None:
    built = adapted(lora=LoraConfig(language_rank=2, dropout=0.0))
    freeze(built, TrainConfig(train_parts=frozenset({"projector"}), lora=LoraConfig(language_rank=2)))
    with torch.no_grad():
        built.projector.up.weight.mul_(1.5)
    built.eval()
    save_adapter(built, tmp_path, "base")
    assert read_adapter_config(tmp_path).whole == ("mlp1",)
    fresh = model()
    load_adapter(fresh, tmp_path)
    torch.testing.assert_close(answers(fresh), answers(built), **CLOSE)
    assert fresh.projector.up.weight.requires_grad
    save_adapter(fresh, tmp_path / "again", "base")
    again = load_file(tmp_path / "again" / WEIGHTS_FILE)
    assert all(torch.equal(again[name], tensor) for name, tensor in load_file(tmp_path / WEIGHTS_FILE).items())


def test_some_matrices_of_a_joined_one_may_be_left_out(tmp_path: Path) -> None:
    """PEFT folders often adapt q and v alone; k then has nothing and gets no gradient."""
    built = adapted(lora=LoraConfig(language_rank=2, dropout=0.0))
    tensors = {name: t for name, t in saved(built, tmp_path).items() if "q_proj" in name or "v_proj" in name}
    save_file(tensors, tmp_path / WEIGHTS_FILE)
    fresh = model()
    load_adapter(fresh, tmp_path)
    module = fresh.get_submodule("language_model.layers.0.attention.qkv")
    assert isinstance(module, LoraLinear)
    rows = module.shape.rows[0]
    assert module.delta()[:rows].abs().max() > 0
    assert module.delta()[rows : rows + module.shape.rows[1]].abs().max() == 0
    logits(fresh).square().sum().backward()
    assert module.lora_a.grad is not None
    assert module.lora_a.grad[2:4].abs().max() == 0
    assert set(saved(fresh, tmp_path / "again")) == set(tensors)


def test_adapters_of_the_language_model_alone_are_found(tmp_path: Path) -> None:
    built = adapted("internlm2", LoraConfig(language_rank=2, dropout=0.0))
    tensors = {name.replace("language_model.", "", 1): tensor for name, tensor in saved(built, tmp_path).items()}
    save_file(tensors, tmp_path / WEIGHTS_FILE)
    fresh = model("internlm2")
    load_adapter(fresh, tmp_path)
    torch.testing.assert_close(answers(fresh), answers(built), **CLOSE)


def test_root_scaling_is_read(tmp_path: Path) -> None:
    lora = LoraConfig(language_rank=4, dropout=0.0)
    built = adapted(lora=lora)
    save_adapter(built, tmp_path, "base")
    edit(tmp_path, use_rslora=True, lora_alpha=4)  # 4 / sqrt(4) = 2, what alpha 8 over rank 4 was
    fresh = model()
    load_adapter(fresh, tmp_path)
    torch.testing.assert_close(answers(fresh), answers(built), **CLOSE)


def edit(folder: Path, **changes: object) -> None:
    path = folder / CONFIG_FILE
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"peft_type": "IA3"}, "peft_type must be LORA"),
        ({"use_dora": True}, "use_dora"),
        ({"bias": "all"}, "bias must be 'none'"),
        ({"init_lora_weights": "pissa_niter_4"}, "changed the base weights"),
        ({"r": 5}, "ask for"),
        ({"r": 0}, "r must be 1 or above"),
        ({"lora_alpha": "x"}, "lora_alpha must be float"),
        ({"rank_pattern": {"(a+)+$": 3}}, "patterns must be names"),
        ({"rank_pattern": {"self_attn.k_proj": 4}}, "must share one rank"),
        ({"target_modules": 3}, "target_modules must be a list"),
        ({"lora_dropout": 1.0}, "lora_dropout"),
    ],
)
def test_a_config_that_can_not_be_met_is_refused(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    built = adapted(lora=LoraConfig(language_rank=2))
    save_adapter(built, tmp_path, "base")
    edit(tmp_path, **changes)
    fresh = model()
    with pytest.raises((CheckpointError, ConfigError), match=message):
        load_adapter(fresh, tmp_path)
    assert not list(adapters(fresh)), "nothing is touched before all is checked"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("layers.1.mlp.down_proj", "layers.9.mlp.down_proj", "belong to no matrix of this model"),
        ("layers.1.mlp.down_proj", "embed_tokens", "'language_model.model.embed_tokens' are not supported"),
        ("language_model.model.layers.1.mlp.down_proj", "language_model.lm_head", "'language_model.lm_head' are not supported"),
    ],
)
def test_tensors_that_do_not_fit_are_named(old: str, new: str, message: str, tmp_path: Path) -> None:
    tensors = saved(adapted(lora=LoraConfig(language_rank=2)), tmp_path)
    save_file({name.replace(old, new): tensor for name, tensor in tensors.items()}, tmp_path / WEIGHTS_FILE)
    with pytest.raises(CheckpointError, match=message):
        load_adapter(model(), tmp_path)


def test_half_a_pair_is_refused(tmp_path: Path) -> None:
    tensors = saved(adapted(lora=LoraConfig(language_rank=2)), tmp_path)
    del tensors[PREFIX + "language_model.model.layers.1.mlp.down_proj.lora_A.weight"]
    save_file(tensors, tmp_path / WEIGHTS_FILE)
    with pytest.raises(CheckpointError, match="only its B half"):
        load_adapter(model(), tmp_path)


def test_a_model_of_another_size_is_refused(tmp_path: Path) -> None:
    save_adapter(adapted(), tmp_path, "base")
    with pytest.raises(CheckpointError, match="ask for"):
        load_adapter(model(language__intermediate_size=56), tmp_path)


def test_a_folder_without_adapters_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is missing"):
        load_adapter(model(), tmp_path)
    with pytest.raises(ConfigError, match="no adapters to save"):
        save_adapter(model(), tmp_path, "base")
    save_adapter(adapted(), tmp_path, "base")
    save_file({PREFIX + "mlp1.0.weight": torch.zeros(3)}, tmp_path / WEIGHTS_FILE)
    with pytest.raises(CheckpointError, match="no LoRA tensors"):
        load_adapter(model(), tmp_path)


@pytest.fixture
def one_process(tmp_path: Path) -> Iterator[None]:
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


@pytest.mark.usefixtures("one_process")
def test_sharded_adapters_learn_and_are_saved_whole(tmp_path: Path) -> None:
    plain, sharded = adapted(), adapted()
    mesh = init_device_mesh("cpu", (1,))
    for block in (*sharded.vision_encoder.layers, *sharded.language_model.layers):
        fully_shard(block, mesh=mesh)
    assert describe_trainable(sharded) == describe_trainable(plain)
    for built in (plain, sharded):
        optimizer = build_optimizer(built, OptimConfig(lr=0.01))
        logits(built).square().mean().backward()
        optimizer.step()
    save_adapter(sharded, tmp_path / "none", "base", write=False)
    assert not (tmp_path / "none").exists()
    found, expected = saved(sharded, tmp_path / "sharded"), saved(plain, tmp_path / "plain")
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    assert set(found) == set(expected)


def test_a_copy_of_the_model_has_its_own_adapters() -> None:
    built = adapted()
    other = copy.deepcopy(built)
    with without_adapters(other):
        torch.testing.assert_close(answers(built), answers(adapted()), **CLOSE)
