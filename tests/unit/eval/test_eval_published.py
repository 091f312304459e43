"""The published tables: how much there is, cells picked by hand, look-ups, and that every benchmark names a line that exists."""

from __future__ import annotations

from collections import Counter

import pytest

from internvl.eval.errors import EvalError
from internvl.eval.published import (
    published_model,
    published_models,
    published_row,
    published_rows,
    published_scores,
    same_model,
    scores_for,
)
from internvl.eval.tasks import registered, task_names


def test_every_table_has_the_printed_number_of_lines_and_cells() -> None:
    assert Counter(row.table for row in published_rows()) == {"chat": 34, "older": 13, "foundation": 36, "design": 1}
    # The chat table has 262 filled cells; one holds a second number (AI2D without masks), and a specialist is quoted nine times.
    assert Counter(score.table for score in published_scores()) == {"chat": 272, "older": 49, "foundation": 46, "design": 6}


@pytest.mark.parametrize(
    ("row", "model", "values", "source"),
    [
        ("DocVQA test", "InternVL2-Llama3-76B", (94.1,), "model card"),
        ("DocVQA test", "InternVL2-1B", (81.7,), "blog"),
        ("DocVQA test", "InternVL-Chat-V1-5", (90.9,), "paper"),
        ("OCRBench", "InternVL2-8B", (794,), "blog"),
        ("MMMU val", "InternVL2-40B", (53.9, 55.2), "model card"),
        ("MMMU val", "InternVL-Chat-V1-5", (45.2,), "paper"),
        ("MME sum", "InternVL2-Llama3-76B", (2414.7,), "model card"),
        ("AI2D test", "InternVL2-Pro", (87.3,), "blog"),
        ("AI2D test, no mask", "InternVL2-Pro", (96.0,), "blog"),
        ("MMVet (GPT-4-Turbo)", "InternVL2-40B", (65.5,), "model card"),
        ("ConvBench pairwise R1 (R2,S1,S2,S3,SO)", "InternVL-Chat-V1-5", (17.65, 20.22, 26.0, 17.33, 17.33, 15.08), "paper"),
        ("Video-MME w/o / w subs (16 f)", "InternVL2-Llama3-76B", (61.2, 62.8), "model card"),
        ("RefCOCO+ testB", "InternVL2-2B", (63.3,), "model card"),
        ("RefCOCOg test", "UNINEXT-H", (89.4,), "model card"),
        ("MMBench EN / CN", "InternVL-Chat-V1-1", (75.4, 70.3), "blog"),
        ("MMMU val / test", "InternVL-Chat-V1-2-Plus", (50.3, 45.6), "blog"),
        ("ObjectNet zero-shot", "InternVL-C", (80.6,), "paper"),
        ("ImageNet-1K zero-shot AR", "InternVL-C", (44.9,), "paper"),
        ("Kinetics-700 zero-shot, 8 frames", "InternVL-C", (60.6, 71.5), "paper"),
        ("COCO-CN retrieval", "InternVL-G", (71.4, 93.9, 97.7, 73.8, 94.4, 98.1), "paper"),
        ("XTD retrieval", "InternVL-G", (98.6, 97.7, 96.5, 96.7, 96.9, 95.1, 94.8, 96.1, 96.6), "blog"),
        ("NoCaps caption", "InternVL-G", (113.72, 85.18, 71.65, 57.34, 44.27, 30.08, 60.7, 10.46), "blog"),
        ("ADE20K", "InternViT-6B", (47.2, 54.9, 58.9), "paper"),
    ],
)
def test_cells_are_the_printed_ones(row: str, model: str, values: tuple[float, ...], source: str) -> None:
    cell = published_row(row).of(model)
    assert cell is not None
    assert (cell.values, cell.source) == (values, source)


def test_averages_printed_beside_the_cells_follow_from_them() -> None:
    recalls = [published_row(name) for name in ("Flickr30K retrieval", "COCO retrieval")]
    for model, printed in (("InternVL-C", 86.6), ("InternVL-G", 88.8)):
        values = [value for row in recalls for value in row.of(model).values]  # type: ignore[union-attr]
        assert sum(values) / len(values) == pytest.approx(printed, abs=0.05)
    grounding = [row for row in published_rows() if row.name.startswith("RefCOCO")]
    assert len(grounding) == 8
    for score in scores_for("Grounding avg."):
        mean = sum(row.of(score.model).value() for row in grounding) / 8  # type: ignore[union-attr]
        assert mean == pytest.approx(score.value(), abs=0.1), score.model


def test_a_cell_knows_how_it_was_made_as_far_as_was_printed() -> None:
    card, report = (published_row("InfoVQA test").of(model) for model in ("InternVL2-40B", "InternVL-Chat-V1-5"))
    assert card is not None
    assert (card.variant, card.max_tiles) == ("internvl", 24)
    assert report is not None
    assert (report.variant, report.max_tiles) == (None, 24)  # the report names its tools only in general
    old = published_row("TextVQA val").of("InternVL-Chat-V1-2")
    assert old is not None
    assert (old.max_tiles, old.note) == (1, "Rosetta OCR tokens in the prompt")


def test_a_pair_is_read_by_the_tool_that_made_it() -> None:
    cell = published_row("MMMU val").of("InternVL2-8B")
    assert cell is not None
    assert (cell.value(), cell.value("internvl"), cell.value("vlmevalkit-2024"), cell.text) == (49.3, 49.3, 51.2, "49.3 / 51.2")


def test_lines_and_models_are_found_however_they_are_spelt() -> None:
    assert published_row("docvqa TEST").name == "DocVQA test"
    assert published_row("RefCOCO+ val") != published_row("RefCOCO val")
    assert published_model("OpenGVLab/InternVL2-8B") == published_model("internvl2_8b") == "InternVL2-8B"
    assert same_model("/models/InternVL2-8B/") == "InternVL2-8B"
    assert same_model("internvl-nano") is None
    assert [score.model for score in scores_for("OCRBench", ["InternVL2-Pro", "InternVL2-1B", "InternVL-C"])] == [
        "InternVL2-Pro",
        "InternVL2-1B",
    ]


def test_unknown_names_are_refused_with_near_ones() -> None:
    with pytest.raises(EvalError, match="DocVQA test"):
        published_row("DocVQA tset")
    with pytest.raises(EvalError, match="InternVL2-8B"):
        published_model("InternVL2-9B")
    assert len(published_models()) == len(set(published_models()))


def test_every_benchmark_names_published_lines_that_exist() -> None:
    for name in task_names():
        for row in registered(name).published.values():
            assert published_row(row).scores, name
