"""Shards of all forms: training reads them, a run reads them, and a kill leaves no half ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pipe_run_parts import DropOdd, Measure, Pages, picture, write_captions, write_lines, write_tar

from internvl.data.manifest import DatasetSpec
from internvl.data.record import Record
from internvl.data.sources import open_source
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.run import RunConfig, run
from internvl.pipelines.shard_forms import Form, ParquetShards, suffix_of
from internvl.pipelines.shards import write_shards
from internvl.pipelines.units import read_units

pytest.importorskip("pyarrow")
FORMS: tuple[Form, ...] = ("parquet", "webdataset", "jsonl")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    run(RunConfig(inputs=(write_captions(tmp_path / "in", 20),), out=tmp_path / "out", unit_rows=6), [Measure(), DropOdd()])
    return tmp_path / "out"


def records(pattern: Path) -> list[Record]:
    source = open_source(DatasetSpec(name="d", annotation=pattern, root=pattern.parent))
    return [source.record(index) for index in range(len(source))]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("form", FORMS)
def test_training_reads_what_was_kept(out: Path, form: Form) -> None:
    report = write_shards(out, form=form, rows_per_shard=3)
    assert (report.rows, report.shards, report.shards_before) == (8, 3, 0)
    suffix = {"parquet": "parquet", "webdataset": "tar", "jsonl": "jsonl"}[form]
    found = records(out / "shards" / f"0*.{suffix}")
    kept = [row for table in read_units(out) for row in table.to_pylist() if row["dropped"] is None]
    assert [record.utterances[-1].text for record in found] == [row["text"] for row in kept]
    shown = [image if isinstance(image, bytes) else image.read_bytes() for record in found for image in record.images]
    assert shown == [picture(row["row"] - 1) for row in kept]
    assert report.bytes == sum(path.stat().st_size for path in (out / "shards").glob(f"0*.{suffix}"))


@pytest.mark.parametrize("form", FORMS)
def test_a_run_reads_shards_of_a_run(out: Path, tmp_path: Path, form: Form) -> None:
    write_shards(out, form=form, rows_per_shard=5)
    suffix = {"parquet": "parquet", "webdataset": "tar", "jsonl": "jsonl"}[form]
    report = run(RunConfig(inputs=(out / "shards" / f"0*.{suffix}",), out=tmp_path / "second"), [Measure()])
    assert (report.rows, report.dropped) == (8, 0)
    first = [row["brightness"] for table in read_units(out) for row in table.to_pylist() if row["dropped"] is None]
    assert [row["brightness"] for table in read_units(tmp_path / "second") for row in table.to_pylist()] == first


def test_the_released_format_has_sizes_and_scores(out: Path) -> None:
    write_shards(out, form="jsonl")
    line = json.loads((out / "shards" / "00000.jsonl").read_text("utf-8").splitlines()[0])
    assert (line["width"], line["height"], line["image"]) == (8, 8, "images/00000/000000000.png")
    assert line["conversations"] == [{"from": "human", "value": "<image>"}, {"from": "gpt", "value": "caption 1"}]
    assert line["scores"]["length"] == 9
    assert line["scores"]["words"] == ["caption", "1"]
    assert line["url"] == "u1"


def test_chosen_rows_only(out: Path) -> None:
    file = next(iter(read_units(out, ["file"]))).column("file")[0].as_py()
    report = write_shards(out, [(file, 4), (file, 18)], form="jsonl")
    assert report.rows == 2
    lines = (out / "shards" / "00000.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["url"] for line in lines] == ["u3", "u17"]
    for rows, words in (
        ([(file, 18), (file, 4)], "out of its order"),
        ([(file, 99)], "not in the run"),
        ([(file, 3)], "was dropped by the run"),
        ([(file, 4)] * 2, "twice"),
    ):
        with pytest.raises(PipelineError, match=words):
            write_shards(out, rows, form="jsonl")


@pytest.mark.parametrize("form", FORMS)
def test_what_is_there_is_kept_and_the_rest_is_the_same(out: Path, tmp_path: Path, form: Form) -> None:
    write_shards(out, form=form, rows_per_shard=3)
    whole = contents(out / "shards")
    again = write_shards(out, form=form, rows_per_shard=3)
    assert again.shards_before == 3
    second = sorted(path for path in (out / "shards").iterdir() if path.name.startswith("00001"))[0]
    second.unlink()
    (out / "shards" / ".00001.tar.0123.part").write_bytes(b"half")
    assert write_shards(out, form=form, rows_per_shard=3).shards_before == 2
    assert contents(out / "shards") == whole
    fewer = write_shards(out, _first_rows(out, 4), form=form, rows_per_shard=3)
    assert (fewer.rows, fewer.shards, fewer.shards_before) == (4, 2, 1)
    fresh = write_shards(out, _first_rows(out, 4), to=tmp_path / "fresh", form=form, rows_per_shard=3)
    assert fresh.shards == 2
    assert contents(out / "shards") == contents(tmp_path / "fresh")


def _first_rows(out: Path, count: int) -> list[tuple[str, int]]:
    rows = [row for table in read_units(out) for row in table.to_pylist() if row["dropped"] is None]
    return [(row["file"], row["row"]) for row in rows[:count]]


def test_another_form_needs_another_folder_or_a_restart(out: Path) -> None:
    write_shards(out, form="jsonl")
    with pytest.raises(PipelineError, match="shards of the form jsonl"):
        write_shards(out, form="webdataset")
    write_shards(out, form="webdataset", restart=True)
    assert sorted(path.name for path in (out / "shards").iterdir()) == ["00000.tar", "images", "index.jsonl"]
    assert not list((out / "shards" / "images").iterdir())


def test_pictures_that_are_files_can_stay_where_they_are(out: Path, tmp_path: Path) -> None:
    write_shards(out, form="jsonl", copy_images=False)
    line = json.loads((out / "shards" / "00000.jsonl").read_text("utf-8").splitlines()[0])
    assert line["image"] == str(tmp_path / "in" / "1.png")


def test_several_pictures_and_conversations_survive(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "<image> <image> Which?"}, {"from": "gpt", "value": "The first."}]
    members = {"1.0.png": picture(1), "1.1.png": picture(2), "1.json": json.dumps({"conversations": turns}).encode()}
    path = write_tar(tmp_path / "in.tar", members)
    run(RunConfig(inputs=(path,), out=tmp_path / "out"), [])
    for form, name in (("parquet", "00000.parquet"), ("webdataset", "00000.tar"), ("jsonl", "00000.jsonl")):
        write_shards(tmp_path / "out", to=tmp_path / form, form=form)  # type: ignore[arg-type]
        record = records(tmp_path / form / name)[0]
        assert record.utterances[0].text == "<image> <image> Which?"
        assert [image if isinstance(image, bytes) else image.read_bytes() for image in record.images] == [picture(1), picture(2)]


def test_made_pictures_must_have_been_kept(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(9))
    path = write_lines(tmp_path / "a.jsonl", [{"image": "a.png", "caption": "t"}])
    run(RunConfig(inputs=(path,), out=tmp_path / "out"), [Pages()])
    with pytest.raises(PipelineError, match="keep_images"):
        write_shards(tmp_path / "out", form="webdataset")
    run(RunConfig(inputs=(path,), out=tmp_path / "kept", keep_images=True), [Pages()])
    write_shards(tmp_path / "kept", [(str(path), 1, 1)], form="webdataset")
    record = records(tmp_path / "kept" / "shards" / "00000.tar")[0]
    assert record.images == (picture(2),)
    assert record.utterances[-1].text == "t, page 2"


@pytest.mark.parametrize("form", FORMS)
def test_a_picture_that_went_away_is_left_out_and_told(out: Path, tmp_path: Path, form: Form) -> None:
    (tmp_path / "in" / "3.png").unlink()
    for shards_before in (0, 3):
        report = write_shards(out, form=form, rows_per_shard=3)
        assert (report.rows, report.left_out, report.shards, report.shards_before) == (7, 1, 3, shards_before)
    line = json.loads((out / "shards" / "index.jsonl").read_text("utf-8").splitlines()[0])
    assert line["left_out"][0]["row"] == 4
    assert line["left_out"][0]["reason"].startswith("missing picture")
    for path in (tmp_path / "in").glob("*.png"):
        path.unlink()
    with pytest.raises(PipelineError, match="none of the 3 samples of a shard can be read again"):
        write_shards(out, form=form, rows_per_shard=3, restart=True)


def test_wrong_calls(out: Path, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="holds no run"):
        write_shards(tmp_path)
    with pytest.raises(PipelineError, match="rows_per_shard"):
        write_shards(out, rows_per_shard=0)
    wrong: Any = "csv"
    with pytest.raises(PipelineError, match="no form 'csv'"):
        write_shards(out, form=wrong)
    with pytest.raises(PipelineError, match="'caption', which Parquet shards have"):
        ParquetShards(tmp_path, {"caption": "str"})


def test_suffixes_follow_the_content() -> None:
    heads = {"jpg": b"\xff\xd8\xff", "webp": b"RIFF1234WEBP", "pdf": b"%PDF-1.7", "bin": b"what"}
    assert {suffix: suffix_of(head) for suffix, head in heads.items()} == {suffix: suffix for suffix in heads}
