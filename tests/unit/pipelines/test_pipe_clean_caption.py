"""Facts of captions: counts, shares, the marks of texts that describe nothing, and sketches of what is said."""

from __future__ import annotations

import numpy
import pytest
from pipe_clean_pictures import item

from internvl.pipelines.clean.caption import CaptionFacts, letter_share, repetition, words_of
from internvl.pipelines.clean.caption_marks import is_boilerplate, is_code, is_placeholder, is_truncated, is_unreadable
from internvl.pipelines.clean.minhash import caption_key, likeness, minhash, normalised
from internvl.pipelines.item import Item

GOOD = (
    "A brown dog runs along the beach.",
    "Portrait of a woman with a red hat, oil on canvas",
    "一只棕色的狗在海滩上奔跑。",
    "Ein rotes Haus am See",
    "The menu of a small blog café: coffee 3.50, tea 2.80",
    "Home of the artist in Aix, 1902",
    "Красный дом у озера",
    "New York, 5th Avenue at night (2014)",
    "Where is <ref>the dog</ref>? <box>[[10, 200, 480, 990]]</box>",
    "Apple's iPhone 15 Pro Max in blue",
    "Schwarzwälder Kirschtorte mit Sahne",
    "Search and rescue team in the mountains",
)


def is_likely_marked(text: str) -> dict[str, bool]:
    checks = {
        "boilerplate": is_boilerplate,
        "placeholder": is_placeholder,
        "code": is_code,
        "unreadable": is_unreadable,
        "truncated": is_truncated,
    }
    return {name: check(text) for name, check in checks.items()}


@pytest.mark.parametrize("text", GOOD)
def test_captions_have_no_marks(text: str) -> None:
    assert not any(is_likely_marked(text).values()), is_likely_marked(text)


@pytest.mark.parametrize(
    "text",
    [
        "404 error: page not found",
        "Copyright 2014. All rights reserved.",
        "Home | About us | Contact | Blog | Login",
        "Click to enlarge",
        "Image not available",
        "Please enable JavaScript to view this page",
        "首页 登录 注册 关于我们",
        "点击查看大图",
        "Add to cart",
    ],
)
def test_boilerplate(text: str) -> None:
    assert is_boilerplate(text)


@pytest.mark.parametrize(
    "text",
    [
        "IMG_2031.jpg", "DSC00123", "image", "Untitled", "photo 12", "screenshot 2019-02-03 at 10.11", "https://a.b/c.png", "N/A",
        "Lorem ipsum dolor sit amet", "{{product.name}} in {{color}}", "12345", "...", "无标题", "insert caption here", "null", "",
    ],
)  # fmt: skip
def test_placeholders(text: str) -> None:
    assert is_placeholder(text)


@pytest.mark.parametrize(
    "text",
    [
        '<div class="a">Dog</div>', "function go() { return 1; }", "var x = 5; x++", "a &nbsp; b", "#include <stdio.h>",
        ".nav { color: red; }", '{"name": "dog"}', "SELECT name FROM dogs WHERE id = 3", "<!-- comment -->",
    ],
)  # fmt: skip
def test_code(text: str) -> None:
    assert is_code(text)


DAMAGED = ["cafÃ© au lait", "a \ufffd b", "donâ€™t", "锟斤拷锟斤拷", "a\x00b", "xkjhgfdpwqz", "aG93IGFyZSB5b3U0"]


@pytest.mark.parametrize("text", DAMAGED)
def test_unreadable(text: str) -> None:
    assert is_unreadable(text)


@pytest.mark.parametrize("text", ["A dog and a...", "A dog and the", "A dog (brown", "A dog,", "一只狗和…", "A view of"])
def test_truncated(text: str) -> None:
    assert is_truncated(text)


def test_words_letters_and_repetition() -> None:
    assert words_of("It's a dog's life, 2 dogs") == ["It's", "a", "dog's", "life", "2", "dogs"]
    assert len(words_of("一只 brown 狗")) == 4
    assert letter_share("ab12") == 0.5
    assert letter_share("") == 0.0
    assert repetition("a dog in the sun") == 0.0
    assert repetition("buy now buy now buy now buy now") > 0.6
    assert repetition("waaaaaaaaaaaay") > 0.8
    assert repetition("") == 0.0


def test_all_columns_are_there_and_the_blocklist_counts_words() -> None:
    operator = CaptionFacts(blocklist=("bad word", "坏"))
    outcomes = operator.open()([item(text=text) for text in ("A BAD  word!", "badwords", "好坏", "")])
    blocked = []
    for outcome in outcomes:
        assert isinstance(outcome, Item)
        assert set(outcome.fields) == set(operator.columns())
        blocked.append(outcome.fields["blocked"])
    assert blocked == [True, False, True, False]
    assert operator.settings() != CaptionFacts().settings()


def test_a_key_is_of_what_is_said() -> None:
    assert normalised("  A  Dog, ｉｎ the SUN! ") == "a dog in the sun"
    assert caption_key("A dog.") == caption_key("a  dog") != caption_key("a log")


def test_likeness_estimates_the_share_of_common_pieces() -> None:
    first = "a small brown dog runs along the sandy beach near the old lighthouse in the morning"
    near = first.replace("morning", "evening")
    far = "two people ride bicycles through a crowded street in the centre of the city"
    pieces = [{text[at : at + 5] for at in range(len(text) - 4)} for text in (first, near, far)]
    for other, theirs in ((near, pieces[1]), (far, pieces[2])):
        true = len(pieces[0] & theirs) / len(pieces[0] | theirs)
        estimate = float(likeness(minhash(first)[None], minhash(other)[None])[0])
        assert abs(estimate - true) < 0.15
    assert numpy.array_equal(minhash("A Dog"), minhash("a dog!"))
    assert len(minhash("")) == len(minhash("x" * 100_000)) == 64


def test_hostile_texts_take_no_time() -> None:
    for text in ("a1" * 50_000, "(" * 30_000, "<" * 30_000, "image " * 9_000, "{" * 30_000 + "a:b"):
        [outcome] = CaptionFacts().open()([item(text=text)])
        assert isinstance(outcome, Item)
