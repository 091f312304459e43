"""Checkpoints of a run: whole or not there, read back to the bit, and only under a config that fits."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from tiny_batches import MIXED, batch_of, pixels, tiny, training

from internvl.checkpoint.distributed import load_tensors, save_tensors, saved_shapes
from internvl.data.config import DataConfig
from internvl.errors import CheckpointError, ConfigError
from internvl.train.config import LoraConfig, OptimConfig, TrainConfig
from internvl.train.continuation import check_continues, config_facts, same_past
from internvl.train.ema import RunningMean
from internvl.train.guard import Guard
from internvl.train.objectives.sft import SupervisedObjective
from internvl.train.optim import build_optimizer
from internvl.train.parallel import World
from internvl.train.random_state import random_state, restore_random_state, same_random_state_after, seed_everything
from internvl.train.run_state import Changing, complete_checkpoints, last_checkpoint, read_facts, restore_run, save_run

FACTS: dict[str, Any] = {"config": {}, "total_steps": 9}


class Counted:
    """Data that remember a number."""

    def __init__(self) -> None:
        self.read = 0

    def state_dict(self) -> dict[str, Any]:
        return {"read": self.read}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.read = state["read"]


def changing(seed: int = 0, *, ema: bool = True) -> Changing:
    module = training(SupervisedObjective(), tiny().requires_grad_(True))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(seed * 0.01)
    optimizer = build_optimizer(module.model, OptimConfig(lr=1e-2))
    mean = RunningMean(module.model, 0.9) if ema else None
    return Changing(module=module, optimizer=optimizer, data=Counted(), guard=Guard(), ema=mean)


def advance(state: Changing, steps: int = 1) -> None:
    for _ in range(steps):
        state.optimizer.zero_grad()
        state.module(batch_of(*MIXED, pixels=pixels(3))).total.backward()
        state.optimizer.step()
        if state.ema:
            state.ema.update()
        state.guard.judge(1.0, 2.0)
        state.data.read += 1  # type: ignore[attr-defined]


def save(state: Changing, folder: Path, step: int, *, keep: int = 2) -> Path:
    return save_run(state, folder, step=step, world=World(), facts=FACTS, keep=keep)


def contents(state: Changing) -> dict[str, torch.Tensor]:
    found = {f"weight {name}": p.detach().clone() for name, p in state.module.named_parameters()}
    for number, values in enumerate(state.optimizer.state.values()):
        found |= {f"optimizer {number} {key}": value.clone() for key, value in values.items()}
    assert state.ema is not None
    return found | {f"mean {name}": mean.clone() for name, mean in state.ema.means.items()}


def test_what_was_saved_is_what_is_restored_and_goes_on_alike(tmp_path: Path) -> None:
    state, other = changing(), changing(seed=1)
    advance(state, 3)
    path = save(state, tmp_path, 3)
    drawn = torch.rand(3), random.random(), numpy.random.rand()
    assert restore_run(other, path, world=World()) == 3
    assert (torch.equal(drawn[0], torch.rand(3)), random.random(), numpy.random.rand()) == (True, *drawn[1:])
    before, after = contents(state), contents(other)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert (other.data.read, other.ema.updates) == (3, 3)  # type: ignore[attr-defined, union-attr]
    assert other.guard.state_dict() == state.guard.state_dict()
    advance(state)
    advance(other)
    before, after = contents(state), contents(other)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_only_what_learns_is_written(tmp_path: Path) -> None:
    state = changing(ema=False)
    state.module.model.vision_encoder.requires_grad_(False)
    state.optimizer = build_optimizer(state.module.model, OptimConfig())
    advance(state)
    names = saved_shapes(save(state, tmp_path, 1))
    assert not any("vision_encoder" in name for name in names)
    assert {name.partition("/")[0] for name in names} == {"model", "optimizer"}


def test_the_newest_are_kept(tmp_path: Path) -> None:
    state = changing()
    for step in (2, 10, 9, 100):
        save(state, tmp_path, step)
    assert [path.name for path in complete_checkpoints(tmp_path)] == ["step_000010", "step_000100"]
    assert last_checkpoint(tmp_path) == tmp_path / "step_000100"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step_000010", "step_000100"]


def test_half_written_ones_are_no_checkpoints_and_are_cleared_away(tmp_path: Path) -> None:
    state = changing()
    whole = save(state, tmp_path, 1)
    (tmp_path / "step_000002.partial").mkdir()
    (tmp_path / "step_000002.partial" / "complete.json").write_text("{}")
    (tmp_path / "step_000003").mkdir()  # renamed by nobody: without complete.json it is not whole
    (tmp_path / "step_x").mkdir()
    assert last_checkpoint(tmp_path) == whole
    save(state, tmp_path, 4)
    assert not list(tmp_path.glob("*.partial"))
    assert last_checkpoint(tmp_path / "nothing") is None


@pytest.mark.parametrize("name", ["save_tensors", "write_text", "_sync_folder"])
def test_a_save_that_dies_at_any_point_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    import internvl.train.run_state as run_state

    state = changing()
    before = save(state, tmp_path, 1)

    def dies(*args: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(run_state, name, dies)
        with pytest.raises(OSError, match="no space left"):
            save(state, tmp_path, 2)
    assert last_checkpoint(tmp_path) == before
    assert save(state, tmp_path, 2) == last_checkpoint(tmp_path)


def spoil_index(path: Path) -> None:
    (path / "index.json").write_text('{"tensors": {"model/x": {"shape": [2]}}}')


def spoil_escape(path: Path) -> None:
    index = json.loads((path / "index.json").read_text())
    next(iter(index["tensors"].values()))["pieces"][0]["folder"] = "../elsewhere"
    (path / "index.json").write_text(json.dumps(index))


def spoil_facts(path: Path) -> None:
    (path / "complete.json").write_text('{"step": 1}')


def spoil_weights(path: Path) -> None:
    file = path / "rank_00000" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


@pytest.mark.parametrize("spoil", [spoil_index, spoil_escape, spoil_facts, spoil_weights])
def test_a_damaged_checkpoint_is_an_error_that_names_it(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    state = changing()
    path = save(state, tmp_path, 1)
    spoil(path)
    with pytest.raises(CheckpointError, match="step_000001"):
        restore_run(state, path, world=World())


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    state = changing()
    state.module.model.projector.requires_grad_(False)
    path = save(changing(ema=False), tmp_path, 1)
    with pytest.raises(CheckpointError, match="only one has a running mean"):
        restore_run(changing(), path, world=World())
    with pytest.raises(CheckpointError, match=r"the checkpoint has no other; .* trains something else"):
        load_tensors({"other": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match=r"has the shape \[32\], but \[3\] is expected"):
        load_tensors({"model/language_model.norm.weight": torch.zeros(3)}, path)


def test_nothing_in_a_checkpoint_is_a_pickle(tmp_path: Path) -> None:
    state = changing()
    advance(state)
    path = save(state, tmp_path, 1)
    assert {file.suffix for file in path.rglob("*") if file.is_file()} == {".json", ".safetensors"}
    assert read_facts(path)["step"] == 1


def test_tensors_of_every_shape_come_back(tmp_path: Path) -> None:
    tensors = {
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 4),
        "half": torch.randn(3, 5).bfloat16(),
        "bytes": torch.arange(7, dtype=torch.uint8),
        "turned": torch.randn(4, 6).t(),
    }
    save_tensors(tensors, tmp_path)
    found = {name: torch.zeros_like(tensor) for name, tensor in tensors.items()}
    load_tensors(found, tmp_path)
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())


def test_random_numbers_go_on_where_they_were() -> None:
    seed_everything(4)
    torch.rand(5), random.gauss(0, 1), numpy.random.randn()
    state = json.loads(json.dumps(random_state(torch.device("cpu"))))
    first = torch.rand(2).tolist(), random.gauss(0, 1), numpy.random.randn()
    with same_random_state_after(torch.device("cpu")):
        seed_everything(99)
    restore_random_state(state, torch.device("cpu"))
    assert (torch.rand(2).tolist(), random.gauss(0, 1), numpy.random.randn()) == first


CONFIG = TrainConfig(steps=100, optim=OptimConfig(schedule="constant", warmup=10))


def check(now: TrainConfig, *, then: TrainConfig = CONFIG, step: int = 50, total: int = 100, allow: tuple[str, ...] = ()) -> None:
    saved = json.loads(json.dumps(config_facts(then)))
    check_continues(saved, now, step=step, saved_total=100, total=total, allow=allow)


@pytest.mark.parametrize(
    "changes",
    [
        {"out": Path("elsewhere")}, {"save_every": 1, "keep_checkpoints": 9, "log_every": 5, "eval_every": 3}, {"parallel": "fsdp"},
        {"on_nan": "skip", "spike_factor": 4.0}, {"data": DataConfig(workers=9, root=Path("moved"))}, {"checkpoint_activations": True},
    ],
)  # fmt: skip
def test_what_does_not_touch_the_past_may_change(changes: dict[str, Any]) -> None:
    check(replace(CONFIG, **changes))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"batch_size": 64}, "batch_size = 128"), ({"seed": 1}, "seed = 0"), ({"precision": "fp32"}, "precision = bf16"),
        ({"optim": OptimConfig(schedule="constant", warmup=10, betas=(0.9, 0.95))}, "optim.betas"),
        ({"data": DataConfig(max_tokens=1)}, "data.max_tokens = 8192"),
        ({"lora": LoraConfig(language_rank=2)}, "lora.language_rank = 0"),
        ({"train_parts": frozenset({"projector"})}, "train_parts"), ({"model": "other"}, "model = internvl-nano"),
    ],
)  # fmt: skip
def test_what_would_change_the_past_is_named_and_can_be_allowed(changes: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        check(replace(CONFIG, **changes))
    check(replace(CONFIG, **changes), allow=(name.partition(" =")[0],))


def test_the_length_may_change_as_long_as_past_rates_do_not() -> None:
    constant, wsd = CONFIG.optim, OptimConfig(schedule="wsd", warmup=10, decay=20)
    assert same_past(constant, 100, 100, 200)
    assert same_past(wsd, 80, 100, 200)
    assert not same_past(wsd, 82, 100, 200)
    assert not same_past(OptimConfig(warmup=10), 12, 100, 101)
    assert same_past(OptimConfig(warmup=10), 10, 100, 101)
    check(CONFIG, total=500)
    cosine = replace(CONFIG, optim=OptimConfig(warmup=10))
    with pytest.raises(ConfigError, match="begun for 100 steps; 500 would have changed the learning rates of the 50"):
        check(cosine, then=cosine, total=500)
    check(cosine, then=cosine, total=500, allow=("steps",))
    with pytest.raises(ConfigError, match="has done 50 steps already, more than the 40"):
        check(CONFIG, total=40)
