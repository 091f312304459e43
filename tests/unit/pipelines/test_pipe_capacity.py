"""A plan is the arithmetic of a measured run: twice the pairs take twice the days, and what can't be planned is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from internvl.cli.data import app
from internvl.pipelines.capacity import FEATURE_BYTES, Fleet, Measured, capacity, measured_run
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.speeds import Speed

DAY_S = 86_400
# 1000 rows, of which 900 could be read; picture: 100 a second, similarity: 10 a second.
MEASURED = Measured(
    rows=1000,
    kept=500,
    speeds=(
        Speed(name="(read)", items=1000, seconds=1.0),
        Speed(name="picture", items=1000, seconds=10.0),
        Speed(name="similarity", items=900, seconds=90.0),
    ),
    input_bytes=20_000_000,
    column_bytes=400_000,
    shard_bytes=11_000_000,
)


def test_a_day_of_one_core() -> None:
    # 86,400 pairs: 86.4 s of reading, 864 s of picture, 7776 s of similarity.
    planned = capacity(MEASURED, DAY_S, fleet=Fleet(days=1, cores=1, utilisation=1))
    assert [step.days for step in planned.steps] == pytest.approx([0.001, 0.01, 0.09])
    assert planned.core_days == pytest.approx(0.101)
    assert (planned.cpu_machines, planned.gpu_machines, planned.gpu_days) == (1, 0, 0)
    assert planned.kept == pytest.approx(DAY_S / 2)


def test_pairs_scale_everything() -> None:
    one, ten = (capacity(MEASURED, pairs) for pairs in (1e9, 1e10))
    assert ten.core_days == pytest.approx(10 * one.core_days)
    assert ten.input_bytes == pytest.approx(10 * one.input_bytes) == pytest.approx(1e10 * 20_000)
    assert ten.column_bytes == pytest.approx(1e10 * 400)
    assert ten.shard_bytes == pytest.approx(1e10 * 11_000)
    assert ten.feature_bytes == 1e10 * FEATURE_BYTES
    assert ten.read_bytes_s == pytest.approx(ten.input_bytes / (7 * 0.8 * DAY_S))


def test_machines_are_whole_and_as_many_as_the_days_ask_for() -> None:
    needed = capacity(MEASURED, 6e9).core_days / (7 * 64 * 0.8)
    assert needed - 1 < capacity(MEASURED, 6e9).cpu_machines - 1 < needed
    assert capacity(MEASURED, 6e9, fleet=Fleet(days=14)).cpu_machines <= capacity(MEASURED, 6e9).cpu_machines / 2 + 1


def test_an_operator_on_a_gpu_leaves_the_cores() -> None:
    fleet = Fleet(on_gpu={"similarity": 1000.0}, slower={"picture": 4.0})
    planned = capacity(MEASURED, 6e9, fleet=fleet)
    by_name = {step.name: step for step in planned.steps}
    assert by_name["similarity"].gpu
    assert planned.gpu_days == pytest.approx(0.9 * 6e9 / 1000 / DAY_S)
    assert by_name["picture"].rate == pytest.approx(25)
    assert planned.core_days == pytest.approx(by_name["picture"].days + by_name["(read)"].days)


def test_larger_pairs_are_read_and_written() -> None:
    planned = capacity(MEASURED, 6e9, fleet=Fleet(pair_bytes=100_000))
    assert planned.input_bytes == pytest.approx(6e14)
    assert planned.shard_bytes == pytest.approx(6e9 * 11_000 * 5)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"days": 0}, "days"),
        ({"utilisation": 1.5}, "utilisation"),
        ({"on_gpu": {"similarity": float("nan")}}, "similarity"),
        ({"pair_bytes": -1}, "pair_bytes"),
    ],
)
def test_impossible_assumptions_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(PipelineError, match=said):
        Fleet(**settings)  # type: ignore[arg-type]


def test_an_operator_that_did_not_run_is_named() -> None:
    with pytest.raises(PipelineError, match=r"no operator 'similarty'; it has \(read\), picture, similarity"):
        capacity(MEASURED, 6e9, fleet=Fleet(slower={"similarty": 2.0}))


@pytest.mark.parametrize("pairs", [0, -1, float("inf"), float("nan")])
def test_a_number_of_pairs_is_needed(pairs: float) -> None:
    with pytest.raises(PipelineError, match="above 0"):
        capacity(MEASURED, pairs)


def _run(folder: Path) -> Path:
    """The files of a finished run that a plan is made from."""
    (folder / "units").mkdir(parents=True)
    state = {"format": 1, "inputs": [{"path": "a.tar", "bytes": 2000}], "units": 2, "rows": 20}
    (folder / "run.json").write_text(json.dumps(state), "utf-8")
    for number in range(2):
        (folder / "units" / f"{number:06}.parquet").write_bytes(bytes(50))
        times = {"unit": number, "rows": 10, "seconds": {"(read)": 0.5, "picture": 1.0}, "items": {"(read)": 10, "picture": 8}}
        (folder / "units" / f"{number:06}.time.json").write_text(json.dumps(times), "utf-8")
    shards = folder / "stage1" / "shards"
    shards.mkdir(parents=True)
    (shards / "index.jsonl").write_text('{"file": "00000.parquet", "rows": 9, "bytes": 900}\n', "utf-8")
    return folder


def test_figures_come_from_the_folder_of_a_run(tmp_path: Path) -> None:
    measured = measured_run(_run(tmp_path / "run"), rules="stage1")
    assert (measured.rows, measured.kept, measured.input_bytes, measured.column_bytes, measured.shard_bytes) == (20, 9, 2000, 100, 900)
    assert [(speed.name, speed.items, speed.seconds) for speed in measured.speeds] == [("(read)", 20, 1.0), ("picture", 16, 2.0)]
    assert measured_run(tmp_path / "run").kept == 0


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"holds no run"):
        measured_run(tmp_path)


def test_the_verb_prints_what_the_library_says(tmp_path: Path) -> None:
    words = ["plan", str(_run(tmp_path / "run")), "--pairs", "6e9", "--rules", "stage1", "--on-gpu", "picture=100"]
    told = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    planned = capacity(measured_run(tmp_path / "run", rules="stage1"), 6e9, fleet=Fleet(on_gpu={"picture": 100}))
    assert told == json.loads(json.dumps(planned.to_dict()))
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0
    assert "GPU machines" in shown.stdout
    assert "6,000,000,000 pairs" in shown.stdout


@pytest.mark.parametrize("given", ["similarity", "=3", "picture=fast"])
def test_a_slip_in_an_option_is_named(tmp_path: Path, given: str) -> None:
    from internvl.cli.console import UsageError

    answer = CliRunner().invoke(app, ["plan", str(_run(tmp_path / "run")), "--pairs", "6e9", "--on-gpu", given])
    assert isinstance(answer.exception, UsageError)
    assert given in str(answer.exception)
