"""Prompt, languages, and which answers can't stand for their source."""

from __future__ import annotations

from pathlib import Path

import pytest

from internvl.pipelines.errors import PipelineError
from internvl.pipelines.translate.languages import LANGUAGES, language_of, script_of
from internvl.pipelines.translate.prompt import read_prompt
from internvl.pipelines.translate.settings import TranslationSettings
from internvl.pipelines.translate.verdict import Judge, answer_alone
from internvl.pipelines.translate.written_in import identifies, length_of, units_by_script

ENGLISH, CHINESE, FRENCH = language_of("en"), language_of("zh"), language_of("fr")
# As printed, where the line breaks were lost.
PRINTED = (
    "System:You are a translator proficient in English and {language}. Your task is to translate the following English text into "
    "{language}, focusing on a natural and fluent result that avoids “translationese.” Please consider these points:1. Keep proper "
    "nouns, brands, and geographical names in English.2. Retain technical terms or jargon in English, but feel free to explain in "
    "{language} if necessary.3. Use {language} idiomatic expressions for English idioms or proverbs to ensure cultural relevance."
    "4. Ensure quotes or direct speech sound natural in {language}, maintaining the original’s tone.5. For acronyms, provide the full "
    "form in {language} with the English acronym in parentheses.User:Text for translation: {text}"
)


def test_the_published_prompt_word_for_word() -> None:
    system, user = read_prompt(None).filled("A dog.", source=ENGLISH, target=CHINESE)
    lines = str(system.parts[0]).splitlines()
    assert [line[:2] for line in lines[1:]] == ["1.", "2.", "3.", "4.", "5."]
    said = "System:" + "".join(lines) + "User:" + str(user.parts[0])
    assert said == PRINTED.replace("{language}", "Chinese").replace("{text}", "A dog.")


def test_braces_of_a_text_stay_and_the_source_language_can_be_another() -> None:
    system, user = read_prompt(None).filled("{language} {text} {0}", source=FRENCH, target=CHINESE, note="Be careful.")
    assert user.parts == ("Text for translation: {language} {text} {0}",)
    assert "English" not in str(system.parts[0])
    assert str(system.parts[0]).endswith("French acronym in parentheses.\nBe careful.")


def test_prompts_from_files(tmp_path: Path) -> None:
    path = tmp_path / "prompt.txt"
    path.write_text("Into {language}:\n{text}\n", "utf-8")
    [only] = read_prompt(path).filled("x", source=ENGLISH, target=CHINESE)
    assert (only.role, only.parts) == ("user", ("Into Chinese:\nx",))
    assert read_prompt(path).fingerprint != read_prompt(None).fingerprint
    path.write_text("User: {text}\nSystem: be quick\n", "utf-8")
    assert [each.role for each in read_prompt(path).filled("x", source=ENGLISH, target=CHINESE)] == ["system", "user"]


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("Translate!", "needs {text} once"),
        ("{text} {text}", "needs {text} once"),
        ("System: {text}\nUser: {text}", "belongs into the user's part"),
        ("User: {text}\nUser: again", "one System: and one User:"),
        ("Hello\nUser: {text}", "nothing before them"),
        (b"\xff{text}", "not UTF-8"),
    ],
)
def test_prompts_that_are_none(tmp_path: Path, words: str | bytes, match: str) -> None:
    path = tmp_path / "prompt.txt"
    path.write_bytes(words if isinstance(words, bytes) else words.encode())
    with pytest.raises(PipelineError, match=match):
        read_prompt(path)


def test_languages_by_code_and_name() -> None:
    assert language_of("zh").name == "Chinese"
    assert language_of("PT-br").name == "Brazilian Portuguese"
    assert language_of("swahili").code == "sw"
    assert (language_of("gsw=Swiss German").name, language_of("gsw=Swiss German").script) == ("Swiss German", None)
    assert language_of("zh=Classical Chinese").script == "Han"
    assert len(LANGUAGES) > 100
    with pytest.raises(PipelineError, match="did you mean Chinese"):
        language_of("chinees")
    with pytest.raises(PipelineError, match="code=Name"):
        language_of("x y=Nothing")


def test_every_script_of_the_table_is_one_of_unicode() -> None:
    letters = "aяبक字かカ가աবሀგαગਗבಗគກഗကଓසதతทཀ"
    found = {script_of(letter) for letter in letters}
    assert {language.script for language in LANGUAGES.values()} <= found
    assert script_of("3") is None
    assert script_of("，") is None


def test_units_and_lengths() -> None:
    assert units_by_script("一只狗 in Paris") == {"Han": 3, "Latin": 2}
    assert units_by_script("собака и кот") == {"Cyrillic": 3}
    assert length_of("一只狗") == 9.0
    assert length_of("a dog, 3") == 4.0


@pytest.mark.parametrize(
    ("source", "answer", "kind"),
    [
        ("A dog runs over the green grass.", "一只狗跑过绿色的草地。", None),
        ("A dog runs over the green grass.", "", "empty"),
        ("A dog runs over the green grass.", "A dog runs over the green grass.", "same as the source"),
        ("A dog runs over the green grass.", "a dog runs over the green grass", "same as the source"),
        ("A dog runs over the green grass.", "Assistant: 一只狗跑过绿色的草地。", "echo"),
        ("A dog runs over the green grass.", "译文：一只狗跑过绿色的草地。", "echo"),
        ("A dog runs over the green grass.", "Here is the translation of your text: 一只狗跑过绿色的草地。", "echo"),
        ("A dog runs over the green grass.", "I'm sorry, but I can't help with that.", "refusal"),
        ("A dog runs over the green grass.", "抱歉，我无法翻译这段文字。", "refusal"),
        ("A dog runs over the green grass.", "Un chien court sur l'herbe verte.", "wrong language"),
        ("A dog runs over the green grass.", "犬が緑の草の上を走っています。", "wrong language"),
        ("A dog runs over the green grass.", "狗", "wrong length"),
        ("A dog runs over the green grass.", "一只狗跑过绿色的草地。" * 4, "wrong length"),
        ("A dog", "狗" * 60, "wrong length"),
        ("Yes", "是的", None),
        ("Sorry, I can't come.", "抱歉，我不能来。", None),
        ("System: Linux, 3 users", "系统：Linux，3 个用户", None),
        ("InternVL is a multimodal model of 2 towers", "InternVL 是一个有 2 个塔的 multimodal 模型", None),
    ],
)
def test_answers_are_judged(source: str, answer: str, kind: str | None) -> None:
    fault = Judge(target=CHINESE).fault(source, answer)
    assert (fault and fault.partition(":")[0]) == kind


def test_a_name_may_stay_when_it_may() -> None:
    allowed = TranslationSettings(same_words=2)
    assert Judge(target=CHINESE).fault("Nike", "Nike") is not None
    assert Judge(target=CHINESE, settings=allowed).fault("Nike", "Nike") is None
    assert Judge(target=CHINESE, settings=allowed).fault("just do it", "just do it") is not None


def test_other_scripts_and_directions() -> None:
    def fault(source: str, answer: str, code: str) -> str | None:
        return Judge(target=language_of(code)).fault(source, answer)

    assert fault("A dog runs over the green grass.", "Собака бежит по зелёной траве.", "ru") is None
    assert fault("A dog runs over the green grass.", "Собака бежит по зелёной траве.", "zh") is not None
    assert fault("A dog runs over the green grass.", "犬が緑の草の上を走っています。", "ja") is None
    assert fault("A dog runs over the green grass.", "一只狗跑过绿色的草地一只狗跑过", "ja") is not None
    assert fault("我不想去那里，因为下雨了。", "I don't want to go there because it is raining.", "en") is None
    assert fault("我怕蜘蛛。", "I am afraid of spiders.", "en") is None
    assert fault("A dog runs over the green grass.", "E Hund springt übers grüene Gras.", "gsw=Swiss German") is None


def test_languages_of_one_script_are_told_apart_where_words_suffice() -> None:
    pytest.importorskip("py3langid")
    judge = Judge(target=FRENCH, is_another=identifies(FRENCH))
    source = "A dog runs over the green grass and barks at the other dogs."
    assert judge.fault(source, "Un chien court sur l'herbe verte et aboie après les autres chiens.") is None
    assert str(judge.fault(source, "The dog is running on green grass, barking at the other dogs.")).startswith("wrong language")
    assert str(judge.fault(source, "Ein Hund läuft über das grüne Gras und bellt die anderen Hunde an.")).startswith("wrong language")
    assert judge.fault("Good dog", "Bon chien") is None


def test_thoughts_in_front_are_no_part_of_an_answer() -> None:
    assert answer_alone("<think>dog is 狗</think>\n\n一只狗 ") == "一只狗"
    assert answer_alone("一只狗 <think>") == "一只狗 <think>"


@pytest.mark.parametrize(
    "wrong", [{"temperature": 3.0}, {"attempts": 0}, {"least_ratio": 4.0}, {"max_new_tokens": 0}, {"same_words": -1}]
)
def test_settings_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(PipelineError, match=next(iter(wrong))):
        TranslationSettings(**wrong)  # type: ignore[arg-type]
