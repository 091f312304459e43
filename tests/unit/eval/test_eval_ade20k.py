"""ADE20K: heads learn toy scenes, areas are summed over the set, a kill costs little, bad files are refused."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from vector_toys import COLOURS, ColourEncoder

from internvl.eval.ade20k_files import open_scene, read_scenes, reduced
from internvl.eval.embedding_runner import run_embedding_task
from internvl.eval.errors import BenchmarkFileError, EvalError
from internvl.eval.heads.segmentation_recipes import RECIPES
from internvl.eval.metrics.segmentation import semseg_miou
from internvl.eval.progress import Progress
from internvl.eval.results import Result
from internvl.eval.segmentation_views import distorted, train_view
from internvl.eval.tasks.ade20k import TASK, Ade20K

SMALL = {"crop": 16, "stride": 10, "scale": (64, 16), "batch_size": 2, "lr": 0.1, "channels": 4, "ratios": (1.0, 1.0)}
CLASS_COLOURS = ("red", "blue", "lime")


class Toy(Ade20K):
    """Three classes, small pictures, few steps."""

    classes = 3
    save_every = 4
    recipes = {  # noqa: RUF012
        name: replace(row, steps=60 if row.decoder == "linear" else 6, warmup_steps=2, **SMALL) for name, row in RECIPES.items()
    }


def write_scenes(root: Path, part: str, count: int) -> None:
    """Two halves of different classes, labels from 1, one row of no class."""
    for index in range(count):
        left, right = index % 3, (index + 1) % 3
        pixels, labels = np.zeros((16, 24, 3), np.uint8), np.zeros((16, 24), np.uint8)
        for columns, own in ((slice(0, 12), left), (slice(12, 24), right)):
            pixels[:, columns], labels[:, columns] = COLOURS[CLASS_COLOURS[own]], own + 1
        labels[0] = 0
        name, folder = f"ADE_{part[:5]}_{index + 1:08d}", root / "ADEChallengeData2016"
        _save(folder / "images" / part / f"{name}.jpg", pixels)
        _save(folder / "annotations" / part / f"{name}.png", labels)


def _save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(array).save(path, **({"quality": 98} if path.suffix == ".jpg" else {}))


def segmented(root: Path, out: Path, variant: str = "linear_probe", **options: Any) -> Result:
    return run_embedding_task(Toy(), ColourEncoder(), root=root, variant=variant, out=out, **options)


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """Toy scenes for training and validation."""
    write_scenes(tmp_path, "training", 6)
    write_scenes(tmp_path, "validation", 3)
    return tmp_path


def test_a_linear_head_learns_the_toy_and_the_score_is_that_of_the_set(scenes: Path) -> None:
    result = segmented(scenes, scenes / "out")
    assert result.scores["mIoU"] > 80
    assert result.headline == result.scores["mIoU"]
    assert (result.samples, result.total, result.published) == (3, 3, "ADE20K")
    assert set(result.scores) == {"aAcc", "mIoU", "mAcc"}


def test_the_worked_examples_of_the_original_scorer() -> None:
    assert semseg_miou([[[0, 0], [1, 1]]], [[[1, 1], [2, 1]]], 3, reduce_zero_label=True) == {
        "aAcc": 75.0,
        "mIoU": 58.33,
        "mAcc": 83.33,
    }
    assert TASK.scale == 1.0


@pytest.mark.parametrize(("variant", "trained"), [("head_tuning", False), ("full_tuning", True), ("few_shot_2", True)])
def test_every_kind_of_recipe_runs_and_only_some_change_the_encoder(scenes: Path, variant: str, trained: bool) -> None:
    encoder = ColourEncoder()
    before = encoder.scale.weight.detach().clone()
    task = Toy()
    task.recipes = {variant: replace(task.recipes[variant], steps=3, warmup_steps=1)}
    result = run_embedding_task(task, encoder, root=scenes, variant=variant, out=scenes / "out")
    assert 0 <= result.scores["mIoU"] <= 100
    assert torch.equal(encoder.scale.weight, before) is not trained


class _Interrupts:
    def __init__(self, what: str, done: int) -> None:
        self.what, self.done = what, done

    def __call__(self, progress: Progress) -> None:
        if progress.title.endswith(self.what) and progress.done == self.done:
            raise KeyboardInterrupt


@pytest.mark.parametrize(("what", "done"), [("training steps", 7), ("scenes", 2)])
def test_a_stopped_run_goes_on_and_ends_as_an_unbroken_one(scenes: Path, what: str, done: int) -> None:
    whole = segmented(scenes, scenes / "whole")
    with pytest.raises(KeyboardInterrupt):
        segmented(scenes, scenes / "broken", progress=_Interrupts(what, done))
    broken = segmented(scenes, scenes / "broken")
    assert broken.scores == whole.scores
    files = [sorted((scenes / name / "heads").rglob("linear_probe.safetensors")) for name in ("whole", "broken")]
    assert files[0][0].read_bytes() == files[1][0].read_bytes()
    rows = [(scenes / name / "ade20k_validation_linear_probe/samples.jsonl").read_bytes() for name in ("whole", "broken")]
    assert rows[0] == rows[1]


def test_views_for_training_keep_labels_with_their_pixels_and_pad_with_the_unknown(scenes: Path) -> None:
    image, labels = open_scene(read_scenes(scenes, "training")[0])
    recipe = replace(RECIPES["linear_probe"], **SMALL | {"crop": 40})
    pixels, classes = train_view(image, reduced(labels), recipe, random.Random(3))
    assert (pixels.shape, classes.shape, classes.dtype) == ((3, 40, 40), (40, 40), torch.int64)
    assert set(classes.unique().tolist()) == {0, 1, 255}
    assert bool((classes[16:] == 255).all())
    assert float(pixels[:, 16:].abs().max()) == 0.0
    again = train_view(image, reduced(labels), recipe, random.Random(3))
    assert torch.equal(again[0], pixels)
    spread = {distorted(np.full((2, 2, 3), 100, np.uint8), random.Random(seed)).tobytes() for seed in range(20)}
    assert len(spread) > 5


def test_reduced_labels_begin_at_zero_and_ignore_the_unlabelled() -> None:
    assert reduced(np.array([[0, 1, 150]], np.uint8)).tolist() == [[255, 0, 149]]


def test_bad_scenes_are_refused_with_their_row(scenes: Path) -> None:
    folder = scenes / "ADEChallengeData2016"
    second = folder / "annotations/validation/ADE_valid_00000002.png"
    PIL.Image.fromarray(np.full((16, 24), 9, np.uint8)).save(second)
    with pytest.raises(BenchmarkFileError, match=r"row 2 \(ADE_valid_00000002\).*class 9, 0...3 are expected"):
        segmented(scenes, scenes / "out")
    PIL.Image.fromarray(np.zeros((4, 4), np.uint8)).save(second)
    with pytest.raises(BenchmarkFileError, match=r"row 2 .*uint8 \[4, 4\], uint8 \[16, 24\]"):
        open_scene(read_scenes(scenes, "validation")[1])
    second.write_bytes(b"no picture")
    with pytest.raises(BenchmarkFileError, match=r"row 2 .*can't be read"):
        open_scene(read_scenes(scenes, "validation")[1])
    second.unlink()
    with pytest.raises(BenchmarkFileError, match=r"row 2 .*is absent"):
        read_scenes(scenes, "validation")
    with pytest.raises(BenchmarkFileError, match=r"holds no \.jpg"):
        read_scenes(scenes, "testing")


def test_a_head_is_not_trained_by_several_processes(scenes: Path) -> None:
    with pytest.raises(EvalError, match="can't be shared by 2"):
        segmented(scenes, scenes / "out", shard=(0, 2))
