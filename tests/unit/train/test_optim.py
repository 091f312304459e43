"""Groups of the optimiser: who decays, who is scaled, and in which order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from small_models import logits, model

from internvl.errors import ConfigError
from internvl.models.internvl import InternVL
from internvl.train.config import PARTS, LoraConfig, OptimConfig, TrainConfig
from internvl.train.freeze import freeze
from internvl.train.lora import add_lora
from internvl.train.optim import build_optimizer, layer_scale, parameter_groups, part_of

CONFIG = OptimConfig(lr=1e-3, weight_decay=0.05)


def learning(*parts: Any, **changes: Any) -> InternVL:
    built = model(**changes)
    freeze(built, TrainConfig(train_parts=frozenset(parts or PARTS)))
    return built


def by_name(built: InternVL, config: OptimConfig) -> dict[str, dict[str, Any]]:
    names = {parameter: name for name, parameter in built.named_parameters()}
    return {names[parameter]: group for group in parameter_groups(built, config) for parameter in group["params"]}


def test_every_parameter_that_learns_is_in_one_group() -> None:
    built = learning("projector", "language_model")
    found = [parameter for group in parameter_groups(built, CONFIG) for parameter in group["params"]]
    assert len(found) == len(set(found))
    assert set(found) == {parameter for parameter in built.parameters() if parameter.requires_grad}


def test_biases_norms_scales_and_tables_of_the_encoder_do_not_decay() -> None:
    groups = by_name(learning(), CONFIG)
    free = {name for name, group in groups.items() if group["weight_decay"] == 0.0}
    for name in (
        "vision_encoder.embeddings.class_token", "vision_encoder.embeddings.positions", "vision_encoder.embeddings.patch.bias",
        "vision_encoder.layers.0.scale1", "vision_encoder.layers.0.norm1.weight", "vision_encoder.layers.0.attention.q_norm.weight",
        "projector.norm.weight", "projector.norm.bias", "projector.up.bias",
        "language_model.norm.weight", "language_model.layers.0.attention.qkv.bias",
    ):  # fmt: skip
        assert name in free
    for name in (
        "vision_encoder.embeddings.patch.weight", "vision_encoder.layers.0.mlp.up.weight", "projector.up.weight",
        "language_model.embedding.weight", "language_model.head.weight", "language_model.layers.1.mlp.down.weight",
    ):  # fmt: skip
        assert groups[name]["weight_decay"] == 0.05


def test_a_part_has_its_own_rate() -> None:
    groups = by_name(learning(), replace(CONFIG, lr_scales={"vision_encoder": 0.1, "projector": 5.0}))
    for name, group in groups.items():
        expected = {"vision_encoder": 0.1, "projector": 5.0, "language_model": 1.0}[part_of(name)]
        assert group["lr_scale"] == expected
        assert group["lr"] == pytest.approx(1e-3 * expected)


def test_layer_decay_leaves_more_to_the_upper_layers() -> None:
    groups = by_name(learning(), replace(CONFIG, vision_layer_decay=0.5, lr_scales={"vision_encoder": 2.0}))
    scales = {name: group["lr_scale"] for name, group in groups.items()}
    assert scales["vision_encoder.embeddings.patch.weight"] == 2 * 0.5**4
    assert scales["vision_encoder.embeddings.positions"] == 2 * 0.5**4
    assert [scales[f"vision_encoder.layers.{i}.mlp.up.weight"] for i in range(3)] == [2 * 0.5**3, 2 * 0.5**2, 2 * 0.5]
    assert scales["projector.up.weight"] == scales["language_model.layers.0.mlp.down.weight"] == 1.0


def test_layer_decay_of_the_released_encoder() -> None:
    """48 layers at 0.9: N = 50, so the embeddings stand at 0.9^49 and what follows at 1."""
    assert layer_scale(0, 48, 0.9) == pytest.approx(0.9**49)
    assert layer_scale(48, 48, 0.9) == pytest.approx(0.9)
    assert layer_scale(49, 48, 0.9) == 1.0


def test_layer_decay_counts_from_the_layer_that_is_read() -> None:
    groups = by_name(learning(select_layer=-2), replace(CONFIG, vision_layer_decay=0.5))
    assert groups["vision_encoder.layers.1.mlp.up.weight"]["lr_scale"] == 0.5


def test_adapters_decay_and_follow_their_layer() -> None:
    built = model()
    add_lora(built, LoraConfig(vision_rank=2))
    groups = by_name(built, replace(CONFIG, vision_layer_decay=0.5))
    assert groups["vision_encoder.layers.2.attention.qkv.lora_b"]["lr_scale"] == 0.5
    assert all(group["weight_decay"] == 0.05 for group in groups.values())


def test_the_order_is_always_the_same() -> None:
    config = replace(CONFIG, vision_layer_decay=0.9, lr_scales={"language_model": 0.3})
    shapes = [[tuple(p.shape) for g in parameter_groups(learning(), config) for p in g["params"]] for _ in range(2)]
    assert shapes[0] == shapes[1]
    scales = [(group["lr_scale"], group["weight_decay"]) for group in parameter_groups(learning(), config)]
    assert len(scales) == len(set(scales))


def test_it_steps_and_carries_the_scales() -> None:
    built = learning("projector", "language_model")
    frozen = built.vision_encoder.layers[0].mlp.up.weight.detach().clone()
    optimizer = build_optimizer(built, replace(CONFIG, lr_scales={"projector": 2.0}))
    assert {group["lr_scale"] for group in optimizer.param_groups} == {1.0, 2.0}
    assert all(group["fused"] for group in optimizer.param_groups)
    losses = []
    for _ in range(5):
        loss = torch.nn.functional.cross_entropy(logits(built)[0], torch.arange(12))
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < losses[0]
    assert torch.equal(built.vision_encoder.layers[0].mlp.up.weight, frozen)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (replace(CONFIG, lr_scales={"vit": 0.1}), "vit is no part"),  # type: ignore[dict-item]
        (replace(CONFIG, lr_scales={"projector": 0.0}), "above 0"),
        (replace(CONFIG, vision_layer_decay=0.0), "vision_layer_decay"),
        (replace(CONFIG, lr=0.0), "lr must be"),
        (replace(CONFIG, betas=(0.9, 1.0)), "betas"),
        (replace(CONFIG, eps=0.0), "eps"),
        (replace(CONFIG, weight_decay=-0.1), "weight_decay"),
    ],
)
def test_impossible_settings_are_refused(config: OptimConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_optimizer(learning(), config)


def test_nothing_that_learns_is_an_error() -> None:
    with pytest.raises(ConfigError, match="every parameter is frozen"):
        parameter_groups(model().requires_grad_(False), CONFIG)


def test_names_of_wrapped_models_are_understood() -> None:
    assert part_of("_orig_mod.model.projector.up.weight") == "projector"
    with pytest.raises(ConfigError, match="belongs to none"):
        part_of("temperature")
    assert part_of("model.logit_scale") == part_of("language_model.layers.0.cross.q.weight") == "projector"
