"""Score against tiles: rescaling, the best limit, the average and what it leaves out, table and plot."""

from __future__ import annotations

from pathlib import Path

import pytest
from compare_runs_made import write_run

from internvl.eval.ablation import ablation_of, load_ablation, plot_ablation
from internvl.eval.compare import Statistics, compare_runs, load_runs
from internvl.eval.errors import EvalError
from internvl.eval.plot_scores import plot_scores, series_of
from internvl.eval.results import load_result

FAST = Statistics(resamples=200)


def ablation_folders(out: Path, task: str, scores: dict[int, float], **fields: object) -> list[Path]:
    """A result a tile limit."""
    return [
        write_run(out, [1, 0], task=task, title=task.upper(), split="test", tiles=tiles, ablation=True, headline=score, **fields)  # type: ignore[arg-type]
        for tiles, score in scores.items()
    ]


def test_curves_are_rescaled_to_a_hundred_and_averaged(tmp_path: Path) -> None:
    folders = ablation_folders(tmp_path, "ocrbench", {1: 400, 6: 600, 12: 720}, published="OCRBench", scale=1.0)
    folders += ablation_folders(tmp_path, "mme", {12: 2100, 1: 2240, 6: 2240}, published="MME sum", scale=1.0)
    folders += ablation_folders(tmp_path, "mmmu", {1: 45.2, 6: 44, 12: 43})
    folders += ablation_folders(tmp_path, "docvqa", {1: 30, 6: 80})
    found = load_ablation(folders)
    assert found.tiles == (1, 6, 12)
    curves = {curve.name: curve for curve in found.curves}
    assert curves["OCRBENCH test"].of_100 == {1: 40, 6: 60, 12: 72}
    assert curves["MME test"].of_100 == pytest.approx({1: 80, 6: 80, 12: 75})
    assert {name: curve.best for name, curve in curves.items()} == {
        "OCRBENCH test": 12,
        "MME test": 1,
        "MMMU test": 1,
        "DOCVQA test": 6,
    }
    assert found.average is not None
    assert found.average.of_100 == pytest.approx({1: 60, 6: 70, 12: 73.5})
    assert found.notes == ("not in the average: MMMU test, DOCVQA test",)
    table = {row[0]: row[1:] for row in found.rows()}
    assert table["OCRBENCH test"] == ("400.0", "600.0", "720.0*", "12")
    assert table["DOCVQA test"] == ("30.0", "80.0*", "-", "6")
    assert table["average of 2"][-1] == "12"


def test_what_differs_beside_tiles_is_noted(tmp_path: Path) -> None:
    folders = ablation_folders(tmp_path, "docvqa", {1: 30})
    folders += ablation_folders(tmp_path, "docvqa", {6: 80}, judge="mine")
    assert load_ablation(folders).notes == ("DOCVQA test, 6 tiles: judge none against mine",)


def test_an_ablation_is_of_one_model_with_numbers_and_one_result_a_limit(tmp_path: Path) -> None:
    first = load_result(write_run(tmp_path / "a", [1, 0]))
    with pytest.raises(EvalError, match="at least one"):
        ablation_of([])
    with pytest.raises(EvalError, match="one model, not of internvl-nano, other"):
        ablation_of([first, load_result(write_run(tmp_path / "b", [1, 0], model="other"))])
    with pytest.raises(EvalError, match="there twice"):
        ablation_of([first, load_result(write_run(tmp_path / "c", [1, 1]))])
    assert len(ablation_of([first, load_result(write_run(tmp_path / "d", [1, 0]))]).curves) == 1
    with pytest.raises(EvalError, match="no score to plot"):
        ablation_of([load_result(write_run(tmp_path / "e", [1, 0], headline=None, scores={}))])
    with pytest.raises(EvalError, match="no tile limit"):
        ablation_of([load_result(write_run(tmp_path / "f", [1, 0], recipe={}))])


@pytest.mark.parametrize(("name", "start"), [("a.png", b"\x89PNG"), ("a.SVG", b"<?xml"), ("a.pdf", b"%PDF")])
def test_the_plot_is_written_in_any_script(tmp_path: Path, name: str, start: bytes) -> None:
    folders = ablation_folders(tmp_path, "文字识别 $x_", {1: 30, 6: 80})
    plot_ablation(load_ablation(folders), tmp_path / "new" / name, log_x=name.endswith("png"))
    content = (tmp_path / "new" / name).read_bytes()
    assert content.startswith(start)
    assert len(content) > 5000


def test_other_suffixes_are_refused_before_drawing(tmp_path: Path) -> None:
    ablation = load_ablation(ablation_folders(tmp_path, "toy", {1: 3}))
    with pytest.raises(EvalError, match=r"\.png, \.svg, \.pdf"):
        plot_ablation(ablation, tmp_path / "a.jpeg")


def test_series_keep_published_apart_and_rescaled(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [1, 0], task="ocrbench", title="OCRBench", published="OCRBench", headline=500.0, scale=1.0)
    write_run(tmp_path / "a", [1, 0], task="docvqa", title="DocVQA", published="DocVQA test")
    write_run(tmp_path / "b", [1, 1], task="docvqa", title="DocVQA", published="DocVQA test")
    names, series = series_of(
        compare_runs(load_runs([tmp_path / "a", tmp_path / "b"]), models=("InternVL2-8B", "InternVL-C"), statistics=FAST)
    )
    assert names == ["DocVQA val", "OCRBench val"]
    values = {each.name: (each.values, each.published) for each in series}
    assert values == {
        "a": ((50.0, 50.0), False),
        "b": ((100.0, None), False),
        "InternVL2-8B, published": ((pytest.approx(91.6), pytest.approx(79.4)), True),
    }
    assert series[0].errors[1] is None  # 500 is no mean of the two samples, so their interval is not its


def test_bars_and_radar_are_drawn_and_impossible_ones_refused(tmp_path: Path) -> None:
    for number in range(5):
        for run in ("a", "b $"):
            write_run(tmp_path / run, [1, 0, number % 2], task=f"toy{number}", title=f"任务 {number}")
    found = compare_runs(load_runs([tmp_path / "a", tmp_path / "b $"]), statistics=FAST)
    for kind in ("bars", "radar", "auto"):
        plot_scores(found, tmp_path / f"{kind}.png", kind=kind)
        assert (tmp_path / f"{kind}.png").stat().st_size > 5000
    assert (tmp_path / "auto.png").read_bytes() == (tmp_path / "radar.png").read_bytes()
    write_run(tmp_path / "one", [1, 0])
    one = compare_runs(load_runs([tmp_path / "one"]), statistics=FAST)
    with pytest.raises(EvalError, match="3 to 24 benchmarks, not 1"):
        plot_scores(one, tmp_path / "one.png", kind="radar")
    with pytest.raises(EvalError, match="drawn as auto, bars"):
        plot_scores(one, tmp_path / "one.png", kind="pie")
