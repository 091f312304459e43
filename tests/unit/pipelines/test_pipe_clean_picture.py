"""Facts of pictures: measured once, refused in time, and hashes that are alike for what is alike."""

from __future__ import annotations

import io

import numpy
import PIL.Image
import PIL.ImageDraw
import pytest
from pipe_clean_pictures import bomb_file, encoded, item, scene

from internvl.pipelines.clean.perceptual_hash import colour_distance, hamming, look_of
from internvl.pipelines.clean.picture import PictureFacts, content_hash
from internvl.pipelines.item import Drop, Item


def facts(content: bytes | None) -> Item | Drop:
    [outcome] = PictureFacts().open()([item(image=content)])
    assert not isinstance(outcome, list)
    return outcome


def fields(content: bytes) -> dict[str, object]:
    outcome = facts(content)
    assert isinstance(outcome, Item), outcome
    assert set(outcome.fields) == set(PictureFacts().columns())
    return dict(outcome.fields)


def differences(first: PIL.Image.Image, second: PIL.Image.Image) -> tuple[int, int]:
    """Bits and levels between two pictures."""
    looks = [look_of(each) for each in (first, second)]
    hashes = numpy.array([look.hash for look in looks], dtype=numpy.uint64)
    signatures = numpy.stack([numpy.frombuffer(look.signature, numpy.uint8) for look in looks])
    return int(hamming(hashes[:1], hashes[1:])[0]), int(colour_distance(signatures[:1], signatures[1:])[0])


def test_sizes_and_format() -> None:
    found = fields(encoded(scene(1, width=300, height=150), "JPEG"))
    assert (found["width"], found["height"], found["pixels"], found["aspect"], found["format"]) == (300, 150, 45000, 2.0, "JPEG")
    assert fields(encoded(scene(1), "WEBP"))["format"] == "WEBP"


def test_a_bomb_is_refused_from_its_header() -> None:
    bomb = bomb_file()
    outcome = facts(bomb)
    assert isinstance(outcome, Drop)
    assert outcome.reason == "too many pixels: 20000 x 10000 = 200.0 megapixels, the limit is 100 megapixels"
    # The header is enough: behind it nothing has to be sound.
    cut = facts(bomb[:60])
    assert isinstance(cut, Drop)
    assert cut.kind == "too many pixels"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (None, "no picture"),
        (b"", "unreadable picture"),
        (b"<html>404</html>", "unreadable picture"),
        (encoded(scene(1))[:600], "damaged picture"),
        (encoded(scene(1), "GIF", save_all=True, append_images=[scene(2)]), "unreadable picture"),
    ],
)
def test_what_cannot_be_used_is_dropped_with_its_reason(content: bytes | None, kind: str) -> None:
    outcome = facts(content)
    assert isinstance(outcome, Drop)
    assert outcome.kind == kind


def test_the_content_hash_is_of_pixels_not_of_files() -> None:
    picture = scene(3)
    assert len({fields(encoded(picture, form))["content_hash"] for form in ("PNG", "BMP", "TIFF")}) == 1
    changed = picture.copy()
    changed.putpixel((0, 0), (1, 2, 3))
    assert content_hash(changed) != content_hash(picture)
    # As many bytes, another shape.
    assert content_hash(PIL.Image.new("RGB", (20, 10))) != content_hash(PIL.Image.new("RGB", (10, 20)))


@pytest.mark.parametrize("seed", range(6))
def test_saved_again_a_picture_looks_the_same(seed: int) -> None:
    picture = scene(seed)
    again = PIL.Image.open(io.BytesIO(encoded(picture, "JPEG", quality=30))).convert("RGB")
    larger = picture.resize((500, 400), PIL.Image.Resampling.BICUBIC)
    for other in (again, larger):
        bits, levels = differences(picture, other)
        assert bits <= 6
        assert levels <= 24


def test_other_pictures_and_other_colours_look_different() -> None:
    for seed in range(5):
        bits, _ = differences(scene(seed), scene(seed + 100))
        assert bits > 12
    red, green, blue = scene(1).split()
    _, levels = differences(scene(1), PIL.Image.merge("RGB", (blue, red, green)))
    assert levels > 24


def test_another_digit_on_one_button_is_another_picture() -> None:
    buttons = []
    for digit in "38":
        button = PIL.Image.new("RGB", (200, 200), (40, 90, 200))
        PIL.ImageDraw.Draw(button).text((50, 10), digit, fill="white", font_size=170)
        buttons.append(button)
    assert differences(*buttons)[1] > 24


def test_a_flat_picture_has_no_perceptual_hash() -> None:
    found = fields(encoded(PIL.Image.new("RGB", (64, 64), (200, 10, 10))))
    assert found["phash"] is None
    assert found["contrast"] == 0.0
    assert isinstance(found["content_hash"], str)


def test_symmetric_pictures_are_stable() -> None:
    """Half of their coefficients are zero but for noise, which must not decide bits."""
    picture = PIL.Image.new("RGB", (120, 120), "white")
    PIL.ImageDraw.Draw(picture).ellipse((30, 30, 89, 89), fill="black")
    noisy = PIL.Image.open(io.BytesIO(encoded(picture, "JPEG", quality=20))).convert("RGB")
    assert differences(picture, noisy)[0] <= 2


def test_the_limit_is_part_of_the_settings() -> None:
    assert PictureFacts(max_pixels=10).settings() != PictureFacts().settings()
    [outcome] = PictureFacts(max_pixels=100).open()([item(image=encoded(scene(1)))])
    assert isinstance(outcome, Drop)
