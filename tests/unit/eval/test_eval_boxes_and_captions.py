"""RefCOCO, captions and MMT-Bench: files as they are published, literal prompts, the gold gets the most and silence the least."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from asked_tasks import asked, headline, read, text_of
from benchmark_files import in_base64, put_jsonl, put_picture, put_text, put_tsv

from internvl.eval.errors import BenchmarkFileError
from internvl.eval.generator import Ask
from internvl.eval.sample import Sample
from internvl.eval.task import Task
from internvl.eval.tasks.captions import TASKS as CAPTIONS
from internvl.eval.tasks.mmt_bench import MMTBench
from internvl.eval.tasks.refcoco import TASKS as REFERRING
from internvl.messages import Ref

PHRASES = (("cat <left>", [64, 96, 320, 288]), ("the other one", [0, 0, 640, 480]))


def put_refcoco(root: Path, stem: str = "refcoco", split: str = "val", **change: Any) -> None:
    rows = []
    for number, (phrase, box) in enumerate(PHRASES):
        picture = put_picture(root, f"data/coco/train2014/COCO_train2014_{number:012d}.png")
        rows.append({"image": picture, "sent": phrase, "bbox": box, "width": 640, "height": 480, **change})
    put_jsonl(root / f"data/refcoco/{stem}_{split}.jsonl", rows)


def box_of(sample: Sample) -> str:
    """The gold box as a model writes it."""
    width, height = sample.extra["width"], sample.extra["height"]
    return str([[round(1000 * value / side) for value, side in zip(sample.reference, (width, height) * 2, strict=True)]])


@pytest.mark.parametrize(("name", "stem"), [("refcoco", "refcoco"), ("refcoco_plus", "refcoco+"), ("refcocog", "refcocog")])
def test_referring_sets(name: str, stem: str, tmp_path: Path) -> None:
    task: Task = REFERRING[name]()
    for split in task.splits:
        put_refcoco(tmp_path, stem, split)
        samples = read(task, tmp_path, split=split)
        gold = {sample.id: f"<ref>cat</ref><box>{box_of(sample)}</box>" for sample in samples}
        assert headline(task, samples, lambda ask, gold=gold: gold[ask.id]) == 100
        assert headline(task, samples, "") == 0
        assert task.published[split] == f"{task.title} {split}"
    half = asked(task, samples, "[[0, 0, 1000, 500]]")
    assert [row.score["score"] for row in half] == [0, 1]
    assert half[1].score["iou"] == 0.5
    assert half[1].score["prediction"] == [0, 0, 640, 240]


def test_both_wordings_of_referring(tmp_path: Path) -> None:
    put_refcoco(tmp_path)
    task = REFERRING["refcoco"]()
    tagged = read(task, tmp_path)[0].messages[0].parts
    assert tagged[1:] == (
        "\nPlease provide the bounding box coordinate of the region this sentence describes: ",
        Ref("cat <left>"),
    )
    assert text_of(read(task, tmp_path, variant="card")[0]) == (
        "\nPlease provide the bounding box coordinates of the region this sentence describes: cat <left>"
    )
    protocol = task.variants["internvl"]
    assert (protocol.max_tiles, protocol.decoding.max_new_tokens, protocol.dynamic) == (6, 100, True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bbox": [1, 2, 3]}, r"refcoco_val\.jsonl, row 1: 'bbox' is \[x1, y1, x2, y2\] in pixels"),
        ({"bbox": [9, 0, 3, 5]}, r"row 1: 'bbox' is .* with x1 < x2"),
        ({"width": 0}, r"row 1: 'width' is a number of pixels"),
        ({"height": True}, r"row 1: 'height' is a number of pixels"),
        ({"sent": " "}, r"row 1: 'sent' must be a text"),
        ({"image": "data/coco/none.jpg"}, r"row 1: the picture 'data/coco/none\.jpg' is absent"),
    ],
)
def test_bad_rows_of_refcoco(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    put_refcoco(tmp_path, **change)
    with pytest.raises(BenchmarkFileError, match=message):
        read(REFERRING["refcoco"](), tmp_path)


CAPTIONED = {
    391895: ["A man rides a red bicycle down the street.", "A cyclist on a road."],
    60623: ["Two dogs play with a frisbee in a park.", "Dogs playing on grass."],
    483108: ["A plate of broccoli and rice.", "Green vegetables on a white plate, with rice."],
}
ANNOTATIONS = [
    {"image_id": key, "id": number, "caption": text}
    for number, (key, text) in enumerate((key, text) for key, texts in CAPTIONED.items() for text in texts)
]


def put_coco(root: Path) -> None:
    names = [put_picture(root, f"data/coco/val2014/COCO_val2014_{key:012d}.png") for key in CAPTIONED]
    listed = [{"image": name.removeprefix("data/coco/"), "caption": []} for name in names]
    put_text(root / "data/coco/annotations/coco_karpathy_test.json", json.dumps(listed))
    gold = {"images": [{"id": key} for key in CAPTIONED], "annotations": ANNOTATIONS}
    put_text(root / "data/coco/annotations/coco_karpathy_test_gt.json", json.dumps(gold))


def put_flickr(root: Path) -> None:
    images = [{"id": key, "file_name": put_picture(root, f"data/flickr30k/Images/{key}.png").rpartition("/")[2]} for key in CAPTIONED]
    put_text(root / "data/flickr30k/flickr30k_test_karpathy.json", json.dumps({"images": images, "annotations": ANNOTATIONS}))


def put_nocaps(root: Path) -> None:
    images = [{"id": key, "image": put_picture(root, f"data/nocaps/images/{key}.png").rpartition("/")[2]} for key in CAPTIONED]
    put_text(root / "data/nocaps/nocaps_val_4500_captions.json", json.dumps({"images": images, "annotations": ANNOTATIONS}))


WRITERS = {"coco_caption": put_coco, "flickr30k_caption": put_flickr, "nocaps": put_nocaps}


def first_caption(ask: Ask) -> str:
    return CAPTIONED[int(ask.id)][0]


@pytest.mark.parametrize("name", WRITERS)
def test_caption_sets(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path)
    task = CAPTIONS[name]()
    samples = read(task, tmp_path)
    assert {text_of(sample) for sample in samples} == {"\nProvide a one-sentence caption for the provided image."}
    assert [sample.id for sample in samples] == [str(key) for key in CAPTIONED]
    assert samples[0].reference == CAPTIONED[391895]
    rows = asked(task, samples, first_caption)
    best = task.aggregate(rows)
    assert best["Bleu_4"] == pytest.approx(1.0, abs=1e-6)
    assert best["ROUGE_L"] == pytest.approx(1.0)
    assert best["METEOR"] > 0.5
    assert best["METEOR_matchers"] == ["exact", "stem"]
    assert all("no synonyms" in task.variants[variant].note for variant in ("internvl", "internvl-g"))
    assert best["mean_length"] == pytest.approx((9 + 9 + 6) / 3)
    assert [row.score["score"] for row in rows] == pytest.approx([1.0, 1.0, 1.0])
    swapped = dict(zip(CAPTIONED, [*list(CAPTIONED.values())[1:], ["x"]], strict=True))
    worse = task.aggregate(asked(task, samples, lambda ask: swapped[int(ask.id)][0]))
    assert 0 <= worse["CIDEr"] < best["CIDEr"]
    assert headline(task, samples, "") == headline(task, samples, " \n") == 0
    partly = task.aggregate(asked(task, samples, lambda ask: first_caption(ask) if ask.id == "60623" else ""))
    assert 0 < partly["CIDEr"] < best["CIDEr"]
    assert task.submission(rows)[0] == {"image_id": 391895, "caption": CAPTIONED[391895][0]}
    assert set(task.published) <= set(task.splits)


def test_caption_protocols(tmp_path: Path) -> None:
    put_coco(tmp_path)
    task = CAPTIONS["coco_caption"]()
    assert text_of(read(task, tmp_path, variant="internvl-g")[0]) == "\nEnglish caption:"
    chat, contrastive = task.variants["internvl"], task.variants["internvl-g"]
    assert (chat.decoding.max_new_tokens, chat.decoding.min_new_tokens, chat.decoding.num_beams, chat.max_tiles) == (30, 8, 1, 6)
    assert (contrastive.decoding.num_beams, contrastive.dynamic) == (5, False)


def test_coco_by_vlmevalkit(tmp_path: Path) -> None:
    rows = [
        {"index": number, "image": in_base64(str(key)), "answer": repr(texts)} for number, (key, texts) in enumerate(CAPTIONED.items())
    ]
    put_tsv(tmp_path / "COCO_VAL.tsv", rows)
    task = CAPTIONS["coco_caption"]()
    samples = read(task, tmp_path, variant="vlmevalkit-2024")
    assert text_of(samples[0]) == (
        '\nPlease describe this image in general. Directly provide the description, do not include prefix like "This image depicts". '
    )
    texts = list(CAPTIONED.values())
    plain = task.aggregate(asked(task, samples, lambda ask: texts[int(ask.id)][0]))
    assert plain["Bleu_4"] == pytest.approx(1.0, abs=1e-6)
    assert "METEOR" not in plain
    # words are taken as they are: a full stop belongs to its word
    assert task.aggregate(asked(task, samples, lambda ask: texts[int(ask.id)][0].rstrip(".")))["Bleu_4"] < 1
    assert headline(task, samples, "") == 0


def test_bad_caption_files(tmp_path: Path) -> None:
    put_coco(tmp_path)
    task = CAPTIONS["coco_caption"]()
    gold = tmp_path / "data/coco/annotations/coco_karpathy_test_gt.json"
    gold.write_text(json.dumps({"annotations": ANNOTATIONS[2:]}))
    with pytest.raises(BenchmarkFileError, match="row 1: picture 391895 has no caption among the references"):
        read(task, tmp_path)
    gold.write_text(json.dumps({"annotations": [{"image_id": 391895, "caption": 5}]}))
    with pytest.raises(BenchmarkFileError, match="row 1: 'caption' must be a text, not 5"):
        read(task, tmp_path)
    gold.unlink()
    with pytest.raises(BenchmarkFileError, match=r"can't read .*_gt\.json"):
        read(task, tmp_path)
    put_coco(tmp_path)
    put_text(tmp_path / "data/coco/annotations/coco_karpathy_test.json", json.dumps([{"image": "cat.jpg"}]))
    with pytest.raises(BenchmarkFileError, match="row 1: the name of a picture ends in `_` and its number"):
        read(task, tmp_path)
    put_nocaps(tmp_path)
    (tmp_path / "data/nocaps/images/60623.png").unlink()
    with pytest.raises(BenchmarkFileError, match=r"row 2: the picture '60623\.png' is absent"):
        read(CAPTIONS["nocaps"](), tmp_path)


MMT = (
    ("visual_recognition", "animals", "A"),
    ("visual_recognition", "animals", "I"),
    ("visual_recognition", "plants", "B"),
    ("ocr", "scene_text", "C"),
)


def put_mmt(root: Path, name: str = "MMT-Bench_VAL", **change: Any) -> None:
    rows = []
    for number, (meta, subtask, gold) in enumerate(MMT):
        options = {letter: f"thing {letter.lower()}{number}" for letter in "ABCDEFGHI"}
        row = {"index": number, "image": in_base64(str(number)), "question": f"Which of {number}?", **options}
        rows.append({**row, "answer": gold, "category": subtask, "l2-category": meta, "split": "val", **change})
    put_tsv(root / f"{name}.tsv", rows)


def test_mmt_bench(tmp_path: Path) -> None:
    put_mmt(tmp_path)
    task = MMTBench()
    samples = read(task, tmp_path)
    assert text_of(samples[0]) == (
        "\nWhich of 0?\n" + "\n".join(f"{letter}. thing {letter.lower()}0" for letter in "ABCDEFGHI") + "\n"
        "Answer with the option's letter from the given choices directly."
    )
    gold = dict(zip("0123", (letter for *_, letter in MMT), strict=True))
    assert headline(task, samples, lambda ask: gold[ask.id]) == 100
    assert headline(task, samples, "") == 0
    table = task.aggregate(asked(task, samples, lambda ask: gold[ask.id] if ask.id in "12" else "no idea"))
    assert table["accuracy"] == 0.5
    assert table["Overall*"] == 0
    assert table["VR"] == pytest.approx((0.5 + 1) / 2)
    assert table["OCR"] == 0
    assert table["animals"] == 0.5


def test_the_whole_of_mmt_bench_has_answers_that_are_kept_back(tmp_path: Path) -> None:
    put_mmt(tmp_path, "MMT-Bench_ALL", answer="")
    task = MMTBench()
    rows = asked(task, read(task, tmp_path, split="all"), "A")
    assert task.aggregate(rows) == {"accuracy": None, "unlabelled": 4}
    put_mmt(tmp_path, answer="")
    with pytest.raises(BenchmarkFileError, match="row 1: 'answer' is empty"):
        read(task, tmp_path)
