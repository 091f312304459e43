"""Lines that grow: torn ends, strangers' files, the same sample twice, two writers."""

from __future__ import annotations

from pathlib import Path

import pytest

from internvl.eval.errors import EvalError
from internvl.eval.journal import Journal, finished_rows, gather, journal_path, whole_bytes
from internvl.eval.results import dump_row, load_samples
from internvl.eval.sample import Scored


def row(name: str, answer: str = "x", **score: object) -> Scored:
    return Scored(id=name, row=1, answers=(answer,), reference=None, extra={}, score={"score": 0.0, **score})


def test_a_torn_line_is_cut_before_the_next_append(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_bytes(dump_row(row("a")) + dump_row(row("b"))[:-3])
    with Journal(path) as journal:
        journal.append([row("c")])
    assert [each.id for each in load_samples(path)] == ["a", "c"]


def test_a_torn_line_longer_than_a_block_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    whole = dump_row(row("a"))
    path.write_bytes(whole + dump_row(row("b", "y" * 300_000))[:-1])
    assert whole_bytes(path) == len(whole)


def test_a_strangers_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_bytes(b"dear diary")
    with pytest.raises(EvalError, match="no run of ours"):
        Journal(path)
    assert path.read_bytes() == b"dear diary"


def test_a_broken_line_in_the_middle_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "samples.jsonl").write_bytes(dump_row(row("a")) + b'{"id": "b"}\n')
    with pytest.raises(EvalError, match=r"samples.jsonl:2: not a scored sample"):
        finished_rows(tmp_path)


def test_two_writers_of_one_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    with Journal(path), pytest.raises(EvalError, match="another run"):
        Journal(path)


def test_an_interrupted_gathering_is_finished(tmp_path: Path) -> None:
    """Killed between writing samples.jsonl and removing the shards: every line is there twice."""
    lines = [row("a"), row("b")]
    (tmp_path / "samples.jsonl").write_bytes(b"".join(map(dump_row, lines)))
    journal_path(tmp_path, (0, 2)).write_bytes(dump_row(lines[0]))
    assert gather(tmp_path, ["a", "b"]) == lines
    assert not journal_path(tmp_path, (0, 2)).exists()


def test_two_different_answers_to_a_sample_are_refused(tmp_path: Path) -> None:
    journal_path(tmp_path, (0, 2)).write_bytes(dump_row(row("a", "x")))
    journal_path(tmp_path, (1, 2)).write_bytes(dump_row(row("a", "y")))
    with pytest.raises(EvalError, match=r"sample a has two answers.*0-of-2.*1-of-2"):
        gather(tmp_path, ["a"])


def test_a_failure_gives_way_to_an_answer(tmp_path: Path) -> None:
    (tmp_path / "samples.jsonl").write_bytes(dump_row(row("a", error="gone")) + dump_row(row("a", "right")))
    assert finished_rows(tmp_path)["a"].answers == ("right",)


def test_missing_and_strange_samples(tmp_path: Path) -> None:
    (tmp_path / "samples.jsonl").write_bytes(dump_row(row("b")) + dump_row(row("a")))
    assert gather(tmp_path, ["a", "b", "c"]) is None
    with pytest.raises(EvalError, match="1 samples that this run does not ask, first b"):
        gather(tmp_path, ["a"])
    assert [each.id for each in gather(tmp_path, ["a", "b"]) or []] == ["a", "b"], "in file order"


def test_any_answer_survives_being_stored(tmp_path: Path) -> None:
    nasty = ["", "\x00\n\r\u2028", "漢字 🎉", "\ud83d lone", '"}\\', "x" * 1_000_000]
    path = tmp_path / "samples.jsonl"
    with Journal(path) as journal:
        journal.append([row(str(i), text) for i, text in enumerate(nasty)])
    assert [each.answers[0] for each in load_samples(path)] == nasty


def test_what_is_no_json_is_an_error() -> None:
    with pytest.raises(EvalError, match="sample a can't be stored"):
        dump_row(row("a", value=float("nan")))
