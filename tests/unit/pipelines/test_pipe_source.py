"""Every kind of input, sound and damaged: each row comes once, as an item or with its reason."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from pipe_run_parts import picture, write_captions, write_lines, write_tar

from internvl.data.manifest import ManifestError
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.item import Drop, Item
from internvl.pipelines.reading.slices import ReadOptions
from internvl.pipelines.source import Reader, find_inputs

Read = list[tuple[Item, Drop | None]]


def read(*inputs: Path, rows: int = 3, root: Path | None = None, **options: Any) -> Read:
    """All rows, cut into slices of `rows`, each slice read by a reader of its own."""
    reading = ReadOptions(**options)
    found: Read = []
    for file in find_inputs(inputs, reading, root=root):
        parts = list(Reader(reading).cut(file, rows))
        assert all(0 < part.rows <= rows for part in parts)
        assert [part.first for part in parts] == [1 + sum(each.rows for each in parts[:place]) for place in range(len(parts))]
        for part in parts:
            found += Reader(reading).items(file, part)
    return found


def reasons(rows: Read) -> list[str | None]:
    return [None if drop is None else drop.reason for _, drop in rows]


def test_lines_with_pictures_beside_them(tmp_path: Path) -> None:
    rows = read(write_captions(tmp_path, 11))
    assert [item.origin.row for item, _ in rows] == list(range(1, 12))
    assert rows[1][0].image == picture(1)
    assert (rows[1][0].text, rows[1][0].fields["url"], rows[1][0].fields["image"]) == ("caption 1", "u1", "1.png")
    assert [drop is None for _, drop in rows] == [number % 5 != 0 for number in range(11)]
    assert rows[0][1] is not None
    assert rows[0][1].kind == "missing picture"
    assert "0.png" in rows[0][1].reason


def test_odd_lines_cost_their_row_only(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(1))
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "big.png").write_bytes(bytes(2000))
    lines = [
        b'\xef\xbb\xbf{"image": "a.png", "caption": "first"}',
        b"",
        b"{broken",
        b"[1]",
        b'{"image": "empty.png"}',
        b'{"image": "folder.png"}',
        b'{"image": "pipe.png"}',
        b'{"image": "big.png"}',
        b'{"image": "https://example.com/a.png"}',
        b'{"image": "a.png", "caption": ["two", "captions"]}',
        b'{"image": "a.png", "caption": "\\ud800"}',
        b'{"image": "a\\u0000.png"}',
        b'{"deep": ' + b"[" * 400 + b"]" * 400 + b"}",
        b'{"caption": "' + b"x" * 5000 + b'"}',
        '{"image": "a.png", "caption": "最后"}'.encode(),
    ]
    path = tmp_path / "odd.jsonl"
    path.write_bytes(b"\n".join(lines))
    rows = read(path, max_file_bytes=1000, max_record_bytes=1000)
    kinds = [None if drop is None else drop.kind for _, drop in rows]
    expected = [
        "bad record",
        "bad record",
        "empty picture",
        "missing picture",
        "missing picture",
        "oversized file",
        *["bad record"] * 3,
    ]
    assert kinds == [None, *expected, "missing picture", kinds[-3], "oversized record", None]
    assert kinds[-3] in (None, "bad record")
    assert [item.origin.row for item, _ in rows] == [1, *range(3, 16)]
    assert rows[-1][0].text == "最后"


@pytest.mark.parametrize("rows", [1, 2, 5, 100])
def test_slices_of_any_size_meet_every_line_once(tmp_path: Path, rows: int) -> None:
    path = write_lines(tmp_path / "a.jsonl", [{"caption": str(number)} for number in range(10)])
    assert [item.text for item, _ in read(path, rows=rows)] == [str(number) for number in range(10)]


def test_released_records_are_checked_as_for_training(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(1))
    good = {"id": 7, "image": "a.png", "conversations": [{"from": "human", "value": "What?"}, {"from": "gpt", "value": "A sign."}]}
    bad = {**good, "conversations": [{"from": "human", "value": "<image><image>"}, {"from": "gpt", "value": "No."}]}
    path = tmp_path / "list.json"
    path.write_text(json.dumps([good, bad, good]), "utf-8")
    rows = read(path)
    assert reasons(rows)[::2] == [None, None]
    assert "2 <image> marks" in (reasons(rows)[1] or "")
    assert (rows[0][0].text, rows[0][0].image) == ("A sign.", picture(1))
    assert rows[0][0].fields["conversations"] == good["conversations"]


def test_a_list_that_is_cut_off_keeps_what_is_before(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text('[{"caption": "a"}, {"caption": "b"}, {"capt', "utf-8")
    rows = read(path)
    assert [item.text for item, drop in rows if drop is None] == ["a", "b"]
    assert rows[2][1] is not None


def test_tar_samples(tmp_path: Path) -> None:
    members = {
        "a/001.png": picture(1), "a/001.txt": b"first\n", "a/001.json": b'{"url": "u", "caption": "other"}',
        "a/002.0.png": picture(2), "a/002.1.png": picture(3), "a/002.txt": b"two pictures",
        "a/003.txt": b"no picture", "a/004.jpg": b"\xff\xd8 not decoded here", "a/005.txt": b"\xff\xfe",
        "a/006.cls": b"1",
    }  # fmt: skip
    rows = read(write_tar(tmp_path / "s.tar", members), rows=2)
    assert [item.text for item, _ in rows] == ["other", "two pictures", "no picture", "", "", ""]
    assert [item.image for item, _ in rows] == [picture(1), picture(2), None, b"\xff\xd8 not decoded here", None, None]
    assert rows[0][0].fields == {"__key__": "a/001", "url": "u", "caption": "other"}
    assert [drop and drop.kind for _, drop in rows] == [None, None, None, None, "unreadable caption", None]


@pytest.mark.parametrize("kept", [0.4, 0.75, 0.98])
def test_a_cut_off_shard_says_so_in_one_more_row(tmp_path: Path, kept: float) -> None:
    members = {f"{number:03}.{suffix}": content for number in range(8) for suffix, content in (("png", picture(number)), ("txt", b"t"))}
    whole = write_tar(tmp_path / "whole.tar", members).read_bytes()
    end = len(whole.rstrip(b"\0"))
    (tmp_path / "cut.tar").write_bytes(whole[: int(end * kept)])
    rows = read(tmp_path / "cut.tar")
    good = [item for item, drop in rows if drop is None]
    assert 2 < len(good) < 9
    assert [item.image for item in good if item.text] == [picture(number) for number, item in enumerate(good) if item.text]
    assert rows[-1][1] is not None
    assert "cut off" in rows[-1][1].reason


def test_a_shard_cut_between_two_members_or_with_nonsense_in_it(tmp_path: Path) -> None:
    whole = write_tar(tmp_path / "whole.tar", {f"{number}.txt": b"t" for number in range(4)}).read_bytes()
    (tmp_path / "between.tar").write_bytes(whole[: 2 * 1024])
    (tmp_path / "nonsense.tar").write_bytes(whole[: 2 * 1024] + b"\x07" * 1024 + whole[3 * 1024 :])
    for name in ("between.tar", "nonsense.tar"):
        rows = read(tmp_path / name)
        assert [drop is None for _, drop in rows] == [True, True, False]


def test_a_forged_size_does_not_send_the_reader_back(tmp_path: Path) -> None:
    about = tarfile.TarInfo("b.txt")
    header = bytearray(about.tobuf())
    header[124:136] = b"\xff" * 10 + (2**16 - 1024).to_bytes(2, "big")  # size -1024, in tar's binary form
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    first = write_tar(tmp_path / "one.tar", {"a.txt": b"t"}).read_bytes()[:1024]
    (tmp_path / "forged.tar").write_bytes(first + bytes(header) + bytes(1024))
    rows = read(tmp_path / "forged.tar")
    assert rows[0][0].text == "t"
    assert any(drop is not None for _, drop in rows)
    assert len(rows) < 4


def test_members_over_the_limit_are_not_read(tmp_path: Path) -> None:
    rows = read(
        write_tar(tmp_path / "s.tar", {"1.png": bytes(5000), "2.txt": bytes(5000), "3.txt": b"t"}),
        max_file_bytes=1000,
        max_record_bytes=1000,
    )
    assert [drop and drop.kind for _, drop in rows] == ["oversized file", "oversized record", None]


def parquet(path: Path, columns: dict[str, list[Any]], **options: Any) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet").write_table(pyarrow.table(columns), path, **options)
    return path


@pytest.mark.parametrize("rows", [2, 3, 7, 50])
def test_parquet_rows(tmp_path: Path, rows: int) -> None:
    images = [{"bytes": picture(number), "path": f"{number}.png"} for number in range(10)]
    columns = {"image": images, "TEXT": [f"t{number}" for number in range(10)], "blob": [b"x"] * 10, "width": list(range(10))}
    found = read(parquet(tmp_path / "a.parquet", columns, row_group_size=4), rows=rows)
    assert [item.text for item, _ in found] == columns["TEXT"]
    assert [item.image for item, _ in found] == [picture(number) for number in range(10)]
    assert found[3][0].fields == {"image": "3.png", "TEXT": "t3", "width": 3}
    assert [item.origin.row for item, _ in found] == list(range(1, 11))


def test_parquet_with_conversations_as_json_times_and_named_fields(tmp_path: Path) -> None:
    import datetime

    turns = json.dumps([{"from": "human", "value": "Hello"}, {"from": "gpt", "value": "Hi!"}])
    path = parquet(tmp_path / "a.parquet", {"conversations": [turns], "when": [datetime.datetime(2024, 5, 1)]})
    assert read(path)[0][0].text == "Hi!"
    assert read(path)[0][0].fields["when"] == "2024-05-01T00:00:00"
    path = parquet(tmp_path / "b.parquet", {"content": [picture(1)], "alt": ["a sign"]})
    item, drop = read(path, image_field="content", text_field="alt")[0]
    assert (item.image, item.text, drop) == (picture(1), "a sign", None)
    with_fault = read(path)
    assert "content, alt" in (reasons(with_fault)[0] or "")


def test_pictures_are_not_read_when_only_text_is_wanted(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", {"image": [{"bytes": b"x", "path": "a.png"}], "text": ["t"]})
    tar = write_tar(tmp_path / "b.tar", {"1.png": picture(1), "1.txt": b"t"})
    gone = write_lines(tmp_path / "c.jsonl", [{"image": "gone.png", "caption": "t"}])
    rows = read(path, tar, gone, images=False)
    assert [(item.image, item.text, drop) for item, drop in rows] == [(None, "t", None)] * 3
    assert rows[0][0].fields["image"] == {"path": "a.png"}
    assert rows[2][0].fields["image"] == "gone.png"


def test_damaged_parquet(tmp_path: Path) -> None:
    columns = {"text": [f"{number:0300}" for number in range(40)]}
    content = parquet(
        tmp_path / "a.parquet", columns, row_group_size=10, compression="none", use_dictionary=False, write_statistics=False
    ).read_bytes()
    middle = content.find(columns["text"][15].encode())
    (tmp_path / "b.parquet").write_bytes(content[:middle] + b"\xff" * 300 + content[middle + 300 :])
    rows = read(tmp_path / "b.parquet", rows=10)
    assert len(rows) == 40
    assert [item.origin.row for item, drop in rows if drop is not None] == [16]
    assert rows[39][0].text == columns["text"][39]
    header = middle - 15 % 10 * 304 - 20
    (tmp_path / "e.parquet").write_bytes(content[:header] + b"\xff" * 300 + content[header + 300 :])
    rows = read(tmp_path / "e.parquet", rows=10)
    assert [drop and drop.kind for _, drop in rows] == [None] * 10 + ["unreadable rows"] * 10 + [None] * 20
    (tmp_path / "c.parquet").write_bytes(content[: len(content) // 2])
    (tmp_path / "d.parquet").write_bytes(b"")
    assert [drop and drop.kind for _, drop in read(tmp_path / "c.parquet", tmp_path / "d.parquet")] == ["unreadable file"] * 2


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for name in ("b.png", "a.PNG", "sub/c.jpg"):
        (folder / name).write_bytes(picture(1))
    (folder / "b.txt").write_text("a sign\n", "utf-8")
    (folder / "sub/c.txt").write_bytes(b"\xff")
    (folder / "doc.pdf").write_bytes(b"%PDF-1.4")
    rows = read(folder, rows=2)
    assert [item.origin.file for item, _ in rows] == [str(folder / name) for name in ("a.PNG", "b.png", "sub/c.jpg")]
    assert [item.text for item, _ in rows] == ["", "a sign", ""]
    assert [drop and drop.kind for _, drop in rows] == [None, None, "unreadable caption"]
    assert {item.origin.dataset for item, _ in rows} == {"photos"}
    assert rows[0][0].fields["image"] == "a.PNG"
    with_documents = read(folder, documents=True)
    assert with_documents[2][0].image == b"%PDF-1.4"
    assert read(folder / "b.png")[0][0].text == "a sign"


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX only")
def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff.png"
    Path(os.fsdecode(name)).write_bytes(picture(4))
    item, drop = read(tmp_path)[0]
    assert (item.image, drop) == (picture(4), None)
    assert item.origin.file.endswith("\\xff.png")


def test_a_meta_file_names_data_sets_and_roots(tmp_path: Path) -> None:
    write_captions(tmp_path / "first", 3)
    write_lines(tmp_path / "second.jsonl", [{"caption": "s"}])
    meta = {"one": {"root": "first", "annotation": "first/captions.jsonl"}, "two": {"annotation": "second.jsonl"}}
    (tmp_path / "meta.json").write_text(json.dumps(meta), "utf-8")
    rows = read(tmp_path / "meta.json", root=tmp_path)
    assert [item.origin.dataset for item, _ in rows] == ["one", "one", "one", "two"]
    assert rows[1][0].image == picture(1)


def test_lines_in_a_json_file_and_patterns_of_pictures(tmp_path: Path) -> None:
    write_lines(tmp_path / "lines.json", [{"caption": "one"}, {"caption": "two"}])
    (tmp_path / "meta.json").write_text(json.dumps({"one": {"annotation": "lines.json"}}), "utf-8")
    assert [item.text for item, _ in read(tmp_path / "meta.json", root=tmp_path)] == ["one", "two"]
    for name in ("a.png", "b.jpg", "c.gif"):
        (tmp_path / name).write_bytes(picture(1))
    assert [Path(item.origin.file).name for item, _ in read(tmp_path / "*.{png,jpg}")] == ["a.png", "b.jpg"]


def test_inputs_that_can_not_be(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [{"caption": "t"}])
    (tmp_path / "shards").mkdir()
    write_lines(tmp_path / "shards" / "a.jsonl", [])
    (tmp_path / "a.csv").write_text("a", "utf-8")
    options = ReadOptions()
    for inputs, words in (
        ((), "at least one"),
        ((path, tmp_path / "*.jsonl"), "twice"),
        ((tmp_path / "shards",), "no pictures"),
        ((tmp_path / "a.csv",), "no known kind"),
    ):
        with pytest.raises(PipelineError, match=words):
            find_inputs(inputs, options)
    with pytest.raises(ManifestError, match="no file"):
        find_inputs([tmp_path / "b.jsonl"], options)


def test_data_urls_and_several_pictures(tmp_path: Path) -> None:
    import base64

    url = "data:image/png;base64," + base64.b64encode(picture(5)).decode()
    (tmp_path / "a.png").write_bytes(picture(6))
    rows = read(write_lines(tmp_path / "a.jsonl", [{"image": url, "caption": "t"}, {"images": ["a.png", url], "caption": "t"}]))
    assert [item.image for item, _ in rows] == [picture(5), picture(6)]
    assert rows[0][0].fields == {"caption": "t"}
    assert io.BytesIO(rows[0][0].image or b"").read(4) == b"\x89PNG"
