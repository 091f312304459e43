"""`internvl eval` on a dual encoder's folder: zero-shot classes, and a probe of its vision encoder alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from typer.testing import CliRunner, Result
from vector_toys import NAMES, TEMPLATES, write_imagenet

from internvl import Image, load_dual
from internvl.cli.main import app
from internvl.eval.results import load_result, load_samples
from internvl.eval.vision_features import open_vision_features

FOLDER = Path(__file__).parents[2] / "parity" / "fixtures" / "internvl-14b"


def verb(task: str, root: Path, out: Path, *words: str) -> Result:
    given = [task, "--data", str(root), "--out", str(out), "--model", str(FOLDER), "--device", "cpu", "--json", *words]
    return CliRunner().invoke(app, ["eval", *given])


@pytest.mark.parametrize("mode", ["InternVL-C", "InternVL-G"])
def test_classes_are_those_nearest_to_the_pictures(tmp_path: Path, mode: str) -> None:
    pictures = write_imagenet(tmp_path / "data", each=1)
    done = verb("imagenet", tmp_path / "data", tmp_path / "out", "--mode", mode)
    assert done.exit_code == 0, done.output
    rows = load_samples(tmp_path / "out/imagenet_test_en")
    dual = load_dual(FOLDER, device="cpu", mode=mode)  # type: ignore[arg-type]
    sentences = [template.replace("{c}", name) for name in NAMES for template in TEMPLATES]
    classes = F.normalize(dual.encode_texts(sentences).unflatten(0, (len(NAMES), -1)).mean(1), dim=-1)
    best = (dual.encode_images([Image(path) for path in pictures], view="crop") @ classes.T).argmax(1)
    assert [row.answers[0] for row in rows] == [NAMES[index] for index in best]
    described = load_result(tmp_path / "out/imagenet_test_en").recipe["generator"]
    assert (described["mode"], described["image_size"], described["dtype"]) == (mode, 56, "float32")
    assert json.loads(done.stdout)[0]["task"] == "imagenet"


def test_its_vision_encoder_can_be_probed_alone() -> None:
    features = open_vision_features(FOLDER, image_size=56)
    model = load_dual(FOLDER, device="cpu").model
    pixels = torch.randn(2, 3, 56, 56, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        (tokens,) = features.tokens(pixels, [features.num_layers - 1])
        assert torch.equal(tokens, model.vision_encoder(pixels))


def test_an_unknown_mode_is_refused(tmp_path: Path) -> None:
    write_imagenet(tmp_path / "data", each=1)
    done = verb("imagenet", tmp_path / "data", tmp_path / "out", "--mode", "InternVL-H")
    assert done.exit_code == 1
    assert "the modes InternVL-C, InternVL-G, not 'InternVL-H'" in " ".join(done.stderr.split())
