"""Zero-shot classification of pictures: the published files, which classes are chosen among, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from vector_toys import CHINESE, IDS, NAMES, TEMPLATES, embedder, paint, write_imagenet, write_json, write_prompts

from internvl.eval.embedding_runner import run_embedding_task
from internvl.eval.errors import BenchmarkFileError, EvalError
from internvl.eval.metrics.ranking import mean_per_class_recall, topk_accuracy
from internvl.eval.results import load_result, load_samples
from internvl.eval.similarity import first_ranks
from internvl.eval.tasks.zero_shot_images import TASKS


def test_the_tasks_are_listed_with_files_and_published_rows() -> None:
    assert list(TASKS) == ["imagenet", "imagenet_a", "imagenet_r", "imagenet_v2", "imagenet_sketch", "objectnet"]
    imagenet = TASKS["imagenet"]
    assert list(imagenet.variants) == ["en", "zh", "jp", "ar", "it"]
    assert imagenet.files["test"][0] == "imagenet-1k/val"
    assert imagenet.published_row("test", "en") == "ImageNet-1K zero-shot"
    assert imagenet.published_row("test", "jp") == "ImageNet-1K zero-shot JP"
    assert TASKS["objectnet"].published_row("test", "en") == "ObjectNet zero-shot"


def test_imagenet_is_scored_and_stored(tmp_path: Path) -> None:
    write_imagenet(tmp_path / "data")
    wrong = paint(tmp_path / "data/imagenet-1k/val" / IDS[0] / "ILSVRC2012_val_00000001.JPEG", "blue", shade=9)
    result = run_embedding_task(TASKS["imagenet"], embedder(), root=tmp_path / "data", out=tmp_path / "out")
    assert result.scores["acc1"] == pytest.approx(11 / 12)
    assert result.scores["mean_per_class_recall"] == pytest.approx((0.5 + 5) / 6)
    assert result.headline == pytest.approx(100 * 11 / 12)
    assert result.complete
    assert load_result(tmp_path / "out/imagenet_test_en").scores == result.scores
    rows = load_samples(tmp_path / "out/imagenet_test_en")
    assert [row.id for row in rows][:2] == [f"{IDS[0]}/{wrong.name}", f"{IDS[0]}/ILSVRC2012_val_00000002.JPEG"]
    assert (rows[0].answers, rows[0].reference, rows[0].row) == (("blue",), "red", 1)
    assert result.recipe["generator"]["name"] == "fake"
    assert result.recipe["data"]["en_classnames.json"].startswith("sha256:")


def test_a_list_of_labels_serves_where_there_are_no_class_folders(tmp_path: Path) -> None:
    write_prompts(tmp_path)
    lines = []
    for index, name in enumerate(NAMES):
        paint(tmp_path / "imagenet-1k/val" / f"ILSVRC2012_val_{index + 1:08d}.JPEG", name)
        lines.append(f"ILSVRC2012_val_{index + 1:08d}.JPEG {index}")
    (tmp_path / "imagenet-1k/val.txt").write_text("\n".join(lines) + "\n")
    result = run_embedding_task(TASKS["imagenet"], embedder(), root=tmp_path, out=tmp_path / "out")
    assert (result.scores["acc1"], result.samples) == (1.0, 6)


def test_languages_share_the_pictures_but_not_the_names(tmp_path: Path) -> None:
    write_imagenet(tmp_path)
    seen = embedder()
    run_embedding_task(TASKS["imagenet"], seen, root=tmp_path, out=tmp_path / "out")
    assert (seen.images_seen, seen.texts_seen) == (12, 18)
    chinese = run_embedding_task(TASKS["imagenet"], seen, root=tmp_path, variant="zh", out=tmp_path / "out")
    assert (seen.images_seen, seen.texts_seen) == (12, 36)
    assert chinese.scores["acc1"] == 1.0
    assert {row.reference for row in load_samples(tmp_path / "out/imagenet_test_zh")} == set(CHINESE)


@pytest.mark.parametrize("name", ["imagenet_a", "imagenet_r"])
def test_a_and_r_choose_among_their_own_classes(tmp_path: Path, name: str) -> None:
    write_imagenet(tmp_path, each=1)
    folder = tmp_path / name.replace("_", "-")
    # Yellow is nearest to red and lime; of the classes that occur only lime is left.
    paint(folder / IDS[1] / "a.jpg", "yellow")
    paint(folder / IDS[2] / "b.jpg", "blue")
    seen = embedder()
    result = run_embedding_task(TASKS[name], seen, root=tmp_path, out=tmp_path / "out")
    assert seen.texts_seen == 2 * len(TEMPLATES)
    assert (result.scores["acc1"], result.scores["acc5"]) == (1.0, None)


def test_v2_is_numbered_and_sketch_has_all_ids(tmp_path: Path) -> None:
    write_imagenet(tmp_path, each=1)
    for index, name in enumerate(NAMES):
        paint(tmp_path / "imagenetv2/imagenetv2-matched-frequency-format-val" / str(index) / "x.jpeg", name)
        paint(tmp_path / "imagenet-sketch" / IDS[index] / "s.JPEG", name, shade=3)
    for name in ("imagenet_v2", "imagenet_sketch"):
        assert run_embedding_task(TASKS[name], embedder(), root=tmp_path, out=tmp_path / "out").scores["acc1"] == 1.0


def test_objectnet_keeps_the_classes_of_its_mapping_in_lower_case(tmp_path: Path) -> None:
    write_prompts(tmp_path)
    write_json(tmp_path / "objectnet-1.0/mappings/folder_to_objectnet_label.json", {"d_blue": "Blue", "a_red": "Red", "other": "Other"})
    write_json(tmp_path / "objectnet-1.0/mappings/objectnet_to_imagenet_1k.json", {"Red": "red wine; red fox", "Blue": "blue jay"})
    for folder, name in (("a_red", "red"), ("d_blue", "blue"), ("other", "lime")):
        paint(tmp_path / "objectnet-1.0/images" / folder / "1.png", name)
    result = run_embedding_task(TASKS["objectnet"], embedder(), root=tmp_path, out=tmp_path / "out")
    assert (result.samples, result.scores["acc1"]) == (2, 1.0)
    assert [row.reference for row in load_samples(tmp_path / "out/objectnet_test_en")] == ["red", "blue"]


def test_tables_of_wordnet_ids_of_both_forms_are_read(tmp_path: Path) -> None:
    write_prompts(tmp_path)
    for wordnet_id, name in zip(IDS[1:3], NAMES[1:3], strict=True):
        paint(tmp_path / "imagenet-a" / wordnet_id / "a.jpg", name)
    write_json(tmp_path / "imagenet_class_index.json", {str(i): [wid, NAMES[i]] for i, wid in enumerate(IDS)})
    first = run_embedding_task(TASKS["imagenet_a"], embedder(), root=tmp_path, out=tmp_path / "out1")
    write_json(tmp_path / "imagenet_classes.json", {wid: i for i, wid in enumerate(IDS)})
    second = run_embedding_task(TASKS["imagenet_a"], embedder(), root=tmp_path, out=tmp_path / "out2")
    assert first.scores == second.scores
    assert first.scores["acc1"] == 1.0


def test_ranks_agree_with_the_sheet_and_with_the_metrics_also_in_ties() -> None:
    logits = torch.tensor([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.2, 0.3, 0.5]])
    golds = torch.tensor([2, 0, 0])
    ranks = first_ranks(logits, torch.arange(3) == golds[:, None])
    assert sum(rank < 1 for rank in ranks) / 3 == pytest.approx(0.3333, abs=1e-4)
    assert sum(rank < 2 for rank in ranks) / 3 == pytest.approx(0.6667, abs=1e-4)
    assert mean_per_class_recall([1, 0, 2], [2, 0, 0]) == 0.25
    generator = torch.Generator().manual_seed(0)
    tied = torch.randint(0, 4, (50, 9), generator=generator).float()
    golds = torch.randint(0, 9, (50,), generator=generator)
    ranks = first_ranks(tied, torch.arange(9) == golds[:, None])
    for k in (1, 3, 5):
        assert sum(rank < k for rank in ranks) / 50 == pytest.approx(topk_accuracy(tied.numpy(), golds.numpy(), k))


def test_a_limit_takes_the_first_pictures_and_keeps_all_classes(tmp_path: Path) -> None:
    write_imagenet(tmp_path)
    result = run_embedding_task(TASKS["imagenet"], embedder(), root=tmp_path, out=tmp_path / "out", limit=3)
    assert (result.samples, result.total, result.limit) == (3, 12, 3)
    assert "not comparable" in result.notes[-1]
    with pytest.raises(EvalError, match="at least 1"):
        run_embedding_task(TASKS["imagenet"], embedder(), root=tmp_path, out=tmp_path / "out", limit=0)


def test_a_broken_picture_is_refused_with_its_row(tmp_path: Path) -> None:
    paths = write_imagenet(tmp_path)
    paths[4].write_bytes(paths[4].read_bytes()[:200])
    with pytest.raises(BenchmarkFileError, match=r"row 5 .*ILSVRC2012_val_00000005"):
        run_embedding_task(TASKS["imagenet"], embedder(), root=tmp_path, out=tmp_path / "out")


@pytest.mark.parametrize(
    ("file", "value", "message"),
    [
        ("en_classnames.json", {"imagenet1k": [*NAMES[:5], 7]}, r"'imagenet1k', entry 6: a text is expected, not 7"),
        ("en_classnames.json", ["red"], r"a list of texts under 'imagenet1k'"),
        ("en_zeroshot_classification_templates.json", {"imagenet1k": ["a {c}", "a {}"]}, r"template 2: 'a \{\}' has no place"),
        ("imagenet_classes.json", {"n1": 0, "n2": 0}, r"a table of 6 WordNet ids"),
    ],
)
def test_bad_tables_are_refused_with_the_entry(tmp_path: Path, file: str, value: object, message: str) -> None:
    write_imagenet(tmp_path, each=1)
    write_json(tmp_path / file, value)
    with pytest.raises(BenchmarkFileError, match=message):
        run_embedding_task(TASKS["imagenet"], embedder(), root=tmp_path, out=tmp_path / "out")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.JPEG six", r"row 2: a picture's name and a class of 0...5"),
        ("a.JPEG 6", r"row 2: a picture's name and a class of 0...5"),
        ("a.JPEG 0000000006", r"row 2: a picture's name and a class of 0...5"),
        ("ILSVRC2012_val_00000001.JPEG 0", r"row 2: .*listed twice"),
        ("absent.JPEG 1", r"row 2: .*absent.JPEG is absent"),
        ("../x.JPEG 1", r"row 2: .*leads out of"),
    ],
)
def test_a_bad_line_of_the_list_is_refused_with_its_number(tmp_path: Path, line: str, message: str) -> None:
    write_prompts(tmp_path)
    paint(tmp_path / "imagenet-1k/val/ILSVRC2012_val_00000001.JPEG", "red")
    (tmp_path / "imagenet-1k/val.txt").write_text(f"ILSVRC2012_val_00000001.JPEG 0\n{line}\n")
    with pytest.raises(BenchmarkFileError, match=message):
        run_embedding_task(TASKS["imagenet"], embedder(), root=tmp_path, out=tmp_path / "out")


def test_absent_folders_strange_classes_and_empty_ones_are_refused(tmp_path: Path) -> None:
    write_imagenet(tmp_path, each=1)
    run = {"root": tmp_path, "out": tmp_path / "out"}
    with pytest.raises(BenchmarkFileError, match=r"imagenet-r\. Unpack"):
        run_embedding_task(TASKS["imagenet_r"], embedder(), **run)
    paint(tmp_path / "imagenet-r/n99/x.jpg", "red")
    with pytest.raises(BenchmarkFileError, match=r"n99 is no class of ImageNet"):
        run_embedding_task(TASKS["imagenet_r"], embedder(), **run)
    (tmp_path / "imagenet-a" / IDS[0]).mkdir(parents=True)
    with pytest.raises(BenchmarkFileError, match=r"n00000000 holds no pictures"):
        run_embedding_task(TASKS["imagenet_a"], embedder(), **run)


def test_samples_are_json_lines_with_a_score(tmp_path: Path) -> None:
    write_imagenet(tmp_path, each=1)
    run_embedding_task(TASKS["imagenet"], embedder(), root=tmp_path, out=tmp_path / "out")
    line = json.loads((tmp_path / "out/imagenet_test_en/samples.jsonl").read_text().splitlines()[3])
    assert line["score"] == {"score": 1.0, "prediction": "yellow", "top5": 1.0, "rank": 1}
