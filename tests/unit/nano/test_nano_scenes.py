"""Scenes: boxes are those of the ink, and every answer can be read off the things that were drawn."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from recipes.nano.data.cast import plain
from recipes.nano.data.compose_scene import Item, Scene, compose
from recipes.nano.data.families.phrases_scenes import CHINESE, ENGLISH
from recipes.nano.data.families.scene_tasks import TASKS, WEIGHTS, Asked, side_of
from recipes.nano.data.families.scenes import Scenes, draw_scene
from recipes.nano.data.names import Name
from recipes.nano.data.pictures import Album
from recipes.nano.data.shapes import shape_name, shape_picture
from small_album import small_album


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Album:
    return small_album(tmp_path_factory.mktemp("album"))


def test_boxes_are_those_of_the_ink() -> None:
    source, ground = random.Random(5), Image.new("RGB", (400, 300), (128, 128, 128))
    for shape in ("circle", "star", "triangle", "heart", "cross", "ring", "rectangle"):
        item = Item(shape_name(shape, "red"), shape_picture(source, shape, "red", 120), "red", f"shape/{shape}")
        scene = compose(source, [item], ground)
        assert scene is not None
        ink = ImageChops.difference(scene.image, ground).convert("L").point(lambda value: 255 if value > 12 else 0).getbbox()
        assert ink is not None
        assert all(abs(a - b) <= 2 for a, b in zip(ink, scene.things[0].box, strict=True)), shape


def test_things_never_overlap_and_stay_inside(book: Album) -> None:
    for seed in range(40):
        scene = draw_scene(random.Random(seed), book, "train")
        width, height = scene.image.size
        assert min(width, height) >= 224
        assert max(width, height) <= 1200
        for number, thing in enumerate(scene.things):
            x1, y1, x2, y2 = thing.box
            assert 0 <= x1 < x2 <= width
            assert 0 <= y1 < y2 <= height
            for other in scene.things[number + 1 :]:
                assert x2 <= other.box[0] or other.box[2] <= x1 or y2 <= other.box[1] or other.box[3] <= y1


def test_the_same_seed_gives_the_same_sample(book: Album) -> None:
    family = Scenes(book)
    for seed in range(6):
        first, second = (family.sample(random.Random(seed), "train") for _ in range(2))
        assert first.turns == second.turns
        assert first.facts == second.facts
        assert first.images[0].tobytes() == second.images[0].tobytes()


def test_drawings_come_from_their_split(book: Album) -> None:
    for split in ("train", "test"):
        keys = {drawing.key for drawing in book.drawings(split)}
        for seed in range(15):
            drawn = {thing["drawing"] for thing in Scenes(book).sample(random.Random(seed), split).facts["objects"]}
            assert all(key in keys or key.startswith("shape/") for key in drawn)


def test_answers_are_in_the_language_of_the_question_and_boxes_in_bounds(book: Album) -> None:
    han, latin = re.compile(r"[\u4e00-\u9fff]"), re.compile(r"[A-Za-z]")
    seen: Counter[str] = Counter()
    for seed in range(90):
        sample = Scenes(book).sample(random.Random(seed), "train")
        for turn, fact in zip(sample.turns, sample.facts["turns"], strict=True):
            seen[fact["task"]] += 1
            text = re.sub(r"</?(ref|box)>", "", turn.question + turn.answer)
            assert turn.answer
            assert "{" not in text
            assert not (latin if sample.language == "zh" else han).search(text), text
            for numbers in re.findall(r"\[(\d+), (\d+), (\d+), (\d+)\]", text):
                assert all(0 <= int(number) <= 1000 for number in numbers)
    assert set(TASKS) - set(seen) <= {"between", "order", "animals", "extreme", "detail", "no_text"}
    assert seen["refused"] > 5


def test_answers_follow_from_the_things(book: Album) -> None:
    source = random.Random(11)
    for seed in range(70):
        scene = draw_scene(random.Random(seed), book, "train")
        asked = Asked(scene, source, "en", Name("submarine", "潜水艇"))
        names = Counter(thing.name.en for thing in scene.things)
        _check_count(asked, scene)
        if (found := TASKS["locate"](asked)) is not None:
            turn, facts = found
            name = re.search(r"<ref>the (.*?)</ref>", turn.question)
            assert name is not None
            assert names[name.group(1)] == 1
            thing = next(thing for thing in scene.things if thing.name.en == name.group(1))
            assert facts["boxes"] == [list(scene.thousandths(thing.box))]
        if (found := TASKS["colour"](asked)) is not None:
            assert found[1]["value"] in {thing.colour for thing in scene.things}
        turn, facts = TASKS["box"](asked) or pytest.fail("every scene has a box to ask about")
        assert any(scene.marked([thing]) in turn.question and thing.name.en == facts["value"] for thing in scene.things)
        if len(names) == 1:
            assert TASKS["relation"](asked) is None


def _check_count(asked: Asked, scene: Scene) -> None:
    found = TASKS["count"](asked)
    if found is None:
        return
    turn, facts = found
    assert turn.answer == str(facts["value"])
    if "submarine" in turn.question:
        assert facts["value"] == 0
    else:
        numbers = {sum(each in (other.name.en, plain(other.name).en) for other in scene.things)
                   for thing in scene.things for each in (thing.name.en, plain(thing.name).en)}  # fmt: skip
        assert facts["value"] in numbers


def test_sides() -> None:
    ground, source = Image.new("RGB", (600, 200), "white"), random.Random(2)
    items = [
        Item(shape_name("circle", colour), shape_picture(source, "circle", colour, 60), colour, "shape/circle")
        for colour in ("red", "blue")
    ]
    scene = compose(source, items, ground, arrangement="row")
    assert scene is not None
    first, second = scene.things
    assert side_of(first, second) == "left"
    assert side_of(second, first) == "right"


def test_both_languages_can_ask_everything() -> None:
    assert set(ENGLISH) == set(CHINESE)
    assert set(WEIGHTS) == set(TASKS)


def test_an_album_without_pictures_of_a_split_still_gives_shapes(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text("[]", encoding="utf-8")
    sample = Scenes(Album(tmp_path)).sample(random.Random(1), "val")
    assert all(thing["drawing"].startswith("shape/") for thing in sample.facts["objects"])
