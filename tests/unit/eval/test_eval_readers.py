"""Benchmark files that are not what was published: each is refused, with the row."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmark_files import drawn, in_base64, put_jsonl, put_picture, put_text, put_tsv

from internvl.errors import MissingDependencyError
from internvl.eval.errors import BenchmarkFileError
from internvl.eval.readers import (
    Row,
    TsvPictures,
    find_file,
    picture_at,
    picture_from_base64,
    python_list,
    question_rows,
    read_json_list,
    read_jsonl,
    read_parquet,
    read_tsv,
)

HEADER = "index\tquestion\tanswer\n"


def tsv_rows(tmp_path: Path, text: str, *columns: str) -> list[tuple[int, dict[str, str]]]:
    return list(read_tsv(put_text(tmp_path / "b.tsv", text), columns))


def test_a_tsv_is_read_with_quotes_line_ends_and_absent_values(tmp_path: Path) -> None:
    text = HEADER + '0\t"two\nlines, a ""quote"" and a\ttab"\tNaN\n\n7\t6" pipe\t\n'
    assert tsv_rows(tmp_path, text, "question") == [
        (1, {"index": "0", "question": 'two\nlines, a "quote" and a\ttab', "answer": ""}),
        (2, {"index": "7", "question": '6" pipe', "answer": ""}),
    ]


@pytest.mark.parametrize("ends", ["\r\n", "\n"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path, ends: str) -> None:
    path = tmp_path / "b.tsv"
    path.write_bytes(b"\xef\xbb\xbf" + (HEADER + "0\tq\ta\n").replace("\n", ends).encode())
    assert [record["index"] for _, record in read_tsv(path)] == ["0"]


def test_a_cell_may_be_larger_than_csv_allows_by_default(tmp_path: Path) -> None:
    csv.field_size_limit(131_072)
    long = "x" * 3_000_000
    assert tsv_rows(tmp_path, HEADER + f"0\t{long}\ta\n")[0][1]["question"] == long


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        (HEADER, "no rows"),
        ("index\tquestion\n0\tq\n", r"the columns answer are missing; the header has index, question"),
        ("index\tquestion\tanswer\tquestion\n0\tq\ta\tb\n", "names question twice"),
        (HEADER + "0\tq\ta\n1\tq\n", "row 2: the header has 3 columns, this row 2"),
        (HEADER + "0\tq\ta\tmore\n", "row 1: the header has 3 columns, this row 4"),
        (HEADER + "0\tq\ta\n5\tq\ta\n0\tq\ta\n", "row 3: 'index' '0' was already in row 1"),
        (HEADER + "\tq\ta\n", "row 1: 'index' is empty"),
        (HEADER + '0\tq\ta\n1\t"never closed\ta\n', "row 2: not valid tab-separated text"),
    ],
)
def test_a_tsv_that_is_not_what_was_published(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BenchmarkFileError, match=message):
        tsv_rows(tmp_path, text, "question", "answer")


def test_a_tsv_in_another_encoding_or_absent(tmp_path: Path) -> None:
    path = tmp_path / "b.tsv"
    path.write_bytes(HEADER.encode() + "0\tM\xfcller\ta\n".encode("latin-1"))
    with pytest.raises(BenchmarkFileError, match="not UTF-8 text"):
        list(read_tsv(path))
    with pytest.raises(BenchmarkFileError, match="No such file"):
        list(read_tsv(tmp_path / "absent.tsv"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no lines"),
        ("\n \n", "has no lines"),
        ('{"image": "a"}\n\n{"image": 1\n', "row 3: not valid JSON"),
        ('["image"]\n', r"row 1: a JSON object is expected, not \['image'\]"),
        ('{"picture": "a"}\n', "row 1: image is missing; the row has picture"),
        ("{}\n", "image is missing; the row has nothing"),
        ("[" * 100_000, "nested too deeply"),
        ('{"image": ' + "9" * 5000 + "}\n", "row 1: not valid JSON"),
    ],
)
def test_jsonl_that_is_not_what_was_published(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BenchmarkFileError, match=message):
        list(read_jsonl(put_text(tmp_path / "b.jsonl", text), ("image",)))


def test_jsonl_counts_lines_and_takes_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n\r\n{"a": 2}')
    assert list(read_jsonl(path, ("a",), key="a")) == [(1, {"a": 1}), (3, {"a": 2})]
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(BenchmarkFileError, match="row 1: not UTF-8"):
        list(read_jsonl(path))


def test_question_rows_refuse_repeated_ids_or_repeated_rows(tmp_path: Path) -> None:
    rows = [{"image": "a", "question": "q", "question_id": 7}, {"image": "b", "question": "q", "question_id": 7}]
    path = put_jsonl(tmp_path / "b.jsonl", rows)
    with pytest.raises(BenchmarkFileError, match="row 2: 'question_id' '7' was already in row 1"):
        list(question_rows(path, "question", unique_ids=True))
    assert len(list(question_rows(path, "question", unique_ids=False))) == 2
    with pytest.raises(BenchmarkFileError, match="row 3: the same as row 1"):
        list(question_rows(put_jsonl(path, [*rows, rows[0]]), "question", unique_ids=False))


def test_a_json_list_may_stand_under_a_name(tmp_path: Path) -> None:
    path = put_text(tmp_path / "b.json", '\ufeff{"data": [{"id": 1}, {"id": 1}], "other": 3}')
    assert [number for number, _ in read_json_list(path, ("id",), under="data")] == [1, 2]
    for arguments, message in (
        ({"under": "data", "key": "id"}, "row 2: 'id' '1' was already in row 1"),
        ({"under": "list"}, "an object with the field 'list' is expected"),
        ({"under": "other"}, "a list of objects is expected in 'other', not 3"),
        ({}, "a list of objects is expected, not"),
    ):
        with pytest.raises(BenchmarkFileError, match=message):
            list(read_json_list(path, **arguments))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not base64!", "row 5: the picture is not base64"),
        (in_base64()[:-3], "row 5: the picture is not base64"),
        ("é" * 100, "is not of its alphabet"),
        ("aGVsbG8gd29ybGQ=" * 4, "row 5: the picture"),
        (in_base64()[:40] + "=" * 0, "row 5: the picture can't be used"),
    ],
)
def test_base64_that_holds_no_picture(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BenchmarkFileError, match=message):
        picture_from_base64(text, tmp_path / "b.tsv", 5)


def test_base64_may_be_broken_into_lines(tmp_path: Path) -> None:
    text = in_base64()
    assert picture_from_base64(text[:76] + "\r\n" + text[76:], tmp_path, 1).source == drawn()


def test_pictures_are_found_below_the_root_or_beside_the_file(tmp_path: Path) -> None:
    file = tmp_path / "data" / "set" / "b.jsonl"
    put_picture(tmp_path, "data/set/one.png")
    for name in ("data/set/one.png", "one.png", str(tmp_path / "data/set/one.png")):
        assert Path(picture_at(name, tmp_path, file, 1).source).samefile(tmp_path / "data/set/one.png")
    assert picture_at("data/set/one.png", tmp_path / "data", file, 1).source == tmp_path / "data/set/one.png"


@pytest.mark.parametrize("name", ["absent.png", "", "a\x00b", "x" * 5000, "../absent.png"])
def test_a_picture_that_is_absent_is_refused_with_its_row(tmp_path: Path, name: str) -> None:
    with pytest.raises(BenchmarkFileError, match=r"row 12: the picture .* is absent; looked at"):
        picture_at(name, tmp_path, tmp_path / "b.jsonl", 12)


def pictures_of(tmp_path: Path, *cells: str, column: str = "image") -> Callable[[int], tuple[object, ...]]:
    path = put_tsv(tmp_path / "b.tsv", [{"index": number * 10, column: cell} for number, cell in enumerate(cells)])
    rows = [Row(path, number, record) for number, record in read_tsv(path)]
    pictures = TsvPictures(path, tmp_path)
    return lambda row: tuple(picture.source for picture in pictures.of(rows[row]))


def test_a_cell_holds_one_picture_a_list_or_the_index_of_another_row(tmp_path: Path) -> None:
    of = pictures_of(tmp_path, in_base64("a"), "0", f"['{in_base64('b')}', '{in_base64('c')}']", "40", in_base64("d"), "20", "")
    assert of(0) == of(1) == (drawn("a"),)
    assert of(2) == of(5) == (drawn("b"), drawn("c"))
    assert of(3) == (drawn("d"),), "a reference may point forward"
    assert of(6) == ()


def test_references_that_lead_nowhere(tmp_path: Path) -> None:
    of = pictures_of(tmp_path, "77", "0", in_base64())
    for row in (0, 1):
        with pytest.raises(BenchmarkFileError, match=f"row {row + 1}: 'image' is .*neither a picture in base64 nor the index"):
            of(row)


def test_a_list_of_pictures_is_checked_item_by_item(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkFileError, match="row 1: the picture"):
        pictures_of(tmp_path, f"['{in_base64()}', 'broken']")(0)


def test_pictures_may_lie_in_files_that_image_path_names(tmp_path: Path) -> None:
    put_picture(tmp_path, "images/b/1.png")
    put_picture(tmp_path, "images/2.png")
    of = pictures_of(tmp_path, "['1.png', '2.png']", "2.png", "3.png", column="image_path")
    assert of(0) == (tmp_path / "images/b/1.png", tmp_path / "images/2.png")
    assert of(1) == (tmp_path / "images/2.png",)
    with pytest.raises(BenchmarkFileError, match=r"row 3: the picture '3\.png' is absent"):
        of(2)


ROW = Row(Path("b.tsv"), 4, {"n": 3, "text": "t", "blank": " ", "list": ["a", 1], "flag": True, "none": None})


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda: ROW.text("n"), "row 4: 'n' must be a text, not 3"),
        (lambda: ROW.text("blank"), "row 4: 'blank' must be a text, and is empty"),
        (lambda: ROW.text("absent"), "row 4: 'absent' must be a text, and is empty or absent"),
        (lambda: ROW.texts("list"), r"row 4: 'list' must be a text or a list of texts, not \['a', 1\]"),
        (lambda: ROW.texts("n"), "row 4: 'n' must be a text or a list"),
        (lambda: ROW.key("flag"), "row 4: 'flag' must be a number or a text, not True"),
        (lambda: ROW.letter("text", {"A": "x"}), "row 4: 'text' is 't', none of the options A"),
    ],
)
def test_cells_of_the_wrong_type(read: Callable[[], object], message: str) -> None:
    with pytest.raises(BenchmarkFileError, match=message):
        read()


def test_list_literals_are_lists_of_texts_and_nothing_is_run(tmp_path: Path) -> None:
    assert python_list(""" ['7', "7 o'clock", 2.5]""", ROW) == ["7", "7 o'clock", "2.5"]
    for text in (
        "[]",
        "['a'",
        "{'a': 1}",
        "[[1]]",
        "[True]",
        "__import__('os').getcwd()",
        "[open('x')]",
        "[" * 5000,
        "[" + "1," * 60_000 + "]",
    ):
        with pytest.raises(BenchmarkFileError, match=r"b\.tsv, row 4: "):
            python_list(text, ROW)


def test_parquet_names_missing_columns_repeated_ids_and_damage(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    path = tmp_path / "b.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"id": ["a", "b", "a"], "question": ["q"] * 3}), path)
    assert [number for number, _ in read_parquet(path, ("question",))] == [1, 2, 3]
    with pytest.raises(BenchmarkFileError, match="row 3: 'id' 'a' was already in row 1"):
        list(read_parquet(path, key="id"))
    with pytest.raises(BenchmarkFileError, match="the columns answer are missing; there are id, question"):
        list(read_parquet(path, ("answer",)))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(BenchmarkFileError, match="can't be read as Parquet"):
        list(read_parquet(path))


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"internvl\[data\]"):
        next(read_parquet(tmp_path / "b.parquet"))


def test_the_first_file_that_exists_is_taken(tmp_path: Path) -> None:
    put_text(tmp_path / "b.tsv", "")
    put_text(tmp_path / "a.jsonl", "")
    names = ("absent.jsonl", "a.jsonl", "b.tsv")
    assert find_file(tmp_path, names).name == "a.jsonl"
    assert find_file(tmp_path, names, prefer=".tsv").name == "b.tsv"
    with pytest.raises(BenchmarkFileError, match=r"none of the benchmark's files is below .*: x\.tsv, y\.tsv"):
        find_file(tmp_path, ("x.tsv", "y.tsv"))
