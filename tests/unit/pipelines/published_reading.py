"""Tiny files of text in pictures, conversations and text alone in their published forms, and what must come out of them."""

from __future__ import annotations

import json

from published_form import DESCRIBE, READ, Published, lines

GT = [[10, 10], [110, 10], [110, 30], [10, 30]]
GT_BELOW = [[10, 50], [110, 50], [110, 70], [10, 70]]
ICDAR = {
    "gt_0": [
        {"transcription": "今日特价", "points": GT_BELOW, "language": "Chinese", "illegibility": False},
        {"transcription": "SALE", "points": GT, "language": "Latin", "illegibility": False},
        {"transcription": "###", "points": GT, "language": "Latin", "illegibility": True},
    ],
    "gt_1": [{"transcription": "###", "points": GT, "illegibility": True}],
}
LLAVA = [
    {
        "id": "33471",
        "image": "000000033471.jpg",
        "conversations": [{"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": "A bus."}],
    },
    {"id": "2", "image": "x.jpg", "conversations": [{"from": "gpt", "value": "A bus."}]},
]
LLAVA_EXPECTED = (("000000033471.jpg", "What is it?", "A bus."),)
CAT = "猫是一种小型的家养食肉哺乳动物，属于猫科动物，在世界各地被人们当作宠物饲养，也用来捕捉老鼠。"
ALPACA = [
    {"instruction": "Add.", "input": "1 2", "output": "3"},
    {"instruction": "Greet.", "input": "", "output": "Hi!"},
    {"instruction": "Nothing.", "input": "", "output": ""},
]
ALPACA_EXPECTED = ((None, "Add.\n1 2", "3"), (None, "Greet.", "Hi!"))
SAMPLES: dict[str, Published] = {
    "sharegpt4v": Published({"s.json": LLAVA}, ("s.json",), LLAVA_EXPECTED, refused={"not a record": 1}),
    "art": Published({"l.json": ICDAR}, ("l.json",), (("gt_0.jpg", READ, "SALE\n今日特价"),), refused={"no text": 1}),
    "lsvt": Published(
        {"l.json": ICDAR},
        ("l.json",),
        (
            (
                "gt_0.jpg",
                READ[:-1] + " and mark its position.",
                "<ref>SALE</ref><box>[[50, 100, 550, 300]]</box>\n<ref>今日特价</ref><box>[[50, 500, 550, 700]]</box>",
            ),
        ),
        pictures={"gt_0.jpg": (200, 100)},
        refused={"no text": 1},
        settings={"ask": "spot"},
    ),
    "rctw17": Published(
        {
            "gt/image_0.txt": '\ufeff10,50,110,50,110,70,10,70,0,"打折, 今天"\n'
            '10,10,110,10,110,30,10,30,0,"SALE"\n1,1,2,1,2,2,1,2,1,"难"\n',
            "gt/image_1.txt": "10,50\n",
        },
        ("gt",),
        (("image_0.jpg", READ, "SALE\n打折, 今天"),),
        refused={"broken line": 1},
    ),
    "rects": Published(
        {
            "gt/train_ReCTS_000001.json": {
                "chars": [{"points": [1, 1, 2, 1, 2, 2, 1, 2], "transcription": "店"}],
                "lines": [
                    {"points": [10, 10, 110, 10, 110, 30, 10, 30], "transcription": "小吃店", "ignore": 0},
                    {"points": [10, 50, 110, 50, 110, 70, 10, 70], "transcription": "###", "ignore": 1},
                ],
            }
        },
        ("gt",),
        (("img/train_ReCTS_000001.jpg", READ, "小吃店"),),
    ),
    "ctw": Published(
        {
            "train.jsonl": lines(
                {
                    "image_id": "1", "file_name": "0000172.jpg", "width": 2048, "height": 2048, "ignore": [],
                    "annotations": [
                        [
                            {"adjusted_bbox": [100.0, 100.0, 100.0, 100.0], "text": "明", "is_chinese": True},
                            {"adjusted_bbox": [220.0, 100.0, 100.0, 100.0], "text": "珠", "is_chinese": True},
                        ],
                        [{"adjusted_bbox": [100.0, 900.0, 50.0, 50.0], "is_chinese": False}],
                    ],
                }
            )
        },
        ("train.jsonl",),
        (("0000172.jpg", READ, "明珠"),),
    ),
    "coco_text": Published(
        {
            "c.json": {
                "cats": {},
                "anns": {
                    "45346": {"image_id": 217925, "bbox": [10, 10, 100, 20], "utf8_string": "New", "legibility": "legible"},
                    "45347": {"image_id": 217925, "bbox": [120, 12, 100, 20], "utf8_string": "York", "legibility": "legible"},
                    "45348": {"image_id": 217925, "bbox": [1, 1, 2, 2], "legibility": "illegible"},
                },
                "imgs": {
                    "217925": {"id": 217925, "set": "train", "width": 640, "height": 480,
                               "file_name": "COCO_train2014_000000217925.jpg"},
                    "1": {"id": 1, "set": "val", "width": 640, "height": 480, "file_name": "COCO_train2014_000000000001.jpg"},
                },
                "imgToAnns": {"217925": [45346, 45347, 45348]},
            }
        },
        ("c.json",),
        (("train2014/COCO_train2014_000000217925.jpg", READ, "New York"),),
    ),
    "textocr": Published(
        {
            "t.json": {
                "imgs": {"a0": {"id": "a0", "width": 100, "height": 50, "set": "train", "file_name": "train/a0.jpg"}},
                "anns": {
                    "a0_1": {"id": "a0_1", "image_id": "a0", "bbox": [10, 5, 20, 10], "utf8_string": "EXIT", "area": 200.0,
                             "points": [10, 5, 30, 5, 30, 15, 10, 15]},
                    "a0_2": {"id": "a0_2", "image_id": "a0", "utf8_string": ".", "points": [1, 1, 2, 1, 2, 2, 1, 2]},
                },
            }
        },
        ("t.json",),
        (
            ("train/a0.jpg", READ, "EXIT"),
            ("train/a0.jpg", READ[:-1] + " and mark its position.", "<ref>EXIT</ref><box>[[100, 100, 300, 300]]</box>"),
        ),
        settings={"ask": "both"},
    ),
    "synthdog": Published(
        {
            "metadata.jsonl": lines(
                {"file_name": "image_0.jpg", "ground_truth": json.dumps({"gt_parse": {"text_sequence": "once upon a time"}})},
                {"file_name": "image_1.jpg", "ground_truth": "none"},
            )
        },
        ("metadata.jsonl",),
        (("image_0.jpg", READ, "once upon a time"),),
        refused={"wrong field": 1},
    ),
    "llava_150k": Published(
        {"l.json": LLAVA},
        ("l.json",),
        (("train2014/COCO_train2014_000000033471.jpg", "What is it?", "A bus."),),
        pictures={"train2014/COCO_train2014_000000033471.jpg": (8, 8)},
        refused={"not a record": 1},
    ),
    "lvis_instruct4v": Published({"l.json": LLAVA}, ("l.json",), LLAVA_EXPECTED, refused={"not a record": 1}),
    "allava": Published({"l.json": LLAVA}, ("l.json",), LLAVA_EXPECTED, refused={"not a record": 1}),
    "svit": Published(
        {
            "conversation.json": [
                {
                    "image_id": 1159273,
                    "conversations": [
                        {"content": [{"from": "user", "value": "What is it?"}, {"from": "gpt", "value": "A street."}]},
                        {"content": [{"from": "user", "value": "Who is there?"}, {"from": "gpt", "value": "A man."}]},
                    ],
                }
            ]
        },
        ("conversation.json",),
        (("VG_100K/1159273.jpg", "What is it?", "A street."), ("VG_100K/1159273.jpg", "Who is there?", "A man.")),
    ),
    "laion_gpt4v": Published(
        {
            "00012.parquet": [
                {"key": "000120007", "caption": "A red car.\nIt is old.", "status": "success"},
                {"key": "000120008", "status": "failed"},
            ]
        },
        ("00012.parquet",),
        (("00012/000120007.jpg", DESCRIBE, "A red car.\nIt is old."),),
        refused={"not downloaded": 1},
    ),
    "textocr_gpt4v": Published(
        {"t.jsonl": lines({"filename": "train/0054c9.jpg", "caption": "A sign that says STOP."}, {"filename": "b.jpg", "caption": ""})},
        ("t.jsonl",),
        (("train/0054c9.jpg", DESCRIBE, "A sign that says STOP."),),
        refused={"wrong field": 1},
    ),
    "wikipedia": Published(
        {
            "w.parquet": [
                {"id": "12", "url": "u", "title": "猫", "text": CAT + "\n\n历史"},
                {"id": "13", "url": "u", "title": "List", "text": "See also"},
            ]
        },
        ("w.parquet",),
        ((None, "请介绍一下猫。", CAT),),
        refused={"short article": 1},
        settings={"language": "zh"},
    ),
    "alpaca_gpt4": Published({"a.json": ALPACA}, ("a.json",), ALPACA_EXPECTED, refused={"wrong field": 1}),
    "coig_cqia": Published({"zhihu/a.jsonl": lines(*ALPACA)}, ("zhihu",), ALPACA_EXPECTED, refused={"wrong field": 1}),
    "openhermes": Published(
        {
            "o.json": [
                {
                    "source": "x",
                    "conversations": [
                        {"from": "system", "value": "Be brief."}, {"from": "human", "value": "Hello"}, {"from": "gpt", "value": "Hi!"},
                    ],
                }
            ]
        },
        ("o.json",),
        ((None, "Hello", "Hi!"),),
    ),
    "sharegpt": Published(
        {
            "s.json": [
                {"id": "a_0", "conversations": [{"from": "human", "value": "Hello"}, {"from": "gpt", "value": "Hi!"}]},
                {"id": "a_1", "conversations": [{"from": "gpt", "value": "cut"}, {"from": "human", "value": "Hello"}]},
                {"id": "a_2", "conversations": [{"from": "bing", "value": "x"}]},
            ]
        },
        ("s.json",),
        ((None, "Hello", "Hi!"),),
        refused={"not a record": 1, "no conversation": 1},
    ),
}  # fmt: skip
