"""The linear probe: learned on toy pictures, tested on all sets with their masks and labels, continued after a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from vector_toys import IDS, NAMES, ColourEncoder, embedder, paint, write_imagenet, write_json

from internvl.eval.embedding_runner import run_embedding_task
from internvl.eval.errors import BenchmarkFileError, EvalError
from internvl.eval.feature_extractor import ProbeEmbedder, VisionFeatures, maps_of
from internvl.eval.heads.probe import ProbeRecipe
from internvl.eval.progress import Progress
from internvl.eval.results import Result, load_samples
from internvl.eval.tasks.linear_probe import LinearProbe
from internvl.messages import Image
from internvl.models.config import VisionConfig
from internvl.models.vision.encoder import VisionEncoder


class Toy(LinearProbe):
    """The task with a rate that learns six colours in few steps."""

    recipe = ProbeRecipe(epochs=30, batch_size=6, base_lr=20.0)
    save_every = 5


def write_toy(root: Path) -> None:
    """Training and test pictures of six colours."""
    write_imagenet(root, each=2, part="train")
    write_imagenet(root, each=1, shade=5)


def probe(root: Path, out: Path, split: str = "imagenet", variant: str = "internvl", **options: Any) -> Result:
    return run_embedding_task(Toy(), ColourEncoder(), root=root, split=split, variant=variant, out=out, **options)


@pytest.mark.parametrize("variant", ["internvl", "cached"])
def test_the_probe_learns_the_toy(tmp_path: Path, variant: str) -> None:
    write_toy(tmp_path)
    result = probe(tmp_path, tmp_path / "out", variant=variant)
    assert (result.headline, result.samples, result.published) == (100.0, 6, "Linear probe" if variant == "internvl" else None)
    assert load_samples(tmp_path / f"out/linear_probe_imagenet_{variant}")[5].score["prediction"] == 5


def test_real_counts_any_label_and_leaves_out_pictures_without_one(tmp_path: Path) -> None:
    write_toy(tmp_path)
    write_json(tmp_path / "real.json", [[4, 0], [2], [], [3], [4, 1], []])
    result = probe(tmp_path, tmp_path / "out", "real", "cached")
    assert (result.samples, result.scores["acc1"]) == (4, 0.75)  # the lime picture is no longer right
    rows = load_samples(tmp_path / "out/linear_probe_real_cached")
    assert [row.reference for row in rows] == [[4, 0], [2], [3], [4, 1]]


def test_a_and_r_choose_among_their_own_classes(tmp_path: Path) -> None:
    write_toy(tmp_path)
    paint(tmp_path / "imagenet-a" / IDS[1] / "a.jpg", "yellow")
    paint(tmp_path / "imagenet-a" / IDS[2] / "b.jpg", "blue")
    paint(tmp_path / "imagenet-r" / IDS[3] / "b.jpg", "yellow")
    for index, name in enumerate(NAMES):
        paint(tmp_path / "imagenetv2/ImageNetV2-matched-frequency" / str(index) / "x.jpeg", name)
    out = tmp_path / "out"
    assert [probe(tmp_path, out, split, "cached").headline for split in ("a", "r", "v2")] == [100.0, 100.0, 100.0]
    assert len(list((out / "heads").rglob("*.safetensors"))) == 1


class _Interrupts:
    """A progress callback that stops the training at a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def __call__(self, progress: Progress) -> None:
        if progress.title.endswith("training steps") and progress.done == self.step:
            raise KeyboardInterrupt


def test_a_stopped_training_goes_on_and_ends_in_the_same_head(tmp_path: Path) -> None:
    write_toy(tmp_path)
    whole = probe(tmp_path, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        probe(tmp_path, tmp_path / "broken", progress=_Interrupts(13))
    broken = probe(tmp_path, tmp_path / "broken")
    assert broken.scores == whole.scores
    heads = [next((tmp_path / name / "heads").rglob("*.safetensors")).read_bytes() for name in ("whole", "broken")]
    assert heads[0] == heads[1]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[0], [6]], r"entry 2: a list of classes 0...5"),
        ([[0], 1], r"entry 2: a list of classes 0...5"),
        ({"0": 1}, r"a list with the labels"),
        ([[0], [1]], r"row 3 .*ILSVRC2012_val_00000001...00000002, not for this name"),
    ],
)
def test_bad_labels_of_real_are_refused_with_their_entry(tmp_path: Path, labels: object, message: str) -> None:
    write_toy(tmp_path)
    write_json(tmp_path / "real.json", labels)
    with pytest.raises(BenchmarkFileError, match=message):
        probe(tmp_path, tmp_path / "out", "real", "cached")


def test_an_embedder_is_no_encoder_of_tokens(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match="linear_probe needs a FeatureExtractor"):
        run_embedding_task(LinearProbe(), embedder(), root=tmp_path, out=tmp_path / "out")


def _vision() -> tuple[VisionEncoder, VisionConfig]:
    config = VisionConfig(hidden_size=8, intermediate_size=16, num_layers=3, num_heads=2, patch_size=4, image_size=16)
    torch.manual_seed(2)
    encoder = VisionEncoder(config)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.normal_(0.0, 0.3)
    return encoder.eval(), config


def test_internvit_gives_the_tokens_of_its_layers_and_their_probe_features() -> None:
    encoder, config = _vision()
    features = VisionFeatures(encoder, config, name="vit", description={"model_hash": "sha256:0"}, image_size=8)
    pixels = torch.randn(2, 3, 8, 12)
    first, last = features.tokens(pixels, [0, 2])
    assert torch.equal(first, encoder(pixels, layers=1))
    assert torch.equal(last, encoder(pixels))
    assert maps_of(last, 2, 3).shape == (2, 8, 2, 3)
    assert torch.equal(maps_of(last, 2, 3)[0, :, 1, 0], last[0, 4])
    assert features.describe() == {"model_hash": "sha256:0", "image_size": 8, "dtype": "float32"}
    assert next(depth for _, depth in features.parameter_depths()) == 0
    assert len(list(features.parameter_depths())) == len(list(encoder.parameters()))
    with pytest.raises(EvalError, match=r"blocks 0\.\.\.2, tokens of \[3\]"):
        features.tokens(pixels, [3])
    with pytest.raises(EvalError, match="2 x 2 patches and a class token"):
        maps_of(last, 2, 2)
    array = torch.randint(0, 255, (8, 8, 3), dtype=torch.uint8).numpy()
    (vector,) = ProbeEmbedder(features).encode_images([Image(array)], "crop")
    assert vector.shape == (16,)
    with pytest.raises(EvalError, match="encodes no sentences"):
        ProbeEmbedder(features).encode_texts(["a"])
