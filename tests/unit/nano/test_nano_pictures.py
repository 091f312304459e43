"""Names and pictures of things: the tables, the grammar, the colours, and splits that share no drawing."""

from __future__ import annotations

import random
from itertools import combinations
from pathlib import Path

import pytest
from PIL import Image
from recipes.nano.data.cast import absent, kinds, plain, too_close
from recipes.nano.data.colours import COLOURS, colour_of, painted
from recipes.nano.data.names import Name, confusable, listed, one, plural, several
from recipes.nano.data.object_names import EMOJI, NOT_COUNTED, STAMPS
from recipes.nano.data.picture_index import place
from recipes.nano.data.pictures import Album, split_of
from recipes.nano.data.sample import MissingMaterial
from recipes.nano.data.shapes import SHAPES, shape_name, shape_picture
from small_album import small_album


def test_no_label_of_the_emoji_stands_twice() -> None:
    labels = [entry.partition("=")[0] for row in EMOJI.values() for entry in row.split(", ")]
    assert len(labels) == len(set(labels))
    assert len(labels) > 450
    assert all(entry.strip() == entry and entry for row in (*EMOJI.values(), *STAMPS.values()) for entry in row.split(", "))


@pytest.mark.parametrize(
    ("phrase", "many"),
    [
        ("dog", "dogs"),
        ("box", "boxes"),
        ("cherry blossom", "cherry blossoms"),
        ("slice of pizza", "slices of pizza"),
        ("goose", "geese"),
        ("computer mouse", "computer mice"),
        ("candy", "candies"),
        ("key", "keys"),
        ("bow and arrow", "bows and arrow"),
    ],
)
def test_plural(phrase: str, many: str) -> None:
    assert plural(phrase) == many


def test_articles_and_measure_words() -> None:
    assert one(Name("owl", "猫头鹰", "bird"), "en") == "an owl"
    assert one(Name("unicorn", "独角兽", "mammal"), "en") == "a unicorn"
    assert one(Name("grapes", "葡萄", "fruit"), "en") == "grapes"
    assert several(Name("car", "汽车", "vehicle"), 3, "zh") == "三辆汽车"
    assert several(Name("dog", "狗", "mammal"), 2, "en") == "two dogs"
    assert listed(["a", "b", "c"], "en") == "a, b and c"


def test_names_that_may_be_mixed_up() -> None:
    assert confusable(Name("dog", "狗"), Name("poodle", "贵宾犬"))
    assert confusable(Name("police car", "警车"), Name("racing car", "赛车"))
    assert confusable(Name("penguin", "企鹅"), Name("bird", "鸟"))
    assert not confusable(Name("key", "钥匙"), Name("banana", "香蕉"))
    assert too_close(shape_name("circle", "red"), shape_name("circle", "orange"))
    assert not too_close(shape_name("circle", "red"), shape_name("circle", "blue"))
    assert plain(shape_name("circle", "red")).en == "circle"
    assert plain(Name("blue car", "蓝色的汽车", exact=True)).zh == "汽车"


def test_shapes_have_the_colour_of_their_name() -> None:
    source = random.Random(3)
    for shape in SHAPES:
        for colour in COLOURS:
            picture = shape_picture(source, shape, colour, 90)
            assert picture.getbbox() == (0, 0, *picture.size)
            assert max(picture.size) == 90
            assert colour_of(picture) in (colour, None), (shape, colour)


def test_painting_changes_the_colour_and_nothing_else() -> None:
    red = Image.new("RGBA", (40, 40), (222, 35, 35, 255))
    blue = painted(red, "blue")
    assert blue is not None
    assert colour_of(red) == "red"
    assert colour_of(blue) == "blue"
    assert painted(Image.new("RGBA", (40, 40), (128, 128, 128, 255)), "blue") is None


def test_splits_share_no_drawing(tmp_path: Path) -> None:
    book = small_album(tmp_path)
    drawings = {split: {drawing.key for drawing in book.drawings(split)} for split in ("train", "val", "test")}  # type: ignore[arg-type]
    assert all(not first & second for first, second in combinations(drawings.values(), 2))
    assert not any(key.startswith("openmoji") for key in drawings["train"] | drawings["val"])
    assert drawings["train"]
    assert drawings["test"]


def test_kinds_never_clash_and_the_absent_is_absent(tmp_path: Path) -> None:
    book, under = small_album(tmp_path), Image.new("RGB", (64, 64), (200, 210, 220))
    for seed in range(60):
        source = random.Random(seed)
        chosen = kinds(source, book, "train", 5, under)
        assert all(not too_close(first.name, second.name) for first, second in combinations(chosen, 2))
        missing = absent(source, book, "train", [kind.name for kind in chosen])
        assert missing is None or all(not confusable(missing, kind.name) for kind in chosen)


def test_no_pictures_is_said_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(MissingMaterial, match="picture_index"):
        Album(tmp_path)


def test_the_rendered_sets() -> None:
    if not (place() / "index.json").is_file():
        pytest.skip("the picture sets are not rendered: python -m recipes.nano.data.picture_index")
    book = Album(place())
    train, test = book.drawings("train"), book.drawings("test")
    assert len(train) > 1500
    assert len(test) > 500
    assert all(split_of(drawing) == "train" for drawing in train)
    known = {drawing.name.en for drawing in train}
    assert sum(drawing.name.en in known for drawing in test) > 0.97 * len(test)
    assert {drawing.name.en for drawing in train} & NOT_COUNTED
    for drawing in random.Random(1).sample(train + test, 40):
        assert drawing.name.zh
        assert not drawing.name.zh.isascii() or drawing.name.en in {"T-shirt", "CD"}
        picture = book.picture(drawing, 100)
        assert picture is not None
        assert max(picture.size) == 100
