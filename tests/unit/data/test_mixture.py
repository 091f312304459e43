"""Published mixtures, and the weights they give to the data sets of a manifest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from internvl.data.manifest import DatasetSpec, Manifest, ManifestError, rows_of, shares
from internvl.data.mixture import apply_mixture, load_mixture, published_mixtures

SIZES = {"coco": 3000, "TextCaps": 1000, "objects365": 500, "Wukong_OCR": 800, "DocVQA": 50, "arT": 150}


def manifest(sizes: dict[str, int] = SIZES, **repeats: float) -> Manifest:
    specs = [
        DatasetSpec(name=name, annotation=Path(f"{name}.jsonl"), root=Path(), length=size, repeat_time=repeats.get(name, 1.0))
        for name, size in sizes.items()
    ]
    return Manifest(tuple(specs), Path("meta.json"))


def test_the_pretraining_mixture_is_the_table_of_the_report() -> None:
    mixture = load_mixture("internvl1_5_pretrain")
    assert "internvl1_5_pretrain" in published_mixtures()
    assert {task.name: task.ratio for task in mixture.tasks} == {
        "captioning": 0.539, "detection": 0.052, "ocr_large": 0.32, "ocr_small": 0.089
    }  # fmt: skip
    assert [len(task.datasets) for task in mixture.tasks] == [6, 3, 3, 14]
    languages = {(task.name, each.name): each.languages for task in mixture.tasks for each in task.datasets}
    assert languages["captioning", "GRIT"] == ("zh",)
    assert languages["detection", "GRIT"] == ("en", "zh")
    assert languages["ocr_large", "Common Crawl PDF"] == ("en", "zh")


def test_shares_of_a_weighted_manifest_are_the_ratios_of_the_tasks() -> None:
    weighted = apply_mixture(load_mixture("internvl1_5_pretrain"), manifest(DocVQA=3.0))
    rows = [len(rows_of(spec, SIZES[spec.name])) for spec in weighted.datasets]
    got = dict(zip(SIZES, shares(weighted.datasets, rows, "manifest"), strict=True))
    assert got["coco"] + got["TextCaps"] == pytest.approx(0.539)
    assert got["coco"] == pytest.approx(3 * got["TextCaps"])
    assert got["objects365"] == pytest.approx(0.052)
    assert got["Wukong_OCR"] == pytest.approx(0.32)
    assert got["DocVQA"] == pytest.approx(got["arT"])  # 50 rows three times, 150 rows once
    assert got["DocVQA"] + got["arT"] == pytest.approx(0.089)


def test_a_name_listed_twice_and_a_name_of_ones_own_need_their_task() -> None:
    mixture = load_mixture("internvl1_5_pretrain")
    given = manifest({**SIZES, "grit": 10, "receipts": 20})
    with pytest.raises(ManifestError, match=r"'grit'.*captioning, detection"):
        apply_mixture(mixture, given)
    with pytest.raises(ManifestError, match=r"'receipts'.*does not list it"):
        apply_mixture(mixture, given, tasks={"grit": "detection"})
    with pytest.raises(ManifestError, match="no task 'ocr'"):
        apply_mixture(mixture, given, tasks={"grit": "detection", "receipts": "ocr"})
    weighted = apply_mixture(mixture, given, tasks={"grit": "detection", "receipts": "ocr_small"})
    weights = {spec.name: spec.weight for spec in weighted.datasets}
    assert weights["grit"] == pytest.approx(0.052 * 10 / 510)
    assert weights["receipts"] == pytest.approx(0.089 * 20 / 220)


def test_missing_tasks_are_an_error_unless_their_part_is_to_be_shared() -> None:
    mixture = load_mixture("internvl1_5_pretrain")
    given = manifest({"coco": 10, "DocVQA": 10})
    with pytest.raises(ManifestError, match="no data set for detection, ocr_large"):
        apply_mixture(mixture, given)
    weighted = apply_mixture(mixture, given, partial=True)
    assert shares(weighted.datasets, [10, 10], "manifest") == pytest.approx((0.539 / 0.628, 0.089 / 0.628))


def test_sizes_are_needed_and_may_come_from_outside() -> None:
    mixture = load_mixture("internvl1_5_pretrain")
    unknown = Manifest((DatasetSpec(name="coco", annotation=Path("a.jsonl"), root=Path()),), Path("meta.json"))
    with pytest.raises(ManifestError, match="number of rows"):
        apply_mixture(mixture, unknown, partial=True)
    assert apply_mixture(mixture, unknown, rows={"coco": 5}, partial=True).datasets[0].weight == pytest.approx(0.539)
    with pytest.raises(ManifestError, match="captioning are empty"):
        apply_mixture(mixture, unknown, rows={"coco": 0}, partial=True)


def test_a_mixture_of_ones_own_is_checked(tmp_path: Path) -> None:
    own = {"name": "own", "tasks": [{"name": "a", "ratio": 0.4, "datasets": [{"name": "x", "languages": ["en"]}]}]}
    path = tmp_path / "own.json"
    path.write_text(json.dumps(own), "utf-8")
    with pytest.raises(ManifestError, match=r"sum to 1, not to 0\.4"):
        load_mixture(path)
    path.write_text(json.dumps({**own, "tasks": [{"ratio": 1.0}]}), "utf-8")
    with pytest.raises(ManifestError, match=r"own\.json: not a mixture"):
        load_mixture(path)
    with pytest.raises(ManifestError, match=r"no mixture 'internvl9'.*internvl1_5_pretrain"):
        load_mixture("internvl9")
