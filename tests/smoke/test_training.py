"""Whole runs of a tiny model on pictures made on the spot: they learn, survive kills to the bit, refuse what would falsify them, and
leave folders that load."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mini_data import write_data
from safetensors.torch import load_file
from two_rank_job import ALL, MODEL, KillAfter, Killed

from internvl import VLM, Image
from internvl.data.config import DataConfig
from internvl.errors import ConfigError, MissingDependencyError, NumericError
from internvl.train.callbacks import Callback, TrainResult
from internvl.train.config import LoraConfig, OptimConfig, TrainConfig
from internvl.train.journal import read_journal
from internvl.train.meters import StepRecord
from internvl.train.parallel import Spread
from internvl.train.run_state import complete_checkpoints
from internvl.train.trainer import Trainer

STEPS, CUT = 6, 3


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


def config(out: Path, manifest: Path, /, **changes: object) -> TrainConfig:
    data_config = DataConfig(manifest=manifest, max_tokens=160, pack_tokens=160, pack_tiles=8, pack_buffer=3, workers=0)
    plain = TrainConfig(
        model=str(MODEL), out=out, data=data_config, batch_size=2, steps=STEPS, precision="fp32", save_every=CUT, train_parts=ALL,
        drop_path=0.2, optim=OptimConfig(lr=2e-3, warmup=0.0),
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def run(settings: TrainConfig, *callbacks: Callback, **options: object) -> TrainResult:
    return Trainer(settings, callbacks=callbacks, quiet=True, **options).run()  # type: ignore[arg-type]


def losses(out: Path) -> list[float]:
    return [line["loss"] for line in read_journal(out / "log.jsonl") if "loss" in line]


def weights(out: Path) -> bytes:
    return (out / "model" / "model.safetensors").read_bytes()


def test_a_run_learns_and_leaves_a_model_that_chats(tmp_path: Path, data: Path) -> None:
    result = run(config(tmp_path / "run", data, steps=30, eval_every=15, data=replace(config(tmp_path, data).data, held_back=0.2)))
    assert result.finished
    lines = read_journal(result.out / "log.jsonl")
    assert [line["step"] for line in lines if "loss" in line] == list(range(1, 31))
    assert sum(losses(result.out)[-5:]) < 0.5 * sum(losses(result.out)[:5])
    assert [line["step"] for line in lines if "held_back/loss" in line] == [15, 30]
    assert result.evaluations["held_back/loss"] == lines[-1]["held_back/loss"]
    assert {"accuracy", "lr", "grad_norm", "tokens", "tiles", "seconds", "dropped"} <= lines[0].keys()
    assert len(complete_checkpoints(result.out / "checkpoints")) == 2
    assert result.model is not None
    assert json.loads((result.model / "config.json").read_text()) == json.loads((MODEL / "config.json").read_text())
    vlm = VLM.load(result.model, device="cpu")
    assert isinstance(vlm.chat("Which colour?", Image(data.parent / "0.png"), max_new_tokens=4), str)


@pytest.mark.parametrize(("precision", "matrix_lr"), [("fp32", 0.0), ("bf16", 0.0), ("fp32", 0.01)])
def test_a_killed_run_goes_on_bit_for_bit(tmp_path: Path, data: Path, precision: str, matrix_lr: float) -> None:
    with_workers = replace(config(tmp_path, data).data, workers=1)
    optim = OptimConfig(lr=2e-3, matrix_lr=matrix_lr, ema=0.9)
    settings = config(tmp_path / "whole", data, precision=precision, data=with_workers, optim=optim)
    run(settings)
    cut = replace(settings, out=tmp_path / "cut")
    with pytest.raises(Killed):
        run(cut, KillAfter(CUT + 1))
    assert len(losses(cut.out)) == CUT + 2  # these lines are written again
    run(cut)
    assert losses(cut.out) == losses(settings.out)
    assert weights(cut.out) == weights(settings.out)


def test_evaluation_leaves_no_trace_in_training(tmp_path: Path, data: Path) -> None:
    class Draws(Callback):
        def on_evaluate(self, spread: Spread, step: int) -> dict[str, float]:
            assert not spread.module.training
            return {"drawn": float(torch.rand(()))}

    held = replace(config(tmp_path, data).data, held_back=0.2)
    rarely, often = (config(tmp_path / str(n), data, data=held, eval_every=n, optim=OptimConfig(lr=2e-3, ema=0.9)) for n in (0, 1))
    run(rarely)
    result = run(often, Draws())
    assert losses(often.out) == losses(rarely.out)
    assert weights(often.out) == weights(rarely.out)
    assert "drawn" in result.evaluations


def test_exact_match_is_asked_of_the_engine(tmp_path: Path, data: Path) -> None:
    held = replace(config(tmp_path, data).data, held_back=0.1)
    result = run(config(tmp_path / "run", data, steps=1, data=held, precision="bf16"), exact_match=True)
    assert 0.0 <= result.evaluations["held_back/exact_match"] <= 1.0


def test_a_finished_run_started_again_does_nothing_more(tmp_path: Path, data: Path) -> None:
    settings = config(tmp_path / "run", data)
    run(settings)
    before = weights(settings.out)
    result = run(settings)
    assert result.finished
    assert result.loss is None
    assert weights(settings.out) == before
    assert len(losses(settings.out)) == STEPS


def test_a_signal_ends_the_step_saves_and_can_be_gone_on_from(tmp_path: Path, data: Path) -> None:
    class Term(Callback):
        def on_step(self, record: StepRecord) -> None:
            if record.step == 2:
                os.kill(os.getpid(), signal.SIGTERM)

    settings = config(tmp_path / "run", data)
    result = run(settings, Term())
    assert (result.step, result.stopped_by, result.model) == (2, "SIGTERM", None)
    assert result.checkpoint is not None
    assert result.checkpoint.name == "step_000002"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert run(settings).finished
    whole = config(tmp_path / "whole", data)
    run(whole)
    assert weights(settings.out) == weights(whole.out)


def test_sigkill_in_the_middle_of_saving_leaves_the_checkpoint_before(tmp_path: Path, data: Path) -> None:
    settings = config(tmp_path / "run", data, save_every=1, steps=4)
    script = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
import torch
torch.set_num_threads({torch.get_num_threads()})  # sums over another number of threads have other last bits
import internvl.train.run_state as run_state
from pathlib import Path
from test_training import config, run
from dataclasses import replace
real = run_state.save_tensors
def slow(tensors, folder):
    real(tensors, folder)
    if folder.name.startswith("step_000002"):
        Path({str(tmp_path / "saving")!r}).touch()
        time.sleep(60)
run_state.save_tensors = slow
run(config(Path({str(settings.out)!r}), Path({str(data)!r}), save_every=1, steps=4))
"""
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True)
    for _ in range(1200):
        if (tmp_path / "saving").exists() or process.poll() is not None:
            break
        time.sleep(0.05)
    process.kill()
    _, said = process.communicate()
    assert (tmp_path / "saving").exists(), said[-2000:]
    checkpoints = settings.out / "checkpoints"
    assert sorted(path.name for path in checkpoints.iterdir()) == ["step_000001", "step_000002.partial"]
    assert [path.name for path in complete_checkpoints(checkpoints)] == ["step_000001"]
    assert run(settings).finished
    whole = config(tmp_path / "whole", data, save_every=1, steps=4)
    run(whole)
    assert losses(settings.out) == losses(whole.out)
    assert weights(settings.out) == weights(whole.out)


def test_what_would_change_the_past_is_refused_by_name(tmp_path: Path, data: Path) -> None:
    settings = config(tmp_path / "run", data, steps=CUT)
    run(settings)
    with pytest.raises(ConfigError, match=r"begun with optim\.lr = 0\.002, it can't go on with 0\.001"):
        run(replace(settings, optim=replace(settings.optim, lr=1e-3)))
    with pytest.raises(ConfigError, match=r"data\.pack_tokens = 160"):
        run(replace(settings, data=replace(settings.data, pack_tokens=200)))
    with pytest.raises(ConfigError, match="cosine schedule"):
        run(replace(settings, steps=STEPS))
    with pytest.raises(ConfigError, match="more than the 2"):
        run(replace(settings, steps=2))
    result = run(replace(settings, steps=STEPS), allow=["steps"])
    assert (result.step, len(losses(settings.out))) == (STEPS, STEPS)


def test_a_run_of_constant_rate_grows(tmp_path: Path, data: Path) -> None:
    constant = OptimConfig(lr=2e-3, warmup=1, schedule="constant")
    long, grown = (config(tmp_path / name, data, optim=constant) for name in ("long", "grown"))
    run(long)
    run(replace(grown, steps=CUT))
    run(grown)
    assert weights(grown.out) == weights(long.out)


class Poison(Callback):
    """Makes the weights no numbers once, after a step, as an overflow would."""

    def __init__(self, step: int, *, heals: bool = False) -> None:
        self.at, self.heals = step, heals
        self.kept: torch.Tensor | None = None

    def on_evaluate(self, spread: Spread, step: int) -> dict[str, float]:
        weight = spread.module.model.language_model.norm.weight
        if step == self.at:
            self.kept = weight.clone()
            weight.fill_(float("nan"))
        elif self.heals and self.kept is not None:
            weight.copy_(self.kept)
        return {}


def test_no_number_stops_the_run_and_names_step_records_and_checkpoint(tmp_path: Path, data: Path) -> None:
    settings = config(tmp_path / "run", data, eval_every=1, save_every=2)
    with pytest.raises(NumericError) as caught:
        run(settings, Poison(3))
    text = str(caught.value)
    assert text.startswith("step 4: the loss is nan")
    assert "mini.jsonl:" in text
    assert "step_000002" in text


def test_no_number_can_be_skipped(tmp_path: Path, data: Path) -> None:
    settings = config(tmp_path / "run", data, eval_every=1, save_every=0, on_nan="skip", steps=5)
    result = run(settings, Poison(2, heals=True))
    lines = [line for line in read_journal(settings.out / "log.jsonl") if "tokens" in line]
    assert result.skipped == 1
    assert [("skipped" in line, line["loss"] is None) for line in lines] == [(n == 2, n == 2) for n in range(5)]
    assert all(bool(tensor.isfinite().all()) for tensor in load_file(settings.out / "model" / "model.safetensors").values())


def test_ten_skipped_steps_in_a_row_end_the_run(tmp_path: Path, data: Path) -> None:
    settings = config(tmp_path / "run", data, eval_every=1, save_every=0, on_nan="skip", steps=20)
    with pytest.raises(NumericError, match="step 11: 10 steps in a row were skipped"):
        run(settings, Poison(1))


def test_adapters_go_out_alone_and_merged(tmp_path: Path, data: Path) -> None:
    lora = LoraConfig(language_rank=4, vision_rank=2, dropout=0.1)
    settings = config(tmp_path / "whole", data, train_parts=frozenset(), lora=lora, precision="bf16")
    result = run(settings)
    cut = replace(settings, out=tmp_path / "cut")
    with pytest.raises(Killed):
        run(cut, KillAfter(CUT))
    run(cut)
    assert weights(cut.out) == weights(settings.out)
    assert result.adapter is not None
    base, merged = load_file(MODEL / "model.safetensors"), load_file(settings.out / "model" / "model.safetensors")
    changed = {name for name in base if not torch.equal(base[name], merged[name])}
    assert changed
    assert all("layers" in name for name in changed)
    stored = load_file(complete_checkpoints(settings.out / "checkpoints")[-1] / "rank_00000" / "model.safetensors")
    assert {name.split("@")[0].rpartition(".")[2] for name in stored if name.startswith("model/")} == {"lora_a", "lora_b"}


@pytest.mark.parametrize("adapted", [True, False])
def test_preference_training_goes_on_bit_for_bit(tmp_path: Path, adapted: bool) -> None:
    pairs = write_data(tmp_path / "pairs", worse=True)
    changes = {"train_parts": frozenset(), "lora": LoraConfig(language_rank=4)} if adapted else {}
    settings = config(tmp_path / "whole", pairs, objective="preference", **changes)
    run(settings)
    cut = replace(settings, out=tmp_path / "cut")
    with pytest.raises(Killed):
        run(cut, KillAfter(CUT))
    run(cut)
    assert losses(cut.out) == losses(settings.out)
    assert weights(cut.out) == weights(settings.out)


def test_epochs_become_steps(tmp_path: Path, data: Path) -> None:
    plain = replace(config(tmp_path, data).data, packing=False)
    result = run(config(tmp_path / "run", data, steps=None, epochs=0.5, batch_size=4, rows_per_forward=2, data=plain))
    assert result.total_steps == 4  # half of 32 records, 4 a step
    assert result.finished


def test_impossible_runs_are_refused_before_they_begin(tmp_path: Path, data: Path) -> None:
    with pytest.raises(ConfigError, match="multiple of rows_per_forward x processes = 2 x 1 = 2, not 3"):
        run(config(tmp_path / "a", data, batch_size=3, rows_per_forward=2))
    with pytest.raises(ConfigError, match=r"data\.manifest is missing"):
        run(config(tmp_path / "b", data, data=DataConfig()))
    with pytest.raises(ConfigError, match="steps must be 1 or more"):
        run(config(tmp_path / "c", data, steps=0))
    with pytest.raises(ConfigError, match="no tracker 'abacus'"):
        run(config(tmp_path / "d", data, trackers=("abacus",)))


def test_a_tracker_that_is_not_there_says_so(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trackio", None)
    with pytest.raises(MissingDependencyError, match="pip install trackio"):
        run(config(tmp_path / "run", data, trackers=("trackio",)))


def test_a_damaged_checkpoint_is_named(tmp_path: Path, data: Path) -> None:
    settings = config(tmp_path / "run", data)
    run(settings)
    last = complete_checkpoints(settings.out / "checkpoints")[-1]
    (last / "complete.json").write_text("{}")
    from internvl.errors import CheckpointError

    with pytest.raises(CheckpointError, match="step_000006"):
        run(settings)
    shutil.rmtree(last)
    assert run(settings).finished


def test_the_end_is_evaluated_once_however_often_it_is_started(tmp_path: Path, data: Path) -> None:
    held = replace(config(tmp_path, data).data, held_back=0.2)
    settings = config(tmp_path / "run", data, data=held, steps=2)
    assert run(settings).evaluations
    run(settings)
    evaluated = [line["step"] for line in read_journal(settings.out / "log.jsonl") if "held_back/loss" in line]
    assert evaluated == [2]
