"""The measurement as a whole on small fakes: the truth scores 100 %, a killed run goes on, the card is replaced between its marks."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import PIL.Image
import pytest
from recipes.nano.data.registry import FAMILIES
from recipes.nano.data.sample import MissingMaterial, Sample, Turn
from recipes.nano.measure import __main__ as command
from recipes.nano.measure import generated, real
from recipes.nano.measure.answerers import TrueAnswers
from recipes.nano.measure.question import Question, read_questions, write_questions
from recipes.nano.measure.report import BEGIN, END, put_in_card
from recipes.nano.measure.run import Ledger, ask_all
from recipes.nano.measure.scoring import MEASURES
from recipes.nano.measure.summary import by_family, false_refusals, summary

GIVEN = [
    ("receipts", "field", "12.50", "exact", "receipts"),
    ("receipts", "json", '{"total": "12.50"}', "json", "receipts, json"),
    ("receipts", "absent", "The picture does not show that.", "refusal", "not there"),
    ("scenes", "count", "3", "exact", "counting"),
    ("scenes", "caption", "A dog.", "words", "captions"),
    ("scenes", "locate", "<ref>it</ref><box>[[1, 2, 30, 40]]</box>", "boxes", "locating"),
    ("charts", "value", "12", "relaxed", "charts"),
    ("charts", "table", "| a | b |\n| --- | --- |\n| 1 | 2 |", "table", "charts, table"),
    ("documents", "field", "Sam", "anls", "documents"),
    ("formulas", "transcribe", "x^{2}", "formula", "formulas, formula"),
    ("lines", "read", "Hello", "anls", "lines, asked"),
]


def sample_of(family: str, task: str, answer: str) -> Sample:
    image = PIL.Image.new("RGB", (40, 30), "white")
    turns = (Turn(question="Q?", answer=answer),)
    return Sample(family=family, task=task, language="en", images=(image,), turns=turns, facts={"tasks": [task]})


@dataclass
class Wrong:
    """Answers nothing, and remembers what it was asked."""

    name: str = "wrong"
    asked: list[str] = field(default_factory=list)

    def answers(self, questions: Sequence[Question], *, max_tiles: int | None = None) -> list[str]:
        self.asked += [question.id for question in questions]
        return ["" for _ in questions]


@pytest.fixture
def questions(tmp_path: Path) -> list[Question]:
    found = [
        generated.question_of(sample_of(family, task, answer), tmp_path, f"{family}-{number}", random.Random(0))
        for number, (family, task, answer, _, _) in enumerate(GIVEN)
    ]
    return [question for question in found if question is not None]


def test_questions_get_their_measure_and_group(questions: list[Question]) -> None:
    assert [(one.measure, one.group) for one in questions] == [(measure, group) for *_, measure, group in GIVEN]
    assert set(generated.BY_FAMILY) <= set(FAMILIES)
    assert {*generated.BY_FAMILY.values()} <= set(MEASURES)


def test_questions_are_stored_and_read_again(questions: list[Question], tmp_path: Path) -> None:
    write_questions(tmp_path / "questions.jsonl", questions)
    assert read_questions(tmp_path / "questions.jsonl") == questions


def test_the_truth_is_all_right_and_silence_all_wrong(questions: list[Question], tmp_path: Path) -> None:
    right = ask_all(questions, TrueAnswers(), Ledger(tmp_path / "right.jsonl"))
    assert all(row.value == 1.0 for row in summary(right) + by_family(right))
    assert [row.value for row in false_refusals(right)] == [0.0]
    silent = ask_all(questions, Wrong(), Ledger(tmp_path / "wrong.jsonl"))
    assert all(row.value == 0.0 for row in summary(silent))


def test_a_killed_run_asks_only_what_it_lacks(questions: list[Question], tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    first = Wrong()
    ask_all(questions[:4], first, Ledger(path))
    with path.open("a", encoding="utf-8") as file:
        file.write('{"key": "cut of')
    second = Wrong()
    assert len(ask_all(questions, second, Ledger(path))) == len(questions)
    assert sorted(first.asked + second.asked) == sorted(question.id for question in questions)
    tiled = Wrong()
    ask_all(questions, tiled, Ledger(path), tiles=6)
    assert len(tiled.asked) == len(questions)


def test_the_command_writes_everything(questions: list[Question], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = Question(
        id="page",
        group="pages",
        task="read",
        language="en",
        asked="Read.",
        answers=("Hello",),
        measure="reading",
        pictures=questions[0].pictures,
    )
    monkeypatch.setattr(command, "generated_questions", lambda *_args, **_options: [*questions, reading])
    monkeypatch.setattr(command, "real_questions", lambda _root: [])
    card = tmp_path / "card.md"
    card.write_text(f"# Card\n{BEGIN}\nold\n{END}\nend\n", encoding="utf-8")
    out = tmp_path / "out"
    assert command.main(["--model", "truth", "--out", str(out), "--card", str(card), "--tiles", "1,6"]) == 0
    results = json.loads((out / "results.json").read_text("utf-8"))
    assert {row["value"] for row in results["rows"]} == {0.0, 1.0}
    assert all(row["value"] == (0.0 if row["metric"] in ("CER", "false refusals") else 1.0) for row in results["rows"])
    assert {row["tiles"] for row in results["ablation"]} == {1, 6}
    for name in ("results.md", "rows.png", "tiles.png", "wrong.html", "answers-2026.jsonl"):
        assert (out / name).stat().st_size
    text = card.read_text("utf-8")
    assert "old" not in text
    assert text.startswith(f"# Card\n{BEGIN}\n")
    assert text.endswith(f"{END}\nend\n")
    assert "| pages | English | 1 | CER | 0.0% (0.0% to 0.0%) |" in text


def test_a_card_without_marks_is_refused(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text("# Card\n", encoding="utf-8")
    with pytest.raises(ValueError, match="needs a line"):
        put_in_card(card, "new")
    assert card.read_text("utf-8") == "# Card\n"


def test_a_set_is_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    class Family:
        name = "receipts"

        def sample(self, source: random.Random, split: str) -> Sample:
            drawn.append(split)
            return sample_of("receipts", "field", "12.50")

    monkeypatch.setattr(generated, "load_family", lambda _name: Family())
    monkeypatch.setattr(generated, "_lines", lambda *_: [])
    monkeypatch.setattr(generated, "_pages", lambda *_: [])
    first = generated.generated_questions(tmp_path, seed=1, count=3, families=["receipts"])
    again = generated.generated_questions(tmp_path, seed=1, count=3, families=["receipts"])
    assert first == again
    assert drawn == ["test"] * 3


def test_the_table_of_real_pictures_is_sound() -> None:
    table = real.table()
    names = [row["id"] for row in table["pictures"]]
    assert len(set(names)) == len(names) >= 40
    questions = [one for row in table["pictures"] for one in real.questions_of(row, Path("x.png"))]
    assert len(questions) >= 80
    assert {one.language for one in questions} == {"en", "zh"}
    for row in table["pictures"]:
        assert row["package"] in table["packages"]
        assert row["licence"]
        assert row["by"]
    right = [MEASURES[one.measure](one.answers[0], one)["score"] for one in questions]
    assert set(right) == {1.0}


def test_a_package_that_cannot_be_fetched_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> Path:
        raise MissingMaterial(f"no {name} today")

    monkeypatch.setattr(real, "unpacked", missing)
    assert real.real_questions(tmp_path) == []
    assert "left out: pictures of pikepdf: no pikepdf today" in capsys.readouterr().err


def test_a_real_picture_is_cut_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    PIL.Image.new("RGBA", (200, 100), (0, 0, 0, 0)).save(tmp_path / "a.png")
    monkeypatch.setattr(real, "unpacked", lambda _name: tmp_path)
    row = {"id": "a", "package": "pikepdf", "path": "a.png", "part": [0, 0, 500, 1000]}
    path = real.stored(row, tmp_path)
    with PIL.Image.open(path) as image:
        assert image.size == (100, 100)
        assert image.getpixel((5, 5)) == (255, 255, 255)
    assert real.stored(row, tmp_path) == path
    assert real.stored({**row, "part": None}, tmp_path) != path
    with pytest.raises(MissingMaterial, match=r"no file b\.png"):
        real.stored({**row, "path": "b.png"}, tmp_path)
