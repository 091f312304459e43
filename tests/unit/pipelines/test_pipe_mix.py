"""Mixtures: the report's tables, and meta files whose shares, found by the loader's own functions, are the ratios asked for."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from internvl.cli.main import app
from internvl.data.manifest import DatasetSpec, load_manifest, rows_of, shares
from internvl.data.order import Order
from internvl.data.sources import open_source
from internvl.pipelines.convert import CONVERTERS, Pictures, Settings, convert
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.mix import MixReport, MixSettings, load_table, mix, published_tables, table_text, write_meta
from internvl.pipelines.mix.have import Owned, placed
from internvl.pipelines.mix.plan import fill

RECORD = json.dumps({"conversations": [{"from": "human", "value": "Hello"}, {"from": "gpt", "value": "Hi!"}]}) + "\n"
PRETRAIN = {"captioning": 53.9, "detection": 5.2, "ocr_large": 32.0, "ocr_small": 8.9}
SIZES = {"coco_captions": 500, "laion": 1500, "objects365": 300, "wukong_ocr": 700, "docvqa": 90, "synthdog_zh": 60}
TASKS = {
    "coco_captions": "captioning", "laion": "captioning", "objects365": "detection", "wukong_ocr": "ocr_large", "docvqa": "ocr_small",
    "synthdog_zh": "ocr_small",
}  # fmt: skip
OWN = """
[a]
ratio = 60
datasets = [{ name = "x", languages = ["en"] }, { name = "y" }]
[b]
ratio = 40.0
datasets = [{ name = "z", languages = ["en", "zh"] }]
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return owned(tmp_path / "data", SIZES)


def owned(folder: Path, sizes: dict[str, int]) -> Path:
    """A folder of data sets with so many records each."""
    folder.mkdir(parents=True)
    for name, size in sizes.items():
        (folder / f"{name}.jsonl").write_text(RECORD * size, "utf-8")
    return folder


def trained_shares(report: MixReport, out: Path, mixing: Any) -> dict[str, float]:
    """Share of each data set in percent, as a run reads the written meta file."""
    write_meta(report.parts, out)
    specs = load_manifest(out).datasets
    counts = [len(rows_of(spec, len(open_source(spec)))) for spec in specs]
    return {spec.name: 100 * share for spec, share in zip(specs, shares(specs, counts, mixing), strict=True)}


def by_task(found: dict[str, float]) -> dict[str, float]:
    total: Counter[str] = Counter()
    for name, share in found.items():
        total[TASKS[name]] += share  # type: ignore[assignment]
    return dict(total)


def test_the_tables_are_those_of_the_report() -> None:
    assert published_tables() == ["internvl1_5_finetune", "internvl1_5_pretrain"]
    pretrain, finetune = load_table("internvl1_5_pretrain"), load_table("internvl1_5_finetune")
    assert {task.name: task.ratio for task in pretrain.tasks} == PRETRAIN
    assert [len(task.datasets) for task in pretrain.tasks] == [6, 3, 3, 14]
    assert {task.name: len(task.datasets) for task in finetune.tasks} == {
        "captioning": 2, "general_qa": 5, "science": 3, "chart": 5, "mathematics": 5, "knowledge": 4, "ocr": 11, "document": 2,
        "grounding": 2, "conversation": 6, "text_only": 4,
    }  # fmt: skip
    assert all(task.ratio is None for task in finetune.tasks)
    assert all(each.languages for table in (pretrain, finetune) for task in table.tasks for each in task.datasets)


@pytest.mark.parametrize("mixing", ["length", "sqrt_length", "manifest"])
def test_training_reads_the_asked_shares(mixing: Any, data: Path, tmp_path: Path) -> None:
    report = mix(load_table("internvl1_5_pretrain"), data, MixSettings(mixing=mixing, max_repeat=100))
    found = trained_shares(report, tmp_path / "meta.json", mixing)
    tolerance = 0.1 if mixing == "length" else 1e-6  # repeats are whole rows
    assert by_task(found) == pytest.approx(PRETRAIN, abs=tolerance)
    assert report.reached == pytest.approx(by_task(found))
    assert not report.short
    # Within a task every example counts alike.
    assert found["laion"] == pytest.approx(3 * found["coco_captions"], rel=0.01)


def test_an_epoch_of_the_loaders_order_has_the_asked_shares(data: Path, tmp_path: Path) -> None:
    report = mix(load_table("internvl1_5_pretrain"), data, MixSettings(max_repeat=100, examples=10_000))
    write_meta(report.parts, tmp_path / "meta.json")
    specs = load_manifest(tmp_path / "meta.json").datasets
    plans = [rows_of(spec, len(open_source(spec))) for spec in specs]
    order = Order([spec.name for spec in specs], plans, shares(specs, [len(plan) for plan in plans], "length"), seed=1)
    assert order.total == pytest.approx(10_000, abs=5)
    import numpy

    seen = Counter(specs[each.dataset].name for each in order.at(numpy.arange(order.end(1.0))))
    assert by_task({name: 100 * count / seen.total() for name, count in seen.items()}) == pytest.approx(PRETRAIN, abs=0.1)


@pytest.mark.parametrize("mixing", ["length", "manifest"])
def test_no_record_is_used_more_than_the_cap_allows(mixing: Any, data: Path) -> None:
    report = mix(load_table("internvl1_5_pretrain"), data, MixSettings(mixing=mixing, max_repeat=1.2))
    assert max(part.passes for part in report.parts) <= 1.2 * 1.01
    assert {"ocr_large", "ocr_small"} <= set(report.short)
    assert report.reached["ocr_large"] < 32.0
    # What the small tasks leave goes to the others in proportion to their ratios.
    assert report.reached["captioning"] / report.reached["detection"] == pytest.approx(53.9 / 5.2, rel=0.05)
    assert sum(report.reached.values()) == pytest.approx(100)


def test_the_report_says_how_many_examples_reach_every_ratio(data: Path) -> None:
    most = mix(load_table("internvl1_5_pretrain"), data, MixSettings(max_repeat=1.2)).most_examples
    assert most == int(1.2 * 150 * 100 / 8.9)
    assert not mix(load_table("internvl1_5_pretrain"), data, MixSettings(max_repeat=1.2, examples=most)).short
    assert mix(load_table("internvl1_5_pretrain"), data, MixSettings(max_repeat=1.2, examples=int(1.5 * most))).short


def test_what_is_missing_is_listed_with_its_languages(data: Path) -> None:
    (data / "stray.jsonl").write_text(RECORD, "utf-8")
    (data / "chartqa.jsonl").write_text("", "utf-8")
    report = mix(load_table("internvl1_5_pretrain"), data, MixSettings(max_repeat=100))
    assert report.missing["captioning"] == ["Laion-ZH", "COYO", "GRIT", "TextCaps"]
    assert "SynthDoG (en)" in report.missing["ocr_small"]
    assert (report.unlisted, report.empty) == (["stray"], ["chartqa"])
    assert report.languages == pytest.approx({"en": 53.9 + 8.9 * 0.6, "zh": 32 + 8.9 * 0.4, "en&zh": 5.2}, abs=0.2)


def test_tasks_without_data_are_an_error_unless_their_part_is_shared(tmp_path: Path) -> None:
    have = owned(tmp_path / "data", {"coco": 100, "docvqa": 100})
    with pytest.raises(PipelineError, match=r"no data for detection, ocr_large of internvl1_5_pretrain.*--partial"):
        mix(load_table("internvl1_5_pretrain"), have, MixSettings())
    report = mix(load_table("internvl1_5_pretrain"), have, MixSettings(partial=True))
    assert report.reached == pytest.approx(
        {"captioning": 100 * 53.9 / 62.8, "detection": 0, "ocr_large": 0, "ocr_small": 100 * 8.9 / 62.8}, abs=0.5
    )
    assert not report.short


def test_a_table_without_ratios_uses_every_record_alike(tmp_path: Path) -> None:
    have = owned(tmp_path / "data", {"docvqa": 100, "refcoco": 30, "refcocog": 20, "ShareGPT-zh": 50})
    report = mix(load_table("internvl1_5_finetune"), have, MixSettings())
    assert [part.spec.repeat_time for part in report.parts] == [1.0] * 4
    assert {name: share for name, share in report.reached.items() if share} == pytest.approx(
        {"document": 50, "grounding": 25, "text_only": 25}
    )
    assert report.asked == dict.fromkeys(report.asked)
    assert report.most_examples is None
    assert "ShareGPT (en)" in report.missing["text_only"]


@pytest.mark.parametrize(("within", "expected"), [("length", (57.6, 2.4)), ("even", (30, 30)), ("sqrt_length", (49.8, 10.2))])
def test_a_tasks_part_can_be_divided_in_other_ways(within: Any, expected: tuple[float, float], tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN, "utf-8")
    have = owned(tmp_path / "data", {"x": 2400, "y": 100, "z": 1500})
    report = mix(load_table(tmp_path / "own.toml"), have, MixSettings(within=within, max_repeat=100))
    found = {part.spec.name: 100 * part.share for part in report.parts}
    assert (found["x"], found["y"], found["z"]) == pytest.approx((*expected, 40), abs=0.1)


def test_a_data_set_of_two_tasks_or_of_ones_own_needs_its_task(data: Path) -> None:
    table = load_table("internvl1_5_pretrain")
    (data / "grit.jsonl").write_text(RECORD * 10, "utf-8")
    with pytest.raises(PipelineError, match="'grit' is listed under captioning, detection: choose with --task grit=TASK"):
        mix(table, data, MixSettings())
    report = mix(table, data, MixSettings(), tasks=["grit=detection"])
    assert next(part.owned.task.name for part in report.parts if part.spec.name == "grit" and part.owned.task) == "detection"
    with pytest.raises(PipelineError, match="has no task 'ocr'"):
        mix(table, data, MixSettings(), tasks=["grit=ocr"])
    with pytest.raises(PipelineError, match="NAME=TASK"):
        mix(table, data, MixSettings(), tasks=["gone=detection"])


def test_a_meta_file_keeps_its_roots_and_settings(tmp_path: Path) -> None:
    owned(tmp_path / "data", {"x": 60, "z": 40})
    entry = {"root": str(tmp_path), "data_augment": True, "max_dynamic_patch": 6, "repeat_time": 3, "weight": 5}
    meta = {name: {**entry, "annotation": str(tmp_path / f"data/{name}.jsonl")} for name in ("x", "z")}
    (tmp_path / "have.json").write_text(json.dumps(meta), "utf-8")
    (tmp_path / "own.toml").write_text(OWN, "utf-8")
    report = mix(load_table(tmp_path / "own.toml"), tmp_path / "have.json", MixSettings())
    write_meta(report.parts, tmp_path / "out.json")
    spec = load_manifest(tmp_path / "out.json").datasets[0]
    assert (spec.root, spec.data_augment, spec.max_tiles, spec.repeat_time, spec.weight) == (tmp_path, True, 6, 1.0, None)


def test_a_folder_gives_what_converters_leave_in_it(tmp_path: Path) -> None:
    have = owned(tmp_path / "data", {"x": 6, "z": 4})
    (have / "x.ledger.jsonl").write_text("{}\n", "utf-8")
    (have / "notes.json").write_text('{"by": "me"}', "utf-8")
    (have / "y.json").write_text(f"[{RECORD}]", "utf-8")
    (have / "z").mkdir()
    (have / "x.meta.json").write_text(json.dumps({"x": {"root": str(tmp_path), "annotation": str(have / "x.jsonl")}}), "utf-8")
    (tmp_path / "own.toml").write_text(OWN, "utf-8")
    report = mix(load_table(tmp_path / "own.toml"), have, MixSettings())
    assert {part.spec.name: part.spec.root for part in report.parts} == {"x": tmp_path, "y": have, "z": have / "z"}
    (have / "z.tar").write_bytes(b"")
    with pytest.raises(PipelineError, match="'z' is there twice"):
        mix(load_table(tmp_path / "own.toml"), have, MixSettings())
    with pytest.raises(PipelineError, match="no file or folder"):
        mix(load_table(tmp_path / "own.toml"), tmp_path / "gone", MixSettings())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (OWN.replace("60", "61"), "sum to 101 %, not to 100 %"),
        (OWN.replace("ratio = 40.0\n", ""), "b without a ratio"),
        (OWN.replace("60", '"60"'), "a share in percent from 0 to 100"),
        (OWN.replace("ratio = 60", "ratios = 60"), "no key 'ratios'"),
        (OWN.replace('"y"', '"x"'), "names 'x' twice"),
        (OWN.replace('languages = ["en"]', 'languages = "en"'), "languages is a list of texts"),
        ("title = 'x'", "names no task"),
        ("[a]\nratio = 100\n", "needs datasets"),
        ("[a", "not valid TOML"),
        ("a = 3", r"\[a\] should be a table"),
    ],
)
def test_a_table_that_is_wrong_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(text, "utf-8")
    with pytest.raises(PipelineError, match=reason):
        load_table(tmp_path / "own.toml")


def test_an_unknown_table_and_wrong_settings_are_refused(data: Path) -> None:
    with pytest.raises(PipelineError, match=r"no mixture 'internvl9'.*internvl1_5_pretrain"):
        load_table("internvl9")
    table = load_table("internvl1_5_pretrain")
    for settings, reason in (
        (MixSettings(max_repeat=0), "above 0"),
        (MixSettings(max_repeat=0.5, mixing="manifest"), "1 or more"),
        (MixSettings(examples=100_000), "between 1 and 12,600"),
        (MixSettings(examples=100, mixing="manifest"), "--examples is for length"),
    ):
        with pytest.raises(PipelineError, match=reason):
            mix(table, data, settings)


def test_parts_are_filled_up_to_their_caps() -> None:
    assert fill([3, 1], [10, 10], 4) == [3, 1]
    assert fill([3, 1], [2, 10], 4) == [2, 2]
    assert fill([3, 1, 0], [2, 1, 9], 4) == [2, 1, 0]  # the caps together are less
    assert fill([1, 1, 2], [0.5, 1.5, 10], 5) == pytest.approx([0.5, 1.5, 3])


def test_the_command_line_shows_tables_and_writes_a_meta_file(data: Path, tmp_path: Path) -> None:
    def run(*words: object) -> Any:
        return CliRunner().invoke(app, ["data", "mix", *(str(word) for word in words)])

    assert "internvl1_5_finetune" in run("--list").stdout
    shown = run("--show", "internvl1_5_pretrain").stdout
    assert "53.9 %" in shown
    assert "Laion-EN (en)" in shown
    assert run("internvl1_5_pretrain", "--toml").stdout == table_text("internvl1_5_pretrain")
    result = run("internvl1_5_pretrain", "--have", data, "--out", tmp_path / "meta.json", "--max-repeat", 1.2)
    assert result.exit_code == 0
    assert "off their ratio: " in result.output
    assert "with --examples 2022 or fewer" in result.output
    told = json.loads(run("internvl1_5_pretrain", "--have", data, "--out", tmp_path / "meta.json", "--examples", 2000, "--json").stdout)
    assert told["tasks"]["ocr_large"]["reached_percent"] == pytest.approx(32, abs=0.1)
    assert told["examples"] == pytest.approx(2000, abs=3)
    assert run("internvl1_5_pretrain").exit_code == 2
    assert run("internvl1_5_pretrain", "--have", tmp_path / "gone", "--out", tmp_path / "m.json").exit_code == 1


def test_converted_data_sets_are_found_in_the_tables() -> None:
    found: dict[str, set[str]] = {}
    for name in CONVERTERS:
        owned_one = Owned(DatasetSpec(name=name, annotation=Path(f"{name}.jsonl"), root=Path()), 1)
        for table in published_tables():
            with suppress(PipelineError):  # GRIT stands under two tasks
                if placed(owned_one, load_table(table), {}).task is not None:
                    found.setdefault(name, set()).add(table)
    assert set(CONVERTERS) - set(found) == {"nocaps", "flickr30k", "cc3m", "figureqa", "coco_detection", "grit"}
    assert found["docvqa"] == set(published_tables())


def test_what_is_converted_can_be_mixed_and_trained_on(tmp_path: Path) -> None:
    (tmp_path / "pictures/train/png").mkdir(parents=True)
    (tmp_path / "train.json").write_text(json.dumps([{"imgname": "a.png", "query": "Q?", "label": "1"}] * 5), "utf-8")
    inputs = CONVERTERS["chartqa"].inputs([str(tmp_path / "train.json")], Pictures(tmp_path / "pictures"), Settings())
    convert(CONVERTERS["chartqa"], inputs, out=tmp_path / "have/chartqa.jsonl")
    report = mix(load_table("internvl1_5_finetune"), tmp_path / "have", MixSettings())
    write_meta(report.parts, tmp_path / "meta.json")
    source = open_source(load_manifest(tmp_path / "meta.json").datasets[0])
    assert (len(source), source.record(0).images) == (5, (tmp_path / "pictures/train/png/a.png",))
