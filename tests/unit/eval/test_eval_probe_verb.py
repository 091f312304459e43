"""`internvl eval linear_probe` on real checkpoint folders: the shipped model and a tiny chat model, toy pictures, no language model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result
from vector_toys import write_imagenet

from internvl.checkpoint.hub import resolve
from internvl.cli.main import app
from internvl.engine.vlm import VLM
from internvl.eval.results import load_result, load_samples
from internvl.eval.vision_features import open_vision_features

TINY = Path(__file__).parents[2] / "parity" / "fixtures" / "internvl2-qwen2"


def probe(root: Path, out: Path, *words: object) -> Result:
    """The verb on the toy, on the CPU."""
    common = ["--data", root, "--out", out, "--device", "cpu", "--variant", "cached"]
    return CliRunner().invoke(app, ["eval", "linear_probe", *(str(word) for word in (*common, *words))])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_imagenet(tmp_path / "data", each=2, part="train")
    write_imagenet(tmp_path / "data", each=1, shade=5)
    return tmp_path / "data"


@pytest.mark.parametrize("model", ["internvl-nano", TINY])
def test_an_encoder_on_disk_is_that_of_its_chat_model(model: str | Path) -> None:
    folder = resolve(model)
    whole = VLM.load(folder, device="cpu", dtype="float32").model
    features = open_vision_features(folder, image_size=whole.config.vision.image_size, dtype=torch.float32)
    pixels = torch.randn(2, 3, features.image_size, features.image_size, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        (tokens,) = features.tokens(pixels, [features.num_layers - 1])
        assert torch.equal(tokens, whole.vision_encoder(pixels))
    assert tokens.shape == (2, 1 + (features.image_size // features.patch_size) ** 2, features.width)


@pytest.mark.parametrize("model", ["internvl-nano", TINY])
def test_the_verb_probes_a_checkpoint(root: Path, tmp_path: Path, model: str | Path) -> None:
    out = tmp_path / "out"
    done = probe(root, out, "--model", model, "--dtype", "float32", "--json")
    assert done.exit_code == 0, done.output
    [shown] = json.loads(done.stdout)
    result = load_result(out / "linear_probe_imagenet_cached")
    assert (shown["task"], shown["tiles"], shown["headline"]) == ("linear_probe", None, result.headline)
    assert (result.samples, result.complete, result.model) == (6, True, resolve(model).name)
    assert result.recipe["generator"]["model_hash"].startswith("sha256:")
    rows = load_samples(out / "linear_probe_imagenet_cached")
    assert result.headline == pytest.approx(100 * sum(row.score["score"] for row in rows) / 6)
    again = probe(root, out, "--model", model, "--dtype", "float32")
    assert again.exit_code == 0, again.output
    assert "Linear probe imagenet, cached" in again.stdout


def test_a_probe_shares_a_command_with_no_service_and_no_tiles(root: Path, tmp_path: Path) -> None:
    for words, said in (
        (["--url", "http://x/v1"], "no use for --url"),
        (["--replay", root, "--tiles", "1,6"], "no use for --replay, --tiles"),
        (["--split", "v3"], "has the splits imagenet, real"),
        (["--shard", "0/2"], "can't be shared by 2"),
        (["--dtype", "int8"], "int8"),
        (["--model", root], "config.json"),
    ):
        done = probe(root, tmp_path / "out", *words)
        assert done.exit_code in (1, 2), words
        assert said in " ".join(done.stderr.split()), done.stderr
    assert not (tmp_path / "out" / "linear_probe_imagenet_cached").exists()


def test_a_chat_model_is_no_dual_encoder(tmp_path: Path) -> None:
    write_imagenet(tmp_path / "data")
    done = CliRunner().invoke(app, ["eval", "imagenet", "--data", str(tmp_path / "data"), "--model", str(TINY)])
    assert done.exit_code == 1
    assert "a dual encoder has the model_type 'internvl'" in " ".join(done.stderr.split())
