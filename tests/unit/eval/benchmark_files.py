"""Tiny stand-ins of the published benchmark files, drawn and written on the spot: two to eight questions each, in every file form.

FORMS[name] -> {form: writer(root)};   a writer leaves files below the root as the benchmark's authors or VLMEvalKit lay them out
"""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import PIL.Image
import PIL.ImageDraw

from internvl.eval.metrics.mme import COGNITION, PERCEPTION

Writer = Callable[[Path], None]


def drawn(text: str = "7", *, size: tuple[int, int] = (40, 30)) -> bytes:
    """A PNG with a text on it; another text is another picture."""
    image = PIL.Image.new("RGB", size, (240, 240, 200))
    PIL.ImageDraw.Draw(image).text((4, 4), text, fill=(20, 20, 120))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def in_base64(text: str = "7") -> str:
    return base64.b64encode(drawn(text)).decode()


def put_picture(root: Path, name: str) -> str:
    """Draw a picture at a path below the root, and return the path as a file writes it."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(drawn(path.stem))
    return name


def put_text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def put_jsonl(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    return put_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def put_tsv(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """A TSV as pandas writes it: the columns of all rows, quotes where needed, nothing for an absent value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, delimiter="\t", restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


QUESTIONS = (("What is the total?", ["$1,250", "1,250"]), ("Who signed?", ["Zoë Müller"]), ("说什么?", ["二十 元"]))


def vqa_jsonl(name: str, folder: str, *, blind: bool = False, questions: Sequence[tuple[str, Any]] = QUESTIONS) -> Writer:
    def write(root: Path) -> None:
        rows = []
        for number, (question, answers) in enumerate(questions, start=1):
            picture = put_picture(root, f"data/{folder}/pictures/{number}.png")
            row = {"image": picture, "question": question, "question_id": 4900 + number}
            rows.append(row if blind else {**row, "answer": answers})
        put_jsonl(root / "data" / folder / name, rows)

    return write


def vqa_tsv(name: str, *, blind: bool = False, questions: Sequence[tuple[str, Any]] = QUESTIONS, **more: Any) -> Writer:
    def write(root: Path) -> None:
        rows = []
        for number, (question, answers) in enumerate(questions):
            row = {"index": number, "image": in_base64(question), "question": question, **more}
            rows.append(row if blind else {**row, "answer": repr(answers)})
        put_tsv(root / f"{name}.tsv", rows)

    return write


def with_annotations(writer: Writer, path: str, *, top: str, key: str) -> Writer:
    """The question file, and the official annotations beside it with other spellings of the answers."""

    def write(root: Path) -> None:
        writer(root)
        entries = []
        for number, (_, answers) in enumerate(QUESTIONS, start=1):
            listed = [answers[0]] if key == "questionId" else [{"answer": answers[0]}] * 10
            entries.append({key: 4900 + number, "answers": listed})
        put_text(root / path, json.dumps({"dataset_name": "a stand-in", top: entries}))

    return write


def chart_jsonl(root: Path) -> None:
    vqa_jsonl("test_human.jsonl", "chartqa", questions=(("How many?", "10"), ("Which?", "Coal")))(root)
    vqa_jsonl("test_augmented.jsonl", "chartqa", questions=(("What share?", "23%"),))(root)


def chart_tsv(root: Path) -> None:
    halves = (("How many?", "10", "test_human"), ("Which?", "Coal", "test_human"), ("What share?", "23%", "test_augmented"))
    rows = [
        {"index": place, "image": in_base64(question), "question": question, "answer": answer, "split": half}
        for place, (question, answer, half) in enumerate(halves)
    ]
    put_tsv(root / "LMUData" / "ChartQA_TEST.tsv", rows)


def ocrbench_tsv(root: Path) -> None:
    rows = [
        {"index": 0, "question": "What is written?", "answer": "['stop', 'STOP']", "category": "Regular Text Recognition"},
        {"index": 1, "question": "Which amount?", "answer": "['3.50']", "category": "Key Information Extraction"},
        {
            "index": 2,
            "question": "Write the formula in LaTeX.",
            "answer": "['\\\\frac { a } { b } + c']",
            "category": "Handwritten Mathematical Expression Recognition",
        },
    ]
    put_tsv(root / "OCRBench.tsv", [{**row, "image": in_base64(str(row["index"]))} for row in rows])


OPTIONS = {"A": "a dog", "B": "two cats", "C": "bird", "D": "nothing"}


def letters_tsv(name: str, **more: Any) -> Writer:
    """Four options, then two with a hint, then Chinese."""

    def write(root: Path) -> None:
        rows = [
            {"index": 0, "image": in_base64("p"), "question": "What is it?", **OPTIONS, "answer": "B", **more},
            {
                "index": 1,
                "image": in_base64("q"),
                "hint": "Look up.",
                "question": "Lit?",
                "A": "on",
                "B": "off",
                "answer": "A",
                **more,
            },
            {"index": 2, "image": in_base64("r"), "question": "图中是什么?", "A": "猫", "B": "狗", "answer": "B", **more},
        ]
        put_tsv(root / name, rows)

    return write


def circular_tsv(name: str, *, blind: bool = False) -> Writer:
    """One question in four rotations, whose pictures refer to the first row, and one in two."""

    def write(root: Path) -> None:
        texts = list(OPTIONS.values())
        rows = []
        for turn in range(4):
            turned = texts[-turn:] + texts[:-turn] if turn else texts
            row = {"index": 241 + turn * 1_000_000, "question": "What is it?", "hint": "Look."}
            row |= dict(zip("ABCD", turned, strict=True)) | {"category": "ocr", "l2-category": "coarse_perception"}
            rows.append({**row, "image": in_base64("big picture") if turn == 0 else "241", "answer": "ABCD"[(1 + turn) % 4]})
        for turn in range(2):
            row = {"index": 7 + turn * 1_000_000, "question": "Is it on?", "A": ("on", "off")[turn], "B": ("off", "on")[turn]}
            row |= {"category": "logic", "l2-category": "logic_reasoning", "image": in_base64("lamp"), "answer": "AB"[turn]}
            rows.append(row)
        put_tsv(root / name, [{key: value for key, value in row.items() if not (blind and key == "answer")} for row in rows])

    return write


READY = "What is it?\nA. a dog\nB. two cats\nAnswer with the option's letter from the given choices directly."


def ai2d_jsonl(root: Path) -> None:
    rows = []
    for number, answer in enumerate("ab", start=1):
        picture = put_picture(root, f"data/ai2diagram/AI2D_TEST/{number}.png")
        rows.append({"image": picture, "question": READY, "question_id": picture, "answer": answer.upper()})
    put_jsonl(root / "data/ai2diagram/test_vlmevalkit.jsonl", rows)


def seed_jsonl(root: Path) -> None:
    rows = []
    for number, answer in enumerate("ABCD", start=1):
        picture = put_picture(root, f"data/SEED/SEED-Bench-image/{number}")
        rows.append({"image": picture, "text": READY, "question_id": f"10{number}", "answer": answer})
    put_jsonl(root / "data/SEED/seed.jsonl", rows)


def seed_with_kinds(root: Path) -> None:
    """The last question is about a clip."""
    seed_jsonl(root)
    kinds = {"Scene Understanding": 1, "Instance Identity": 2, "Text Understanding": 9, "Action Recognition": 10}
    questions = [
        {"question_id": f"10{number}", "question_type_id": kind, "data_type": "image", "answer": "ABCD"[number - 1]}
        for number, kind in enumerate(kinds.values(), start=1)
    ]
    put_text(root / "data/SEED/SEED-Bench.json", json.dumps({"question_type": kinds, "questions": questions}))


def mme_folder(root: Path) -> None:
    for place, subtask in enumerate((*PERCEPTION, *COGNITION)):
        lines = []
        for number in range(2):
            inner = "images/" if place % 2 else ""
            put_picture(root, f"data/mme/MME_Benchmark_release_version/{subtask}/{inner}{number}.jpg")
            lines += [f"{number}.jpg\tIs it {word}? Please answer yes or no.\t{word}" for word in ("Yes", "No")]
        put_text(root / f"eval/mme/Your_Results/{subtask}.txt", "\n".join(lines) + "\n")


def mme_tsv(root: Path) -> None:
    rows = []
    for subtask in (*PERCEPTION, *COGNITION):
        for word in ("Yes", "No"):
            row = {"index": len(rows), "image": in_base64(subtask), "image_path": f"{subtask}/0.jpg", "category": subtask}
            rows.append({**row, "question": f"Is it {word}? Please answer yes or no.", "answer": word})
    put_tsv(root / "MME.tsv", rows)


def hallusion_tsv(root: Path) -> None:
    names = ("VD_figure_1_0_1_0", "VD_figure_1_0_1_1", "VD_figure_1_0_2_0", "VS_ocr_0_0_0_0")
    rows = [
        {"index": name, "category": name[:2], "l2-category": name.split("_")[1], "question": f"Is {place} right?", "answer": answer}
        for place, (name, answer) in enumerate(zip(names, ("Yes", "No", "No", "Yes"), strict=True))
    ]
    put_tsv(root / "HallusionBench.tsv", [{**row, "image": "" if row["category"] == "VS" else in_base64()} for row in rows])


MMMU_QUESTIONS = (
    {"id": "validation_Art_Theory_1", "question": "<image 1> Which style?", "options": "['Cubism', 'Fauvism']", "answer": "B"},
    {"id": "validation_Art_Theory_2", "question": "Compare <image 2> with <image 1>.", "options": "['same', 'other']", "answer": "A"},
    {"id": "validation_Art_Theory_3", "question": "How many in <image 1>?", "options": "[]", "answer": "24"},
)


def mmmu_folder(root: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    folder = root / "data/MMMU/Art_Theory"
    folder.mkdir(parents=True)
    rows = []
    for number, question in enumerate(MMMU_QUESTIONS):
        pictures = {"image_1": {"bytes": drawn("one"), "path": None}, "image_2": None}
        if number == 1:
            pictures["image_2"] = {"bytes": drawn("two", size=(50, 20)), "path": None}
        kind = "open" if question["options"] == "[]" else "multiple-choice"
        rows.append({**question, **pictures, "question_type": kind})
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "validation-00000-of-00001.parquet")


def mmmu_tsv(root: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"index": 0, "id": "dev_Art_1", "question": "Not in this split.", "A": "x", "B": "y", "answer": "A", "split": "dev"}
    ]
    for number, question in enumerate(MMMU_QUESTIONS, start=1):
        row = {"index": number, "id": question["id"], "question": question["question"], "answer": question["answer"]}
        if question["options"] != "[]":
            row |= dict(zip("AB", question["options"].strip("[]").replace("'", "").split(", "), strict=True))
        rows.append({**row, "category": "Art_Theory", "split": "validation"})
    pictures = [in_base64("dev"), in_base64("one"), repr([in_base64("one"), in_base64("two")]), in_base64("one")]
    put_tsv(root / "MMMU_DEV_VAL.tsv", [{**row, "image": picture} for row, picture in zip(rows, pictures, strict=True)])


TEN = tuple((question, [answers[0]] * 10) for question, answers in QUESTIONS)

FORMS: dict[str, dict[str, Writer]] = {
    "docvqa": {
        "jsonl": vqa_jsonl("val.jsonl", "docvqa"),
        "annotated": with_annotations(
            vqa_jsonl("val.jsonl", "docvqa", blind=True), "data/docvqa/val/val_v1.0.json", top="data", key="questionId"
        ),
        "tsv": vqa_tsv("DocVQA_VAL"),
    },
    "infovqa": {"jsonl": vqa_jsonl("val.jsonl", "infographicsvqa"), "tsv": vqa_tsv("InfoVQA_VAL")},
    "chartqa": {"jsonl": chart_jsonl, "tsv": chart_tsv},
    "textvqa": {
        "annotated": with_annotations(
            vqa_jsonl("textvqa_val.jsonl", "textvqa"), "data/textvqa/textvqa_val_annotations.json", top="annotations", key="question_id"
        ),
        "tsv": vqa_tsv("TextVQA_VAL", questions=TEN),
    },
    "ocrvqa": {"jsonl": vqa_jsonl("ocrvqa_test.jsonl", "ocrvqa"), "tsv": vqa_tsv("OCRVQA_TEST")},
    "ocrbench": {"tsv": ocrbench_tsv},
    "ai2d": {"jsonl": ai2d_jsonl, "tsv": letters_tsv("AI2D_TEST.tsv")},
    "seed": {"jsonl": seed_jsonl, "with kinds": seed_with_kinds, "tsv": letters_tsv("SEEDBench_IMG.tsv")},
    "realworldqa": {"tsv": letters_tsv("RealWorldQA.tsv")},
    "mmbench_en": {
        "original": circular_tsv("data/mmbench/mmbench_dev_en_20231003.tsv"),
        "tsv": circular_tsv("MMBench_DEV_EN.tsv"),
    },
    "mmbench_cn": {
        "original": circular_tsv("data/mmbench/mmbench_dev_cn_20231003.tsv"),
        "tsv": circular_tsv("MMBench_DEV_CN.tsv"),
    },
    "ccbench": {"original": circular_tsv("data/mmbench/CCBench_legacy.tsv"), "tsv": circular_tsv("CCBench.tsv")},
    "mme": {"folder": mme_folder, "tsv": mme_tsv},
    "hallusionbench": {"tsv": hallusion_tsv},
    "mmmu": {"folder": mmmu_folder, "tsv": mmmu_tsv},
}
