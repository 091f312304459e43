"""`internvl data check` on the embedded model: tables, JSON, files and exit codes."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_runs import FIXTURES
from typer.testing import CliRunner, Result

from internvl.cli.data import app


def line(question: str, answer: str = "A sign.", **fields: Any) -> str:
    return json.dumps({"conversations": [{"from": "human", "value": question}, {"from": "gpt", "value": answer}], **fields})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(FIXTURES / "image0.png", tmp_path / "a.png")
    good = [line("What is it?", image="a.png"), line("Hello"), line("<image> <image>", image=["a.png", "a.png"])]
    pair = json.dumps({"image": "a.png", "question": "What?", "chosen": "This.", "rejected": "That."})
    (tmp_path / "good.jsonl").write_text("\n".join([*good, pair]), "utf-8")
    (tmp_path / "bad.jsonl").write_text("\n".join([*good, line("What?", image="b.png"), *["{"] * 30]), "utf-8")
    meta = {"fine": {"annotation": "good.jsonl", "repeat_time": 3}, "faulty": {"annotation": "bad.jsonl", "weight": 0.5}}
    (tmp_path / "meta.json").write_text(json.dumps(meta), "utf-8")
    return tmp_path


def check(*words: object) -> Result:
    return CliRunner().invoke(app, ["check", *map(str, words)])


def test_a_sound_data_set(folder: Path) -> None:
    result = check(folder / "good.jsonl", "--decode")
    assert result.exit_code == 0, result.output
    assert "4 records, 0 bad" in result.stdout
    assert "1 image, 1 text, 1 several images, 1 preference" in result.stdout


def test_bad_records_are_told_counted_and_written(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "bad.jsonl").write_text("from an earlier look\n", "utf-8")
    result = check(folder / "meta.json", "--root", folder, "--out", folder / "out")
    assert result.exit_code == 1
    assert f"{folder / 'bad.jsonl'}:4: " in result.stdout
    assert "b.png" in result.stdout
    assert result.stdout.count("not valid JSON") == 19
    assert f"... and 11 more, all in {folder / 'out' / 'bad.jsonl'}" in result.stdout
    assert "38 records, 31 bad" in result.stdout
    written = [json.loads(each) for each in (folder / "out" / "bad.jsonl").read_text("utf-8").splitlines()]
    assert len(written) == 31
    assert written[0]["dataset"] == "faulty"
    assert json.loads((folder / "out" / "summary.json").read_text("utf-8"))["bad"] == 31
    assert check(folder / "meta.json", "--root", folder, "--allow-bad").exit_code == 0


def test_json_alone_on_stdout_and_what_it_says(folder: Path) -> None:
    report = json.loads(check(folder / "meta.json", "--root", folder, "--json", "--set", "mixing=sqrt_length").stdout)
    fine, faulty = report["datasets"]
    assert (fine["records"], fine["rows"], fine["kinds"]) == (4, 12, {"image": 1, "text": 1, "several images": 1, "preference": 1})
    assert fine["share"] + faulty["share"] == pytest.approx(1)
    assert fine["share"] / faulty["share"] == pytest.approx((12 / 34) ** 0.5 / 0.5)
    assert fine["visual_tokens"] == 16 * fine["tiles"] > 0
    assert sum(report["tokens"]["histogram"].values()) == 7
    assert len(report["first_bad"]) == 20


def test_the_limit_is_the_configs(folder: Path) -> None:
    report = json.loads(check(folder / "good.jsonl", "--json", "--set", "max_tokens=60", "--set", "max_tiles=1").stdout)
    longest = report["tokens"]["max"]
    assert report["bad"] == 1
    assert report["first_bad"][0]["reason"] == f"{longest} tokens, limit 60"


def test_lengths_are_those_of_the_examples(folder: Path) -> None:
    from internvl.checkpoint.hub import resolve
    from internvl.cli.loading import load_processor
    from internvl.data.builder import ExampleBuilder
    from internvl.data.config import DataConfig
    from internvl.data.manifest import load_manifest
    from internvl.data.sources import open_source

    assert resolve("internvl-nano").is_dir()
    processor, _ = load_processor("internvl-nano", policy={}, max_tiles=None)
    source = open_source(load_manifest(folder / "good.jsonl").datasets[0])
    builders = [ExampleBuilder(processor, DataConfig()), ExampleBuilder(processor, DataConfig(), preference=True)]
    examples = [builders[index == 3].build(source.record(index), source.spec, seed=0) for index in range(4)]
    only = json.loads(check(folder / "good.jsonl", "--json").stdout)["datasets"][0]
    assert only["text_tokens"] + only["visual_tokens"] == sum(example.tokens for example in examples)
    assert only["tiles"] == sum(example.tiles for example in examples)
    assert only["longest"] == max(example.tokens for example in examples)


def test_without_matplotlib_a_note_takes_the_pictures_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    result = check(folder / "good.jsonl", "--out", folder / "out")
    assert result.exit_code == 0
    assert "no lengths.png: drawing histograms needs matplotlib: pip install 'internvl[plot]'" in result.stderr
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["bad.jsonl", "summary.json"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("missing.jsonl",), "there is no file"),
        (("good.jsonl", "--set", "max_token=5"), "--set knows no 'max_token'"),
        (("good.jsonl", "--set", "max_tokens=0"), "max_tokens must be 1 or more, not 0"),
        (("good.jsonl", "--set", "max_tiles=41"), "max_tiles is at most 40, not 41"),
        (("good.jsonl", "--model", "no-such-model"), "no model 'no-such-model'"),
    ],
)
def test_what_can_not_be_checked_is_an_error(folder: Path, words: tuple[str, ...], told: str) -> None:
    result = check(folder / words[0], *words[1:])
    assert result.exit_code != 0
    assert told in str(result.exception)
