"""The language of captions, and what contradicts a declared one."""

from __future__ import annotations

from typing import Any

import pytest
from pipe_clean_pictures import item

from internvl.pipelines.clean.language import LanguageId
from internvl.pipelines.clean.language_names import language_code, language_name, script_shares
from internvl.pipelines.item import Item

pytest.importorskip("py3langid")
WORK = LanguageId().open()


def facts(text: str, declared: object = None) -> dict[str, Any]:
    [outcome] = WORK([item(text=text, **({} if declared is None else {"language": declared}))])
    assert isinstance(outcome, Item)
    return dict(outcome.fields)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("A brown dog runs along the beach while the sun goes down behind the hills.", "en"),
        ("Ein brauner Hund läuft am Strand entlang, während die Sonne untergeht.", "de"),
        ("一只棕色的狗在海滩上奔跑。", "zh"),
        ("茶色い犬が海岸を走っています。", "ja"),
        ("Коричневая собака бежит по пляжу.", "ru"),
    ],
)
def test_languages_are_found_and_agree_with_their_names(text: str, language: str) -> None:
    found = facts(text, language)
    assert found["detected_language"] == language
    assert found["language_agrees"] is True
    assert facts(text)["language_agrees"] is None


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        ("一只棕色的狗在海滩上奔跑。", "en"),
        ("A dog", "zh"),
        ("茶色い犬が海岸を走っています。", "zh-CN"),
        ("Ein brauner Hund läuft am Strand entlang, während die Sonne untergeht.", "English"),
        ("Коричневая собака бежит по пляжу.", "Greek"),
    ],
)
def test_a_wrong_name_is_contradicted(text: str, declared: str) -> None:
    assert facts(text, declared)["language_agrees"] is False


@pytest.mark.parametrize(
    ("text", "declared"), [("Pizza", "it"), ("koala", "fr"), ("a dog", "multi"), ("a dog", ""), ("a dog", 7), ("123", "en")]
)
def test_what_says_too_little_is_left_open(text: str, declared: object) -> None:
    assert facts(text, declared)["language_agrees"] is None


def test_names_of_goods_do_not_contradict_chinese() -> None:
    assert facts("Apple iPhone 15 Pro Max 智能手机", "Chinese")["language_agrees"] is True


def test_a_text_without_letters_has_no_language() -> None:
    assert facts("12 + 3") == {"detected_language": "und", "language_confidence": 0.0, "language_agrees": None}


def test_names_and_scripts() -> None:
    codes = [language_code(name) for name in ("zh_CN", "Chinese", "中文", "en-US", "ENGLISH", "jpn", "multi", "und", "eo")]
    assert codes == ["zh", "zh", "zh", "en", "en", "ja", None, None, "eo"]
    assert language_name("zh") == "Chinese"
    assert script_shares("ab 狗") == {"LATIN": 2 / 3, "CJK": 1 / 3}
    assert script_shares("1 2") == {}
