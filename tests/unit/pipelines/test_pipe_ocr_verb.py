"""`internvl data ocr` from the command line to records that training reads, with a reader that is told what to read."""

from __future__ import annotations

import io
import json
from pathlib import Path

import PIL.Image
import pytest
from typer.testing import CliRunner

from internvl.cli.main import app
from internvl.data.manifest import load_manifest
from internvl.data.sources import open_source
from internvl.pipelines.ocr.line import Line
from internvl.pipelines.ocr.reader import ReaderSource

pytest.importorskip("py3langid")


class Receipt:
    """Reads the same receipt on every picture that is not blank."""

    def read(self, picture: PIL.Image.Image) -> list[Line]:
        if picture.convert("L").getextrema() == (255, 255):
            return []
        rows = ("HARBOUR CAFE", "Total: 12.50", "Thank you for your visit", "hello@cafe.example.org", "Come back some other day")
        return [
            Line(text=text, box=(20, 20 + 30 * row, 20 + 8 * len(text), 40 + 30 * row), score=0.99) for row, text in enumerate(rows)
        ]

    def read_line(self, picture: PIL.Image.Image) -> str:
        return ""


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(ReaderSource, "open", lambda self: Receipt())
    monkeypatch.setattr("internvl.pipelines.ocr.read._identifier", lambda: lambda words: "en")
    monkeypatch.setattr(ReaderSource, "settings", lambda self: {"name": self.name})
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, colour in (("a.png", "grey"), ("b.png", "white"), ("c.png", "grey")):
        content = io.BytesIO()
        PIL.Image.new("RGB", (300, 200), colour).save(content, "PNG")
        (folder / name).write_bytes(content.getvalue())
    return folder


def ocr(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["data", "ocr", *map(str, words)])
    return result.exit_code, result.output


def test_records_that_training_reads(pictures: Path, tmp_path: Path) -> None:
    code, shown = ocr(pictures, "--out", tmp_path / "out", "--draw", "1", "--turns", "2")
    assert code == 0, shown
    assert "dropped: no text" in shown
    assert (tmp_path / "out" / "drawn" / "00000.png").is_file()
    shards = tmp_path / "out" / "shards"
    source = open_source(load_manifest(shards / "00000.jsonl", root=shards).datasets[0])
    records = [source.record(index) for index in range(len(source))]
    assert len(records) == 2
    assert all(len(record.utterances) == 4 and record.sizes == ((300, 200),) for record in records)
    ledger = [json.loads(line) for line in (tmp_path / "out" / "ledger.jsonl").read_text("utf-8").splitlines()]
    assert [Path(line["file"]).name for line in ledger] == ["b.png"]
    assert ledger[0]["reason"].startswith("no text")


def test_the_same_call_again_does_nothing_and_another_is_refused(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert ocr(pictures, "--out", out, "--unit-rows", "1")[0] == 0
    before = {path: path.stat().st_mtime_ns for path in (out / "units").iterdir()}
    assert ocr(pictures, "--out", out, "--unit-rows", "1")[0] == 0
    assert {path: path.stat().st_mtime_ns for path in (out / "units").iterdir()} == before
    assert ocr(pictures, "--out", out, "--unit-rows", "1", "--seed", "1")[0] == 1


def test_json_alone_on_stdout(pictures: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["data", "ocr", str(pictures), "--out", str(tmp_path / "out"), "--json", "--quiet"])
    report = json.loads(result.stdout)
    assert report["kept"] == report["kept_pages"]["pages"] == 2
    assert report["kept_pages"]["read_by"] == {"pp-ocrv6": 2}


@pytest.mark.parametrize("wrong", [["--mix", "sing=1"], ["--min-line", "7"], ["--set", "nothing=1"], ["--dpi", "3"]])
def test_wrong_settings_are_told_before_anything_is_read(wrong: list[str], tmp_path: Path) -> None:
    code, shown = ocr(tmp_path / "nowhere", "--out", tmp_path / "out", *wrong)
    assert code in (1, 2)
    assert "error" in shown
    assert "nowhere" not in shown
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("form", "name"), [("parquet", "00000.parquet"), ("webdataset", "00000.tar")])
def test_other_forms_of_shards(pictures: Path, tmp_path: Path, form: str, name: str) -> None:
    code, shown = ocr(pictures, "--out", tmp_path / "out", "--format", form)
    assert code == 0, shown
    source = open_source(load_manifest(tmp_path / "out" / "shards" / name).datasets[0])
    assert len(source) == 2
    assert all(isinstance(source.record(index).images[0], bytes) for index in range(2))
