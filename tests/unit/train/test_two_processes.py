"""Two processes, one with pictures and one with text alone, against a single process that holds both batches."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from test_contrastive import contrast, features
from tiny_batches import CHOSEN, MIXED, batch_of, moved, pixels, rejected_of, sequence, tiny, training
from torch import distributed
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel

from internvl.errors import ConfigError
from internvl.train.objectives.contrastive import ContrastiveObjective
from internvl.train.objectives.module import Losses, TrainingModule
from internvl.train.objectives.preference import PreferenceObjective
from internvl.train.objectives.sft import SupervisedObjective

KINDS = [(spread, frozen, recomputed) for spread in ("ddp", "fsdp") for frozen in (False, True) for recomputed in (False, True)]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of the two processes found."""
    folder = tmp_path_factory.mktemp("two")
    torch.multiprocessing.spawn(one_of_two, (str(folder),), nprocs=2)
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


def test_contrast_over_processes_is_that_of_one(parts: list[dict[str, Any]]) -> None:
    total, gradients = contrast(ContrastiveObjective(label_smoothing=0.1), *features())
    assert sum(part["total"] for part in parts) == pytest.approx(total, rel=1e-6)
    for number in range(2):
        joined = torch.tensor(parts[0]["gradients"][number] + parts[1]["gradients"][number])
        torch.testing.assert_close(joined, gradients[number], atol=1e-6, rtol=1e-5)
    assert parts[0]["gradients"][2] + parts[1]["gradients"][2] == pytest.approx(float(gradients[2]), rel=1e-5)
    assert all("equally many pairs, not 3, 2" in part["refusal"] for part in parts)


def test_the_mean_reward_is_that_of_all_pairs(parts: list[dict[str, Any]]) -> None:
    base = tiny()
    module = training(PreferenceObjective(reference=base), moved(base))
    module(replace(batch_of(*CHOSEN, pixels=pixels(2)), rejected=batch_of(*rejected_of(CHOSEN))))
    assert isinstance(module.objective, PreferenceObjective)
    for part in parts:
        assert part["pairs"] == float(module.objective.shift_pairs) == 3
        assert part["shift"] == pytest.approx(float(module.objective.shift), rel=1e-4)


def test_a_frozen_encoder_runs_for_text_alone(parts: list[dict[str, Any]]) -> None:
    """Its shards may be wanted by the other process."""
    assert [part["blank"] for part in parts] == [1, 1]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_step_of_two_processes_is_that_of_one(parts: list[dict[str, Any]], kind: tuple[str, bool, bool]) -> None:
    for part in parts:
        assert part["steps"][str(kind)] < 1e-5


def one_of_two(rank: int, folder: str) -> None:
    """What each of two processes does."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    image, text = (part[3 * rank : 3 * rank + 3] for part in features())
    total, found = contrast(ContrastiveObjective(label_smoothing=0.1, chunk_rows=2), image, text)
    with pytest.raises(ConfigError) as refusal:
        ContrastiveObjective()(image[: 3 - rank], text[: 3 - rank])
    said: dict[str, Any] = {"total": total, "gradients": [gradient.tolist() for gradient in found], "refusal": str(refusal.value)}
    said |= {"blank": frozen_blank(), "steps": {str(kind): step_difference(rank, *kind) for kind in KINDS}}
    said["shift"], said["pairs"] = shared_shift(rank)
    Path(folder, f"{rank}.json").write_text(json.dumps(said))
    distributed.destroy_process_group()


def supervised(*, frozen: bool, recomputed: bool) -> TrainingModule:
    module = training(SupervisedObjective())
    module.model.set_activation_checkpointing(recomputed)
    if frozen:
        module.model.vision_encoder.requires_grad_(False)
        module.model.projector.requires_grad_(False)
    return module


def step_difference(rank: int, spread: str, frozen: bool, recomputed: bool) -> float:
    """The largest difference between the gradients of the two processes and those of one with both batches."""
    batches = [batch_of(*MIXED, pixels=pixels(3)), batch_of([sequence(9, 3, seed=7)])]
    module, alone = supervised(frozen=frozen, recomputed=recomputed), supervised(frozen=frozen, recomputed=False)
    root = DistributedDataParallel(module) if spread == "ddp" else sharded(module)
    losses = root(batches[rank])
    assert isinstance(losses, Losses)
    losses.total.backward()
    sum(alone(batch).total for batch in batches).backward()  # type: ignore[union-attr]
    worst = 0.0
    for own, expected in zip(module.parameters(), alone.parameters(), strict=True):
        if expected.grad is None:
            assert own.grad is None
            continue
        assert own.grad is not None
        whole = own.grad if spread == "ddp" else own.grad.full_tensor()  # type: ignore[attr-defined]
        difference = (2 * whole - expected.grad).abs().max()
        worst = max(worst, float(difference)) if torch.isfinite(difference) else float("inf")
    return worst


def sharded(module: TrainingModule) -> TrainingModule:
    mesh = distributed.device_mesh.init_device_mesh("cpu", (2,))
    for block in (*module.model.vision_encoder.blocks, *module.model.language_model.blocks):
        fully_shard(block, mesh=mesh)
    fully_shard(module, mesh=mesh)
    return module


def shared_shift(rank: int) -> tuple[float, float]:
    """The mean reward, and of how many pairs, after processes saw different ones."""
    base = tiny()
    module = training(PreferenceObjective(reference=base), moved(base))
    rows = (CHOSEN[rank],)
    module(replace(batch_of(*rows, pixels=pixels(2)[rank : rank + 1]), rejected=batch_of(*rejected_of(rows))))
    assert isinstance(module.objective, PreferenceObjective)
    return float(module.objective.shift), float(module.objective.shift_pairs)


def frozen_blank() -> int:
    """How often a frozen encoder runs for text alone."""
    module = supervised(frozen=True, recomputed=False)
    calls: list[int] = []
    module.model.vision_encoder.register_forward_hook(lambda *_: calls.append(1))
    module(batch_of([sequence(6, 3)])).total.backward()
    return len(calls)
