"""Every published run takes a real step on a tiny model, what it names learns and the rest stays, and progressive scaling runs
from its first step to its last."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import internvl
from internvl.train.config import TrainConfig
from internvl.train.lora import ranks
from internvl.train.published import PUBLISHED, published_config
from internvl.train.stages import stage_config
from internvl.train.trainer import Trainer

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from recipes import progressive  # noqa: E402

FIXTURES = ROOT / "tests" / "parity" / "fixtures"
SMALL, LARGE = FIXTURES / "internvl2-qwen2", FIXTURES / "internvl2-llama3"
PREFIXES = {"vision_encoder": "vision_model.", "projector": "mlp1.", "language_model": "language_model."}


def toy(config: TrainConfig, folder: Path, model: Path | str = SMALL) -> TrainConfig:
    """The same run on a tiny model and four records: one step, no warmup, a rate that can be seen in one step."""
    data = replace(
        config.data, manifest=_records(folder, preference=config.objective == "preference"), root=FIXTURES, max_tokens=400, max_tiles=2,
        pack_tokens=512, pack_tiles=8, workers=0,
    )  # fmt: skip
    return replace(
        config, model=str(model), out=folder / "run", data=data, batch_size=2, steps=1, precision="fp32", parallel="none",
        optim=replace(config.optim, lr=1e-2, warmup=0.0),
    )  # fmt: skip


def _records(folder: Path, *, preference: bool) -> Path:
    lines = []
    for number in range(4):
        question, answer = f"<image>\nWhat is in picture {number}?", f"A thing with {number} corners."
        turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
        said = {"question": question, "chosen": answer, "rejected": "Nothing."} if preference else {"conversations": turns}
        lines.append(json.dumps({"id": number, "image": f"image{number}.png", **said}))
    path = folder / "records.jsonl"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def changed_parts(before: Path, after: Path) -> set[str]:
    old, new = load_file(before / "model.safetensors"), load_file(after / "model.safetensors")
    assert old.keys() == new.keys()
    return {
        part for part, prefix in PREFIXES.items() for name in old if name.startswith(prefix) and not torch.equal(old[name], new[name])
    }


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_run_takes_a_step_and_only_its_parts_change(name: str, tmp_path: Path) -> None:
    config = toy(published_config(name), tmp_path)
    result = Trainer(config, quiet=True).run()
    assert result.finished
    assert result.loss is not None
    assert math.isfinite(result.loss)
    assert result.dropped == 0
    assert result.model is not None
    assert changed_parts(SMALL, result.model) == set(config.train_parts) | set(ranks(config.lora))
    assert (result.adapter is not None) == bool(ranks(config.lora))


def test_adapters_on_the_vision_encoder(tmp_path: Path) -> None:
    result = Trainer(toy(stage_config("vision_lora"), tmp_path), quiet=True).run()
    assert result.model is not None
    assert changed_parts(SMALL, result.model) == {"vision_encoder"}


def test_progressive_scaling_from_the_small_to_the_large_model(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir(), (tmp_path / "two").mkdir()
    small = Trainer(toy(progressive.align_small(), tmp_path / "one"), quiet=True).run().model
    assert small is not None
    assert changed_parts(SMALL, small) == {"vision_encoder", "projector"}

    made = progressive.swap_in(small, LARGE, template="internlm2-chat", out=tmp_path / "large", image_size=56)
    old, new = load_file(small / "model.safetensors"), load_file(made.folder / "model.safetensors")
    assert all(torch.equal(new[name], old[name]) for name in old if name.startswith("vision_model."))

    large = Trainer(toy(progressive.align_large(), tmp_path / "two", made.folder), quiet=True).run().model
    assert large is not None
    assert changed_parts(made.folder, large) == {"projector"}
    answer = internvl.load(large, device="cpu").chat("What is it?", internvl.Image(FIXTURES / "image0.png"), max_new_tokens=4)
    assert isinstance(answer, str)
