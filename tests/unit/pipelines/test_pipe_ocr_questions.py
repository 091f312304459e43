"""What is asked about a page, and that every answer is certain and every record one that training takes."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from internvl.data.record import Origin
from internvl.data.record_fields import kind_of, read_record
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.item import Drop, Item
from internvl.pipelines.ocr import phrasings
from internvl.pipelines.ocr.absent import absent
from internvl.pipelines.ocr.ask import Ask, locate, read_all, read_region
from internvl.pipelines.ocr.config import MixError, OcrConfig, parse_mix
from internvl.pipelines.ocr.facts import answers
from internvl.pipelines.ocr.label import AskQuestions, conversation, turns_of
from internvl.pipelines.ocr.line import Line, PageText
from internvl.pipelines.ocr.reading_order import in_reading_order

CONFIG = OcrConfig()


def page(
    *rows: str | tuple[str, ...], language: str = "en", complete: bool = True, gap: int = 4, doubtful: tuple[str, ...] = ()
) -> PageText:
    """Rows below each other, 20 pixels high; pieces of a row 300 pixels apart. Text is as wide as 10 pixels a character."""
    lines = []
    for number, row in enumerate(rows):
        for place, text in enumerate((row,) if isinstance(row, str) else row):
            left, top = 20 + 300 * place, 20 + (20 + gap) * number
            kept = text not in doubtful
            lines.append(Line(text=text, box=(left, top, left + 10 * len(text), top + 20), kept=kept, score=1.0 if kept else 0.4))
    return PageText(lines=tuple(in_reading_order(lines)), width=1000, height=800, language=language, complete=complete and not doubtful)


def found(asks: list[Ask], form: str) -> list[tuple[str, str]]:
    """Values and answers of one form."""
    return [(next(iter(ask.values.values()), ""), ask.answer) for ask in asks if ask.form == form]


def test_reading_all_gives_rows_as_lines() -> None:
    (ask,) = read_all(page("INVOICE", ("Total:", "12.50")), CONFIG)
    assert ask.answer == "INVOICE\nTotal: 12.50"


def test_reading_all_is_not_asked_with_lines_in_doubt_or_too_long() -> None:
    assert read_all(page("a good line", "a bad line", doubtful=("a bad line",)), CONFIG) == []
    assert read_all(page("a good line"), replace(CONFIG, max_answer_characters=5)) == []


def test_regions_are_lines_and_blocks() -> None:
    asks = read_region(page("first line", "second line"), CONFIG)
    assert [(ask.form, ask.answer) for ask in asks] == [
        ("read_region", "first line"),
        ("read_region", "second line"),
        ("read_block", "first line\nsecond line"),
    ]
    assert asks[0].values["box"] == "<box>[[20, 25, 120, 50]]</box>"


def test_a_region_with_a_line_in_doubt_is_not_asked() -> None:
    asks = read_region(page("first line", "??", "third line", doubtful=("??",)), CONFIG)
    assert [ask.answer for ask in asks] == ["first line", "third line"]


def test_a_text_is_located_where_it_is_alone() -> None:
    asks = locate(page("EXIT", "Total", "Subtotal", "a <b> c", "x"), CONFIG)
    assert found(asks, "locate") == [
        ("EXIT", "<ref>EXIT</ref><box>[[20, 25, 60, 50]]</box>"),
        ("Subtotal", "<ref>Subtotal</ref><box>[[20, 85, 100, 110]]</box>"),
    ]


def test_a_text_that_also_stands_on_a_line_in_doubt_is_not_located() -> None:
    assert locate(page("EXIT", "EXIT HERE", doubtful=("EXIT HERE",)), CONFIG) == []


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (("Total: 12.50", "Thank you for coming"), [("Total", "12.50")]),
        (("Total: 12.50", "or not"), []),
        ((("Name:", "Ada Lovelace"), ("Born:", "1815")), [("Name", "Ada Lovelace"), ("Born", "1815")]),
        (("姓名：王伟", "电话：010-12345678"), [("姓名", "王伟"), ("电话", "010-12345678")]),
        (("Opens at 12:30 daily",), []),
        (("http://example.org/a",), []),
        (("Name: Bob Date: Monday",), []),
        (("Total: 1", "Total: 2"), []),
        (("Total: 1", "The Total weight"), []),
        (("Note: this sentence goes on in the", "next line of the same block, as it fills"), []),
        ((("Size:", "M", "blue"),), []),
    ],
)
def test_labels(rows: tuple[Any, ...], expected: list[tuple[str, str]]) -> None:
    assert found(answers(page(*rows), CONFIG), "label") == expected


@pytest.mark.parametrize(
    ("form", "row", "expected"),
    [
        ("email", "Write to ada@example.org today", "ada@example.org"),
        ("url", "See https://example.org/a/b. Soon", "https://example.org/a/b"),
        ("url", "请访问www.example.cn。", "www.example.cn"),
        ("phone", "Tel. (030) 1234 567", "(030) 1234 567"),
        ("phone", "+49 30 1234567 (office)", "+49 30 1234567"),
        ("phone", "联系电话：010-8888 9999", "010-8888 9999"),
        ("date", "on 2024-05-17, it rained", "2024-05-17"),
        ("date", "于2024年5月17日", "2024年5月17日"),
        ("date", "May 17, 2024 was a Friday", "May 17, 2024"),
    ],
)
def test_what_stands_once(form: str, row: str, expected: str) -> None:
    assert found(answers(page(row), CONFIG), form) == [("", expected)]
    assert found(answers(page(row, row), CONFIG), form) == []
    assert found(answers(page(row, "??", doubtful=("??",)), CONFIG), form) == []


def test_plain_numbers_are_no_telephone() -> None:
    assert found(answers(page("ISBN 978-3-16-148410-0", "12345678"), CONFIG), "phone") == []


def test_an_address_that_may_go_on_is_not_asked() -> None:
    assert found(answers(page("see https://example.org/long", "and then some more te"), CONFIG), "url") == []


def test_the_line_below() -> None:
    asks = found(answers(page("Chapter One", "It was a dark night", "Chapter One and a half"), CONFIG), "below")
    assert asks == [("It was a dark night", "Chapter One and a half")]
    assert found(answers(page("First heading", "??", "what follows", doubtful=("??",)), CONFIG), "below") == []


def test_what_is_not_there_is_asked_of_complete_pages_only() -> None:
    asks = absent(page("Hello my friends"), CONFIG)
    assert {"no_email", "no_phone", "no_url", "no_date", "no_label", "no_text"} == {ask.form for ask in asks}
    assert absent(page("Hello my friends", complete=False), CONFIG) == []


@pytest.mark.parametrize(
    ("row", "form"), [("mail me @ home", "no_email"), ("Call 12345", "no_phone"), ("in 2024", "no_date"), ("www.x.org", "no_url")]
)
def test_a_trace_of_a_thing_is_no_absence(row: str, form: str) -> None:
    assert form not in {ask.form for ask in absent(page(row), CONFIG)}


def test_words_that_are_there_in_part_are_no_absence() -> None:
    words = [ask.values["text"] for ask in absent(page("The table on page 3"), CONFIG) if ask.form == "no_text"]
    assert "Table of contents" not in words
    assert "EXIT" in words


def test_every_form_has_wordings_in_both_languages() -> None:
    everything = page("Total: 12.50", "EXIT", "ada@example.org", "second line here", "third line here")
    asks = [ask for kind in (read_all, read_region, locate, answers, absent) for ask in kind(everything, CONFIG)]
    for ask in asks:
        for language in ("en", "zh"):
            asked = phrasings.question(ask.form, language, ask.values, random.Random(1))
            assert all(value in asked for value in ask.values.values())
            assert "{" not in asked


def test_what_is_absent_is_asked_for_in_the_words_of_what_is_there() -> None:
    draws = [phrasings.question("no_email", "en", {}, random.Random(seed)) for seed in range(50)]
    assert set(draws) == set(phrasings.QUESTIONS["email"]["en"])


def labelled(text: PageText, row: int = 1, **settings: Any) -> Item | Drop:
    fields = {"lines": [line.to_json() for line in text.lines], "width": text.width, "height": text.height}
    item = Item(origin=Origin("d", "a.jsonl", row), fields={**fields, "language": text.language, "complete": text.complete})
    (outcome,) = AskQuestions(OcrConfig(**settings)).open()([item])
    assert not isinstance(outcome, list)
    return outcome


RECEIPT = page("ACME STORE", ("Total:", "12.50"), "ada@example.org", "Thank you for coming", "Come again soon", gap=8)


def test_conversations_are_records_that_training_takes() -> None:
    for row in range(60):
        item = labelled(RECEIPT, row, turns=4, ask_in="mixed")
        assert isinstance(item, Item)
        turns = item.fields["conversations"]
        record = read_record({"image": "a.png", "width": 1000, "height": 800, "conversations": turns}, item.origin)
        assert turns[0]["value"].startswith("<image>\n")
        assert sum("<image>" in turn["value"] for turn in turns) == 1
        assert len(turns) == 2 * len(item.fields["kinds"]) == 8
        assert kind_of(record) in ("image", "grounding")
        assert len({turn["value"] for turn in turns[::2]}) == 4


def test_the_same_row_gives_the_same_and_another_seed_another() -> None:
    assert labelled(RECEIPT, 3) == labelled(RECEIPT, 3)
    several = [str(labelled(RECEIPT, row)) for row in range(20)]
    assert len(set(several)) > 15
    assert any(str(labelled(RECEIPT, row, seed=1)) != several[row] for row in range(20))


def test_the_mix_is_kept() -> None:
    kinds: Counter[str] = Counter()
    for row in range(400):
        item = labelled(RECEIPT, row, turns=1, mix={"read_all": 1, "locate": 3})
        assert isinstance(item, Item)
        kinds.update(item.fields["kinds"])
    assert set(kinds) == {"read_all", "locate"}
    assert 0.2 < kinds["read_all"] / 400 < 0.3


def test_a_kind_without_questions_leaves_its_share_to_others() -> None:
    plain = page("only one line")
    item = labelled(plain, mix={"answer": 100, "locate": 1}, turns=5)
    assert isinstance(item, Item)
    assert item.fields["kinds"] == ["locate"]
    dropped = labelled(plain, mix={"answer": 1})
    assert isinstance(dropped, Drop)
    assert dropped.kind == "nothing to ask"


def test_chinese_pages_are_asked_in_chinese_unless_told_otherwise() -> None:
    chinese = page("今天天气很好", "我们去公园", language="zh")
    for settings, expected in (({}, True), ({"ask_in": "en"}, False)):
        turns = turns_of(chinese, OcrConfig(mix={"read_all": 1}, **settings), random.Random(0))
        assert bool(re.search("[一-鿿]", conversation(turns)[0]["value"])) == expected


def test_mixes() -> None:
    assert parse_mix("read_all=3, locate") == {"read_all": 3.0, "locate": 1.0}
    for wrong in ("read", "read_all=x", "read_all=0", "read_all=-1", ""):
        with pytest.raises(MixError):
            parse_mix(wrong)


@pytest.mark.parametrize(
    "wrong", [{"min_line_score": 2}, {"dpi": 1}, {"turns": 0}, {"text_layer": "x"}, {"max_pixels": 1}, {"mix": {"x": 1}}]
)
def test_settings_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(PipelineError):
        OcrConfig(**wrong)
