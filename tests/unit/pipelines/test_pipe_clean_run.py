"""Cleaning from end to end on a small Parquet file with planted faults, as a library and as a verb."""

from __future__ import annotations

import functools
import io
import json
from pathlib import Path
from typing import Any

import numpy
import PIL.Image
import pytest
from pipe_clean_pictures import bomb_file, encoded, scene, write_parquet
from typer.testing import CliRunner

from internvl.cli.main import app
from internvl.pipelines.clean import clean as clean_module
from internvl.pipelines.clean import language
from internvl.pipelines.clean.clean import CleanConfig, clean
from internvl.pipelines.clean.examples import Examples
from internvl.pipelines.clean.histogram import Histogram
from internvl.pipelines.clean.histogram_drawing import draw_histograms, histogram_svg
from internvl.pipelines.clean.rules import PRESETS, Rules, load_preset, parse_rules, preset_text
from internvl.pipelines.clean.scoring import operators_for, without_scores
from internvl.pipelines.clean.tally import Tally
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.run import RunConfig

pytest.importorskip("py3langid")
pytest.importorskip("pyarrow")

open_languages = functools.cache(language._open_model)
CAPTION = "Coloured shapes, picture number {}."


def sample(seed: int, **changes: Any) -> dict[str, Any]:
    return {"image": encoded(scene(seed)), "caption": CAPTION.format(seed), "language": "en", **changes}


FAULTS: dict[int, tuple[str, dict[str, Any]]] = {
    2: ("duplicate", sample(1)),
    3: ("near duplicate", sample(1, image=encoded(scene(1), "JPEG", quality=40))),
    5: ("damaged picture", sample(5, image=encoded(scene(5))[:600])),
    6: ("too many pixels", sample(6, image=bomb_file())),
    7: ("placeholder", sample(7, caption="IMG_2031.jpg")),
    8: ("code", sample(8, caption="<div>shapes of all kinds</div>")),
    9: ("language_agrees", sample(9, language="zh")),
    10: ("contrast", sample(10, image=encoded(PIL.Image.new("RGB", (200, 200), "red")))),
    11: ("width", sample(11, image=encoded(scene(11, width=90)))),
    12: ("evaluation set", sample(12)),
    13: ("unreadable picture", sample(13, image=b"<html>404</html>")),
}
ROWS = 20


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Rows 1 to 20; row 4 has its caption's fault, the rest are good or planted."""
    rows = [FAULTS[row][1] if row in FAULTS else sample(row) for row in range(1, ROWS + 1)]
    return write_parquet(tmp_path / "pairs.parquet", rows)


@pytest.fixture
def held_out(tmp_path: Path) -> Path:
    folder = tmp_path / "exam"
    folder.mkdir()
    (folder / "question.jpg").write_bytes(encoded(scene(12).resize((300, 240)), "JPEG", quality=60))
    return folder


def config(inputs: Path, out: Path, *rules: Rules, **settings: Any) -> CleanConfig:
    chosen = rules or tuple(without_scores(load_preset(name), []) for name in PRESETS)
    run = RunConfig(inputs=(inputs,), out=out, unit_rows=settings.pop("unit_rows", 6))
    return CleanConfig(run=run, rules=chosen, operators=operators_for([]), **settings)


@pytest.fixture(autouse=True)
def less_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Matplotlib takes longer than all the rest, one test draws; the languages' model is opened once."""
    monkeypatch.setattr(clean_module, "draw_histograms", lambda tally, path: None)
    monkeypatch.setattr(language, "_open_model", open_languages)


def ledger(folder: Path) -> dict[int, list[str]]:
    """Row -> kinds of its reasons."""
    found: dict[int, list[str]] = {}
    for line in (folder / "ledger.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        found.setdefault(entry["row"], []).append(entry["reason"].partition(":")[0])
    return found


def shards(folder: Path) -> list[str]:
    import pyarrow.parquet

    tables = [pyarrow.parquet.read_table(path) for path in sorted((folder / "shards").glob("*.parquet"))]
    return [text for table in tables for text in table["caption"].to_pylist()]


def test_every_planted_fault_is_found_and_nothing_else(inputs: Path, held_out: Path, tmp_path: Path) -> None:
    report = clean(config(inputs, tmp_path / "out", against=(held_out,)))
    strict = ledger(tmp_path / "out" / "stage2")
    assert {row: kind for row, (kind, _) in FAULTS.items()}.items() <= {row: kinds[0] for row, kinds in strict.items()}.items()
    assert set(strict) == set(FAULTS)
    light = ledger(tmp_path / "out" / "stage1")
    assert set(light) == {2, 5, 6, 7, 10, 12, 13}
    tallies = {tally.rules.name: tally for tally in report.tallies}
    assert (tallies["stage1"].kept, tallies["stage2"].kept, tallies["stage2"].rows) == (13, 9, 20)
    assert shards(tmp_path / "out" / "stage2") == [CAPTION.format(row) for row in range(1, ROWS + 1) if row not in FAULTS]
    assert [each.rows for each in report.shards] == [13, 9]


def test_what_a_kill_left_half_written_is_removed(inputs: Path, tmp_path: Path) -> None:
    chosen = config(inputs, tmp_path / "out", without_scores(load_preset("stage1"), []), write=False)
    (tmp_path / "out" / "stage1").mkdir(parents=True)
    draft = tmp_path / "out" / "stage1" / ".ledger.jsonl.0123456789ab.part"
    draft.write_bytes(b"half")
    clean(chosen)
    assert not draft.exists()


def test_the_report_tells_all(inputs: Path, held_out: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    clean(config(inputs, out, against=(held_out,), write=False))
    assert not (out / "stage1" / "shards").exists()
    told = json.loads((out / "report.json").read_text("utf-8"))
    [dataset] = told["datasets"]
    assert dataset.pop("languages")["en"] > 10
    assert dataset == {"name": "pairs", "language": "English", "original": 20, "kept": {"stage1": 13, "stage2": 9}}
    strict = told["rules"][1]
    assert strict["remain"] == 0.45
    near = strict["reasons"]["near duplicate"]
    assert (near["any"], near["alone"], near["first"]) == (1, 1, 1)
    width = strict["histograms"]["width"]
    assert (sum(width["all"]), sum(width["kept"]), width["missing"]) == (17, 9, 3)
    page = (out / "report.html").read_text("utf-8")
    escaped = "&lt;div&gt;shapes of all kinds&lt;/div&gt;"
    nearest = "width: kept, the nearest to the limit"
    for text in ("stage 1", "stage 2", "65.0%", "45.0%", escaped, "near duplicate: looks like", nearest):
        assert text in page
    assert "<div>shapes of all kinds" not in page
    assert page.count("data:image/jpeg;base64,") > 10
    assert "<script" not in page


def test_histograms_are_drawn_with_their_limits(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    rules = parse_rules("[rules.width]\nmin = 10", name="a", where="")
    width, letters = Histogram("log"), Histogram("unit")
    width.add([5, 20, 300, None], numpy.array([False, True, True, False]))
    letters.add([0.5, 1.0], numpy.array([True, True]))
    draw_histograms(Tally(rules, Examples(rules), histograms={"width": width, "letters": letters}), tmp_path / "a.png")
    with PIL.Image.open(tmp_path / "a.png") as picture:
        assert picture.width > 500
    drawn = histogram_svg("width", width, rules.columns[0])
    assert 'class="limit"' in drawn
    assert "width: 3 samples, 2 kept" in drawn
    assert 'class="limit"' not in histogram_svg("letters", letters, None)
    assert (width.missing, width.to_dict()["kept"][0]) == (1, 0)


def test_other_rules_cost_no_scoring(inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    clean(config(inputs, out, write=False))
    units = {path.name: path.stat().st_mtime_ns for path in (out / "units").glob("*.parquet")}
    groups = (out / "groups" / "groups.json").stat().st_mtime_ns
    mine = parse_rules("[rules.width]\nmin = 95\n[duplicates]\nnear_bits = 3", name="mine", where="mine.toml")
    report = clean(config(inputs, out, mine, write=False))
    assert {path.name: path.stat().st_mtime_ns for path in (out / "units").glob("*.parquet")} == units
    assert report.tallies[0].reasons["width"].any == 1
    # Fewer bits than groups were made for: they were made again.
    assert (out / "groups" / "groups.json").stat().st_mtime_ns != groups
    monkeypatch.setattr(clean_module, "group_run", pytest.fail)
    with pytest.raises(PipelineError, match="two sets of rules are called 'mine'"):
        clean(config(inputs, out, mine, mine))


def test_the_result_does_not_depend_on_units_and_repeats_itself(inputs: Path, held_out: Path, tmp_path: Path) -> None:
    reports = []
    for name, unit_rows in (("a", 3), ("b", 20), ("a", 3)):
        clean(config(inputs, tmp_path / name, against=(held_out,), unit_rows=unit_rows))
        out = tmp_path / name
        told = json.loads((out / "report.json").read_text("utf-8"))
        reports.append((told["datasets"], told["rules"], (out / "stage2" / "ledger.jsonl").read_text("utf-8"), shards(out / "stage2")))
    assert reports[0] == reports[1] == reports[2]


def test_the_better_of_two_duplicates_stays(tmp_path: Path) -> None:
    """The first copy has a worthless caption: it goes for that, and the second stays."""
    rows = [sample(1, caption="photo 1"), sample(1), sample(2), sample(2, image=encoded(scene(2).resize((400, 320)), "JPEG"))]
    path = write_parquet(tmp_path / "pairs.parquet", rows)
    text = "[rules.placeholder]\nequals = false\n[duplicates]\nkeep = '{}'"
    for keep, gone in (("first", 4), ("pixels", 3)):
        clean(config(path, tmp_path / "out", parse_rules(text.format(keep), name=keep, where=""), write=False))
        assert ledger(tmp_path / "out" / keep) == {1: ["placeholder", "duplicate"], gone: ["near duplicate"]}


def test_captions_that_stand_everywhere(tmp_path: Path) -> None:
    rows = [sample(seed, caption="The best shop in town!" if seed % 2 else CAPTION.format(seed)) for seed in range(8)]
    rules = parse_rules("[rules.caption_copies]\nmax = 3", name="copies", where="")
    clean(config(write_parquet(tmp_path / "pairs.parquet", rows), tmp_path / "out", rules, write=False))
    assert set(ledger(tmp_path / "out" / "copies")) == {2, 4, 6, 8}


def test_another_is_refused_while_one_decides_and_writes(inputs: Path, tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    refused = []

    def told(step: str) -> None:
        with pytest.raises(PipelineError, match="another run is at work"):
            clean(config(inputs, tmp_path / "out", write=False))
        refused.append(step)

    clean(config(inputs, tmp_path / "out"), told=told)
    assert {step.partition(":")[0] for step in refused} == {"duplicates", "deciding", "writing", "report"}


def test_a_run_without_anything_usable_is_reported(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "pairs.parquet", [sample(1, image=b"no picture")])
    report = clean(config(path, tmp_path / "out"))
    assert [tally.kept for tally in report.tallies] == [0, 0]
    assert "unreadable picture" in (tmp_path / "out" / "report.html").read_text("utf-8")


def verb(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["data", *(str(each) for each in arguments)])


def test_the_verb(inputs: Path, held_out: Path, tmp_path: Path) -> None:
    listed = verb("hashes", held_out, "--out", tmp_path / "list", "--quiet")
    assert listed.exit_code == 0, listed.output
    assert "1 pictures in" in listed.stderr
    rules = tmp_path / "mine.toml"
    rules.write_text("[rules.width]\nmin = 95\n", "utf-8")
    common = (inputs, "--out", tmp_path / "out", "--scores", "none", "--quiet")
    result = verb("clean", *common, "--rules", rules, "--against", tmp_path / "list", "--format", "jsonl")
    assert result.exit_code == 0, result.output
    assert "near duplicate" in result.stdout
    assert "exam" in (tmp_path / "out" / "mine" / "ledger.jsonl").read_text("utf-8")
    lines = (tmp_path / "out" / "mine" / "shards" / "00000.jsonl").read_text("utf-8").splitlines()
    assert json.loads(lines[0])["image"]
    told = verb("clean", *common, "--preset", "stage1", "--dry-run", "--json")
    assert json.loads(told.stdout)["rules"][0]["title"] == "stage 1"
    assert "stage 1 without its rules on similarity, watermark, unsafe" in told.stderr


def test_a_preset_is_printed_as_it_is() -> None:
    assert verb("clean", "--show-rules", "stage2").stdout == preset_text("stage2")
    wrong = verb("clean", "--show-rules", "stage3")
    assert wrong.exit_code == 1
    assert "did you mean" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "internvl data clean INPUT... --out FOLDER"),
        (("pairs.parquet",), "internvl data clean INPUT... --out FOLDER"),
        (("none.parquet", "--out", "out", "--scores", "none"), "none.parquet"),
        (("pairs.parquet", "--out", "out", "--scores", "similarty"), "did you mean 'similarity'?"),
        (("pairs.parquet", "--out", "out", "--scores", "none", "--against", "nowhere"), "nowhere"),
        (("pairs.parquet", "--out", "out", "--scores", "none", "--rules", "none.toml"), "none.toml"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    arguments: tuple[str, ...], told: str, inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(inputs.parent)
    result = verb("clean", *arguments)
    assert result.exit_code in (1, 2)
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_a_list_of_hashes_must_be_one(tmp_path: Path, inputs: Path) -> None:
    from internvl.pipelines.clean.against import is_list, open_list

    assert not is_list(inputs)
    with pytest.raises(PipelineError, match="a list of hashes has name"):
        open_list(inputs)
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    with pytest.raises(PipelineError, match="is no list of hashes"):
        open_list(tmp_path / "torn.parquet")
    with pytest.raises(PipelineError, match="internvl data hashes makes one"):
        open_list(tmp_path / "none.parquet")


def test_pictures_of_the_page_are_read_from_any_kind_of_input(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(3):
        (folder / f"{seed}.png").write_bytes(encoded(scene(seed)))
        (folder / f"{seed}.txt").write_text(CAPTION.format(seed))
    clean(config(folder, tmp_path / "out", write=False))
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert page.count("data:image/jpeg;base64,") >= 3
    with PIL.Image.open(io.BytesIO((folder / "0.png").read_bytes())) as picture:
        assert picture.size == (200, 160)
