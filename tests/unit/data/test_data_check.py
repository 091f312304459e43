"""A data set with one fault of each kind: every fault is found, counted and listed, and good records are counted right."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import PIL.Image
import pytest

from internvl.data.check import check_data
from internvl.data.check_plot import plot_lengths
from internvl.data.check_report import TILE_STARTS, TOKEN_STARTS, DataReport, histogram, summary
from internvl.data.config import DataConfig
from internvl.data.ledger import Ledger
from internvl.data.manifest import DatasetSpec, load_manifest
from internvl.data.record import Record, RecordError
from internvl.errors import MissingDependencyError

PER_TILE = 10


@dataclass(frozen=True)
class FakeCost:
    tokens: int
    tiles: int


class FakeMeasurer:
    """A token for each character, two tiles for each picture. In a module, so that worker processes can import it."""

    def measure(self, record: Record, spec: DatasetSpec) -> FakeCost:
        text = sum(len(each.text) for each in record.utterances)
        if "forbidden" in record.utterances[0].text:
            raise RecordError("forbidden\nword")
        return FakeCost(text + 2 * PER_TILE * len(record.images), 2 * len(record.images))


def line(question: str, answer: str = "yes", **fields: Any) -> str:
    return json.dumps({"conversations": [{"from": "human", "value": question}, {"from": "gpt", "value": answer}], **fields})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    PIL.Image.new("RGB", (40, 30)).save(tmp_path / "good.png")
    turned = PIL.Image.new("RGB", (40, 30))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif)
    (tmp_path / "text.png").write_text("no picture")
    whole = (tmp_path / "good.png").read_bytes()
    big = PIL.Image.effect_noise((64, 64), 50)
    big.save(tmp_path / "big.png")
    (tmp_path / "torn.png").write_bytes((tmp_path / "big.png").read_bytes()[:-600])
    assert len(whole) > 60
    return tmp_path


def run(folder: Path, lines: list[str], **options: Any) -> DataReport:
    (folder / "set.jsonl").write_text("\n".join(lines), "utf-8")
    manifest = load_manifest(folder / "set.jsonl")
    config = options.pop("config", DataConfig(max_tokens=100, workers=0))
    return check_data(manifest, FakeMeasurer(), config, tokens_per_tile=PER_TILE, **options)


FAULTS = {
    line("q", image="missing.png"): "can't open",
    line("q", image="text.png"): "no picture",
    line("q", image="good.png", width=30, height=40): "good.png has 40 x 30 pixels, the record says 30 x 40",
    line("<image><image>", image="good.png"): "2 <image> marks, but the record has 1 image",
    line("q", "<box>[[5, 5, 4, 9]]</box>", image="good.png"): "x1 <= x2",
    line("q", ""): "the answer is empty",
    line("q" * 98, "yes"): "101 tokens, limit 100",
    line("forbidden"): "forbidden word",
    "{": "not valid JSON",
}


def test_each_fault_is_found_with_its_line_and_reason(folder: Path) -> None:
    good = [
        line("q", image="good.png", width=40, height=30),
        line("q", image="turned.jpg", width=40, height=30),
        line("text", "answer"),
    ]
    ledger = Ledger(folder / "bad.jsonl")
    seen: list[tuple[int, int]] = []
    report = run(folder, [*good, *FAULTS], ledger=ledger, progress=lambda done, total: seen.append((done, total)))
    assert (report.records, report.bad) == (12, len(FAULTS))
    assert [origin.row for origin, _ in report.first_bad] == list(range(4, 13))
    for (_, reason), told in zip(report.first_bad, FAULTS.values(), strict=True):
        assert told in reason or (told == "no picture" and "text.png" in reason)
    entries = [json.loads(each) for each in (folder / "bad.jsonl").read_text("utf-8").splitlines()]
    assert [(entry["row"], entry["reason"]) for entry in entries] == [(origin.row, reason) for origin, reason in report.first_bad]
    assert seen[0] == (1, 12)
    assert seen[-1] == (12, 12)
    (only,) = report.datasets
    assert only.kinds == {"image": 2, "text": 1}
    texts = 2 * len("<image>\nqyes") + len("textanswer")
    assert (only.text_tokens, only.visual_tokens, only.tiles) == (texts, 4 * PER_TILE, 4)
    assert only.longest == len("<image>\nqyes") + 2 * PER_TILE
    # Too long ones are in the histogram, to show what a higher limit would let in.
    assert report.tokens.max() == 101


def test_what_fits_into_no_pack_is_found(folder: Path) -> None:
    lines = [line("<image>" * 3, image=["good.png"] * 3), line("q" * 60), line("q")]
    limits = {"pack_tokens": 50, "pack_tiles": 5, "workers": 0}
    reasons = [reason for _, reason in run(folder, lines, config=DataConfig(pack_tiles=5, workers=0)).first_bad]
    assert reasons == ["6 tiles, but a pack holds at most 5 (pack_tiles)"]
    assert run(folder, lines, config=DataConfig(**limits)).bad == 2
    assert run(folder, lines, config=DataConfig(packing=False, **limits)).bad == 0


def test_only_decoding_finds_a_torn_picture(folder: Path) -> None:
    lines = [line("q", image="torn.png"), line("q", image="good.png")]
    assert run(folder, lines).bad == 0
    report = run(folder, lines, decode=True)
    assert report.bad == 1
    assert "torn.png" in report.first_bad[0][1]


def test_decoding_clips(folder: Path) -> None:
    pytest.importorskip("av")
    stills = [PIL.Image.effect_noise((32, 32), 50) for _ in range(6)]
    stills[0].save(folder / "clip.gif", save_all=True, append_images=stills[1:], duration=100)
    (folder / "torn.gif").write_bytes((folder / "clip.gif").read_bytes()[:-900])
    lines = [
        line("q", video="clip.gif"),
        line("q", video="torn.gif"),
        line("q", video="none.gif"),
        line("q", video="clip.gif", clip=[9, 10]),
    ]
    report = run(folder, lines, decode=True)
    assert [origin.row for origin, _ in report.first_bad] == [2, 3, 4]
    assert report.datasets[0].kinds == {"video": 1}


def test_a_record_counts_once_however_often_it_is_used(folder: Path) -> None:
    (folder / "a.jsonl").write_text("\n".join(line(str(n)) for n in range(100)), "utf-8")
    (folder / "b.jsonl").write_text("\n".join([line("q", ""), line("q")]), "utf-8")
    meta = {"a": {"annotation": "a.jsonl", "repeat_time": 0.1}, "b": {"annotation": "b.jsonl", "repeat_time": 5, "weight": 2}}
    (folder / "meta.json").write_text(json.dumps(meta), "utf-8")
    manifest, config = load_manifest(folder / "meta.json", root=folder), DataConfig(mixing="length", workers=0)
    report = check_data(manifest, FakeMeasurer(), config, tokens_per_tile=PER_TILE)
    a, b = report.datasets
    assert (a.records, a.rows, b.records, b.rows, b.bad) == (10, 10, 2, 10, 1)
    assert (a.share, b.share) == (pytest.approx(1 / 3), pytest.approx(2 / 3))


def test_what_is_held_back_is_looked_at_but_not_trained_on(folder: Path) -> None:
    lines = [line("q", "" if row < 50 else "yes") for row in range(100)]
    (only,) = run(folder, lines, config=DataConfig(held_back=0.3, workers=0)).datasets
    assert (only.records, only.bad) == (100, 50)
    assert 55 < only.rows < 85


def test_worker_processes_find_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [*FAULTS, *(line("q" * (n % 40 + 1)) for n in range(200))]
    alone = run(folder, lines)
    monkeypatch.setattr("internvl.data.check.WORTH_WORKERS", 1)
    shared = run(folder, lines, config=DataConfig(max_tokens=100, workers=2))
    assert shared.to_dict() == alone.to_dict()
    assert shared.tokens.tolist() == alone.tokens.tolist()


def test_a_report_without_records(folder: Path) -> None:
    report = run(folder, [])
    assert (report.records, report.bad, report.to_dict()["tokens"]) == (0, 0, {"histogram": {}})


def test_histogram_and_summary() -> None:
    values = numpy.array([1, 32, 33, 64, 129, 10**6])
    classes = histogram(values, TOKEN_STARTS)
    assert list(classes)[:3] == ["0-32", "33-64", "65-128"]
    assert (classes["0-32"], classes["33-64"], classes["65-128"], classes["129-256"], classes["131073+"]) == (2, 2, 0, 1, 1)
    assert sum(classes.values()) == 6
    assert histogram(numpy.array([1, 1, 3, 13, 50]), TILE_STARTS) == {
        "1": 2,
        "2": 0,
        "3-4": 1,
        "5-7": 0,
        "8-13": 1,
        "14-25": 0,
        "26-41": 0,
        "42+": 1,
    }
    assert summary(numpy.arange(101)) == {"min": 0, "p1": 1, "p50": 50, "p90": 90, "p99": 99, "max": 100, "mean": 50.0}


@pytest.mark.parametrize("rows", [0, 30])
def test_the_picture_of_the_histograms(folder: Path, rows: int) -> None:
    pytest.importorskip("matplotlib")
    plot_lengths(run(folder, [line("q" * n, image="good.png") for n in range(rows)]), folder / "lengths.png")
    with PIL.Image.open(folder / "lengths.png") as picture:
        assert picture.size == (1200, 480)


def test_without_matplotlib_the_error_names_the_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(MissingDependencyError, match=r"internvl\[plot\]"):
        plot_lengths(run(folder, []), folder / "lengths.png")
