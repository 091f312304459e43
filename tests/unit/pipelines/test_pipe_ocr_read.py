"""Pages through all three steps with a reader that is told what to read: filters, text layers, agreement, resuming."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from tiny_pdf import pdf, text

from internvl.data.record import Origin
from internvl.pipelines.item import Drop, Item
from internvl.pipelines.ocr.agreement import agreed
from internvl.pipelines.ocr.config import OcrConfig
from internvl.pipelines.ocr.label import AskQuestions
from internvl.pipelines.ocr.language import script_language, with_languages
from internvl.pipelines.ocr.line import Line
from internvl.pipelines.ocr.pages import SplitPages
from internvl.pipelines.ocr.read import ReadText, _cut_out, page_of
from internvl.pipelines.operator import Operator
from internvl.pipelines.run import RunConfig, run
from internvl.pipelines.units import read_units

pytest.importorskip("py3langid")
pytest.importorskip("pypdfium2")


@pytest.fixture(autouse=True)
def _a_quick_identifier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading py3langid takes longer than all else here together; one test asks it."""
    monkeypatch.setattr("internvl.pipelines.ocr.read._identifier", lambda: lambda words: "fr" if "était" in words else "en")


ENGLISH = ("The quick brown fox", "jumps over the lazy dog", "and runs into the forest")


@dataclass(frozen=True)
class ToldReader:
    """Reads what it is told, below each other; `line` is what it reads on a picture of one line."""

    lines: tuple[tuple[str, float], ...] = tuple((words, 0.99) for words in ENGLISH)
    line: str = ""

    def settings(self) -> dict[str, str]:
        return {"name": "told", "lines": repr(self.lines), "line": self.line}

    @property
    def name(self) -> str:
        return "told"

    def open(self) -> ToldReader:
        return self

    def read(self, picture: PIL.Image.Image) -> list[Line]:
        return [line_at(words, 10, 10 + 20 * row, score=score) for row, (words, score) in enumerate(self.lines)]

    def read_line(self, picture: PIL.Image.Image) -> str:
        return self.line


def line_at(words: str, left: float, top: float, *, score: float = 0.99) -> Line:
    return Line(text=words, box=(left, top, left + 8 * len(words), top + 12), score=score)


def png(width: int = 300, height: int = 200) -> bytes:
    content = io.BytesIO()
    PIL.Image.new("RGB", (width, height), "white").save(content, "PNG")
    return content.getvalue()


def read(content: bytes | None = None, *, reader: ToldReader | None = None, **settings: Any) -> Item | Drop:
    config = OcrConfig(**settings)
    (split,) = SplitPages(config).open()([Item(origin=Origin("d", "a", 1), image=png() if content is None else content)])
    page = split[0] if isinstance(split, list) else split
    assert isinstance(page, Item)
    (outcome,) = ReadText(config, (reader or ToldReader(),)).open()([page])  # type: ignore[arg-type]
    assert not isinstance(outcome, list)
    return outcome


def told(*lines: tuple[str, float]) -> ToldReader:
    return ToldReader(lines=lines)


def test_a_picture_is_read() -> None:
    item = read()
    assert isinstance(item, Item)
    assert [line["text"] for line in item.fields["lines"]] == list(ENGLISH)
    assert {name: item.fields[name] for name in ("width", "height", "language", "read_by", "complete")} == {
        "width": 300,
        "height": 200,
        "language": "en",
        "read_by": "told",
        "complete": True,
    }
    assert item.fields["page_score"] == 0.99
    assert page_of(item).lines[0].box == (10, 10, 162, 22)


@pytest.mark.parametrize(
    ("lines", "settings", "kind"),
    [
        ((), {}, "no text"),
        ((("good words here", 0.99), ("bad words there", 0.5)), {}, "low confidence"),
        ((("some good words", 0.8),), {"min_line_score": 0.5}, "low confidence"),
        ((("Hi", 0.99),), {}, "little text"),
        ((("Меня зовут Анна", 0.99),), {}, "language"),
        ((("Il était une fois une princesse qui habitait un château", 0.99),), {}, "language"),
        ((("look at this <image> here", 0.99),), {}, "marks in the text"),
    ],
)
def test_pages_that_are_left_out(lines: tuple[tuple[str, float], ...], settings: dict[str, Any], kind: str) -> None:
    outcome = read(reader=told(*lines), **settings)
    assert isinstance(outcome, Drop)
    assert outcome.kind == kind


def test_the_identifier_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("py3langid")
    monkeypatch.undo()
    from internvl.pipelines.ocr.read import _identifier

    identify = _identifier()
    assert identify("Il était une fois une princesse qui habitait un château") == "fr"
    assert identify("The quick brown fox jumps over the lazy dog near the river") == "en"
    assert identify("ok 12") == "latin"


def test_any_language_is_taken_when_none_is_named() -> None:
    assert isinstance(read(reader=told(("Меня зовут Анна", 0.99)), languages=()), Item)


def test_a_line_in_doubt_stays_in_the_column_and_is_no_label() -> None:
    item = read(reader=told(("a good line of many words", 0.99), ("bad", 0.4)), min_page_score=0.5, min_confident_share=0.8)
    assert isinstance(item, Item)
    assert [(line["text"], line["kept"]) for line in item.fields["lines"]] == [("a good line of many words", True), ("bad", False)]
    assert not item.fields["complete"]
    assert item.fields["confident_share"] == pytest.approx(20 / 23, abs=1e-6)


def test_pictures_that_cannot_be_opened() -> None:
    damaged, bomb = read(png()[:60]), read(png(400, 300), max_picture_pixels=100_000)
    assert isinstance(damaged, Drop)
    assert damaged.kind == "unreadable picture"
    assert bomb == Drop("too many pixels: 400 x 300, the limit is 0.1 megapixels")


PAPER = pdf([text(20, 170, ENGLISH[0]) + text(20, 150, ENGLISH[1]) + text(20, 130, ENGLISH[2])])


def test_a_text_layer_that_the_reader_confirms_is_taken() -> None:
    item = read(PAPER, reader=ToldReader(line=ENGLISH[1]), dpi=72)
    # One of the three lines is read as it stands, the others are not: most decide.
    assert isinstance(item, Item)
    assert item.fields["read_by"] == "told (text layer differs from what is seen)"


@dataclass(frozen=True)
class Confirming(ToldReader):
    """Reads the layer's lines in their order, as a good reader would."""

    def open(self) -> ToldReader:
        return _InTurn()


class _InTurn(ToldReader):
    def read_line(self, picture: PIL.Image.Image) -> str:
        seen = self.__dict__.setdefault("seen", [])
        seen.append(picture.size)
        return ENGLISH[len(seen) - 1].replace("o", "0", 1)


def test_a_confirmed_layer() -> None:
    item = read(PAPER, reader=Confirming())
    assert isinstance(item, Item)
    assert item.fields["read_by"] == "text layer"
    assert item.fields["page"] == 1
    assert [line["text"] for line in item.fields["lines"]] == list(ENGLISH)
    assert not item.fields["complete"]
    assert not any(name.startswith("layer") for name in item.fields)


def test_a_layer_of_short_lines_is_checked_too() -> None:
    item = read(pdf([text(20, 170, "ab")]))
    assert isinstance(item, Item)
    assert item.fields["read_by"] == "told (text layer differs from what is seen)"


def test_upright_lines_are_laid_on_their_side_to_be_checked() -> None:
    picture = PIL.Image.new("RGB", (100, 200), "white")
    upright = Line(text="竖排", box=(40, 20, 60, 180), vertical=True)
    assert _cut_out(picture, upright).size == (169, 29)
    assert _cut_out(picture, replace(upright, vertical=False)).size == (29, 169)
    assert _cut_out(picture, replace(upright, box=(-5, -5, 120, 10), vertical=False)).size == (100, 14)


def test_without_a_layer_the_page_is_read_or_left_out() -> None:
    read_page, left_out = read(pdf([""])), read(pdf([""]), text_layer="only")
    assert isinstance(read_page, Item)
    assert read_page.fields["read_by"] == "told (no text layer)"
    assert left_out == Drop("no usable text layer: no text layer (page 1)")


def test_readers_that_agree() -> None:
    first = [line_at("same words", 0, 0), line_at("differently read", 0, 20), line_at("only ours", 0, 40)]
    second = [line_at("samewords", 0, 0), line_at("difterently read", 0, 20), line_at("only theirs", 0, 60)]
    found = {line.text: line.score for line in agreed(first, second)}
    assert found == {"same words": 0.99, "differently read": 0.0, "only ours": 0.0, "only theirs": 0.0}


def test_lines_that_are_cut_at_other_places_are_compared_together() -> None:
    first = [line_at("one two", 0, 0), line_at("three four", 60, 0)]
    second = [line_at("one", 0, 0), line_at("two three", 32, 0), line_at("four", 108, 0)]
    assert [line.score for line in agreed(first, second)] == [0.99, 0.99]
    assert [line.score for line in agreed(first, second[:2])] == [0.0, 0.0]


def test_full_width_signs_agree_with_plain_ones() -> None:
    assert [line.score for line in agreed([line_at("电话：１２", 0, 0)], [line_at("电话:12", 0, 0)])] == [0.99]


@pytest.mark.parametrize(
    ("words", "language"),
    [("中文", "zh"), ("カタカナと漢字", "ja"), ("한국어", "ko"), ("Words", "latin"), ("12:30", ""), ("WIFI密码是多少", "zh")],
)
def test_scripts(words: str, language: str) -> None:
    assert script_language(words) == language


def test_latin_lines_have_the_language_of_all_of_them() -> None:
    lines, language = with_languages([line_at("Le chat", 0, 0), line_at("中", 0, 20), line_at("est noir", 0, 40)], lambda words: "fr")
    assert [line.language for line in lines] == ["fr", "zh", "fr"]
    assert language == "fr"


def operators(config: OcrConfig) -> list[Operator]:
    return [SplitPages(config), ReadText(config, (Confirming(),)), AskQuestions(config)]  # type: ignore[arg-type]


def rows_of(out: Path) -> list[dict[str, Any]]:
    return [row for table in read_units(out) for row in table.to_pylist()]


def inputs(folder: Path) -> Path:
    folder.mkdir()
    (folder / "a.pdf").write_bytes(pdf(["", text(20, 170, ENGLISH[0])]))
    (folder / "b.png").write_bytes(png())
    (folder / "c.pdf").write_bytes(b"%PDF-1.4 and nothing else")
    return folder


def test_a_run_over_a_folder_goes_on_after_a_kill_and_gives_the_same(tmp_path: Path) -> None:
    folder, config = inputs(tmp_path / "in"), OcrConfig()
    one, two = (
        RunConfig(inputs=(folder,), out=tmp_path / name, unit_rows=1, keep_images=True, documents=True) for name in ("one", "two")
    )
    run(one, operators(config))
    run(two, operators(config))
    (tmp_path / "two" / "units" / "000001.parquet").unlink()
    report = run(two, operators(config))
    assert report.units_before == 2
    assert rows_of(one.out) == rows_of(two.out)
    kept = [row for row in rows_of(one.out) if row["dropped"] is None]
    assert [(Path(row["file"]).name, row["page"]) for row in kept] == [("a.pdf", 1), ("a.pdf", 2), ("b.png", None)]
    assert all(row["image"][:4] == b"\x89PNG" for row in kept)
    assert all(json.loads(row["fields"])["conversations"][0]["value"].startswith("<image>") for row in kept)
    assert report.by_kind == {"damaged PDF": 1}


def test_steps_travel_and_describe_themselves() -> None:
    import pickle

    for step in operators(OcrConfig(seed=5)):
        assert pickle.loads(pickle.dumps(step)) == step
        json.dumps(step.settings())
