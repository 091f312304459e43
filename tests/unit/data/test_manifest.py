"""Meta files as released, wrong ones refused by name, repeats as row counts, shares of a run, and the ledger."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import numpy
import pytest

from internvl.data.ledger import Ledger
from internvl.data.manifest import DatasetSpec, ManifestError, load_manifest, rows_of, shares
from internvl.data.record import Origin


def written(folder: Path, meta: Any, name: str = "meta.json") -> Path:
    path = folder / name
    path.write_text(meta if isinstance(meta, str) else json.dumps(meta), "utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    written(tmp_path, "", "a.jsonl")
    return tmp_path


def spec(repeat: float, name: str = "set", weight: float | None = None) -> DatasetSpec:
    return DatasetSpec(name=name, annotation=Path("a.jsonl"), root=Path("/"), repeat_time=repeat, weight=weight)


def test_a_meta_file_as_released(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    entry = {"root": "pictures/", "annotation": "a.jsonl", "data_augment": True, "max_dynamic_patch": 6, "repeat_time": 2, "length": 9}
    path = written(folder, {"one": entry, "two": {"root": "", "annotation": str(folder / "a.jsonl"), "weight": 0.5, "note": "ours"}})
    one, two = load_manifest(path).datasets
    assert one == DatasetSpec(
        name="one",
        annotation=Path("a.jsonl"),
        root=folder / "pictures",
        data_augment=True,
        max_tiles=6,
        repeat_time=2.0,
        length=9,
    )
    assert (two.repeat_time, two.data_augment, two.max_tiles, two.length, two.weight) == (1.0, False, None, None, 0.5)


def test_paths_start_here_then_at_the_root_given_then_beside_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(folder, {"one": {"root": "pictures", "annotation": "a.jsonl"}})
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert load_manifest(path).datasets[0].annotation == folder / "a.jsonl"
    assert load_manifest(path).datasets[0].root == folder / "pictures"
    written(elsewhere, "", "a.jsonl")
    assert load_manifest(path).datasets[0].annotation == Path("a.jsonl")
    assert load_manifest(path, root=folder).datasets[0].annotation == folder / "a.jsonl"


@pytest.mark.parametrize("text", ["", "[]", '[{"conversations": []}]'])
def test_one_data_file_is_its_own_manifest(folder: Path, text: str) -> None:
    for name in ("b.jsonl", "b.json"):
        manifest = load_manifest(written(folder, text, name))
        assert manifest.datasets == (DatasetSpec(name="b", annotation=folder / name, root=folder),)
    assert load_manifest(folder / "*.jsonl", root=folder / "pictures").datasets[0].root == folder / "pictures"
    with pytest.raises(ManifestError, match="there is no file"):
        load_manifest(folder / "missing.jsonl")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"annotation": "b.jsonl"}, "its annotation is not there: neither"),
        ({"annotation": None}, "annotation must be the path of a data file, not None"),
        ({"root": 5}, "root must be a local folder, not 5"),
        ({"root": "s3://bucket"}, "root must be a local folder"),
        ({"data_augment": "yes"}, "data_augment must be true or false, not 'yes'"),
        ({"repeat_time": -1}, "repeat_time must be a number from 0 on, not -1"),
        ({"repeat_time": True}, "repeat_time must be a number"),
        ({"repeat_time": "2"}, "repeat_time must be a number"),
        ({"weight": float("nan")}, "weight must be a number"),
        ({"max_dynamic_patch": 0}, "max_dynamic_patch must be a whole number from 1 to 40, not 0"),
        ({"max_dynamic_patch": 6.0}, "max_dynamic_patch must be a whole number"),
        ({"length": -3}, "length must be a whole number from 0 on"),
        ({"repeat_times": 2}, "has no key 'repeat_times'; did you mean 'repeat_time'?"),
        ({"max_dynamic_patches": 2}, "did you mean 'max_dynamic_patch'?"),
    ],
)
def test_a_wrong_entry_is_named(folder: Path, change: dict[str, Any], told: str) -> None:
    path = written(folder, {"one": {"root": "pictures", "annotation": "a.jsonl", **change}})
    with pytest.raises(ManifestError) as caught:
        load_manifest(path)
    assert told in str(caught.value)
    assert str(caught.value).startswith(f"{path}: data set 'one'")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not valid JSON"),
        ('{"a": 1}\n{"a": 2}', "a file with a record on each line is named .jsonl"),
        ("{}", "names none"),
        ('{"a": 5}', "data set 'a' must be an object"),
        ('{"a": {"annotation": "a.jsonl"}, "a": {}}', "'a' stands there twice"),
    ],
)
def test_what_is_no_meta_file(folder: Path, text: str, told: str) -> None:
    with pytest.raises(ManifestError, match=told):
        load_manifest(written(folder, text))


@pytest.mark.parametrize("repeat", [0, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.25, 3])
@pytest.mark.parametrize("rows", [0, 1, 7, 1000])
def test_repeats_are_whole_passes_and_a_chosen_part(repeat: float, rows: int) -> None:
    plan = rows_of(spec(repeat), rows)
    pairs = list(plan)
    assert len(set(pairs)) == len(pairs) == len(plan)
    times = Counter(row for row, _ in pairs)
    assert set(times) <= set(range(rows))
    assert all(int(repeat) <= count <= int(repeat) + 1 for count in times.values())
    assert all(sorted(repeat for row, repeat in pairs if row == each) == list(range(times[each])) for each in list(times)[:5])
    assert plan.used().tolist() == sorted(times)
    least = 1 if repeat > 0 and rows else 0
    assert len(plan) == max(least, int(repeat) * rows + int(repeat % 1 * rows + 0.5))
    assert plan[-1:] == pairs[-1:]
    with pytest.raises(IndexError):
        plan[len(plan)]


def test_a_fraction_is_spread_fixed_and_nested() -> None:
    chosen = rows_of(spec(0.1), 10_000).used()
    assert len(chosen) == 1000
    # The head of the file would put all in the first tenth; a hash puts about a tenth of them in each.
    per_tenth = numpy.bincount(chosen // 1000, minlength=10)
    assert per_tenth.min() > 60
    assert per_tenth.max() < 140
    assert set(chosen) < set(rows_of(spec(0.3), 10_000).used())
    assert chosen.tolist() == pickle.loads(pickle.dumps(rows_of(spec(0.1), 10_000))).used().tolist()
    assert chosen.tolist() != rows_of(spec(0.1, "other"), 10_000).used().tolist()
    assert rows_of(spec(0.5), 8).used().tolist() == [0, 1, 6, 7]  # may never change: runs go on with it


def test_shares() -> None:
    sets = [spec(1, "a"), spec(1, "b", weight=3.0), spec(1, "c")]
    assert shares(sets, [100, 100, 0], "length") == (0.25, 0.75, 0.0)
    assert shares(sets, [400, 100, 0], "sqrt_length") == (0.4, 0.6, 0.0)
    assert shares(sets, [400, 100, 1], "manifest") == (0.2, 0.6, 0.2)
    assert shares(sets, [0, 0, 0], "length") == (0.0, 0.0, 0.0)


def test_the_ledger_writes_each_entry_once_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ledger.jsonl"
    ledger = Ledger(path)
    first, second = Origin("set", "a.jsonl", 1), Origin("set", "a.jsonl", 2)
    for _ in range(3):
        ledger.drop(first, "torn \ud800")
        ledger.drop(second, "missing")
    ledger.drop(second, "empty")
    assert ledger.dropped == 3
    lines = path.read_text("utf-8").splitlines()
    assert json.loads(lines[1]) == {"dataset": "set", "file": "a.jsonl", "row": 2, "reason": "missing"}
    assert len(lines) == 3

    with path.open("a") as file:
        file.write('{"dataset": "set", "fi')  # a kill in the middle of a line
    again = pickle.loads(pickle.dumps(Ledger(path)))
    assert again.dropped == 3
    again.drop(second, "missing")
    again.drop(Origin("set", "a.jsonl", 3), "missing")
    assert again.by_reason()["missing"] == 2
    assert Ledger(path).dropped == 4
    assert len(path.read_text("utf-8").splitlines()) == 5


def test_a_ledger_in_memory() -> None:
    ledger = Ledger(None)
    ledger.drop(Origin("set", "a.jsonl", 1), "missing")
    assert (ledger.dropped, ledger.by_reason()) == (1, {"missing": 1})
