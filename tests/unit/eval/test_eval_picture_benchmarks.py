"""What each benchmark does with answers that are partly right, with splits without answers, and with damaged files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from benchmark_files import FORMS, in_base64, put_jsonl, put_picture, put_text, put_tsv, vqa_jsonl, vqa_tsv

from internvl.eval.errors import BenchmarkFileError
from internvl.eval.sample import Scored
from internvl.eval.task import Task
from internvl.eval.tasks import task_named


def answered(task: Task, root: Path, answers: Sequence[str], *, variant: str, split: str | None = None) -> list[Scored]:
    samples = list(task.samples(root, split or task.splits[0], variant))
    assert len(samples) == len(answers)
    return [
        Scored(
            id=sample.id,
            row=sample.row,
            answers=(answer,),
            reference=sample.reference,
            extra=sample.extra,
            score=task.score(sample, (answer,)),
        )
        for sample, answer in zip(samples, answers, strict=True)
    ]


def scores(name: str, form: str, answers: Sequence[str], root: Path, *, variant: str) -> tuple[list[float], dict[str, Any]]:
    """Each answer's score, and their sums."""
    FORMS[name][form](root)
    task = task_named(name)
    rows = answered(task, root, answers, variant=variant)
    return [row.score["score"] for row in rows], task.aggregate(rows)


def refused(name: str, root: Path, message: str, *, variant: str | None = None, split: str | None = None) -> None:
    task = task_named(name)
    with pytest.raises(BenchmarkFileError, match=message):
        list(task.samples(root, split or task.splits[0], variant or next(iter(task.variants))))


def test_docvqa_takes_the_official_annotations_before_the_answers_beside_the_question(tmp_path: Path) -> None:
    FORMS["docvqa"]["jsonl"](tmp_path)
    annotations = {"data": [{"questionId": 4901, "answers": ["ten"]}, {"questionId": 4902, "answers": ["cart"]}]}
    put_text(tmp_path / "data/docvqa/val/val_v1.0.json", json.dumps(annotations))
    rows = answered(task_named("docvqa"), tmp_path, ["Ten", "cats", "二十 元"], variant="internvl")
    assert [row.score["score"] for row in rows] == [1.0, 0.5, 1.0], "a question without an annotation keeps its own answer"
    assert task_named("docvqa").aggregate(rows)["anls"] == pytest.approx(2.5 / 3)


@pytest.mark.parametrize(
    ("name", "writer", "record"),
    [
        ("docvqa", vqa_jsonl("test.jsonl", "docvqa", blind=True), {"questionId": 4901, "answer": "a"}),
        ("docvqa", vqa_tsv("DocVQA_TEST", blind=True, questionId="57344"), {"questionId": 57344, "answer": "a"}),
        (
            "infovqa",
            vqa_jsonl("test.jsonl", "infographicsvqa", blind=True),
            {"question": "What is the total?", "questionId": 4901, "answer": "a", "annotation": None},
        ),
    ],
)
def test_a_blind_split_is_answered_and_handed_in(name: str, writer: Any, record: Mapping[str, Any], tmp_path: Path) -> None:
    writer(tmp_path)
    task = task_named(name)
    rows = answered(task, tmp_path, ["a", "b", "c"], variant="internvl", split="test")
    assert task.aggregate(rows) == {"anls": None, "unlabelled": 3}, "nothing is known, which is not the same as nothing is right"
    assert task.submission(rows)[0] == record
    assert len(task.submission(rows)) == 3


def test_records_for_the_offline_scorers(tmp_path: Path) -> None:
    answers = {"docvqa": "annotated", "chartqa": "jsonl", "textvqa": "annotated", "ocrvqa": "jsonl"}
    first = {}
    for name, form in answers.items():
        FORMS[name][form](tmp_path / name)
        task = task_named(name)
        first[name] = task.submission(answered(task, tmp_path / name, ["x", "y", "z"], variant="internvl"))[0]
    assert first == {
        "docvqa": {"question": "What is the total?", "questionId": 4901, "answer": "x", "annotation": ["$1,250"]},
        "chartqa": {"question": "How many?", "answer": "x", "annotation": ["10"]},
        "textvqa": {"question": "What is the total?", "question_id": 4901, "answer": "x"},
        "ocrvqa": {"question": "What is the total?", "questionId": 4901, "answer": "x", "annotation": ["$1,250", "1,250"]},
    }


def test_chartqa_reports_halves_and_both_orders(tmp_path: Path) -> None:
    # 9.5 is within five per cent of 10, but 10 is not within five per cent of 9.5.
    each, sums = scores("chartqa", "jsonl", ["9.5", "oil", "0.23"], tmp_path, variant="internvl")
    assert each == [1.0, 0.0, 1.0]
    assert sums == {"relaxed_accuracy": 0.75, "relaxed_accuracy_swapped": 0.5, "human": 0.5, "augmented": 1.0}


def test_chartqa_halves_need_each_other_and_can_be_run_alone(tmp_path: Path) -> None:
    vqa_jsonl("test_human.jsonl", "chartqa", questions=(("How many?", "10"),))(tmp_path)
    refused("chartqa", tmp_path, r"none of .* data/chartqa/test_augmented\.jsonl", variant="internvl")
    rows = answered(task_named("chartqa"), tmp_path, ["10"], variant="internvl", split="test_human")
    assert task_named("chartqa").aggregate(rows)["human"] == 1.0


def test_textvqa_needs_ten_answers_where_its_own_scorer_counts(tmp_path: Path) -> None:
    vqa_jsonl("textvqa_val.jsonl", "textvqa")(tmp_path)
    refused("textvqa", tmp_path, r"row 1: 10 answers are expected, there are 2; they come from data/textvqa/textvqa_val_annot")
    broken = {"annotations": [{"question_id": 1, "answers": ["a"] * 10}]}
    path = put_text(tmp_path / "data/textvqa/textvqa_val_annotations.json", json.dumps(broken))
    refused("textvqa", tmp_path, "row 1: each of 'answers' must be an object")
    put_text(path, json.dumps({"annotations": [{"question_id": 1, "answers": []}]}))
    refused("textvqa", tmp_path, "row 1: 'answers' must be a list of 10")


def test_textvqa_with_the_words_an_ocr_system_read(tmp_path: Path) -> None:
    FORMS["textvqa"]["annotated"](tmp_path)
    vqa_jsonl("textvqa_val_llava.jsonl", "textvqa", questions=(("What brand?\nReference OCR token: NOKIA", ["nokia"]),))(tmp_path)
    rows = answered(task_named("textvqa"), tmp_path, ["$1,250"], variant="internvl", split="val_ocr")
    assert rows[0].score["score"] == 1.0, "the annotations are those of the plain split"
    sample = next(task_named("textvqa").samples(tmp_path, "val_ocr", "internvl"))
    assert sample.messages[0].text.startswith("\nWhat brand?\nReference OCR token: NOKIA Answer the question")


def test_ocrbench_groups_points_and_keeps_the_case_of_formulas(tmp_path: Path) -> None:
    answers = ["The word is STOP.", "3.5", r"It is \frac{a}{b}+C"]
    each, sums = scores("ocrbench", "tsv", answers, tmp_path, variant="vlmevalkit")
    assert each == [1.0, 0.0, 0.0]
    assert (sums["final_score"], sums["final_score_norm"], sums["Text Recognition"]) == (1.0, 0.1, 1.0)
    put_tsv(tmp_path / "OCRBench.tsv", [{"index": 0, "image": in_base64(), "question": "q", "answer": "['a']", "category": "Poems"}])
    refused("ocrbench", tmp_path, "row 1: 'category' is 'Poems'; OCRBench has Regular Text Recognition")


def test_letters_are_read_as_each_state_of_vlmevalkit_does(tmp_path: Path) -> None:
    answers = ["B is what I would say about this picture", "Both A and B", "我选 B"]
    assert scores("realworldqa", "tsv", answers, tmp_path, variant="vlmevalkit-2024")[0] == [1.0, 0.0, 1.0]
    assert scores("realworldqa", "tsv", answers, tmp_path, variant="vlmevalkit")[0] == [0.0, 0.0, 1.0]


def test_ai2d_compares_the_whole_answer_and_seed_its_first_character(tmp_path: Path) -> None:
    assert scores("ai2d", "jsonl", ["a ", "B."], tmp_path / "ai2d", variant="internvl")[0] == [1.0, 0.0]
    each, sums = scores("seed", "with kinds", ["A. a dog", "b", "C", "D"], tmp_path / "seed", variant="internvl")
    assert each == [1.0, 0.0, 1.0, 1.0]
    assert sums["image_accuracy"] == pytest.approx(2 / 3)
    assert (sums["video_accuracy"], sums["total"]) == (1.0, 0.75)
    assert sums["category"]["Instance Identity"] == 0.0


def test_seed_refuses_kinds_that_do_not_exist(tmp_path: Path) -> None:
    FORMS["seed"]["jsonl"](tmp_path)
    path = put_text(
        tmp_path / "data/SEED/SEED-Bench.json", '{"question_type": {}, "questions": [{"question_id": 1, "question_type_id": 13}]}'
    )
    refused("seed", tmp_path, "row 1: 'question_type_id' must be 1 to 12, not 13")
    put_text(path, "[]")
    refused("seed", tmp_path, "an object with 'question_type'")


@pytest.mark.parametrize("variant", ["internvl", "vlmevalkit-2024", "vlmevalkit"])
def test_a_question_counts_only_when_all_rotations_are_right(variant: str, tmp_path: Path) -> None:
    # "two cats" is the right option in every rotation of the first question; the second is right once of twice.
    right = ["B", "two cats", "D", "A", "on", "A"]
    each, sums = scores("mmbench_en", "tsv", right, tmp_path, variant=variant)
    assert each == [1.0, 1.0, 1.0, 1.0, 1.0, 0.0]
    assert (sums["accuracy"], sums["single_rows"]) == (0.5, pytest.approx(5 / 6))
    assert sums["report"]["CP"] == [1.0]
    assert sums["report"]["LR"] == [0.0]
    assert scores("mmbench_en", "tsv", ["B", "C", "D", "hmm", "A", "B"], tmp_path, variant=variant)[1]["accuracy"] == 0.5


def test_the_table_for_the_server_of_mmbench(tmp_path: Path) -> None:
    FORMS["mmbench_cn"]["original"](tmp_path)
    task = task_named("mmbench_cn")
    table = task.submission(answered(task, tmp_path, ["B. two cats", "hmm", "", "A", "A", "on"], variant="internvl"))
    assert table["columns"] == ["index", "question", "A", "B", "C", "D", "prediction", "answer"]
    assert [row[6] for row in table["rows"]] == ["B", "hmm", "", "A", "A", "B"]
    assert table["rows"][0][:2] == ["241", "What is it?"]


def test_the_table_for_ccbench_keeps_other_columns(tmp_path: Path) -> None:
    FORMS["ccbench"]["original"](tmp_path)
    task = task_named("ccbench")
    table = task.submission(answered(task, tmp_path, [""] * 6, variant="internvl"))
    assert table["columns"] == ["index", "question", "hint", "A", "B", "C", "D", "l2-category", "prediction", "answer"]


def test_mmbench_without_answers_is_only_taken_in_its_test_split(tmp_path: Path) -> None:
    rows = [{"index": 3, "image": in_base64(), "question": "q", "A": "x", "B": "y"}]
    for split in ("dev", "test"):
        put_tsv(tmp_path / f"mmbench/mmbench_{split}_en_20231003.tsv", rows)
    refused("mmbench_en", tmp_path, "row 1: 'answer' is empty or absent, and 'dev' is not a blind split")
    task = task_named("mmbench_en")
    scored = answered(task, tmp_path, ["A"], variant="internvl", split="test")
    assert task.aggregate(scored) == {"accuracy": None, "single_rows": None, "unlabelled": 1}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"A": "x", "B": "", "answer": "A"}, "row 1: at least two of the columns A, B, C, ... must be filled, 1 are"),
        ({"A": "x", "B": "y", "answer": "C"}, "row 1: 'answer' is 'C', none of the options A, B"),
        ({"A": "x", "B": "y", "answer": "A", "index": "1.5"}, r"row 1: 'index' must be a whole number, not '1\.5'"),
        ({"A": "x", "B": "y", "answer": "A", "image": ""}, "row 1: exactly one picture is expected"),
        ({"A": "x", "B": "y", "answer": "A", "question": " "}, "row 1: 'question' must be a text"),
    ],
)
def test_lettered_rows_that_are_no_questions(row: Mapping[str, str], message: str, tmp_path: Path) -> None:
    put_tsv(tmp_path / "MMBench_DEV_EN.tsv", [{"index": 0, "image": in_base64(), "question": "q", **row}])
    refused("mmbench_en", tmp_path, message)


def test_mme_adds_questions_and_pictures(tmp_path: Path) -> None:
    FORMS["mme"]["folder"](tmp_path)
    task = task_named("mme")
    golds = [sample.reference for sample in task.samples(tmp_path, "test", "internvl")]
    # existence: one of four questions wrong, so one of two pictures; count: Chinese, and a word after the first four characters.
    said = ["Yes", "Yes", "yes, there is", "no", "是的", "不是", "the answer is yes", "False"]
    rows = answered(task, tmp_path, [*said, *golds[8:]], variant="internvl")
    sums = task.aggregate(rows)
    assert sums["subtask"]["existence"] == 125.0
    assert sums["subtask"]["count"] == 125.0
    assert (sums["perception"], sums["cognition"], sums["sum"]) == (1850.0, 800.0, 2650.0)
    assert task.submission(rows)["existence.txt"][2] == "1.jpg\tIs it Yes? Please answer yes or no.\tYes\tyes, there is"


def test_mme_in_vlmevalkit_looks_for_the_word_anywhere(tmp_path: Path) -> None:
    golds = ["Yes", "No"] * 14
    each, sums = scores("mme", "tsv", ["the answer is yes", "Yes and no", *golds[2:]], tmp_path, variant="vlmevalkit")
    assert each[:3] == [1.0, 0.0, 1.0]
    assert sums["subtask"]["existence"] == 50.0


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("0.jpg\tq\tYes\n1.jpg\tq\tNo\n", r"existence\.txt, row 2: the second question about '0\.jpg' is expected"),
        ("0.jpg\tq\tYes\n", "row 1: the picture's second question is missing"),
        ("0.jpg\tq\tYes\textra\n0.jpg\tq\tNo\n", "row 1: picture, question and gold between tabs are expected, there are 4 cells"),
        ("0.jpg\tq\tMaybe\n0.jpg\tq\tNo\n", "row 1: 'gold' must be Yes or No, not 'Maybe'"),
        ("9.jpg\tq\tYes\n9.jpg\tq\tNo\n", r"row 1: the picture 'data/mme/.*/existence/9\.jpg' is absent"),
        ("", "has no lines"),
    ],
)
def test_mme_files_that_are_not_pairs(lines: str, message: str, tmp_path: Path) -> None:
    FORMS["mme"]["folder"](tmp_path)
    put_text(tmp_path / "eval/mme/Your_Results/existence.txt", lines)
    refused("mme", tmp_path, message)


def test_mme_needs_all_subtasks(tmp_path: Path) -> None:
    FORMS["mme"]["folder"](tmp_path)
    (tmp_path / "eval/mme/Your_Results/OCR.txt").unlink()
    refused("mme", tmp_path, r"lacks OCR\.txt")


def test_hallusionbench_wants_whole_figures_and_whole_questions(tmp_path: Path) -> None:
    _, sums = scores("hallusionbench", "tsv", ["Yes", "Yes.", "no", "yes, indeed"], tmp_path, variant="vlmevalkit-2024")
    # Figures: 1 is half right, 2 and the one of ocr are right. Questions: 0 is right twice, 1 is wrong, the one of ocr is right.
    assert sums["aAcc"] == 75.0
    assert sums["fAcc"] == pytest.approx(200 / 3)
    assert sums["qAcc"] == pytest.approx(200 / 3)
    assert sums["avg"] == pytest.approx((75 + 400 / 3) / 3)
    assert sums["groups"]["ocr"]["avg"] == 100.0


def test_hallusionbench_needs_its_index(tmp_path: Path) -> None:
    put_tsv(tmp_path / "HallusionBench.tsv", [{"index": "VD_figure_1", "question": "q", "answer": "Yes", "image": ""}])
    refused("hallusionbench", tmp_path, "row 1: 'index' needs six pieces")


def test_mmmu_reads_letters_and_open_answers_by_variant(tmp_path: Path) -> None:
    answers = ["Fauvism, I think", "Both A and B", "so it is 24"]
    each, sums = scores("mmmu", "folder", answers, tmp_path / "a", variant="internvl")
    assert each == [1.0, 0.0, 1.0], "the option's text occurs; an answer that begins with B is B"
    assert sums["accuracy"] == pytest.approx(2 / 3)
    assert sums["domain"] == {"Art and Design": pytest.approx(2 / 3)}
    assert sums["subject"] == {"Art_Theory": pytest.approx(2 / 3)}
    each, _ = scores("mmmu", "tsv", answers, tmp_path / "b", variant="vlmevalkit-2024")
    assert each == [1.0, 0.0, 1.0], "an open question's gold is found in the answer as the text of option A"


def test_mmmu_hands_in_letters_by_id(tmp_path: Path) -> None:
    FORMS["mmmu"]["folder"](tmp_path)
    task = task_named("mmmu")
    handed = task.submission(answered(task, tmp_path, ["B. Fauvism", "same", "x = 24"], variant="internvl"))
    assert handed == {"validation_Art_Theory_1": "B", "validation_Art_Theory_2": "A", "validation_Art_Theory_3": "x = 24"}


def test_mmmu_marks_name_pictures_that_are_there(tmp_path: Path) -> None:
    row = {"index": 1, "question": "See <image 3>.", "A": "x", "B": "y", "answer": "A", "split": "validation", "image": in_base64()}
    put_tsv(tmp_path / "MMMU_DEV_VAL.tsv", [row])
    refused("mmmu", tmp_path, "row 1: a mark such as <image 2> names a picture that is not there; there are 1", variant="vlmevalkit")
    put_tsv(tmp_path / "MMMU_DEV_VAL.tsv", [{**row, "answer": "E"}])
    refused("mmmu", tmp_path, "row 1: 'answer' is 'E', none of the options A, B")


def test_mmmu_folders_without_the_split(tmp_path: Path) -> None:
    FORMS["mmmu"]["folder"](tmp_path)
    refused("mmmu", tmp_path, r"has no dev-\*\.parquet", split="dev")
    (tmp_path / "other/MMMU").mkdir(parents=True)
    refused("mmmu", tmp_path / "other", "has no folder of an MMMU subject")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": "data/docvqa/absent.png"}, "row 2: the picture .* is absent"),
        ({"question_id": 1}, "row 2: 'question_id' '1' was already in row 1"),
        ({"question": 5}, "row 2: 'question' must be a number or a text|row 2: 'question' must be a text, not 5"),
        ({"answer": 5}, "row 2: 'answer' must be a text or a list of texts, not 5"),
        ({"answer": []}, r"row 2: 'answer' must be a text or a list of texts, not \[\]"),
        ({"answer": None}, "row 2: there is no answer to question '2', and 'val' is not a blind split"),
        ({"question_id": None}, "row 2: 'question_id' is empty"),
    ],
)
def test_question_files_with_a_bad_row(change: Mapping[str, Any], message: str, tmp_path: Path) -> None:
    picture = put_picture(tmp_path, "data/docvqa/1.png")
    rows = [{"image": picture, "question": "q", "question_id": number, "answer": ["a"]} for number in (1, 2)]
    put_jsonl(tmp_path / "data/docvqa/val.jsonl", [rows[0], {**rows[1], **change}])
    refused("docvqa", tmp_path, message)
