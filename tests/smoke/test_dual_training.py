"""Dual encoders through the one trainer: each objective learns, what it does not read stays, a cut run goes on bit for bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pair_data import write_pairs
from two_rank_job import DUAL, dual_config

from internvl import Image, load_dual
from internvl.checkpoint.dual import load_dual_model
from internvl.errors import ConfigError
from internvl.train.callbacks import Callback
from internvl.train.config import LoraConfig, OptimConfig, TrainConfig
from internvl.train.journal import read_journal
from internvl.train.meters import StepRecord
from internvl.train.trainer import Trainer

TOWERS = {"vision_encoder", "language_model", "pool", "text_projection", "logit_scale"}
QUERY_SIDE = {"queries", "query_pool", "match_head", "cross"}
READ_BY = {"contrastive": TOWERS, "generative": {*QUERY_SIDE, "logit_scale"}, "retrieval": TOWERS | QUERY_SIDE}


class Stop(Callback):
    def on_step(self, record: StepRecord) -> None:
        if record.step == 3:
            raise KeyboardInterrupt


def family(name: str) -> str:
    return "cross" if ".cross." in name else name.partition(".")[0]


@pytest.mark.parametrize("kind", READ_BY)
def test_what_an_objective_reads_learns(tmp_path: Path, kind: str) -> None:
    parts = frozenset({"projector"}) if kind == "generative" else frozenset({"vision_encoder", "projector", "language_model"})
    config = dual_config(tmp_path, write_pairs(tmp_path / "data", captions=2), "run", kind, train_parts=parts)
    result = Trainer(config, quiet=True).run()
    assert result.model is not None
    before, after = dict(load_dual_model(DUAL).named_parameters()), dict(load_dual_model(result.model).named_parameters())
    changed = {family(name) for name, weight in after.items() if not torch.equal(weight, before[name])}
    assert changed == READ_BY[kind]


def test_pictures_and_words_come_together(tmp_path: Path) -> None:
    data = write_pairs(tmp_path / "data")
    config = dual_config(
        tmp_path, data, "run", "contrastive", batch_size=12, rows_per_forward=12, steps=60, eval_every=30, log_every=0,
        optim=OptimConfig(lr=3e-3, warmup=0.1, weight_decay=0.0),
    )  # fmt: skip
    config = replace(config, data=replace(config.data, held_back=0.25))
    result = Trainer(config, quiet=True).run()
    losses = [line["loss"] for line in read_journal(config.out / "log.jsonl") if "loss" in line]
    assert losses[-1] < 0.5 < losses[0]
    assert set(result.evaluations) == {f"held_back/{way}@{k}" for way in ("image_to_text", "text_to_image") for k in (1, 5)}
    assert result.model is not None
    dual = load_dual(result.model, device="cpu")
    guess = dual.classify(
        Image(tmp_path / "data" / "red_left.png"), ["a red square on the left", "a blue square on the right"], templates=["{}"]
    )
    assert guess[0].name == "a red square on the left"


def test_a_run_that_was_cut_goes_on_bit_for_bit(tmp_path: Path) -> None:
    data = write_pairs(tmp_path / "data")
    whole = dual_config(tmp_path, data, "whole", "retrieval")
    Trainer(whole, quiet=True).run()
    cut = dual_config(tmp_path, data, "cut", "retrieval")
    with pytest.raises(KeyboardInterrupt):
        Trainer(cut, callbacks=[Stop()], quiet=True).run()
    Trainer(cut, quiet=True).run()
    assert (cut.out / "model" / "model.safetensors").read_bytes() == (whole.out / "model" / "model.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"objective": "sft"}, "learns by contrastive, generative, retrieval, not by 'sft'"),
        ({"rows_per_forward": 1}, "set rows_per_forward, up to batch_size / processes = 4"),
        ({"lora": LoraConfig(language_rank=2)}, "neither adapters"),
        ({"train_parts": frozenset({"vision_encoder"}), "objective": "generative"}, None),
        ({"train_parts": frozenset({"eyes"})}, "eyes is no part"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, changes: dict[str, object], said: str | None) -> None:
    config: TrainConfig = dual_config(tmp_path, write_pairs(tmp_path / "data"), "run", "contrastive", **changes)
    if said is None:
        assert Trainer(config, quiet=True).run().finished
        return
    with pytest.raises(ConfigError, match=said):
        Trainer(config, quiet=True).run()
