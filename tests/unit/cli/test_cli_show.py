"""`show`, `count`, `convert` and `doctor`: what they print is what the library says."""

from __future__ import annotations

import builtins
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
import torch
from cli_runs import FIXTURES, Run
from safetensors.torch import load_file

from internvl.checkpoint import hub
from internvl.cli import machine
from internvl.cli.console import UsageError, bytes_in_words
from internvl.cli.convert import parse_bytes
from internvl.models.families import RELEASED


def row_of(output: str, name: str) -> list[str]:
    return next(line.split() for line in output.splitlines() if name in line.split())


def test_show_lists_every_released_model(run: Run) -> None:
    result = run("show")
    assert result.exit_code == 0
    assert all(row_of(result.stdout, name) for name in RELEASED)
    sizes = ["0.30B", "33.6M", "7.74B", "8.08B", "8.1B"]
    assert row_of(result.stdout, "InternVL2-8B")[1:] == ["InternViT-300M-448px", "internlm2_5-7b-chat", *sizes, "internlm2-chat"]


def test_show_fits_a_terminal_of_80_columns(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("internvl.models.families.RELEASED", {"InternVL2-8B": RELEASED["InternVL2-8B"]})
    monkeypatch.setenv("COLUMNS", "80")
    narrow = run("show").stdout
    assert max(map(len, narrow.splitlines())) <= 80
    assert row_of(narrow, "InternVL2-8B")[1:] == ["0.30B", "33.6M", "7.74B", "8.08B", "8.1B"]


def test_show_one_model(run: Run) -> None:
    details = json.loads(run("show", "OpenGVLab/InternVL2-8B", "--json").stdout)
    assert details["parameters"] == {
        "vision_encoder": 304_012_288, "projector": 33_570_816, "language_model": 7_737_782_272, "total": 8_075_365_376,
    }  # fmt: skip
    assert details["bytes_in_bfloat16"] == 2 * details["parameters"]["total"]
    assert details["tokens_per_tile"] == 256
    assert (details["vision_encoder"]["layers"], details["language_model"]["layers"]) == (24, 32)
    assert "note" not in details
    assert "rounds up" in json.loads(run("show", "InternVL2-4B", "--json").stdout)["note"]
    assert "16.15 GB" in run("show", "InternVL2-8B").stdout


def test_show_a_folder(run: Run, model: Path, tmp_path: Path) -> None:
    details = json.loads(run("show", model, "--json").stdout)
    assert (details["layout"], details["dtype"], details["shards"]) == ("original", "F32", 1)
    assert details["bytes_on_disk"] == (model / "model.safetensors").stat().st_size
    assert details["tensors"] * 4 < details["bytes_on_disk"]
    assert details["parameters"]["total"] * 4 < details["bytes_on_disk"] < details["parameters"]["total"] * 4 + 20_000
    missing = run("show", tmp_path / "nothing")
    assert missing.exit_code == 1
    assert "no folder here" in missing.stderr


def test_show_finds_a_missing_tensor(run: Run, model: Path, tmp_path: Path) -> None:
    config = json.loads((model / "config.json").read_text())
    config["llm_config"]["num_hidden_layers"] += 1
    shutil.copyfile(model / "model.safetensors", tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(config))
    result = run("show", tmp_path)
    assert result.exit_code == 1
    assert "tensors are missing" in result.stderr


def test_count_agrees_with_the_original(run: Run, model: Path, pictures: list[Path]) -> None:
    golden = json.loads((model / "golden.json").read_text("utf-8"))["tiles12"]
    counted = json.loads(run("count", *pictures, "-q", "Hi", "--model", model, "--json").stdout)
    assert [item["tiles"] for item in counted["media"]] == [item["n"] for item in golden]
    assert [item["grid"] for item in counted["media"]] == ["{}x{}".format(*item["ratio"]) for item in golden]
    assert counted["visual_tokens"] == sum(item["n"] for item in golden) * 4
    assert counted["total_tokens"] == counted["visual_tokens"] + counted["text_tokens"]
    assert counted["context_left"] == 8192 - counted["total_tokens"]


def test_count_is_what_chat_uses_and_opens_no_weights(run: Run, model: Path, pictures: list[Path], tmp_path: Path) -> None:
    for file in model.iterdir():
        if file.suffix in (".json", ".txt"):
            shutil.copyfile(file, tmp_path / file.name)
    words = (pictures[0], "-q", "What is it?", "--max-tiles", 3, "--json", "--model")
    counted = json.loads(run("count", *words, tmp_path).stdout)
    chatted = json.loads(run("chat", *words, model, "--set", "max_new_tokens=1").stdout)
    assert counted["total_tokens"] == chatted["usage"]["prompt_tokens"]
    assert counted["tiles"] == chatted["tiles"]


def test_count_prints_a_table(run: Run, model: Path, pictures: list[Path]) -> None:
    result = run("count", pictures[0], pictures[4], "--model", model, "--set", "budget=4")
    row = next(line for line in result.stdout.splitlines() if "image4.png" in line)
    assert row.split()[1:] == ["1", "640", "x", "480", "1x1", "1", "4"]
    assert "4 tiles shared by all pictures" in result.stdout


def test_an_animation_is_counted_as_stills(run: Run, model: Path, tmp_path: Path) -> None:
    pytest.importorskip("av")
    frames = [PIL.Image.new("RGB", (64, 32), (25 * i, 0, 0)) for i in range(10)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:], duration=100)
    words = ("count", tmp_path / "moving.gif", "--model", model)
    assert [item["tiles"] for item in json.loads(run(*words, "--json").stdout)["media"]] == [1] * 8
    row = next(line for line in run(*words, "--frames", 5).stdout.splitlines() if "moving.gif" in line)
    assert row.split()[1:] == ["5", "any", "1x1", "5", "20"]
    chatted = run("chat", *words[1:], "-q", "x", "--set", "frames=3", "--set", "max_new_tokens=1", "--json")
    assert json.loads(chatted.stdout)["usage"]["tiles"] == 3


def test_convert_there_and_back(run: Run, model: Path, tmp_path: Path) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    result = run("convert", model, there, "--to", "native", "--max-shard-size", "100KB")
    assert result.exit_code == 0, result.output
    assert len(list(there.glob("*.safetensors"))) > 1
    assert "in the native layout" in result.stderr
    assert json.loads(run("show", there, "--json").stdout)["layout"] == "native"
    assert run("convert", there, back, "--to", "original", "--quiet").stderr == ""
    before, after = (load_file(folder / "model.safetensors") for folder in (model, back))
    assert before.keys() == after.keys()
    assert all(torch.equal(tensor, after[name]) and tensor.dtype == after[name].dtype for name, tensor in before.items())


def test_convert_overwrites_nothing(run: Run, model: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("dear")
    result = run("convert", model, tmp_path, "--to", "native")
    assert result.exit_code == 1
    assert "not an empty folder" in result.stderr
    assert result.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_sizes_in_words() -> None:
    assert [bytes_in_words(size) for size in (16_150_000_000, 1_510_000, 812)] == ["16.15 GB", "1.51 MB", "812 bytes"]


def test_sizes_of_shards() -> None:
    assert [parse_bytes(text) for text in ("5GB", "1.5 GiB", "500mb", "2k", "77")] == [5 * 10**9, 3 * 2**29, 5 * 10**8, 2000, 77]
    for text in ("", "GB", "0", "-1GB", "5TB", "5i"):
        with pytest.raises(UsageError, match="--max-shard-size"):
            parse_bytes(text)


def findings(run: Run) -> tuple[int, dict[str, dict[str, Any]]]:
    result = run("doctor", "--json")
    return result.exit_code, {finding["name"]: finding for finding in json.loads(result.stdout)}


def test_doctor_finds_the_core_well(run: Run) -> None:
    code, found = findings(run)
    assert code == 0
    assert found["torch"]["value"] == torch.__version__
    assert {"features", "cores", "total", "attention", "cache", "offline"} <= set(found)
    assert found["offline"]["value"].startswith(("yes", "no"))
    assert "torch" in run("doctor").stdout


def test_doctor_warns_of_a_cuda_build_without_a_gpu(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    code, found = findings(run)
    assert (code, found["cuda"]["status"]) == (0, "warn")
    assert "whl/cpu" in found["cuda"]["value"]


def test_doctor_fails_when_a_core_library_is_broken(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, *args: Any, **options: Any) -> Any:
        if name == "sentencepiece":
            raise ImportError("libstdc++ is too old")
        return builtins.__import__(name, *args, **options) if args else sys.modules[name]

    monkeypatch.setattr(machine.importlib, "import_module", refuse)
    code, found = findings(run)
    assert (code, found["sentencepiece"]["status"]) == (1, "fail")
    assert "libstdc++ is too old" in found["sentencepiece"]["value"]


def test_doctor_examines_embedded_models(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "internvl2-qwen2", tmp_path / "tiny")
    monkeypatch.setattr(hub, "EMBEDDED_FOLDER", tmp_path)
    code, found = findings(run)
    assert (code, found["tiny"]["status"]) == (0, "ok")
    weights = tmp_path / "tiny" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    code, found = findings(run)
    assert (code, found["tiny"]["status"]) == (1, "fail")
