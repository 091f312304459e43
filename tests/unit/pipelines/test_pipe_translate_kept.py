"""What a translation may not change, and the words that are left for it."""

from __future__ import annotations

import time

import pytest

from internvl.pipelines.translate.kept import kept_in, prose, what_changed, without_edges
from internvl.pipelines.translate.texts import is_record, texts_of, with_texts


@pytest.mark.parametrize(
    ("text", "marks", "things"),
    [
        ("<image>\nA dog.", ["<image>"], []),
        ("Image-1: <image>\nImage-2: <image>\nWhich?", ["Image-1: <image>", "Image-2: <image>"], []),
        ("<ref>the dog</ref><box>[[1, 2, 3, 4]]</box>", ["<ref>", "</ref>", "<box>[[1, 2, 3, 4]]</box>"], []),
        ("Run `pip install x` and ```py\nprint(1)\n```", [], [("code", "`pip install x`"), ("code", "```py\nprint(1)\n```")]),
        ("It is $x^2 + 1$, \\(y\\) and $$z$$.", [], [("formula", "$x^2 + 1$"), ("formula", "\\(y\\)"), ("formula", "$$z$$")]),
        ("From $5 to $10, or $5-$10.", [], [("number", "5"), ("number", "10"), ("number", "5"), ("number", "10")]),
        ("See https://a.org/b?c=1.", [], [("address", "https://a.org/b?c=1")]),
        ("看https://a.org/b的文件run.py,共3个。", [], [("address", "https://a.org/b"), ("file_name", "run.py"), ("number", "3")]),
        ("Mail to me.too@a-b.org!", [], [("e_mail", "me.too@a-b.org")]),
        ("1,000 in 1995年, 3.5kg at 10:30", [], [("number", n) for n in ("1,000", "1995", "3.5", "10", "30")]),
        ("e.g. the end.Then it began", [], []),
    ],
)
def test_what_is_found(text: str, marks: list[str], things: list[tuple[str, str]]) -> None:
    kept = kept_in(text)
    assert list(kept.marks) == marks
    assert sorted(kept.things.elements()) == sorted(things)


@pytest.mark.parametrize(
    ("source", "translation", "reason"),
    [
        ("3 dogs, 4 cats", "4只猫，3只狗", None),
        ("3 dogs", "4只狗", "numbers changed: 3 is missing, 4 is new"),
        ("3 dogs and 3 cats", "3只狗和猫", "numbers changed: 3 is missing"),
        ("a dog", "1只狗", "numbers changed: 1 is new"),
        ("the <ref>dog</ref>", "<ref>狗", "marks changed: </ref> is missing"),
        ("<ref>a</ref>", "</ref>甲<ref>", "marks changed: their order is </ref> <ref> instead of <ref> </ref>"),
        (
            "<box>[[1, 2, 3, 4]]</box>",
            "<box>[[1, 2, 4, 3]]</box>",
            "marks changed: <box>[[1, 2, 3, 4]]</box> is missing, <box>[[1, 2, 4, 3]]",
        ),
        ("see https://a.org", "见 https://b.org", "addresses changed: https://a.org is missing"),
        ("run `ls -l`", "运行 `ls -i`", "code changed"),
        ("Acme Ltd pays", "极致公司付款", "names changed: Acme is missing"),
        ("Acme pays Acmes", "Acme 付给 Acmes", None),
    ],
)
def test_what_is_told_of_a_change(source: str, translation: str, reason: str | None) -> None:
    found = what_changed(kept_in(source, ("Acme",)), kept_in(translation, ("Acme",)))
    assert found == reason if reason is None else str(found).startswith(reason)


def test_words_without_what_is_kept() -> None:
    assert prose("<image>\n`x` costs 3 Acme coins at https://a.org", ("Acme",)) == "costs coins at"
    assert prose("<box>[[1, 2, 3, 4]]</box> 3.5 $x$") == ""


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("<image>\nWhat?", ("<image>\n", "What?", "")),
        ("  What?\n<image> ", ("  ", "What?", "\n<image> ")),
        ("Image-1: <image>\nImage-2: <image>\nWhich?", ("Image-1: <image>\nImage-2: <image>\n", "Which?", "")),
        ("a <image> b", ("", "a <image> b", "")),
        ("<video>", ("<video>", "", "")),
        (" ", (" ", "", "")),
    ],
)
def test_marks_at_the_ends_are_not_sent(text: str, parts: tuple[str, str, str]) -> None:
    assert without_edges(text) == parts
    assert "".join(parts) == text


@pytest.mark.parametrize(
    "text", ["<box>" * 4000, "-" * 20_000, "a" * 20_000, "$" * 20_000, "`" * 20_000, "<image> " * 2500 + "x", "a@" * 10_000]
)
def test_hostile_texts_take_no_time(text: str) -> None:
    started = time.process_time()
    kept_in(text)
    without_edges(text)
    assert time.process_time() - started < 10


def test_texts_of_every_dialect_are_found_and_put_back() -> None:
    record = {
        "id": 7,
        "image": "a.png",
        "system": "Be brief.",
        "conversations": [{"from": "human", "value": "<image>\nWhy?"}, {"from": "gpt", "value": "So.", "loss": 1}],
    }
    assert texts_of(record) == ["Be brief.", "<image>\nWhy?", "So."]
    changed = with_texts(record, ["A", "B", "C"])
    assert changed["conversations"][1] == {"from": "gpt", "value": "C", "loss": 1}
    assert list(changed) == list(record)
    assert record["system"] == "Be brief."
    parts = [{"type": "image_url", "image_url": {"url": "a.png"}}, {"type": "text", "text": "Why?"}]
    spoken = {"messages": [{"role": "user", "content": parts}, {"role": "assistant", "content": "So."}]}
    assert texts_of(spoken) == ["Why?", "So."]
    assert with_texts(spoken, ["B", "C"])["messages"][0]["content"] == [parts[0], {"type": "text", "text": "B"}]
    assert texts_of({"question": "Q", "chosen": "C", "rejected": "R"}) == ["Q", "C", "R"]
    assert [is_record(each) for each in (record, spoken, {"chosen": "C"}, {"url": "u", "conversations": None})] == [
        True,
        True,
        True,
        False,
    ]
    with pytest.raises(ValueError, match="1 texts for a record that has 3"):
        with_texts(record, ["A"])
