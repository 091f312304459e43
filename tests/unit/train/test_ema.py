"""The running mean of the weights that learn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from internvl.errors import CheckpointError, ConfigError
from internvl.train.ema import RunningMean


def layers() -> nn.Sequential:
    torch.manual_seed(0)
    built = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    built[0].requires_grad_(False)
    return built


def shift(model: nn.Module, by: float) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(by)


def test_the_mean_follows_its_formula() -> None:
    model = layers()
    mean = RunningMean(model, 0.2)
    expected = model[1].weight.detach().clone()
    for step in range(5):
        shift(model, 1.0)
        mean.update()
        decay = min(0.2, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * model[1].weight.detach()
    torch.testing.assert_close(mean.means["1.weight"], expected)
    assert set(mean.means) == {"1.weight", "1.bias"}


def test_swapping_shows_the_mean_and_gives_the_weights_back_to_the_bit() -> None:
    model = layers()
    mean = RunningMean(model, 0.9)
    shift(model, 1.0)
    own = model[1].weight.detach().clone()
    with pytest.raises(RuntimeError, match="on the way"):
        fail_within(model, mean, own)
    assert torch.equal(model[1].weight, own)
    assert model[1].weight.requires_grad


def fail_within(model: nn.Sequential, mean: RunningMean, own: torch.Tensor) -> None:
    with mean.swapped():
        assert torch.equal(model[1].weight, mean.means["1.weight"])
        assert not torch.equal(model[1].weight, own)
        raise RuntimeError("on the way")


def test_half_precision_weights_have_a_float32_mean() -> None:
    model = layers().to(torch.bfloat16)
    mean = RunningMean(model, 0.999)
    shift(model, 0.5)
    own = model[1].weight.detach().clone()
    for _ in range(3):
        mean.update()
    assert mean.means["1.weight"].dtype == torch.float32
    with mean.swapped():
        assert model[1].weight.dtype == torch.bfloat16
    assert torch.equal(model[1].weight, own)


def test_a_state_goes_on_where_it_stopped() -> None:
    model = layers()
    first = RunningMean(model, 0.5)
    shift(model, 1.0)
    first.update()
    state = {"updates": first.updates, "means": {name: mean.clone() for name, mean in first.state_dict()["means"].items()}}
    second = RunningMean(model, 0.5)
    second.load_state_dict(state)
    for each in (first, second):
        each.update()
    assert torch.equal(first.means["1.weight"], second.means["1.weight"])
    assert second.updates == 2


def test_states_of_other_weights_are_refused() -> None:
    mean = RunningMean(layers(), 0.5)
    with pytest.raises(CheckpointError, match=r"1 names differ, first '1\.bias'"):
        mean.load_state_dict({"updates": 1, "means": {"1.weight": torch.zeros(2, 4)}})
    with pytest.raises(CheckpointError, match="shape"):
        mean.load_state_dict({"updates": 1, "means": {"1.weight": torch.zeros(2, 4), "1.bias": torch.zeros(3)}})


def test_impossible_means_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"\(0, 1\)"):
        RunningMean(layers(), 1.0)
    with pytest.raises(ConfigError, match="nothing learns"):
        RunningMean(layers().requires_grad_(False), 0.5)


@pytest.fixture
def one_process(tmp_path: Path) -> Iterator[None]:
    distributed.init_process_group("gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


@pytest.mark.usefixtures("one_process")
def test_sharded_weights_have_sharded_means() -> None:
    plain, sharded = layers(), layers()
    fully_shard(sharded, mesh=init_device_mesh("cpu", (1,)))
    means = [RunningMean(model, 0.5) for model in (plain, sharded)]
    for model, mean in zip((plain, sharded), means, strict=True):
        shift(model, 1.0)
        mean.update()
    found = means[1].means["1.weight"]
    assert isinstance(found, DTensor)
    assert torch.equal(found.full_tensor(), means[0].means["1.weight"])
    with means[1].swapped():
        assert torch.equal(sharded(torch.ones(1, 3)), swapped_output(plain, means[0]))
    means[1].load_state_dict(means[1].state_dict())


def swapped_output(model: nn.Module, mean: RunningMean) -> torch.Tensor:
    with mean.swapped():
        output: torch.Tensor = model(torch.ones(1, 3))
    return output
