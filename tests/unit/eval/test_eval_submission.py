"""Splits without published answers run to their end and leave what can be submitted; so do whole runs of other splits."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from eval_toy import adds, write_sums
from PIL import Image as PillowImage
from typer.testing import CliRunner
from typer.testing import Result as Done

from internvl.cli.main import app
from internvl.eval.compare import compare_runs, load_run
from internvl.eval.errors import EvalError
from internvl.eval.generators.fake import FakeGenerator
from internvl.eval.kinds import summary
from internvl.eval.progress import Progress
from internvl.eval.results import Result, load_result
from internvl.eval.runner import run_task
from internvl.eval.sample import Sample, Scored
from internvl.eval.submission import write_submission
from internvl.eval.task import Task
from internvl.eval.tasks import task_named

ANSWERS = ["STOP", 'a "b"\tc', "二十 元"]


class Half(Task):
    """Sums of which `known` have a published answer."""

    name = "half"
    title = "Half"
    splits = ("test",)
    files = {"test": ("sums.jsonl",)}  # noqa: RUF012
    metric = "accuracy"
    known = 0
    content: Any = None

    def __init__(self) -> None:
        from eval_toy import Sums

        self.variants = Sums.variants  # type: ignore[misc]
        self._sums = Sums()

    def samples(self, root: Path, split: str, variant: str) -> Any:
        for sample in self._sums.samples(root, split, variant):
            gold = sample.reference if sample.row <= self.known else None
            yield Sample(id=sample.id, messages=sample.messages, reference=gold, row=sample.row)

    def score(self, sample: Sample, answers: Sequence[str]) -> Mapping[str, Any]:
        return {"score": float(answers[0] == str(sample.reference)), "prediction": answers[0]}

    def aggregate(self, rows: Sequence[Scored]) -> dict[str, Any]:
        return summary.with_blind({self.metric: summary.mean(summary.points(summary.labelled(rows)))}, rows)

    def submission(self, rows: Sequence[Scored]) -> Any:
        return self.content if self.content is not None else {row.id: row.answers[-1] if row.answers else "" for row in rows}


def half(tmp_path: Path, known: int, **options: Any) -> Result:
    task = Half()
    task.known = known
    return run_task(task, FakeGenerator(adds, batch_size=4), root=write_sums(tmp_path / "data", 12), out=tmp_path / "out", **options)


def test_a_blind_split_has_no_score_and_a_file_to_submit(tmp_path: Path) -> None:
    told: list[Progress] = []
    result = half(tmp_path, 0, progress=told.append)
    assert (result.complete, result.headline, result.unlabelled) == (True, None, 12)
    assert {state.score for state in told} == {None}
    assert (result.submission, load_result(tmp_path / "out/half_test_internvl")) == ("submission.json", result)
    assert "not published; for the benchmark's server there is submission.json beside the result" in result.notes[-1]
    written = json.loads((tmp_path / "out/half_test_internvl/submission.json").read_text("utf-8"))
    assert list(written) == [f"s{index}·é" for index in range(12)]
    assert half(tmp_path, 0) == result


def test_a_part_of_a_split_is_not_submitted(tmp_path: Path) -> None:
    result = half(tmp_path, 0, limit=5)
    assert (result.submission, result.headline) == (None, None)
    assert "a run without a limit writes what can be submitted" in result.notes[-1]
    assert not list((tmp_path / "out/half_test_internvl").glob("submission*"))
    assert half(tmp_path, 0).submission == "submission.json"


def test_only_known_answers_count_in_scores_and_progress(tmp_path: Path) -> None:
    told: list[Progress] = []
    result = half(tmp_path, 8, progress=told.append)
    assert result.headline == pytest.approx(100 * 6 / 8)  # not 0 and 7
    assert (told[0].score, told[-1].score) == (None, pytest.approx(75.0))
    assert "the answers to 4 samples are not published" in result.notes[-1]


def test_blind_runs_can_be_compared_and_differ_in_nothing_known(tmp_path: Path) -> None:
    result = half(tmp_path, 0)
    assert result.folder is not None
    [line] = compare_runs([load_run(result.folder), load_run(result.folder)]).lines
    assert all(cell is not None and cell.mean is None and cell.difference is None for cell in line.cells)


@pytest.mark.parametrize("scores", [{}, {"accuracy": "high"}, {"accuracy": True}])
def test_a_task_that_breaks_its_promise_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scores: dict[str, Any]) -> None:
    monkeypatch.setattr(Half, "aggregate", lambda self, rows: scores)
    with pytest.raises(EvalError, match="promises a number 'accuracy'"):
        half(tmp_path, 12)


def test_a_number_that_some_samples_do_not_give_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Half, "aggregate", lambda self, rows: {"accuracy": None})
    result = half(tmp_path, 12)
    assert (result.headline, result.notes[-1]) == (None, "no headline: these samples give no accuracy")


def test_tables_are_read_back_cell_by_cell(tmp_path: Path) -> None:
    rows = [[1, 'a\t"b"', None], [2, "line\nbreak\rs", "\ud800"]]
    assert write_submission({"columns": ["index", "A", "prediction"], "rows": rows}, tmp_path) == "submission.tsv"
    with (tmp_path / "submission.tsv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file, delimiter="\t")) == [
            ["index", "A", "prediction"],
            ["1", 'a\t"b"', ""],
            ["2", "line\nbreak\rs", "\\ud800"],
        ]
    with pytest.raises(EvalError, match="3 columns, but row 1 has 2 cells"):
        write_submission({"columns": ["index", "A", "prediction"], "rows": [[1, 2]]}, tmp_path)


def test_files_of_lines_lie_in_a_folder(tmp_path: Path) -> None:
    assert write_submission({"OCR.txt": ["a\tYes", "b\tN\no"], "count.txt": []}, tmp_path) == "submission/"
    assert (tmp_path / "submission/OCR.txt").read_text("utf-8") == "a\tYes\nb\tN o\n"
    assert sorted(path.name for path in (tmp_path / "submission").iterdir()) == ["OCR.txt", "count.txt"]


def test_what_only_looks_like_files_is_json(tmp_path: Path) -> None:
    for content in ({"../x.txt": ["a"]}, {"x.txt": "a"}, {}, [], [{"questionId": 1}]):
        assert write_submission(content, tmp_path) == "submission.json"
        assert json.loads((tmp_path / "submission.json").read_text("utf-8")) == content
    assert write_submission(None, tmp_path) is None
    with pytest.raises(EvalError, match="can't be stored as JSON"):
        write_submission({"a": object()}, tmp_path)


def write_blind_docvqa(root: Path) -> Path:
    """DocVQA's test file: three questions without answers; and what was said to them."""
    (root / "docvqa").mkdir(parents=True)
    PillowImage.new("RGB", (8, 8), "white").save(root / "page.png")
    lines = [{"image": "page.png", "question": "What?", "question_id": 60 + row, "answer": None} for row in range(3)]
    (root / "docvqa/test.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    said = [{"id": str(60 + row), "prediction": answer} for row, answer in enumerate(ANSWERS)]
    (root / "said.jsonl").write_text("".join(json.dumps(line) + "\n" for line in said), "utf-8")
    return root


def verb(root: Path, out: Path, *words: str) -> Done:
    said = str(root / "said.jsonl")
    return CliRunner().invoke(app, ["eval", "docvqa", "--data", str(root), "--replay", said, "--out", str(out), *words])


def test_the_verb_says_where_the_submission_is(tmp_path: Path) -> None:
    root, out = write_blind_docvqa(tmp_path / "data"), tmp_path / "out"
    done = verb(root, out, "--split", "test")
    assert done.exit_code == 0, done.output
    file = out / "docvqa_test_internvl" / "submission.json"
    assert json.loads(file.read_text("utf-8")) == [{"questionId": 60 + row, "answer": text} for row, text in enumerate(ANSWERS)]
    assert "to submit:" in done.stderr
    assert "not published" in done.stderr
    [shown] = json.loads(verb(root, out, "--split", "test", "--json").stdout)
    assert (shown["headline"], shown["scores"], shown["submission"]) == (None, {"anls": None, "unlabelled": 3}, "submission.json")


def test_a_blind_run_is_compared_and_reported_without_a_score(tmp_path: Path) -> None:
    root, out, page = write_blind_docvqa(tmp_path / "data"), tmp_path / "out", tmp_path / "report.html"
    assert verb(root, out, "--split", "test").exit_code == 0
    for runs in ([out], [out, out]):
        words = ["compare", *(str(run) for run in runs), "--published", "InternVL2-8B", "--report", str(page), "--data", str(root)]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        assert "not published" in done.output
        assert "0.00" not in done.output
        assert "not published" in page.read_text("utf-8")


def test_a_blind_tile_ablation_is_a_plain_table(tmp_path: Path) -> None:
    done = verb(write_blind_docvqa(tmp_path / "data"), tmp_path / "out", "--split", "test", "--tiles", "1,6")
    assert done.exit_code == 0, done.output
    assert done.stdout.count("docvqa_test_internvl_tiles") == 2 or "6 tiles" in done.stdout
    assert not (tmp_path / "out" / "ablation.png").exists()


def test_the_benchmarks_tables_and_files_are_written(tmp_path: Path) -> None:
    """MMBench's table and MME's files, from rows as their runs have them."""
    table = [
        Scored(id=str(n), row=n, answers=("B",), reference=None, score={"score": 0.0},
               extra={"columns": [["index", n], ["question", "q"], ["A", "x"], ["B", "y"]], "choices": {"A": "x", "B": "y"}})
        for n in (1, 2)
    ]  # fmt: skip
    assert write_submission(task_named("mmbench_en").submission(table), tmp_path) == "submission.tsv"
    header, first, _ = (tmp_path / "submission.tsv").read_text("utf-8").splitlines()
    assert dict(zip(header.split("\t"), first.split("\t"), strict=True))["prediction"] == "B"
    row = Scored(id="1", row=1, answers=("Yes.",), reference="Yes", extra={"picture": "a.jpg", "question": "q?", "category": "OCR"},
                 score={"score": 1.0})  # fmt: skip
    assert write_submission(task_named("mme").submission([row]), tmp_path) == "submission/"
    assert (tmp_path / "submission/OCR.txt").read_text("utf-8") == "a.jpg\tq?\tYes\tyes.\n"
