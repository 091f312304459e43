"""What learns: parts, vision layers, adapters, and what is never read."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from small_models import logits, model

from internvl.errors import ConfigError
from internvl.models.internvl import InternVL
from internvl.train.config import PARTS, LoraConfig, Part, TrainConfig
from internvl.train.freeze import describe_trainable, freeze, learning_mode
from internvl.train.lora import add_lora


def config(*parts: Part, vision_layers: int | None = None, **lora: int) -> TrainConfig:
    return TrainConfig(train_parts=frozenset(parts), vision_layers=vision_layers, lora=LoraConfig(**lora))


def learning(built: InternVL) -> set[str]:
    return {name for name, parameter in built.named_parameters() if parameter.requires_grad}


def with_gradient(built: InternVL) -> set[str]:
    logits(built).square().sum().backward()
    return {name for name, parameter in built.named_parameters() if parameter.grad is not None}


@pytest.mark.parametrize("parts", [("projector",), ("vision_encoder", "projector"), ("language_model",), PARTS])
def test_the_named_parts_learn_and_nothing_else(parts: tuple[Part, ...]) -> None:
    built = model()
    freeze(built, config(*parts))
    assert learning(built) == {name for name, _ in built.named_parameters() if name.startswith(tuple(f"{part}." for part in parts))}
    assert with_gradient(built) == learning(built)
    for part in PARTS:
        assert getattr(built, part).training == (part in parts)


def test_freezing_again_forgets_what_was_before() -> None:
    built = model()
    freeze(built, config(*PARTS))
    freeze(built, config("projector"))
    assert all(name.startswith("projector.") for name in learning(built))
    assert not built.vision_encoder.layers[0].training


@pytest.mark.parametrize(("wanted", "layers"), [(1, {1, 2}), (-1, {2}), (-2, {1, 2}), (0, {0, 1, 2})])
def test_vision_layers_are_a_slice_as_in_the_released_option(wanted: int, layers: set[int]) -> None:
    built = model()
    freeze(built, config("projector", vision_layers=wanted))
    found = {name.split(".")[2] for name in learning(built) if name.startswith("vision_encoder.layers")}
    assert found == {str(layer) for layer in layers}
    assert not any(name.startswith("vision_encoder.embeddings") for name in learning(built))
    assert [block.training for block in built.vision_encoder.blocks] == [i in layers for i in range(3)]
    assert with_gradient(built) == learning(built)


def test_layers_after_the_one_that_is_read_never_learn() -> None:
    built = model(select_layer=-2)
    freeze(built, config(*PARTS))
    assert not any(name.startswith("vision_encoder.layers.2") for name in learning(built))
    assert with_gradient(built) == learning(built)
    row = describe_trainable(built)[0]
    assert "select_layer -2" in row.note
    assert row.trainable == row.total - sum(p.numel() for p in built.vision_encoder.layers[2].parameters())


def test_vision_layers_count_from_the_end_of_those_that_run() -> None:
    built = model(select_layer=-2)
    freeze(built, config(vision_layers=-1))
    assert {name.split(".")[2] for name in learning(built)} == {"1"}
    assert with_gradient(built) == learning(built)


def test_a_frozen_encoder_drops_no_paths_whatever_its_rate() -> None:
    built = model(vision__drop_path_rate=0.9)
    freeze(built, config("projector", "language_model"))
    assert torch.equal(logits(built), logits(built))
    freeze(built, config("vision_encoder"))
    torch.manual_seed(0)
    assert not torch.equal(logits(built), logits(built))


def test_learning_mode_brings_back_what_an_evaluation_took() -> None:
    built = model()
    freeze(built, config("projector"))
    built.eval()
    learning_mode(built)
    assert built.projector.training
    assert built.training
    assert not built.language_model.training


def test_a_part_with_adapters_learns_by_them_alone() -> None:
    built = model()
    lora = LoraConfig(language_rank=2)
    add_lora(built, lora)
    freeze(built, TrainConfig(lora=lora))  # train_parts names projector and language model
    language = {name for name in learning(built) if name.startswith("language_model.")}
    assert language
    assert all(name.endswith((".lora_a", ".lora_b")) for name in language)
    assert learning(built) - language == {name for name, _ in built.named_parameters() if name.startswith("projector.")}
    with torch.no_grad():  # B starts at zero, which would hide A's gradient
        for name, parameter in built.named_parameters():
            if name.endswith("lora_b"):
                parameter.fill_(0.1)
    assert with_gradient(built) == learning(built)


def test_adapters_of_a_part_that_is_not_asked_for_are_frozen() -> None:
    built = model()
    add_lora(built, LoraConfig(language_rank=2, vision_rank=2))
    freeze(built, config(vision_rank=2))
    assert learning(built)
    assert all(name.startswith("vision_encoder.") and "lora" in name for name in learning(built))


def test_the_table_counts_tied_embeddings_once() -> None:
    built = model(language__tie_embeddings=True)
    freeze(built, config("language_model"))
    rows = {row.part: row for row in describe_trainable(built)}
    assert rows["language_model"].trainable == rows["language_model"].total == sum(p.numel() for p in built.language_model.parameters())
    assert "tied" in rows["language_model"].note
    assert rows["all"].total == sum(p.numel() for p in built.parameters())
    assert rows["all"].trainable == rows["language_model"].trainable
    assert (rows["projector"].trainable, rows["vision_encoder"].trainable) == (0, 0)


def test_the_table_names_ranks_and_layers() -> None:
    built = model()
    add_lora(built, LoraConfig(language_rank=2))
    freeze(built, config(vision_layers=-2, language_rank=2))
    notes = {row.part: row.note for row in describe_trainable(built)}
    assert notes["language_model"] == "adapters of rank 2"
    assert notes["vision_encoder"] == "layers 1 to 2"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (config(), "nothing learns"),
        (config("vision_encoder", vision_layers=1), "take vision_encoder out of train_parts"),
        (config(vision_layers=3), r"\[-3, 2\]"),
        (config(vision_layers=-4), r"\[-3, 2\]"),
        (config(language_rank=4), "call add_lora before freeze"),
        (dataclasses.replace(config(), train_parts=frozenset({"vision_model"})), "vision_model is no part"),  # type: ignore[arg-type]
    ],
)
def test_wishes_that_can_not_be_met_are_refused(wrong: TrainConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        freeze(model(), wrong)


def test_vision_layers_and_vision_adapters_exclude_each_other() -> None:
    built = model()
    add_lora(built, LoraConfig(vision_rank=2))
    with pytest.raises(ConfigError, match="exclude each other"):
        freeze(built, config(vision_layers=1, vision_rank=2))
