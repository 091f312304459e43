"""Runs in this process: what the folder holds, that finished units are kept, and that another run is refused."""

from __future__ import annotations

import json
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pipe_run_parts import Broken, DropOdd, Measure, Pages, unit_bytes, write_captions, write_lines

from internvl.data.ledger import Ledger
from internvl.data.record import Origin
from internvl.errors import MissingDependencyError
from internvl.pipelines import worker
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.item import Drop, Item
from internvl.pipelines.ledger_file import write_ledger
from internvl.pipelines.run import RunConfig, RunProgress, run
from internvl.pipelines.speeds import read_speeds
from internvl.pipelines.units import read_units

pytest.importorskip("pyarrow")


def config(tmp_path: Path, rows: int = 20, **settings: Any) -> RunConfig:
    given = {"inputs": (write_captions(tmp_path / "in", rows),), "out": tmp_path / "out", "unit_rows": 6, **settings}
    return RunConfig(**given)


def table(out: Path, columns: list[str] | None = None) -> list[dict[str, Any]]:
    return [row for each in read_units(out, columns) for row in each.to_pylist()]


def test_every_row_is_in_the_result_with_its_columns_or_its_reason(tmp_path: Path) -> None:
    report = run(config(tmp_path), [Measure(), DropOdd()])
    rows = table(tmp_path / "out")
    assert [row["row"] for row in rows] == list(range(1, 21))
    assert list(rows[0]) == [
        "dataset", "file", "row", "sub", "text", "brightness", "length", "first", "short", "words", "even", "fields", "dropped",
    ]  # fmt: skip
    third = rows[3]
    assert (third["text"], third["length"], third["first"], third["short"], third["even"]) == ("caption 3", 9, "c", True, True)
    assert json.loads(third["words"]) == ["caption", "3"]
    assert json.loads(third["fields"]) == {"image": "3.png", "caption": "caption 3", "url": "u3"}
    assert round(third["brightness"], 6) == third["brightness"]
    assert rows[0]["dropped"].startswith("missing picture: ")
    assert rows[2]["dropped"] == "odd row: 3"
    assert rows[2]["length"] == 9
    assert rows[2]["even"] is None
    assert (report.rows, report.kept, report.dropped, report.units, report.units_before) == (20, 8, 12, 4, 0)
    assert report.by_kind == {"odd row": 8, "missing picture": 4}


def test_the_ledger_is_that_of_training(tmp_path: Path) -> None:
    report = run(config(tmp_path), [DropOdd()])
    ledger = Ledger(tmp_path / "out" / "ledger.jsonl")
    assert ledger.dropped == report.dropped
    assert ledger.by_reason()["odd row: 3"] == 1
    assert write_ledger(tmp_path / "own.jsonl", [(Origin("d", "f", 3), "too short: 2 words")]) == {"too short": 1}
    assert Ledger(tmp_path / "own.jsonl").by_reason() == {"too short: 2 words": 1}


def test_finished_units_are_kept_and_missing_ones_done_again(tmp_path: Path) -> None:
    run(config(tmp_path), [Measure()])
    before = unit_bytes(tmp_path / "out")
    (tmp_path / "out/units/000001.parquet").unlink()
    (tmp_path / "out/units/000002.parquet").write_bytes(b"")
    (tmp_path / "out/units/.000003.parquet.0123.part").write_bytes(b"half")
    stamp = (tmp_path / "out/units/000000.parquet").stat().st_mtime_ns
    seen: list[RunProgress] = []
    report = run(config(tmp_path), [Measure()], progress=seen.append)
    assert report.units_before == 2
    assert unit_bytes(tmp_path / "out") == before
    assert (tmp_path / "out/units/000000.parquet").stat().st_mtime_ns == stamp
    assert not list((tmp_path / "out/units").glob(".*"))
    assert [each.rows_done for each in seen] == [8, 14, 20]
    assert {each.rows_before for each in seen} == {8}
    assert seen[-1].units_done == 4


def test_another_run_is_refused_with_the_difference(tmp_path: Path) -> None:
    run(config(tmp_path), [Measure()])
    with pytest.raises(PipelineError, match=r"operators\.1 \(measure\)\.settings\.scale is 1\.0 there and 2\.0 now"):
        run(config(tmp_path), [Measure(scale=2.0)])
    with pytest.raises(PipelineError, match="unit_rows is 6 there and 7 now"):
        run(config(tmp_path, unit_rows=7), [Measure()])
    with pytest.raises(PipelineError, match=r"drop_odd.* is absent there"):
        run(config(tmp_path), [Measure(), DropOdd()])
    with pytest.raises(PipelineError, match=r"inputs\.1 .*bytes"):
        run(config(tmp_path, rows=21), [Measure()])
    assert run(config(tmp_path, rows=21, restart=True), [Measure(scale=2.0)]).rows == 21


def test_a_restart_leaves_what_is_not_its_own(tmp_path: Path) -> None:
    run(config(tmp_path), [Measure()])
    (tmp_path / "out" / "notes.txt").write_text("mine", "utf-8")
    (tmp_path / "out" / "run.json").unlink()
    with pytest.raises(PipelineError, match=r"run\.json is gone"):
        run(config(tmp_path), [Measure()])
    run(config(tmp_path, restart=True), [Measure()])
    assert (tmp_path / "out" / "notes.txt").read_text("utf-8") == "mine"


def test_one_run_at_a_time(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    (tmp_path / "out").mkdir()
    with (tmp_path / "out" / ".run.lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(PipelineError, match="another run is at work"):
            run(config(tmp_path), [])


def test_several_out_of_one(tmp_path: Path) -> None:
    run(config(tmp_path, rows=7, keep_images=True), [Pages(), Measure()])
    rows = table(tmp_path / "out")
    assert [(row["row"], row["sub"]) for row in rows][:5] == [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1)]
    assert [row["page"] for row in rows][:3] == [None, 1, 2]
    assert rows[2]["text"] == "caption 1, page 2"
    assert rows[2]["image"] is not None
    assert len({(row["file"], row["row"], row["sub"]) for row in rows}) == len(rows) == 12


def test_the_size_of_chunks_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(config(tmp_path), [Measure(), DropOdd()])
    monkeypatch.setattr(worker, "CHUNK_BYTES", 1)
    run(replace(config(tmp_path), out=tmp_path / "small"), [Measure(), DropOdd()])
    assert unit_bytes(tmp_path / "small") == unit_bytes(tmp_path / "out")


def test_a_number_that_is_none_drops_its_sample(tmp_path: Path) -> None:
    def work(items: list[Item]) -> list[Any]:
        return [item.with_fields(score=math.nan if item.origin.row == 2 else 0.12345678) for item in items]

    run(config(tmp_path, rows=4), [Broken(work)])
    assert [row["score"] for row in table(tmp_path / "out")] == [None, None, 0.123457, 0.123457]
    assert table(tmp_path / "out")[1]["dropped"] == "bad value: score is nan"


def test_a_text_that_is_none_drops_its_sample(tmp_path: Path) -> None:
    def work(items: list[Item]) -> list[Any]:
        return [replace(item, text="\ud800") if item.origin.row == 2 else Drop("odd: \udfff") for item in items]

    run(config(tmp_path, rows=3), [Broken(work)])
    rows = table(tmp_path / "out")
    assert (rows[1]["text"], rows[1]["dropped"]) == (None, "bad value: text holds half of a surrogate pair, which is no text")
    assert rows[2]["dropped"] == "odd: \\udfff"


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (lambda items: [], "gave 0 outcomes for 4 samples"),
        (lambda items: [[] for _ in items], "must give an Item"),
        (lambda items: ["no item" for _ in items], "must give an Item"),
        (lambda items: [replace(item, origin=Origin("a", "b", 1)) for item in items], "with the origin"),
        (lambda items: [item.with_fields(score="high") for item in items], "declared as float and got 'high'"),
        (lambda items: [item.with_fields(score=True) for item in items], "declared as float and got True"),
        (lambda items: [replace(item, text=7) for item in items], "'text' is declared as str and got 7"),
        (lambda items: [item.with_fields(other={1, 2}) for item in items], "no JSON"),
    ],
)
def test_an_operator_that_breaks_its_contract_is_named(tmp_path: Path, work: Any, words: str) -> None:
    with pytest.raises(PipelineError, match=words):
        run(config(tmp_path), [Broken(work)])


def test_what_an_operator_raises_says_where(tmp_path: Path) -> None:
    def work(items: list[Item]) -> list[Any]:
        raise ZeroDivisionError("no luck")

    with pytest.raises(ZeroDivisionError) as caught:
        run(config(tmp_path), [Broken(work)])
    assert "'broken'" in caught.value.__notes__[0]
    assert "captions.jsonl:2" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("operators", "settings", "words"),
    [
        ([Measure(), Measure()], {}, "two operators are called 'measure'"),
        ([Measure(), Measure(name="again")], {}, "'brightness', which is taken"),
        ([Broken(None, "number")], {}, "'number', none of"),
        ([Measure(scale={1})], {}, "no JSON"),  # type: ignore[arg-type]
        ([], {"unit_rows": 0}, "unit_rows must be 1 or more"),
    ],
)
def test_settings_that_can_not_be(tmp_path: Path, operators: Any, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(PipelineError, match=words):
        run(config(tmp_path, **settings), operators)


def test_inputs_of_which_none_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"no tar")
    (tmp_path / "b.parquet").write_bytes(b"no Parquet")
    with pytest.raises(PipelineError, match=r"none of the 2 inputs can be read; the first, .*a\.tar"):
        run(RunConfig(inputs=(tmp_path / "a.tar", tmp_path / "b.parquet"), out=tmp_path / "out"), [])
    good = write_lines(tmp_path / "c.jsonl", [{"caption": "t"}])
    report = run(RunConfig(inputs=(tmp_path / "a.tar", good, tmp_path / "b.parquet"), out=tmp_path / "out"), [])
    assert (report.kept, report.by_kind) == (1, {"unreadable file": 2})


def test_an_unfinished_or_missing_run_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="holds no run"):
        next(read_units(tmp_path))
    run(config(tmp_path), [])
    (tmp_path / "out/units/000002.parquet").unlink()
    with pytest.raises(PipelineError, match="unit 2 of 4 is missing"):
        list(read_units(tmp_path / "out", ["row"]))
    (tmp_path / "out/run.json").write_text("{", "utf-8")
    with pytest.raises(PipelineError, match="damaged"):
        run(config(tmp_path), [])


def test_relative_inputs_and_an_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_captions(tmp_path / "in", 4)
    (tmp_path / "in" / "empty.jsonl").touch()
    monkeypatch.chdir(tmp_path)
    report = run(RunConfig(inputs=("in/empty.jsonl", "in/captions.jsonl"), out=Path("out")), [])
    assert report.kept == 3
    assert {row["file"] for row in table(Path("out"))} == {os.path.join("in", "captions.jsonl")}
    assert run(RunConfig(inputs=("in/empty.jsonl",), out=Path("none")), []).rows == 0


def test_speeds_of_a_run(tmp_path: Path) -> None:
    run(config(tmp_path), [Measure(pause_s=0.01), DropOdd()])
    speeds = {speed.name: speed for speed in read_speeds(tmp_path / "out")}
    assert list(speeds) == ["(read)", "measure", "drop_odd"]
    assert (speeds["(read)"].items, speeds["measure"].items) == (20, 16)
    assert speeds["measure"].seconds >= 0.04
    assert speeds["measure"].items_per_second == pytest.approx(16 / speeds["measure"].seconds)
    assert speeds["measure"].core_seconds_per_million == pytest.approx(1e6 / speeds["measure"].items_per_second)
    with pytest.raises(PipelineError, match="no times"):
        read_speeds(tmp_path)


def test_without_ray_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "ray" else find(name, *rest))
    with pytest.raises(MissingDependencyError, match=r"internvl\[pipelines\]"):
        run(config(tmp_path, workers=2), [])
    assert run(config(tmp_path), []).rows == 20


def test_an_item_with_fields_is_a_new_one() -> None:
    item = Item(origin=Origin("d", "f", 1), fields={"a": 1})
    assert dict(item.with_fields(b=2).fields) == {"a": 1, "b": 2}
    assert dict(item.fields) == {"a": 1}
    assert Drop("too short: 2 words").kind == "too short"
