"""`internvl classify`: every picture gets one of the names, is copied there without writing over another, or is told of."""

from __future__ import annotations

import json
from pathlib import Path

import PIL.Image
import pytest
from cli_runs import FIXTURES, Run

from internvl import Image, load_dual

MODEL = str(FIXTURES / "internvl-14b")
COLOURS = ("red", "green", "blue")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    for below in ("a", "b"):
        (folder / below).mkdir(parents=True)
        for colour in COLOURS:
            PIL.Image.new("RGB", (20, 30 if below == "a" else 40), colour).save(folder / below / f"{colour}.png")
    return folder


def test_classes_are_those_of_the_library(run: Run, pictures: Path) -> None:
    done = run("classify", str(pictures), "--names", "红色,绿色", "--language", "zh", "--model", MODEL, "--json", "--quiet")
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["pictures"]
    assert [Path(row["path"]).name for row in rows] == ["blue.png", "green.png", "red.png"] * 2
    dual = load_dual(MODEL, device="cpu")
    for row in rows:
        guesses = dual.classify(Image(row["path"]), ["红色", "绿色"], language="zh")
        assert row["class"] == guesses[0].name
        assert row["probabilities"] == pytest.approx({each.name: each.probability for each in guesses}, abs=1e-4)


def test_copies_stand_in_folders_and_none_is_written_over(run: Run, pictures: Path, tmp_path: Path) -> None:
    into = tmp_path / "sorted"
    for _ in range(2):  # the second time changes nothing
        done = run("classify", str(pictures), "--names", "x,y", "--sure", "1.0", "--into", str(into), "--model", MODEL, "--quiet")
        assert done.exit_code == 0, done.output
        copies = sorted(file.relative_to(into) for file in into.rglob("*.png"))
        assert [str(each) for each in copies] == [f"unsure/{colour}{n}.png" for colour in sorted(COLOURS) for n in ("-2", "")]
    assert {file.read_bytes() for file in into.rglob("*.png")} == {file.read_bytes() for file in pictures.rglob("*.png")}


def test_a_damaged_picture_is_told_of_and_holds_up_nobody(run: Run, pictures: Path) -> None:
    (pictures / "a" / "green.png").write_bytes((pictures / "a" / "green.png").read_bytes()[:40])
    done = run("classify", str(pictures), "--names", "x,y", "--model", MODEL, "--json", "--quiet")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert len(told["pictures"]) == 5
    assert [Path(each["path"]).name for each in told["unreadable"]] == ["green.png"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--names", "cat"], "two names or more"),
        ([], "--names"),
        (["--names", "a,b", "--names-file", __file__], "--names"),
        (["--names", "../up,b"], "can't be the name"),
        (["--names", "a,a"], "different names"),
        (["--names", "a,b", "--language", "tlh"], "'tlh'"),
        (["--names", "a,b", "--template", "nothing"], "{}"),
    ],
)
def test_what_cannot_be_asked(run: Run, pictures: Path, arguments: list[str], said: str) -> None:
    done = run("classify", str(pictures), *arguments, "--model", MODEL, "--quiet")
    assert done.exit_code != 0
    assert said in done.stderr


def test_nothing_to_classify(run: Run, tmp_path: Path) -> None:
    done = run("classify", str(tmp_path), "--names", "a,b", "--model", MODEL)
    assert done.exit_code == 2
    assert "no picture below" in done.stderr
