"""Every kind of file gives its records by index, says where they stand, travels to other processes, and survives a bad row."""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy
import pytest

from internvl.data.manifest import DatasetSpec, ManifestError
from internvl.data.record import RecordError
from internvl.data.sources import Source, json_list, open_source
from internvl.data.sources.concat import ConcatSource
from internvl.data.sources.jsonl import JsonlSource


def line(number: int, answer: str = "yes", question: str = "q") -> dict[str, Any]:
    said = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return {"id": number, "image": f"{number}.png", "conversations": said}


def opened(path: Path, root: Path | None = None) -> Source:
    return open_source(DatasetSpec(name="set", annotation=path, root=root or path.parent))


def ids(source: Source) -> list[str | None]:
    return [source.record(index).id for index in range(len(source))]


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as shard:
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            shard.addfile(header, io.BytesIO(content))
    return path


def test_jsonl_with_blank_lines_a_mark_and_no_last_newline(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = ["\ufeff" + json.dumps(line(0)), "", json.dumps(line(1)), "  \r", "{broken", json.dumps(line(2))]
    path.write_text("\n".join(lines), "utf-8")
    source = opened(path)
    assert len(source) == 4
    assert [source.origin(index).row for index in range(4)] == [1, 3, 5, 6]
    assert (source.record(0).id, source.record(1).id, source.record(3).id) == ("0", "1", "2")
    assert source.record(0).images == (tmp_path.absolute() / "0.png",)
    assert str(source.record(3).origin) == f"{path}:6"
    with pytest.raises(RecordError, match="not valid JSON"):
        source.record(2)
    for index in (-1, 4):
        with pytest.raises(IndexError):
            source.record(index)


@pytest.mark.parametrize("text", ["", "\n\n", "\n \n\ufeff"])
def test_an_empty_jsonl_has_no_records(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(text, "utf-8")
    assert len(opened(path)) == text.count("\ufeff")  # a byte order mark in the middle is no white space


def test_jsonl_lines_that_are_no_record(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'[1]\nnull\n"x"\n\xff\xfe\n' + b"[" * 100_000 + b"\n" + b"9" * 5000 + b"\n")
    source = opened(path)
    assert len(source) == 6
    for index in range(6):
        with pytest.raises(RecordError):
            source.record(index)


def test_a_long_jsonl_is_indexed_by_offsets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("internvl.data.sources.jsonl._CHUNK", 1000)
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(line(number, "é" * (number % 50 + 1))) + "\n" for number in range(3000)), "utf-8")
    source = opened(path)
    assert isinstance(source, JsonlSource)
    assert ids(source) == [str(number) for number in range(3000)]
    assert source._starts.dtype == numpy.int64
    assert source._lines is None


def read_in_child(source: Source, places: list[int], results: Any) -> None:
    results.put([source.record(place).id for place in places])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_processes_do_not_disturb_each_other(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(line(number)) + "\n" for number in range(500)), "utf-8")
    source = opened(path)
    source.record(0)  # the file is open before the fork
    context, places = multiprocessing.get_context("fork"), list(range(499, -1, -1)) * 4
    results = context.Queue()
    children = [context.Process(target=read_in_child, args=(source, places, results)) for _ in range(2)]
    for child in children:
        child.start()
    assert [source.record(place).id for place in places] == [str(place) for place in places]
    for _ in children:
        assert results.get(timeout=60) == [str(place) for place in places]
    for child in children:
        child.join()


def test_pickling_leaves_open_files_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(line(0)) + "\n", "utf-8")
    source = opened(path)
    source.record(0)
    copy = pickle.loads(pickle.dumps(source))
    assert (copy.record(0), copy.spec, len(copy)) == (source.record(0), source.spec, 1)


def test_a_file_that_was_cut_after_indexing_is_a_bad_record(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text((json.dumps(line(0)) + "\n") * 2, "utf-8")
    source = opened(path)
    os.truncate(path, 20)
    with pytest.raises(RecordError, match="bytes too early"):
        source.record(1)


NASTY = ['quote " , ] }', "slash \\", "two \\\\", 'both \\" , {', "[[1, 2]] {", "\\\\\\", "汉字 , \u2028", "", "x" * 100]


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 64, 1 << 20])
def test_json_list_elements_are_found_whatever_stands_in_strings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(json_list, "_CHUNK", chunk)
    records = [line(number, text + ".") | {"nested": [[], {}, {"a": [1, {"b": text}]}]} for number, text in enumerate(NASTY)]
    path = tmp_path / "a.json"
    for indent, ascii_only in ((None, True), (2, False)):
        path.write_text(json.dumps(records, indent=indent, ensure_ascii=ascii_only), "utf-8")
        source = opened(path)
        assert ids(source) == [str(number) for number in range(len(NASTY))]
        assert [source.record(number).utterances[1].text for number in range(len(NASTY))] == [text + "." for text in NASTY]
        assert source.origin(4).row == 5


@pytest.mark.parametrize("text", ["[]", " [ \n ] \n", "\ufeff[]"])
def test_an_empty_list_has_no_records(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, "utf-8")
    assert len(opened(path)) == 0


def test_a_json_list_with_bad_elements_and_a_torn_end(tmp_path: Path) -> None:
    good = json.dumps(line(0))
    path = tmp_path / "a.json"
    path.write_text(f'[{good}, null, 5, {{"a": nonsense}}, , {good}, {good[:-9]}', "utf-8")
    source = opened(path)
    assert len(source) == 7
    assert source.record(0).id == source.record(5).id == "0"
    for index, told in ((1, "not null"), (2, "not 5"), (3, "not valid JSON"), (4, "between two commas"), (6, "not valid JSON")):
        with pytest.raises(RecordError, match=told):
            source.record(index)


def test_a_json_list_that_ends_too_early_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"a": 1}, {"b": 2}}, {"c": 3}]', "utf-8")
    with pytest.raises(ManifestError, match="in element 2, and more follows"):
        opened(path)


def test_lines_named_json_are_read_as_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text((json.dumps(line(0)) + "\n") * 3, "utf-8")
    assert len(opened(path)) == 3


def test_parquet_with_pictures_as_paths_bytes_and_structs(tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    said = line(0)["conversations"]
    path = tmp_path / "a.parquet"
    table = pyarrow.table(
        {
            "id": ["a", "b", "c"],
            "conversations": [said, said, [{"from": "human", "value": "q"}, {"from": "gpt", "value": None}]],
            "image": [{"bytes": b"png", "path": "x.png"}, {"bytes": None, "path": "x.png"}, None],
            "embedding": [1.0, 2.0, 3.0],
        }
    )
    parquet.write_table(table, path, row_group_size=2)
    source = opened(path)
    assert len(source) == 3
    assert source.record(0).images == (b"png",)
    assert source.record(1).images == (tmp_path.absolute() / "x.png",)
    with pytest.raises(RecordError, match=r"turn 2 \(from gpt\) has no `value`"):
        source.record(2)
    assert source.origin(2).row == 3
    copy = pickle.loads(pickle.dumps(source))
    assert copy.record(1) == source.record(1)


def test_parquet_with_messages_as_json_text_and_lists_of_bytes(tmp_path: Path) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    messages = json.dumps([{"role": "user", "content": "<image><image>"}, {"role": "assistant", "content": "a"}])
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table({"messages": [messages, "{"], "images": [[b"1", b"2"], []]}), path)
    source = opened(path)
    assert source.record(0).images == (b"1", b"2")
    with pytest.raises(RecordError, match="not valid JSON"):
        source.record(1)
    parquet.write_table(pyarrow.table({"text": ["x"]}), path)
    with pytest.raises(ManifestError, match="has the columns text; one of conversations"):
        opened(path)
    path.write_bytes(b"nothing")
    with pytest.raises(ManifestError, match="can't be read as Parquet"):
        opened(path)


def test_a_forged_size_in_a_shard_ends_it(tmp_path: Path) -> None:
    """tarfile would go back and read the same members for ever."""
    header = bytearray(tarfile.TarInfo("b.txt").tobuf())
    header[124:136] = b"\xff" * 10 + (2**16 - 1024).to_bytes(2, "big")  # size -1024, in tar's binary form
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    whole = write_tar(tmp_path / "one.tar", {"a.txt": b"t"}).read_bytes()[:1024]
    (tmp_path / "forged.tar").write_bytes(whole + bytes(header) + bytes(1024))
    source = opened(tmp_path / "forged.tar")
    assert len(source) == 2
    with pytest.raises(RecordError, match="damaged behind its 1 samples"):
        source.record(1)


def test_nonsense_behind_a_member_is_no_end(tmp_path: Path) -> None:
    content = write_tar(tmp_path / "one.tar", {"a.txt": b"t"}).read_bytes()[:1024]
    (tmp_path / "odd.tar").write_bytes(content + b"nonsense" * 200)
    source = opened(tmp_path / "odd.tar")
    with pytest.raises(RecordError, match="byte 1024"):
        source.record(len(source) - 1)


def test_tar_shards(tmp_path: Path) -> None:
    members = {
        "a/001.jpg": b"JPG",
        "a/001.txt": b" A cat. \n",
        "a/001.cls": b"3",
        "a/002.0.png": b"P0",
        "a/002.1.png": b"P1",
        "a/002.json": json.dumps(line(2, question="<image> <image>")).encode(),
        "003.json": json.dumps({"caption": "A dog.", "image": "dog.png", "url": "https://x.org"}).encode(),
        "004.png": b"P",
        "005.mp4": b"V",
        "005.json": json.dumps({"video": "ignored.mp4", "messages": line(0)["conversations"]}).encode(),
        "006.json": b"{",
        "007.txt": b"\xff",
    }  # fmt: skip
    source = opened(write_tar(tmp_path / "s.tar", members))
    assert len(source) == 7
    first = source.record(0)
    assert ([each.text for each in first.utterances], first.images) == (["<image>\n", "A cat."], (b"JPG",))
    assert source.record(1).images == (b"P0", b"P1")
    assert source.record(2).images == (tmp_path.absolute() / "dog.png",)
    assert source.record(4).videos == (b"V",)
    for index, told in ((3, "neither a .json nor a .txt"), (5, "not valid JSON"), (6, "not UTF-8")):
        with pytest.raises(RecordError, match=told):
            source.record(index)
    assert pickle.loads(pickle.dumps(source)).record(1) == source.record(1)


def test_a_shard_that_is_cut_off_keeps_its_whole_samples(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "s.tar", {f"{n}.txt": b"caption %d" % n for n in range(4)} | {"9.txt": b"x" * 5000})
    os.truncate(path, 4 * 1024 + 512 + 1000)
    source = opened(path)
    assert source.record(3).utterances[1].text == "caption 3"
    for index in range(4, len(source)):
        with pytest.raises(RecordError, match=r"too early|cut off"):
            source.record(index)
    assert len(source) > 4
    path.write_bytes(b"\x1f\x8b gzip")
    with pytest.raises(ManifestError, match="compressed shards must be unpacked"):
        opened(path)


def test_patterns_join_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("internvl.data.sources.concat.OPEN_FILES", 2)
    for shard in range(12):
        write_tar(tmp_path / f"s-{shard:03}.tar", {f"{shard}-{n}.txt": b"%d %d" % (shard, n) for n in range(shard % 3)})
    expected = [f"{shard} {n}" for shard in range(12) for n in range(shard % 3)]
    # A shard without samples is no tar of samples.
    for shard in range(0, 12, 3):
        (tmp_path / f"s-{shard:03}.tar").unlink()
    for pattern in ("s-*.tar", "s-0{01,02,04,05,07,08,10,11}.tar"):
        source = opened(tmp_path / pattern)
        assert isinstance(source, ConcatSource)
        assert [source.record(index).utterances[1].text for index in range(len(source))] == expected
        assert source.origin(2).file.endswith("s-002.tar")
        assert source.origin(2).row == 2
    for pattern in ("s-{000..011}.tar", "t-*.tar"):
        with pytest.raises(ManifestError, match="no file"):
            opened(tmp_path / pattern)


def test_brace_ranges_keep_their_zeros(tmp_path: Path) -> None:
    for number in (8, 9, 10):
        (tmp_path / f"{number}.jsonl").write_text(json.dumps(line(number)), "utf-8")
        (tmp_path / f"{number:03}x.jsonl").write_text(json.dumps(line(number)), "utf-8")
    assert ids(opened(tmp_path / "{8..10}.jsonl")) == ["8", "9", "10"]
    assert ids(opened(tmp_path / "{008..010}x.jsonl")) == ["8", "9", "10"]


def test_unknown_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x", "utf-8")
    with pytest.raises(ManifestError, match="of no known kind"):
        opened(tmp_path / "a.csv")
    with pytest.raises(ManifestError, match="there is no file"):
        opened(tmp_path / "b.jsonl")
