"""The rules that all converters share: boxes, answers, questions, pictures, turns, and files that are not what they should be."""

from __future__ import annotations

import io
import json
import pickle
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image
from published_grounding import COCO_DETECTION, REFS
from published_questions import SAMPLES as QUESTIONS

from internvl.pipelines.convert import CONVERTERS, ConvertReport, Pictures, Settings, convert, converter_named
from internvl.pipelines.convert.answers import most_common
from internvl.pipelines.convert.boxes import Box, from_corners, from_points, from_sides, ref, thousandths
from internvl.pipelines.convert.forms.choices import matching
from internvl.pipelines.convert.forms.coco import coco_boxes, coco_categories
from internvl.pipelines.convert.phrasing import one_of
from internvl.pipelines.convert.rows import Row
from internvl.pipelines.convert.sample import Place, Refusal, Refused
from internvl.pipelines.errors import PipelineError


def converted(
    folder: Path, name: str, annotations: Any, *, root: Path | None = None, suffix: str = ".json", settings: Any = None, **options: Any
) -> tuple[list[dict[str, Any]], ConvertReport]:
    """The records that one annotation file gives."""
    path = folder / f"annotations{suffix}"
    path.write_text(annotations if isinstance(annotations, str) else json.dumps(annotations, ensure_ascii=False), "utf-8")
    out = folder / "out.jsonl"
    inputs = CONVERTERS[name].inputs([str(path)], Pictures(root), Settings(**(settings or {})))
    report = convert(CONVERTERS[name], inputs, out=out, **options)
    return [json.loads(line) for line in out.read_text("utf-8").splitlines()], report


@pytest.mark.parametrize(
    ("box", "size", "expected"),
    [
        (Box(0, 0, 100, 50), (200, 100), (0, 0, 500, 500)),
        (Box(0.5, 0, 1.5, 100), (1000, 100), (0, 0, 2, 1000)),  # halves go to the even number
        (Box(-1.0, -0.3, 201.0, 100.9), (200, 100), (0, 0, 1000, 1000)),  # up to a pixel over the edge is cut
    ],
)
def test_boxes_are_rounded_to_thousandths(box: Box, size: tuple[int, int], expected: tuple[int, ...]) -> None:
    assert thousandths(box, size) == expected


@pytest.mark.parametrize(
    ("box", "reason"),
    [
        (Box(-1.01, 0, 10, 10), "box outside"),
        (Box(0, 0, 10, 101.5), "box outside"),
        (Box(10, 10, 10, 20), "empty box"),
        (Box(20, 10, 10, 20), "empty box"),
        (Box(0, 0, 0.01, 50), "empty box: .* thinner than a thousandth"),
    ],
)
def test_boxes_outside_or_without_an_area_are_refused(box: Box, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        thousandths(box, (200, 100))


def test_boxes_are_read_in_the_forms_that_files_use() -> None:
    assert from_sides([10, 20, 30, 40]) == from_corners([10, 20, 40, 60]) == Box(10, 20, 40, 60)
    assert from_points([[40, 20], [10, 60]]) == from_points([40, 20, 10, 60]) == Box(10, 20, 40, 60)
    for bad in ([1, 2, 3], None, [1, 2, 3, "4"], [1, 2, 3, float("nan")], [1, 2, 3, True]):
        with pytest.raises(Refused, match="bad box"):
            from_sides(bad)
    with pytest.raises(Refused, match="bad polygon"):
        from_points([1, 2, 3])


def test_a_phrase_with_marks_of_its_own_is_refused() -> None:
    assert ref("a < b", [(0, 0, 1, 1)]) == "<ref>a < b</ref><box>[[0, 0, 1, 1]]</box>"
    with pytest.raises(Refused, match="marks in the text"):
        ref("x</ref><box>[[0, 0, 1000, 1000]]</box>", [(0, 0, 1, 1)])


@pytest.mark.parametrize(
    ("answers", "expected"),
    [(["a", "b", "B "], "b"), (["x", "y"], "x"), (["Coke", "coke", "coke", "pepsi"], "coke"), (["", " ", "no"], "no")],
)
def test_the_most_common_answer_wins(answers: list[str], expected: str) -> None:
    assert most_common(answers) == expected


def test_no_answer_at_all_is_refused() -> None:
    with pytest.raises(Refused, match="no answer"):
        most_common(["", "  "])


def test_an_option_is_named_by_letter_or_text() -> None:
    options = ["red", "blue", "b"]
    assert [matching(text, options) for text in ("A", "(c)", "b.", "Blue")] == [0, 2, 1, 1]
    with pytest.raises(Refused, match="wrong choice"):
        matching("green", options)
    with pytest.raises(Refused, match="wrong choice"):
        matching("same", ["same", "same"])


def test_fields_of_another_kind_are_refused_with_what_is_there() -> None:
    row = Row(Place("a.json", 3), {"n": "x", "list": [], "object": 3, "width": 10, "height": 0, "whole": 4.0, "nothing": None})
    assert row.whole("whole") == 4
    assert row.optional_text("nothing") == ""
    for call in (
        lambda: row.text("gone"), lambda: row.text("object"), lambda: row.number("n"), lambda: row.whole("n"),
        lambda: row.values("list"), lambda: row.inside("object"), lambda: list(row.each("list")),
        lambda: row.key("nothing"), row.size, lambda: row.texts("object"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=r"missing field|wrong field|picture size"):
            call()


def test_wordings_are_chosen_by_row_and_spread() -> None:
    prompts = ["one", "two", "three"]
    chosen = [one_of(prompts, Place("any", row)) for row in range(1, 301)]
    assert chosen == [one_of(prompts, Place("other", row)) for row in range(1, 301)]
    assert all(chosen.count(prompt) > 60 for prompt in prompts)


def test_own_wordings_take_the_place_of_the_question(tmp_path: Path) -> None:
    records, _ = converted(tmp_path, "coco_detection", COCO_DETECTION, settings={"prompts": ("Find all.",)})
    assert {record["conversations"][0]["value"] for record in records} == {"<image>\nFind all."}


def test_questions_about_a_picture_share_a_record(tmp_path: Path) -> None:
    rows = [{"imgname": name, "query": f"Q{number}?", "label": "1"} for number, name in enumerate(["a", "a", "a", "b", "a"])]
    records, report = converted(tmp_path, "chartqa", rows, turns=2)
    assert [(record["image"], len(record["conversations"]) // 2) for record in records] == [
        ("train/png/a", 2), ("train/png/a", 1), ("train/png/b", 1), ("train/png/a", 1),
    ]  # fmt: skip
    assert (report.records, report.answers) == (4, 5)
    assert [turn["value"].count("<image>") for turn in records[0]["conversations"]] == [1, 0, 0, 0]


def test_checked_pictures_give_their_sizes_and_missing_ones_are_refused(tmp_path: Path) -> None:
    (tmp_path / "png").mkdir()
    Image.new("RGB", (30, 20)).save(tmp_path / "png/a.png")
    (tmp_path / "png/b.png").write_bytes(b"no picture")
    rows = [{"imgname": name, "query": "Q?", "label": "1"} for name in ("a.png", "b.png", "c.png")]
    records, report = converted(tmp_path, "chartqa", rows, root=tmp_path, check_images=True)
    assert [(record["image"], record["width"], record["height"]) for record in records] == [("png/a.png", 30, 20)]
    assert dict(report.refused) == {"unreadable picture": 1, "missing picture": 1}
    assert not converted(tmp_path, "chartqa", rows, root=tmp_path)[1].refused


def test_a_size_that_the_picture_has_not_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (640, 480)).save(tmp_path / "000000000009.jpg")
    Image.new("RGB", (64, 48)).save(tmp_path / "000000000025.jpg")
    records, report = converted(tmp_path, "coco_detection", COCO_DETECTION, root=tmp_path, check_images=True)
    assert [record["image"] for record in records] == ["000000000009.jpg"]
    assert report.refused["other size"] == 1


def test_boxes_that_need_a_size_need_the_pictures(tmp_path: Path) -> None:
    labels = {"gt_0": [{"transcription": "A", "points": [[0, 0], [9, 0], [9, 9], [0, 9]]}]}
    with pytest.raises(PipelineError, match="--images ROOT"):
        converted(tmp_path, "art", labels, settings={"ask": "spot"})
    with pytest.raises(PipelineError, match=r"nothing was converted.*missing picture"):
        converted(tmp_path, "art", labels, root=tmp_path, settings={"ask": "spot"})


def test_pictures_inside_a_table_are_written_below_the_root(tmp_path: Path) -> None:
    content = io.BytesIO()
    Image.new("RGB", (5, 4)).save(content, "PNG")
    truth = json.dumps({"gt_parse": {"text_sequence": "words"}})
    rows = [{"image": {"bytes": each, "path": None}, "ground_truth": truth} for each in (content.getvalue(), b"broken")]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "train.parquet")
    converter, out = CONVERTERS["synthdog"], tmp_path / "out.jsonl"
    inputs = converter.inputs([str(tmp_path / "train.parquet")], Pictures(tmp_path), Settings())
    report = convert(converter, inputs, out=out)
    record = json.loads(out.read_text("utf-8"))
    assert record["image"] == "synthdog/train/00000001.png"
    assert (tmp_path / record["image"]).read_bytes() == content.getvalue()
    assert dict(report.refused) == {"unreadable picture": 1}
    with pytest.raises(PipelineError, match="--images FOLDER"):
        convert(converter, converter.inputs([str(tmp_path / "train.parquet")], Pictures(None), Settings()), out=out)


def test_grit_in_its_other_tasks(tmp_path: Path) -> None:
    row = {
        "key": "000000001", "caption": "A dog and a cat", "width": 200, "height": 100,
        "noun_chunks": json.dumps([[0, 5, 0.1, 0.2, 0.5, 0.6, 0.9], [3, 9, 0, 0, 1, 1, 0.8], [10, 15, 0, 0, 0.5, 0.5, 1]]),
        "ref_exps": json.dumps([[0, 15, 0.0, 0.0, 1.0, 1.0, 0.9]]),
    }  # fmt: skip
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "a.parquet")

    def answer(ask: str) -> str:
        inputs = CONVERTERS["grit"].inputs([str(tmp_path / "a.parquet")], Pictures(None), Settings(ask=ask))
        convert(CONVERTERS["grit"], inputs, out=tmp_path / "out.jsonl")
        return str(json.loads((tmp_path / "out.jsonl").read_text("utf-8"))["conversations"][1]["value"])

    assert answer("caption") == "A dog and a cat"
    assert answer("locate") == "<ref>A dog and a cat</ref><box>[[0, 0, 1000, 1000]]</box>"
    assert "<ref>a cat</ref><box>[[0, 0, 500, 500]]</box>\n```" in answer("detect")
    # A phrase that overlaps an earlier one is left out.
    assert answer("ground") == "<ref>A dog</ref><box>[[100, 200, 500, 600]]</box> and <ref>a cat</ref><box>[[0, 0, 500, 500]]</box>"


def test_karpathys_flickr_is_read_without_its_test_pictures(tmp_path: Path) -> None:
    images = [
        {"filename": f"{split}.jpg", "split": split, "sentences": [{"raw": "A man."}, {"raw": "A boy."}]} for split in ("train", "test")
    ]
    records, _ = converted(tmp_path, "flickr30k", {"images": images})
    assert [(record["image"], record["conversations"][1]["value"]) for record in records] == [
        ("train.jpg", "A man."),
        ("train.jpg", "A boy."),
    ]


def test_parquet_refs_are_read(tmp_path: Path) -> None:
    info = json.dumps({"file_name": "COCO_train2014_000000000005.jpg", "width": 640, "height": 480})
    rows = [{"sentences": [{"sent": "the man"}], "bbox": [64.0, 96.0, 320.0, 288.0], "split": "train", "raw_image_info": info}]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    inputs = CONVERTERS["refcoco"].inputs([str(tmp_path / "a.parquet")], Pictures(None), Settings())
    convert(CONVERTERS["refcoco"], inputs, out=tmp_path / "out.jsonl")
    assert "[[100, 200, 500, 600]]" in (tmp_path / "out.jsonl").read_text("utf-8")


def test_refs_without_instances_say_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"instances\.json as the second"):
        converted(tmp_path, "refcoco", REFS)


@pytest.mark.parametrize(
    ("name", "rows", "expected"),
    [
        ("refcoco", REFS, REFS),
        (
            "geoqa_plus",
            [{"subject": "求角", "choices": ["1", "2"], "label": 1, "image": [[0, 255], [255, 0]], "program": {3}}],
            [{"id": 0, "subject": "求角", "choices": ["1", "2"], "label": 1}],
        ),
    ],
)
def test_a_pickle_is_refused_with_the_command_that_converts_it(name: str, rows: Any, expected: Any, tmp_path: Path) -> None:
    path = tmp_path / "refs(unc).p"
    path.write_bytes(pickle.dumps(rows))
    inputs = CONVERTERS[name].inputs([str(path)], Pictures(None), Settings())
    with pytest.raises(PipelineError, match=r"is a pickle.*and is refused") as refused:
        convert(CONVERTERS[name], inputs, out=tmp_path / "out.jsonl")
    command = shlex.split(str(refused.value).partition("convert it once: ")[2])
    assert command[:2] == ["python", "-c"]
    subprocess.run([sys.executable, *command[1:]], check=True, cwd=tmp_path)
    assert json.loads(path.with_suffix(".json").read_text("utf-8")) == expected
    assert (tmp_path / "0.png").is_file() == (name == "geoqa_plus")


def test_a_cut_off_file_leaves_the_earlier_result(tmp_path: Path) -> None:
    rows = [{"imgname": "a.png", "query": "Q?", "label": "1"}] * 3
    converted(tmp_path, "chartqa", rows)
    before = (tmp_path / "out.jsonl").read_bytes()
    with pytest.raises(PipelineError, match=r"not valid JSON, or cut off, after element 2 of 'item'"):
        converted(tmp_path, "chartqa", json.dumps(rows)[:-20])
    assert (tmp_path / "out.jsonl").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["annotations.json", "out.jsonl", "out.meta.json"]


def test_another_file_than_the_converter_reads_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"has nothing at 'annotations\.item'"):
        converted(tmp_path, "coco_detection", {"images": [], "categories": [{"id": 1, "name": "dog"}]})
    with pytest.raises(PipelineError, match="nothing was converted, 1 annotations were refused: missing field: 'imgname'"):
        converted(tmp_path, "chartqa", [{"image": "a.png"}])
    with pytest.raises(PipelineError, match=r"must end in \.jsonl"):
        convert(CONVERTERS["chartqa"], CONVERTERS["chartqa"].inputs(["a"], Pictures(None), Settings()), out=tmp_path / "out.json")


def test_a_byte_order_mark_and_elements_that_are_no_objects_do_no_harm(tmp_path: Path) -> None:
    records, report = converted(tmp_path, "chartqa", '\ufeff[3, {"imgname": "a.png", "query": "Q?", "label": "1"}]')
    assert (len(records), dict(report.refused)) == (1, {"wrong element": 1})


def test_the_run_stops_at_a_limit(tmp_path: Path) -> None:
    rows = [{"imgname": "a.png", "query": f"Q{number}?", "label": "1"} for number in range(9)]
    assert len(converted(tmp_path, "chartqa", rows, limit=4)[0]) == 4


def test_files_are_given_by_role_or_in_their_order() -> None:
    converter = CONVERTERS["vqav2"]
    pictures, settings = Pictures(None), Settings()
    for given in (["q.json", "a.json"], ["annotations=a.json", "q.json"], ["annotations=a.json", "questions=q.json"]):
        files = converter.inputs(given, pictures, settings).files
        assert {role: [str(path) for path in paths] for role, paths in files.items()} == {
            "questions": ["q.json"],
            "annotations": ["a.json"],
        }
    with pytest.raises(PipelineError, match="needs --annotations for annotations"):
        converter.inputs(["q.json"], pictures, settings)
    with pytest.raises(PipelineError, match=r"reads 2 files \(questions, annotations\), 3 came"):
        converter.inputs(["a", "b", "c"], pictures, settings)
    with pytest.raises(PipelineError, match="there is no file"):
        converter.inputs(["gone.json", "gone.json"], pictures, settings).one("questions")


def test_wrong_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="has no task 'spot'; it has locate, describe, both"):
        CONVERTERS["refcoco"].inputs(["a"], Pictures(None), Settings(ask="spot"))
    with pytest.raises(PipelineError, match="one of en, zh"):
        CONVERTERS["refcoco"].inputs(["a"], Pictures(None), Settings(language="fr"))
    with pytest.raises(PipelineError, match="docvqa takes no --prompts"):
        CONVERTERS["docvqa"].inputs(["a"], Pictures(None), Settings(prompts=("What?",)))
    with pytest.raises(PipelineError, match="llava_150k takes no --language"):
        CONVERTERS["llava_150k"].inputs(["a"], Pictures(None), Settings(language="zh"))
    with pytest.raises(PipelineError, match="there is no folder"):
        Pictures(tmp_path / "gone")
    with pytest.raises(PipelineError, match="give --names"):
        converted(tmp_path, "coco_detection", COCO_DETECTION, settings={"language": "zh"})
    with pytest.raises(PipelineError, match="no name for 'person'"):
        converted(tmp_path, "coco_detection", COCO_DETECTION, settings={"language": "zh", "names": {"dog": "狗"}})


def test_an_unknown_data_set_names_the_nearest() -> None:
    assert converter_named("docvqa") is CONVERTERS["docvqa"]
    with pytest.raises(PipelineError, match="did you mean docvqa"):
        converter_named("DocVQA2")


def test_answers_can_explain_themselves(tmp_path: Path) -> None:
    rows = {"1": {"question": "Which?", "choices": ["a", "b"], "answer": 1, "solution": "Because.", "split": "train"}}
    records, _ = converted(tmp_path, "scienceqa", rows, settings={"ask": "solution"})
    assert [turn["value"] for turn in records[0]["conversations"]] == ["Which?\nA. a\nB. b", "Because.\nAnswer: B"]


def test_chinese_questions(tmp_path: Path) -> None:
    records, _ = converted(tmp_path, "chartqa", QUESTIONS["chartqa"].files["train_human.json"], settings={"language": "zh"})
    assert records[0]["conversations"][0]["value"].endswith("\n请用一个词或短语回答问题。")


def test_boxes_are_those_that_pycocotools_finds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pycocotools.coco import COCO

    path = tmp_path / "instances.json"
    path.write_text(json.dumps(COCO_DETECTION), "utf-8")
    coco = COCO(str(path))
    capsys.readouterr()
    names = {each["id"]: each["name"] for each in coco.loadCats(coco.getCatIds())}
    table = {found[0].id: found[1] for found in coco_boxes(path) if not isinstance(found, Refusal)}
    for picture in coco.getImgIds():
        kept = coco.loadAnns(coco.getAnnIds(imgIds=picture, iscrowd=False))
        expected = [(names[each["category_id"]], from_sides(each["bbox"])) for each in kept]
        assert [(coco_categories(path)[each.category], each.box) for each in table[picture]] == expected
