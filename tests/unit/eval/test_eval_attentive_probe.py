"""The attentive probe: its pool looks at all tokens, it learns the toy, test features are stored under the trained head."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from vector_toys import NAMES, ColourEncoder, embedder, paint, write_imagenet

from internvl.eval.embedding_runner import run_embedding_task
from internvl.eval.errors import BenchmarkFileError, EvalError
from internvl.eval.heads.probe import AttentiveHead, AttentiveRecipe
from internvl.eval.progress import Progress
from internvl.eval.results import Result, load_samples
from internvl.eval.tasks import registered
from internvl.eval.tasks.attentive_probe import AttentiveProbe

SMALL = AttentiveRecipe(epochs=40, batch_size=6, base_lr=5.0, heads=4, pooled=12, pool_std=0.5)


class Toy(AttentiveProbe):
    """The task with a small pool and a rate that learns six colours in few steps."""

    recipe = SMALL
    save_every = 5


def write_toy(root: Path) -> None:
    write_imagenet(root, each=2, part="train")
    write_imagenet(root, each=1, shade=5)


def probe(root: Path, out: Path, task: AttentiveProbe | None = None, **options: Any) -> Result:
    return run_embedding_task(task or Toy(), ColourEncoder(), root=root, split="imagenet", out=out, **options)


def test_the_published_pool_has_16_heads_and_768_numbers() -> None:
    recipe = AttentiveRecipe()
    head = AttentiveHead(3200, 5, recipe)
    assert (head.pool.heads, head.pool.out.weight.shape, head.probe.linear.weight.shape) == (16, (768, 3200), (5, 768))
    assert (recipe.base_lr, recipe.epochs, recipe.batch_size) == (0.1, 10, 1024)
    assert AttentiveHead(24, 5, recipe).pool.heads == 8  # as many as divide the width


def test_the_pool_weighs_tokens_and_the_mean_does_not() -> None:
    head = AttentiveHead(8, 3, replace(SMALL, pool_std=1.0)).eval()
    tokens = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(1))
    assert head(tokens).shape == (2, 3)
    torch.testing.assert_close(head(tokens), head(tokens[:, torch.randperm(5)]))
    moved = tokens.clone()
    step = torch.randn(8, generator=torch.Generator().manual_seed(2))
    moved[:, 0] += step
    moved[:, 1] -= step  # the mean stays
    assert not torch.allclose(head(tokens), head(moved))


def test_it_learns_the_toy_and_a_stopped_training_goes_on(tmp_path: Path) -> None:
    write_toy(tmp_path)
    whole = probe(tmp_path, tmp_path / "whole")
    assert (whole.headline, whole.samples, whole.published) == (100.0, 6, None)

    def stop(progress: Progress) -> None:
        if progress.title.endswith("training steps") and progress.done == 33:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        probe(tmp_path, tmp_path / "broken", progress=stop)
    assert probe(tmp_path, tmp_path / "broken").scores == whole.scores
    rows = [(tmp_path / name / "attentive_probe_imagenet_internvl/samples.jsonl").read_bytes() for name in ("whole", "broken")]
    assert rows[0] == rows[1]
    assert [row.score["prediction"] for row in load_samples(tmp_path / "whole/attentive_probe_imagenet_internvl")] == list(range(6))


def test_test_features_belong_to_the_head(tmp_path: Path) -> None:
    write_toy(tmp_path)
    out = tmp_path / "out"
    probe(tmp_path, out)
    before = {path.parent.parent.name for path in (out / "heads").rglob("pictures/*.safetensors")}
    next((out / "heads").glob("*/internvl.safetensors")).unlink()
    again = Toy()
    again.recipe = replace(SMALL, seed=5)
    probe(tmp_path, out, again)
    after = {path.parent.parent.name for path in (out / "heads").rglob("pictures/*.safetensors")}
    assert len(before) == 1
    assert len(after) == 2


def test_bad_pictures_and_embedders_are_refused(tmp_path: Path) -> None:
    write_toy(tmp_path)
    with pytest.raises(EvalError, match="attentive_probe needs a FeatureExtractor"):
        run_embedding_task(Toy(), embedder(), root=tmp_path, out=tmp_path / "out")
    paint(next((tmp_path / "imagenet-1k/train").rglob("*.JPEG")), NAMES[0]).write_bytes(b"broken")
    with pytest.raises(BenchmarkFileError, match="row 1"):
        probe(tmp_path, tmp_path / "out")


def test_it_is_in_the_table() -> None:
    assert isinstance(registered("attentive_probe"), AttentiveProbe)
