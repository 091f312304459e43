"""The table of stages, and the configs made from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_models import model

from internvl.data.config import DataConfig
from internvl.errors import ConfigError
from internvl.train.config import PARTS, LoraConfig, TrainConfig
from internvl.train.freeze import describe_trainable, freeze
from internvl.train.lora import add_lora, ranks
from internvl.train.optim import build_optimizer
from internvl.train.schedule import rate_factor
from internvl.train.stages import STAGES, stage_config
from internvl.train.trainer import Trainer

TINY_CHAT = Path(__file__).parents[2] / "parity" / "fixtures" / "internvl2-qwen2"

CHAT = [name for name, stage in STAGES.items() if not stage.dual_encoder]
DUAL = [name for name, stage in STAGES.items() if stage.dual_encoder]


@pytest.mark.parametrize("name", CHAT)
def test_every_stage_of_chat_models_can_be_set_up(name: str) -> None:
    config = stage_config(name)
    built = model()
    if ranks(config.lora):
        add_lora(built, config.lora)
    freeze(built, config)
    learning = {row.part for row in describe_trainable(built) if row.trainable} - {"all"}
    assert learning == STAGES[name].parts | set(ranks(config.lora))
    assert build_optimizer(built, config.optim).param_groups[0]["lr"] == STAGES[name].lr
    assert 0 < rate_factor(0, 5500, config.optim) < 1


@pytest.mark.parametrize("name", DUAL)
def test_stages_of_dual_encoders_want_one(name: str, tmp_path: Path) -> None:
    config = stage_config(name, out=tmp_path, model=str(TINY_CHAT), rows_per_forward=2, batch_size=2)
    with pytest.raises(ConfigError, match="is for dual encoders"):
        Trainer(config, quiet=True).run()


def test_the_published_numbers_of_the_first_version() -> None:
    first, second = STAGES["contrastive"], STAGES["generative"]
    assert (first.lr, first.betas, first.weight_decay, first.warmup, first.steps) == (1e-3, (0.9, 0.95), 0.1, 5000, 175_000)
    assert (second.lr, second.betas, second.weight_decay, second.warmup, second.steps) == (5e-5, (0.9, 0.98), 0.05, 2000, 80_000)
    assert (first.patch_masking, first.image_size, first.drop_path, first.drop_path_shape) == (0.5, 196, 0.2, "uniform")
    end, third = STAGES["contrastive_224"], STAGES["retrieval"]
    assert (end.patch_masking, end.image_size, end.steps * end.batch_size) == (0.0, 224, pytest.approx(0.5e9, rel=1e-3))
    assert end.lr == pytest.approx(first.lr * rate_factor(175_000 - 3049, 175_000, stage_config("contrastive").optim), rel=0.02)
    assert (third.vision_layer_decay, third.language_layer_decay, third.drop_path, third.image_size) == (0.9, 0.9, 0.3, 364)
    assert DUAL == ["contrastive", "contrastive_224", "generative", "retrieval"]


def test_who_learns_in_the_stages_after_it() -> None:
    assert STAGES["pretrain"].parts == {"vision_encoder", "projector"}
    assert STAGES["pretrain_projector"].parts == STAGES["stage1"].parts == {"projector"}
    assert STAGES["finetune"].parts == STAGES["stage2"].parts == STAGES["preference"].parts == set(PARTS)
    assert STAGES["second_finetune"].parts == {"projector", "language_model"}
    assert (STAGES["lora"].language_rank, STAGES["vision_lora"].vision_rank) == (16, 16)


def test_packed_stages_are_packed() -> None:
    config = stage_config("stage2")
    assert (config.data.packing, config.data.pack_tokens, config.data.pack_tiles) == (True, 16384, 48)
    assert (config.data.max_tokens, config.data.loss_weighting, config.global_loss_average) == (16384, "square", True)
    assert not stage_config("second_finetune").data.packing
    assert stage_config("preference").objective == "preference"


def test_any_field_can_be_changed_by_name() -> None:
    config = stage_config("lora", model="some/folder", lr=1e-5, manifest=Path("meta.json"), language_rank=4, steps=7, seed=3)
    assert (config.model, config.optim.lr, config.data.manifest) == ("some/folder", 1e-5, Path("meta.json"))
    assert (config.lora.language_rank, config.steps, config.seed) == (4, 7, 3)
    assert config.data.max_tiles == 6, "the rest of the stage stays"
    assert config.data.seed == DataConfig().seed


def test_a_part_of_the_config_can_be_given_whole_and_changed_on_top() -> None:
    config = stage_config("finetune", data=DataConfig(packing=True, max_tiles=3), lora=LoraConfig(language_rank=2), max_tiles=5)
    assert (config.data.packing, config.data.max_tiles, config.lora.language_rank) == (True, 5, 2)
    assert isinstance(config, TrainConfig)


def test_unknown_stages_and_fields_are_named() -> None:
    with pytest.raises(ConfigError, match="stage must be one of contrastive"):
        stage_config("warmup")
    with pytest.raises(ConfigError, match="learning_rate: no field"):
        stage_config("finetune", learning_rate=1.0)


def test_the_table_is_not_changed_by_accident() -> None:
    with pytest.raises(TypeError):
        STAGES["finetune"] = STAGES["lora"]  # type: ignore[index]
