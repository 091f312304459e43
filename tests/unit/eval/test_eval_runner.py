"""The loop: every sample once, whatever kills the run; shards; recipes that don't fit; samples that fail."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import eval_toy
import pytest
from eval_toy import Sums, adds, lines_of, run_sums, write_sums

from internvl.errors import DeviceError, MediaError
from internvl.eval.errors import BenchmarkFileError, EvalError
from internvl.eval.generator import Ask
from internvl.eval.generators.fake import FakeGenerator
from internvl.eval.generators.replay import ReplayGenerator
from internvl.eval.plan import shard_of_process, shard_range
from internvl.eval.progress import Progress
from internvl.eval.results import load_result, load_samples
from internvl.eval.runner import MAX_FAILURES_IN_A_ROW, run_task

FOLDER = "sums_test_internvl"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_sums(tmp_path / "data", 30)


def toy(root: Path, out: Path, *words: str) -> int:
    """The runner in a process of its own -> its exit code."""
    return subprocess.run([sys.executable, eval_toy.__file__, root, out, *words], check=False, timeout=60).returncode


def test_a_run_scores_every_sample_and_says_how(root: Path, tmp_path: Path) -> None:
    result = run_sums(root, tmp_path / "out")
    rows = load_samples(tmp_path / "out" / FOLDER)
    assert [row.id for row in rows] == [f"s{i}·é" for i in range(30)]
    assert [row.row for row in rows] == list(range(1, 31))
    right = sum(i % 7 != 0 and i % 20 != 13 for i in range(30))
    assert result.headline == pytest.approx(100 * right / 30)
    assert result.scores["accuracy"] == pytest.approx(right / 30)
    assert (result.samples, result.total, result.failed, result.complete) == (30, 30, 1, True)
    assert result.published == "Sums test"
    assert result.recipe["protocol"]["decoding"]["max_new_tokens"] == 10
    assert result.recipe["data"]["sums.jsonl"].startswith("sha256:")
    assert result.recipe["setting"]["versions"]["internvl"]
    assert load_result(tmp_path / "out" / FOLDER) == result


def test_turns_follow_each_other(root: Path, tmp_path: Path) -> None:
    rows = lines_of(run_sums(root, tmp_path / "out"))
    asked_twice = [row for row in rows if row["reference"] % 3 == 0 and "error" not in row["score"]]
    assert asked_twice
    for row in asked_twice:
        a = row["extra"]["a"]
        assert row["answers"][1] == f"yes, {row['answers'][0]} of {a} + {row['reference'] - a}"
    assert all(len(row["answers"]) == 1 for row in rows if row["reference"] % 3 and "error" not in row["score"])


def test_a_file_cut_anywhere_is_continued(tmp_path: Path) -> None:
    root = write_sums(tmp_path / "data", 2)
    whole = run_sums(root, tmp_path / "out")
    assert whole.folder is not None
    journal, result = whole.folder / "samples.jsonl", whole.folder / "result.json"
    content = journal.read_bytes()
    asked: list[str] = []

    def counted(ask: Ask) -> str:
        asked.append(ask.id)
        return adds(ask)

    ends = [content.index(b"\n"), len(content) - 1]
    near = {end + step for end in ends for step in (-1, 0, 1)} - {len(content)}
    for size in sorted({*range(8), *range(8, len(content), 29), *near}):
        journal.write_bytes(content[:size])
        result.unlink()
        asked.clear()
        again = run_sums(root, tmp_path / "out", reply=counted)
        assert journal.read_bytes() == content, size
        assert len(set(asked)) == 2 - content[:size].count(b"\n")
        assert again.scores == whole.scores


def test_kills_in_the_middle_of_writes_cost_and_repeat_nothing(root: Path, tmp_path: Path) -> None:
    run_sums(root, tmp_path / "whole")
    expected = (tmp_path / "whole" / FOLDER / "samples.jsonl").read_bytes()
    source = random.Random(5)
    journal = tmp_path / "out" / FOLDER / "samples.jsonl"
    for byte in sorted(source.sample(range(len(expected)), 4)):
        assert toy(root, tmp_path / "out", "--die-at", str(byte)) == -9
        assert journal.stat().st_size == byte
        assert not (journal.parent / "result.json").exists()
    assert toy(root, tmp_path / "out") == 0
    assert journal.read_bytes() == expected
    assert load_result(journal.parent).scores == load_result(tmp_path / "whole" / FOLDER).scores


def test_two_processes_equal_one(root: Path, tmp_path: Path) -> None:
    run_sums(root, tmp_path / "one")
    words = [[sys.executable, eval_toy.__file__, root, tmp_path / "two", "--shard", f"{i}/2"] for i in range(2)]
    both = [subprocess.Popen(each) for each in words]
    assert [process.wait(60) for process in both] == [0, 0]
    one, two = tmp_path / "one" / FOLDER, tmp_path / "two" / FOLDER
    assert (two / "samples.jsonl").read_bytes() == (one / "samples.jsonl").read_bytes()
    assert load_result(two).headline == load_result(one).headline
    assert sorted(path.name for path in two.iterdir()) == [".gather.lock", "recipe.json", "result.json", "samples.jsonl"]


def test_shards_killed_are_continued_by_another_number_of_processes(root: Path, tmp_path: Path) -> None:
    run_sums(root, tmp_path / "one")
    expected = (tmp_path / "one" / FOLDER / "samples.jsonl").read_bytes()
    assert toy(root, tmp_path / "out", "--shard", "1/3", "--die-at", "700") == -9
    partial = run_sums(root, tmp_path / "out", shard=(0, 3))
    assert not partial.complete
    assert partial.headline is None
    assert "other shards" in " ".join(partial.notes)
    asked: list[str] = []
    final = run_sums(root, tmp_path / "out", shard=(1, 2), reply=lambda ask: asked.append(ask.id) or adds(ask))
    assert not final.complete
    final = run_sums(root, tmp_path / "out")
    assert final.complete
    assert (tmp_path / "out" / FOLDER / "samples.jsonl").read_bytes() == expected
    assert len(set(asked)) == 15, "the torn shard's whole lines lie in the first half"


def test_shares_are_the_originals() -> None:
    assert [list(shard_range(7, (i, 3))) for i in range(3)] == [[0, 1, 2], [3, 4], [5, 6]]
    assert [len(shard_range(2, (i, 4))) for i in range(4)] == [1, 1, 0, 0]
    with pytest.raises(EvalError, match="0 to N-1"):
        shard_range(3, (3, 3))


def test_torchrun_says_which_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert shard_of_process() == (2, 4)
    monkeypatch.setenv("RANK", "four")
    with pytest.raises(EvalError, match="whole numbers"):
        shard_of_process()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"generator": FakeGenerator(adds, name="another")}, "generator.model was fake and is now another"),
        ({"rows": 31}, r"data.sums.jsonl was .* questions was"),
        ({"protocol": 9}, "protocol.max_tiles was 6 and is now 9"),
    ],
)
def test_a_changed_recipe_is_refused(root: Path, tmp_path: Path, change: dict[str, Any], words: str) -> None:
    run_sums(root, tmp_path / "out", limit=5)
    task = Sums()
    if "rows" in change:
        write_sums(root, change["rows"])
    if "protocol" in change:
        task.variants = {"internvl": Sums.variants["other"].__class__(max_tiles=9, decoding=Sums.variants["internvl"].decoding)}  # type: ignore[misc]
    before = lines_of(tmp_path / "out" / FOLDER)
    with pytest.raises(EvalError, match=words):
        run_task(task, change.get("generator", FakeGenerator(adds)), root=root, out=tmp_path / "out")
    assert lines_of(tmp_path / "out" / FOLDER) == before


def test_other_versions_may_continue_and_are_named(root: Path, tmp_path: Path) -> None:
    run_sums(root, tmp_path / "out", limit=5)
    file = tmp_path / "out" / FOLDER / "recipe.json"
    recipe = json.loads(file.read_text("utf-8"))
    recipe["setting"]["commit"] = "0123abc"
    file.write_text(json.dumps(recipe), "utf-8")
    result = run_sums(root, tmp_path / "out")
    assert result.recipe["begun"]["commit"] == "0123abc"
    assert "begun with other versions" in " ".join(result.notes)


def test_a_limit_can_be_raised_but_not_lowered(root: Path, tmp_path: Path) -> None:
    first = run_sums(root, tmp_path / "out", limit=8)
    assert (first.samples, first.total, first.limit) == (8, 30, 8)
    assert "not comparable" in " ".join(first.notes)
    asked: list[str] = []
    more = run_sums(root, tmp_path / "out", limit=12, reply=lambda ask: asked.append(ask.id) or adds(ask))
    assert more.samples == 12
    assert set(asked) == {f"s{i}·é" for i in range(8, 12)}
    with pytest.raises(EvalError, match=r"4 samples that this run does not ask.*raise the limit"):
        run_sums(root, tmp_path / "out", limit=8)


def test_a_finished_run_is_not_made_again(root: Path, tmp_path: Path) -> None:
    first = run_sums(root, tmp_path / "out")

    def never(ask: Ask) -> str:
        raise AssertionError(f"{ask.id} was asked again")

    assert run_sums(root, tmp_path / "out", reply=never) == first


def test_failed_samples_are_lines_and_wrong_and_counted(root: Path, tmp_path: Path) -> None:
    result = run_sums(root, tmp_path / "out")
    [failed] = [row for row in lines_of(result) if "error" in row["score"]]
    assert failed["id"] == "s13·é"
    assert failed["score"]["score"] == 0.0
    assert failed["score"]["error"] == "MediaError: 13.png is damaged"
    assert failed["score"]["turns"] >= 1, "a failed line has the fields that sums over lines read"
    assert "1 of 30 samples failed" in " ".join(result.notes)


def test_a_sample_that_fails_in_its_second_turn_does_not_score(root: Path, tmp_path: Path) -> None:
    def reply(ask: Ask) -> str:
        if ask.turn:
            raise MediaError("gone")
        return adds(ask)

    rows = lines_of(run_sums(root, tmp_path / "out", reply=reply))
    gone = [row for row in rows if row["score"].get("error") == "MediaError: gone"]
    assert gone
    assert all(row["score"]["score"] == 0 and len(row["answers"]) == 1 for row in gone)


def test_failed_samples_are_asked_again_on_demand(root: Path, tmp_path: Path) -> None:
    run_sums(root, tmp_path / "out")
    asked: list[str] = []
    result = run_sums(root, tmp_path / "out", reply=lambda ask: asked.append(ask.id) or "20", retry_failed=True)
    assert set(asked) == {"s13·é"}
    rows = lines_of(result)
    assert [row["row"] for row in rows] == list(range(1, 31))
    assert (result.failed, rows[13]["answers"]) == (0, ["20"])


def test_what_is_no_samples_fault_stops_the_run(root: Path, tmp_path: Path) -> None:
    def reply(ask: Ask) -> str:
        raise DeviceError("the device is gone")

    with pytest.raises(DeviceError):
        run_sums(root, tmp_path / "out", reply=reply)


def test_failures_in_a_row_stop_the_run(tmp_path: Path) -> None:
    root = write_sums(tmp_path / "data", MAX_FAILURES_IN_A_ROW + 20)

    def reply(ask: Ask) -> str:
        raise MediaError("no such file")

    with pytest.raises(EvalError, match=r"in a row failed.*no such file"):
        run_sums(root, tmp_path / "out", reply=reply)


def test_a_batch_with_one_failure_keeps_the_others(root: Path, tmp_path: Path) -> None:
    """The fake fails as a whole when one of its asks does, as engines do."""
    rows = lines_of(run_task(Sums(), FakeGenerator(adds, batch_size=30), root=root, out=tmp_path / "out"))
    assert [row["id"] for row in rows if "error" in row["score"]] == ["s13·é"]
    assert sum(row["score"]["score"] for row in rows) == sum(i % 7 != 0 and i != 13 for i in range(30))


def test_progress_is_told(root: Path, tmp_path: Path) -> None:
    run_sums(root, tmp_path / "out", limit=8)
    told: list[Progress] = []
    result = run_sums(root, tmp_path / "out", progress=told.append)
    assert (told[0].done, told[0].total, told[0].resumed) == (8, 30, 8)
    assert [state.done for state in told[1:]] == [12, 16, 20, 24, 28, 30]
    assert told[-1].score == pytest.approx(result.headline)
    assert told[-1].failed == 1


def test_two_rows_with_one_id_are_refused(root: Path, tmp_path: Path) -> None:
    file = root / "sums.jsonl"
    file.write_text(file.read_text("utf-8") + '{"id": "s4·é", "a": 1, "b": 1}\n', "utf-8")
    with pytest.raises(BenchmarkFileError, match="rows 5 and 31 have the same id"):
        run_sums(root, tmp_path / "out")


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkFileError, match="no samples"):
        run_sums(write_sums(tmp_path / "data", 0), tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"split": "train"}, "has the splits test, val, not 'train'"),
        ({"variant": "x"}, "has the variants internvl, other, not 'x'"),
        ({"limit": 0}, "a limit is at least 1"),
        ({"tiles": 0}, "at least 1 tile"),
        ({"shard": (2, 2)}, "shard"),
    ],
)
def test_impossible_wishes_are_refused(root: Path, tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(EvalError, match=words):
        run_sums(root, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_other_variants_splits_and_tiles_have_folders_of_their_own(root: Path, tmp_path: Path) -> None:
    write_sums(root, 4, name="val.jsonl", shift=1)
    out = tmp_path / "out"
    run_sums(root, out)
    run_sums(root, out, split="val")
    noted = run_sums(root, out, variant="other")
    tiles = run_sums(root, out, tiles=24)
    assert sorted(path.name for path in out.iterdir()) == [FOLDER, f"{FOLDER}_tiles24", "sums_test_other", "sums_val_internvl"]
    assert noted.notes[0] == "asked another way"
    assert tiles.recipe["protocol"]["max_tiles"] == 24


def test_a_run_can_be_replayed(root: Path, tmp_path: Path) -> None:
    first = run_sums(root, tmp_path / "out")
    assert first.folder is not None
    again = run_task(Sums(), ReplayGenerator(first.folder), root=root, out=tmp_path / "again")
    assert again.scores["accuracy"] == first.scores["accuracy"]
    assert again.recipe["generator"]["of"] == first.recipe["generator"]
    assert again.model == "fake"
    assert again.failed == 1, "what had no answer has none now"
