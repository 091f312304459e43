"""Tiny captions, detection and grounding files in their published forms, and what must come out of them."""

from __future__ import annotations

from published_form import CAPTION, DETECT, DETECTED, LOCATE, SHORT, Published, lines

COCO_IMAGES = [{"id": 9, "file_name": "000000000009.jpg", "width": 640, "height": 480, "license": 3}]
COCO_DETECTION = {
    "info": {"year": 2017},
    "images": [*COCO_IMAGES, {"id": 25, "file_name": "000000000025.jpg", "width": 100, "height": 100}],
    "annotations": [
        {"id": 1, "image_id": 9, "category_id": 18, "bbox": [64.0, 48.0, 320.0, 240.0], "area": 1.0, "iscrowd": 0},
        {"id": 2, "image_id": 25, "category_id": 1, "bbox": [0, 0, 50, 50.25], "iscrowd": 0},
        {"id": 3, "image_id": 9, "category_id": 1, "bbox": [0, 0, 640.4, 480], "iscrowd": 0},
        {"id": 4, "image_id": 9, "category_id": 18, "bbox": [320, 240, 32, 24], "iscrowd": 0},
        {"id": 5, "image_id": 9, "category_id": 18, "bbox": [1, 1, 9, 9], "iscrowd": 1},
        {"id": 6, "image_id": 9, "category_id": 18, "bbox": [600, 400, 60, 10], "iscrowd": 0},
        {"id": 7, "image_id": 9, "category_id": 18, "bbox": [10, 10, 0, 20], "iscrowd": 0},
    ],
    "categories": [{"id": 1, "name": "person", "supercategory": "person"}, {"id": 18, "name": "dog", "supercategory": "animal"}],
}
COCO_DETECTED = (
    (
        "train2017/000000000009.jpg",
        DETECT,
        DETECTED
        + "<ref>dog</ref><box>[[100, 100, 600, 600], [500, 500, 550, 550]]</box>\n"
        + "<ref>person</ref><box>[[0, 0, 1000, 1000]]</box>\n```",
    ),
    ("train2017/000000000025.jpg", DETECT, DETECTED + "<ref>person</ref><box>[[0, 0, 500, 502]]</box>\n```"),
)
VG_IMAGES = [
    {"image_id": 1, "url": "https://cs.stanford.edu/people/rak248/VG_100K_2/1.jpg", "width": 800, "height": 600, "coco_id": None}
]
VG_DOG = {"x": 80, "y": 60, "w": 160, "h": 120}
VG_MAN = {"x": 400, "y": 300, "w": 80, "h": 60}
DOWNLOADED = [
    {"key": "000120007", "caption": "a red  car\n", "status": "success", "width": 256, "height": 128, "url": "http://a/b"},
    {"key": "000120008", "caption": "gone", "status": "failed_to_download", "width": None, "height": None, "url": "http://a/c"},
]
INSTANCES = {
    "images": [{"id": 5, "file_name": "COCO_train2014_000000000005.jpg", "width": 640, "height": 480}],
    "annotations": [{"id": 77, "image_id": 5, "category_id": 1, "bbox": [64, 96, 256, 192], "iscrowd": 0}],
    "categories": [{"id": 1, "name": "person"}],
}
REFS = [
    {"ref_id": 1, "ann_id": 77, "image_id": 5, "split": "train", "file_name": "COCO_train2014_000000000005_77.jpg",
     "sentences": [{"raw": "Left man", "sent": "left man", "sent_id": 1}, {"sent": "man in red", "sent_id": 2}]},
    {"ref_id": 2, "ann_id": 77, "image_id": 5, "split": "val", "sentences": [{"sent": "not for training"}]},
    {"ref_id": 3, "ann_id": 78, "image_id": 5, "split": "train", "sentences": [{"sent": "lost"}]},
]  # fmt: skip
BOX = "<box>[[100, 200, 500, 600]]</box>"


def located(phrase: str) -> tuple[str, str, str]:
    return "train2014/COCO_train2014_000000000005.jpg", f"{LOCATE}<ref>{phrase}</ref>", f"<ref>{phrase}</ref>{BOX}"


SAMPLES: dict[str, Published] = {
    "coco_captions": Published(
        {
            "captions.json": {
                "images": COCO_IMAGES,
                "annotations": [{"image_id": 9, "id": 1, "caption": "A dog.\n"}, {"image_id": 8, "id": 2, "caption": "?"}],
            }
        },
        ("captions.json",),
        (("train2017/000000000009.jpg", CAPTION, "A dog."),),
        refused={"unknown picture": 1},
    ),
    "nocaps": Published(
        {"nocaps.json": {"images": COCO_IMAGES, "annotations": [{"image_id": 9, "id": 0, "caption": "A dog."}]}},
        ("nocaps.json",),
        (("000000000009.jpg", CAPTION, "A dog."),),
    ),
    "textcaps": Published(
        {"t.json": {"data": [{"image_id": "0054c9", "caption_str": "a sign that says stop", "image_width": 4, "image_height": 3}]}},
        ("t.json",),
        (
            (
                "train_images/0054c9.jpg",
                CAPTION[:-1] + ", taking the text in it into account.",
                "a sign that says stop",
            ),
        ),
    ),
    "flickr30k": Published(
        {"results.token": '1000092795.jpg#0\tTwo "young" guys .\n1000092795.jpg#1\tTwo men , outside .\nno caption\n'},
        ("results.token",),
        (("1000092795.jpg", CAPTION, 'Two "young" guys .'), ("1000092795.jpg", CAPTION, "Two men , outside .")),
        refused={"wrong row": 1},
    ),
    "cc3m": Published(
        {"00012.parquet": DOWNLOADED},
        ("00012.parquet",),
        (("00012/000120007.jpg", CAPTION, "a red car"),),
        refused={"not downloaded": 1},
    ),
    "laion": Published(
        {"00012.parquet": [{"key": "000120007", "TEXT": "a red car", "status": "success", "width": 256, "height": 128}]},
        ("*.parquet",),
        (("00012/000120007.png", "请用一句话描述这张图片。", "a red car"),),
        pictures={"00012/000120007.png": (256, 128)},
        settings={"language": "zh"},
    ),
    "coco_detection": Published(
        {"instances.json": COCO_DETECTION}, ("instances.json",), COCO_DETECTED, refused={"crowd": 1, "box outside": 1, "empty box": 1}
    ),
    "objects365": Published(
        {
            "o.json": {
                "images": [{"id": 9, "file_name": "images/v1/patch8/objects365_v1_1.jpg", "width": 640, "height": 480}],
                "annotations": COCO_DETECTION["annotations"][:1],
                "categories": COCO_DETECTION["categories"],
            }
        },
        ("o.json",),
        (
            (
                "patch8/objects365_v1_1.jpg",
                "请检测并标注图中的所有物体，并标出它们的位置。",
                "好的，我将检测并标注图中的所有物体，并标出它们的位置。\n\n```\n<ref>狗</ref><box>[[100, 100, 600, 600]]</box>\n```",
            ),
        ),
        pictures={"patch8/objects365_v1_1.jpg": (640, 480)},
        settings={"language": "zh", "names": {"dog": "狗", "person": "人"}},
    ),
    "refcoco": Published(
        {"refs.json": REFS, "instances.json": INSTANCES},
        ("refs.json", "instances.json"),
        (located("left man"), located("man in red")),
        refused={"no box": 1},
    ),
    "refcoco_plus": Published(
        {
            "finetune_refcoco+_train.json": {
                "info": [],
                "images": [{"id": 0, "file_name": "COCO_train2014_000000000005.jpg", 
                            "width": 640, "height": 480, "caption": "man in red"}],
                "annotations": [{"id": 0, "image_id": 0, "bbox": [64, 96, 256, 192], "category_id": 1}],
            }
        },
        ("finetune_refcoco+_train.json",),
        (located("man in red"),),
    ),
    "refcocog": Published(
        {
            "g.jsonl": lines(
                {"image": "coco/a.jpg", "sent": "the man", "bbox": [64, 96, 320, 288], "width": 640, "height": 480},
                {"image": "coco/a.jpg", "sent": "the <box>", "bbox": [64, 96, 320, 288], "width": 640, "height": 480},
            )
        },
        ("g.jsonl",),
        (("coco/a.jpg", f"Please provide a short description for this region: {BOX}", "the man"),),
        refused={"marks in the text": 1},
        settings={"ask": "describe"},
    ),
    "grit": Published(
        {
            "00000.parquet": [
                {
                    "key": "000000001", "caption": "A dog and two cats", "status": "success", "width": 200, "height": 100,
                    "noun_chunks": [[0.0, 5.0, 0.1, 0.2, 0.5, 0.6, 0.9], [10, 18, 0, 0, 0.1, 1, 0.8], [10, 18, 0.5, 0, 0.75, 1, 0.7]],
                    "ref_exps": [[0, 18, 0.0, 0.0, 1.0, 1.0, 0.9]],
                }
            ]
        },
        ("00000.parquet",),
        (
            (
                "00000/000000001.jpg",
                "Please describe the image in one sentence and mark the position of each thing that you name.",
                "<ref>A dog</ref><box>[[100, 200, 500, 600]]</box> and "
                "<ref>two cats</ref><box>[[0, 0, 100, 1000], [500, 0, 750, 1000]]</box>",
            ),
        ),
    ),
    "vg_regions": Published(
        {
            "region_descriptions.json": [
                {
                    "id": 1,
                    "regions": [
                        {"region_id": 5, "image_id": 1, "phrase": "the dog", "x": 80, "y": 60, "width": 160, "height": 120},
                        {"region_id": 6, "image_id": 1, "phrase": "too wide", "x": 700, "y": 60, "width": 160, "height": 120},
                    ],
                },
                {"id": 2, "regions": [{"region_id": 7, "phrase": "?", "x": 0, "y": 0, "width": 1, "height": 1}]},
            ],
            "image_data.json": VG_IMAGES,
        },
        ("region_descriptions.json", "image_data.json"),
        (("VG_100K_2/1.jpg", LOCATE + "<ref>the dog</ref>", "<ref>the dog</ref><box>[[100, 100, 300, 300]]</box>"),),
        refused={"box outside": 1, "unknown picture": 1},
    ),
    "vg_objects": Published(
        {
            "objects.json": [{"image_id": 1, "objects": [{"names": ["dog"], **VG_DOG}, {"names": ["man"], **VG_MAN}]}],
            "image_data.json": VG_IMAGES,
        },
        ("image_data=image_data.json", "annotations=objects.json"),
        (
            (
                "VG_100K_2/1.jpg",
                DETECT,
                DETECTED + "<ref>dog</ref><box>[[100, 100, 300, 300]]</box>\n<ref>man</ref><box>[[500, 500, 600, 600]]</box>\n```",
            ),
        ),
    ),
    "vg_relationships": Published(
        {
            "relationships.json": [
                {
                    "image_id": 1,
                    "relationships": [
                        {"predicate": "NEAR", "subject": {"name": "dog", **VG_DOG}, "object": {"names": ["man"], **VG_MAN}}
                    ],
                }
            ],
            "image_data.json": VG_IMAGES,
        },
        ("relationships.json", "image_data.json"),
        (
            (
                "VG_100K_2/1.jpg",
                "What is the relationship between <ref>dog</ref><box>[[100, 100, 300, 300]]</box> and "
                "<ref>man</ref><box>[[500, 500, 600, 600]]</box> in this image?",
                "dog near man",
            ),
        ),
    ),
    "vg_qa": Published(
        {
            "question_answers.json": [{"id": 1, "qas": [{"qa_id": 3, "image_id": 1, "question": "Where?", "answer": "On grass."}]}],
            "image_data.json": VG_IMAGES,
        },
        ("question_answers.json", "image_data.json"),
        (("VG_100K_2/1.jpg", "Where?" + SHORT, "On grass"),),
    ),
    "all_seeing": Published(
        {
            "rec.json": [
                {
                    "id": 1, "image": "a.jpg",
                    "conversations": [
                        {"from": "human", "value": "<image>\nWhere is it?"},
                        {"from": "gpt", "value": f"<ref>dog</ref>{BOX} <pred>near</pred><box>[[1, 2, 3, 4]]</box>"},
                    ],
                },
                {
                    "id": 2, "image": "a.jpg",
                    "conversations": [{"from": "human", "value": "Where?"}, {"from": "gpt", "value": "<box>[[0, 0, 1200, 3]]</box>"}],
                },
            ]
        },
        ("rec.json",),
        (("a.jpg", "Where is it?", "<ref>dog</ref><box>[[100, 200, 500, 600]]</box> <pred>near</pred><box>[[1, 2, 3, 4]]</box>"),),
        refused={"not a record": 1},
    ),
}  # fmt: skip
