"""Speeds, arithmetic and what is said of them."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path

import pytest
import torch
from tiny_batches import MIXED, batch_of, pixels, tiny, training

from internvl.errors import MissingDependencyError
from internvl.models.families import released_named
from internvl.train.flops import WorkCounter, causal_attention, language_weights, peak_of, projector_weights, vision_tile
from internvl.train.meters import Meters, StepRecord, peak_memory_gb
from internvl.train.objectives.sft import SupervisedObjective
from internvl.train.plot import plot_losses, smoothed
from internvl.train.progress import Reporter, clock
from internvl.train.step import sequence_lengths


def record(step: int, **changes: object) -> StepRecord:
    values: dict[str, object] = {
        "step": step, "loss": 1.0, "lr": 0.1, "grad_norm": 1.0, "tokens": 100, "tiles": 4, "sequences": 2, "predicted": 10,
        "seconds": 0.5,
    }  # fmt: skip
    return StepRecord(**(values | changes))  # type: ignore[arg-type]


def test_speeds_are_those_of_the_last_steps() -> None:
    meters = Meters(peak=1e4)
    assert meters.speeds() == {}
    assert meters.time_left_s(10) is None
    meters.add(record(1, seconds=1000.0))
    for step in range(2, 22):
        meters.add(record(step, operations=1000.0))
    assert meters.speeds() == pytest.approx({"tokens_per_s": 200.0, "tiles_per_s": 8.0, "step_s": 0.5, "tflops": 2e-9, "mfu": 0.2})
    assert meters.time_left_s(10) == pytest.approx(5.0)


def test_without_a_known_peak_no_share_of_it_is_told() -> None:
    meters = Meters()
    meters.add(record(1))
    assert "mfu" not in meters.speeds()


def test_peaks_go_by_whole_words_of_a_name() -> None:
    assert peak_of("NVIDIA A100-SXM4-80GB") == 312e12
    assert peak_of("NVIDIA H100 PCIe") == 756e12
    assert peak_of("NVIDIA H100 80GB HBM3") == 989e12
    assert peak_of("NVIDIA L40S") == 362e12
    assert peak_of("NVIDIA GeForce RTX 4090") == 165e12
    assert peak_of("Some CPU") is None


def test_arithmetic_agrees_with_what_torch_counts() -> None:
    """The forward and backward of everything that learns, on the module itself."""
    from torch.utils.flop_counter import FlopCounterMode

    module = training(SupervisedObjective(), tiny()).requires_grad_(True)
    batch = batch_of(*MIXED, pixels=pixels(3), padding=0)
    with FlopCounterMode(display=False) as counted:
        losses = module(batch)
        losses.total.backward()
    counter = WorkCounter(module.model)
    ours = counter.operations(lengths=sequence_lengths(batch), tiles=3, predicted=int(losses.tokens))
    assert (counter.vision.factor, counter.projector.factor, counter.language.factor) == (3.0, 3.0, 3.0)
    # torch counts whole squares of attention over the padded row; the model is so small that this is a tenth.
    assert ours == pytest.approx(counted.get_total_flops(), rel=0.15)


def test_what_is_frozen_costs_less() -> None:
    model = tiny().requires_grad_(False)
    model.projector.requires_grad_(True)
    counter = WorkCounter(model)
    assert (counter.vision.factor, counter.projector.factor, counter.language.factor) == (1.0, 3.0, 2.0)
    model.projector.requires_grad_(False)
    model.language_model.requires_grad_(True)
    counter = WorkCounter(model)
    assert (counter.vision.factor, counter.projector.factor, counter.language.factor) == (1.0, 1.0, 3.0)


def test_a_released_size_is_about_two_operations_a_weight_and_token() -> None:
    config = released_named("InternVL2-8B").config()
    language = 2 * language_weights(config.language) + causal_attention(config.language, 1)
    assert language == pytest.approx(2 * 6.98e9, rel=0.02)  # InternLM2.5-7B without its two tables
    tile = vision_tile(config.vision, config.tile_patches**2, config.vision_layers_used)
    assert tile == pytest.approx(0.72e12, rel=0.05)
    assert projector_weights(config) == 4096 * 4096 * 2


def test_memory_is_told_of_this_process() -> None:
    memory = peak_memory_gb(torch.device("cpu"))
    assert memory is None or 0.01 < memory < 1000


def test_lines_on_a_pipe_come_every_few_steps(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = Reporter(5, every=2)
    reporter.begin(0)
    for step in range(1, 6):
        reporter.step(step, {"loss": 1.25, "accuracy": 0.5}, time_left_s=3661.0)
    reporter.end()
    said = capsys.readouterr()
    assert said.out == ""
    assert [line.split("  ")[0] for line in said.err.splitlines()] == ["step 2/5", "step 4/5", "step 5/5"]
    assert "loss 1.2500  acc 0.500  1:01:01 left" in said.err


def test_a_quiet_reporter_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = Reporter(1, quiet=True)
    reporter.begin(0)
    reporter.say("hello")
    reporter.step(1, {"loss": 1.0}, time_left_s=None)
    assert capsys.readouterr().err == ""


def test_clock() -> None:
    assert [clock(seconds) for seconds in (0, 59.6, 3599, 3600)] == ["0:00", "1:00", "59:59", "1:00:00"]


def test_a_running_mean_starts_at_its_first_value() -> None:
    assert smoothed([4.0]) == [4.0]
    assert smoothed([2.0, 2.0, 2.0]) == pytest.approx([2.0, 2.0, 2.0])


def test_the_picture_needs_matplotlib_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: object, **kwargs: object) -> object:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match="matplotlib"):
        plot_losses([{"step": 1, "loss": 1.0}], tmp_path / "loss.png")


def test_the_picture_is_one(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    lines = [{"step": n, "loss": 3.0 / n} for n in range(1, 9)] + [{"step": 4, "held_back/loss": 1.0}, {"step": 9, "loss": None}]
    plot_losses(lines, tmp_path / "loss.png")
    assert (tmp_path / "loss.png").read_bytes()[:4] == b"\x89PNG"
    assert "matplotlib.pyplot" not in sys.modules
