"""Fonts: families are split, faces draw what they claim to, and fonts that would make answers untrue are left out."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont
from recipes.nano.data import font_catalogue, fonts
from recipes.nano.data.letter_check import draws_letters
from recipes.nano.data.sample import Language, MissingMaterial, Split

pytest.importorskip("fontTools", reason="fontTools is not installed")

LANGUAGES: tuple[Language, ...] = ("en", "zh")
SPLITS: tuple[Split, ...] = ("train", "val", "test")
SAMPLE = {"en": "Total: 42", "zh": "合计：42元"}
DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


def _forget() -> None:
    for cached in (font_catalogue.entries, fonts._faces, fonts._families, fonts._ranges_by_place):
        cached.cache_clear()


@pytest.fixture(scope="module", autouse=True)
def installed_fonts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Only what is installed: no materials."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INTERNVL_MATERIALS", str(tmp_path_factory.mktemp("materials")))
        _forget()
        yield
    _forget()


def _some(language: Language, split: Split) -> list[fonts.Face]:
    try:
        return list(fonts.faces(language, split))
    except MissingMaterial as error:
        pytest.skip(str(error))


def _ink(face: fonts.Face, text: str) -> tuple[int, int, int, int] | None:
    picture = Image.new("L", (600, 120))
    ImageDraw.Draw(picture).text((20, 20), text, font=face.at(32), fill=255)
    return picture.getbbox()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("split", SPLITS)
def test_every_face_draws_its_language(language: Language, split: Split) -> None:
    for face in _some(language, split):
        assert fonts.covers(face, SAMPLE[language]), face
        assert _ink(face, SAMPLE[language]) is not None, face


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_family_is_in_two_splits(language: Language) -> None:
    train, val, test = ({face.family for face in _some(language, split)} for split in SPLITS)
    assert not train & val
    assert not (train | val) & test


def test_a_seed_gives_the_same_face() -> None:
    _some("en", "train")
    drawn = [fonts.face(random.Random(seed), "en", "train") for seed in range(30)]
    assert drawn == [fonts.face(random.Random(seed), "en", "train") for seed in range(30)]
    assert len({face.family for face in drawn}) > 2


def test_a_face_can_be_asked_to_have_a_text() -> None:
    _some("zh", "train")
    for seed in range(10):
        assert fonts.covers(fonts.face(random.Random(seed), "zh", "train", text="龍鳳 Ag"), "龍鳳 Ag")
    with pytest.raises(MissingMaterial, match="characters"):
        fonts.face(random.Random(1), "zh", "train", text="\U000f0000")


def test_styles() -> None:
    _some("en", "train")
    mono = fonts.face(random.Random(1), "en", "train", style="mono").at(40)
    assert mono.getlength("iiii") == mono.getlength("WWWW")
    plain = fonts.face(random.Random(1), "en", "train", style="print").at(40)
    assert plain.getlength("iiii") < plain.getlength("WWWW")


def test_covers_reads_the_character_map() -> None:
    face = next((face for face in _some("en", "train") if Path(face.path) == DEJAVU), None)
    if face is None:
        pytest.skip("DejaVu Sans is not installed")
    assert fonts.covers(face, "Aé €\n")
    assert not fonts.covers(face, "A中")
    assert fonts.covers(face, "")


def test_css_gives_each_face_its_own_name_and_one_file() -> None:
    several = [*_some("en", "train")[:5], *_some("zh", "train")[:1]]
    css = fonts.font_face_css([*several, several[0]])
    assert css.count("@font-face") == len({fonts.css_family(face) for face in several}) == len(several)
    for face in several:
        assert fonts.css_family(face) in css
    for line in css.splitlines():
        path = Path(line.split('url("file://')[1].split('"')[0])
        assert path.suffix != ".ttc"
        assert ImageFont.truetype(str(path), 20).getlength("Ag") > 0


def test_the_catalogue_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    before = font_catalogue.entries()
    font_catalogue.entries.cache_clear()
    monkeypatch.setattr(font_catalogue, "_look_at_all", lambda files: pytest.fail("looked again"))
    assert font_catalogue.entries() == before


def test_fonts_that_draw_something_else_are_left_out(tmp_path: Path) -> None:
    if not DEJAVU.is_file():
        pytest.skip("DejaVu Sans is not installed")
    from fontTools.ttLib import TTFont

    font = TTFont(DEJAVU)
    for table in font["cmap"].tables:
        for small, capital in zip(range(ord("a"), ord("z") + 1), range(ord("A"), ord("Z") + 1), strict=True):
            table.cmap[small] = table.cmap[capital]
    font.save(tmp_path / "capitals.ttf")
    (tmp_path / "noise.ttf").write_bytes(b"not a font")
    assert draws_letters(DEJAVU, 0)
    assert not draws_letters(tmp_path / "capitals.ttf", 0)
    assert not draws_letters(tmp_path / "noise.ttf", 0)
    assert list(font_catalogue._look_at_all([tmp_path / "noise.ttf", tmp_path / "capitals.ttf"])) == []


@pytest.mark.parametrize(("family", "split"), [("Lato", "test"), ("Carlito", "test"), ("Open Sans", "val"), ("DejaVu Sans", "train")])
def test_families_of_one_origin_are_on_one_side(family: str, split: Split) -> None:
    assert fonts.part_of_family(family) == split
