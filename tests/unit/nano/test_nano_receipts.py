"""Receipts, tickets and cards: sums are right, everything printed is where its box is, and answers say what was printed."""

from __future__ import annotations

import json
import random
import re

import numpy as np
import pytest
from recipes.nano.data.families.phrases_receipts import ABSENT, ALIKE, KEYS, KIND_NAMES, PHRASES
from recipes.nano.data.families.receipts import Receipts
from recipes.nano.data.families.receipts_documents import Paper, Writer
from recipes.nano.data.families.receipts_drawing import LAYOUTS, draw_paper
from recipes.nano.data.families.receipts_goods import pick_goods
from recipes.nano.data.families.receipts_kinds import MAKERS
from recipes.nano.data.families.receipts_questions import TASKS, Asked, absent_keys, whole_json
from recipes.nano.data.fonts import faces
from recipes.nano.data.sample import Language, MissingMaterial, Sample, Split, part_of

SPLITS: tuple[Split, ...] = ("train", "val", "test")
LANGUAGES: tuple[Language, ...] = ("en", "zh")


@pytest.fixture(autouse=True)
def _fonts() -> None:
    try:
        for split in SPLITS:
            for language in LANGUAGES:
                faces(language, split)
    except MissingMaterial as error:
        pytest.skip(str(error))


def paper_of(kind: str, seed: int, language: Language = "en", split: Split = "train") -> Paper:
    return MAKERS[kind](Writer(random.Random(f"{kind} {seed}"), language, split))


def samples(split: Split, count: int) -> list[Sample]:
    return [Receipts().sample(random.Random(f"test {number}"), split) for number in range(count)]


def cents(text: str) -> int:
    return int(re.sub(r"[^\d]", "", text)) * (-1 if text.startswith("-") else 1)


def test_every_kind_has_a_name_and_every_field_a_place_in_the_table() -> None:
    assert set(MAKERS) == set(KIND_NAMES)
    for kind in MAKERS:
        for seed in range(6):
            for each in paper_of(kind, seed).all_fields():
                assert each.key in KEYS
                assert each.value
    assert set().union(*ALIKE) <= set(KEYS)


@pytest.mark.parametrize("kind", ["shop", "restaurant", "invoice", "hotel"])
def test_the_printed_sums_add_up_to_the_cent(kind: str) -> None:
    for seed in range(60):
        paper = paper_of(kind, seed, LANGUAGES[seed % 2])
        printed = {each.key: cents(each.value) for each in paper.totals}
        lines = sum(cents(paper.cells(item)["amount"]) for item in paper.items)
        assert printed.get("subtotal", lines) == lines
        extras = sum(printed.get(key, 0) for key in ("discount", "tax", "tip", "service"))
        assert printed["total"] == lines + extras == paper.cents["total"]
        assert printed.get("paid", 0) - printed.get("change", 0) in (0, printed["total"])
        for item in paper.items:
            cells = paper.cells(item)
            assert "price" not in cells or cents(cells["price"]) * item.quantity == cents(cells["amount"])
            assert "quantity" in cells or item.quantity == 1


def test_meters_and_litres_add_up() -> None:
    for seed in range(40):
        bill = {each.key: each.value for each in paper_of("utility", seed).all_fields()}
        used = int(bill["current"]) - int(bill["previous"])
        assert bill["usage"].split()[0] == str(used)
        assert cents(bill["total"]) == used * cents(bill["rate"])
        fuel = {each.key: each.value for each in paper_of("fuel", seed).all_fields()}
        assert abs(cents(fuel["total"]) - cents(fuel["volume"]) * cents(fuel["rate"]) / 100) <= 0.5


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_a_layout_prints_everything_once_inside_the_paper_and_ink_is_in_every_box(
    layout: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recipes.nano.data.families.receipts_drawing.LAYOUTS", (layout,))
    fitting = [kind for kind in MAKERS if layout.fits(paper_of(kind, 0))]  # type: ignore[attr-defined]
    assert fitting
    for number, kind in enumerate(fitting):
        language = LANGUAGES[number % 2]
        paper = paper_of(kind, number, language)
        monkeypatch.setattr("recipes.nano.data.families.receipts_drawing._lived", lambda image, boxes, *_: (image, boxes))
        drawn = draw_paper(paper, random.Random(number), layout.split)  # type: ignore[attr-defined]
        wanted = {f"field {each.key}" for each in paper.all_fields()} | ({"title"} if paper.title else set())
        wanted |= {f"item {row} {column}" for row in range(len(paper.items)) for column in paper.columns}
        assert set(drawn.boxes) == wanted
        grey = np.asarray(drawn.image.convert("L"), dtype=float)
        for box in drawn.boxes.values():
            x1, y1, x2, y2 = (round(value) for value in box)
            part = grey[y1:y2, x1:x2]
            assert part.size > 20
            assert part.max() - part.min() > 60, "text can be told from its ground"


def test_layouts_belong_to_one_split_and_every_shape_has_some_in_each() -> None:
    assert len({layout.name for layout in LAYOUTS}) == len(LAYOUTS) >= 20
    for shape in ("strip", "page", "ticket", "card", "label"):
        assert {layout.split for layout in LAYOUTS if layout.shape == shape} == set(SPLITS)
    for split in SPLITS:
        known = {layout.name for layout in LAYOUTS if layout.split == split}
        assert {sample.facts["layout"] for sample in samples(split, 6)} <= known


def test_goods_belong_to_their_split() -> None:
    for split in SPLITS:
        for kind in ("food", "dish", "service"):
            for language in LANGUAGES:
                names = pick_goods(random.Random(1), language, split, kind, 8)
                assert len(set(names)) == 8
                assert {part_of(name) for name in names} == {split}


def test_the_same_seed_gives_the_same_sample() -> None:
    first, again = (Receipts().sample(random.Random("same"), "val") for _ in range(2))
    assert first.turns == again.turns
    assert first.facts == again.facts
    assert first.images[0].tobytes() == again.images[0].tobytes()


def test_json_answers_hold_exactly_what_is_printed_in_the_order_of_the_paper() -> None:
    paper = paper_of("shop", 3)
    made = whole_json(paper, "en")
    keys = [each.key for each in paper.fields]
    assert list(made) == ["title", *keys, "items", *(each.key for each in paper.totals)]
    assert [row["name"] for row in made["items"]] == [item.name for item in paper.items]
    assert json.loads(json.dumps(made)) == made
    chinese = whole_json(paper_of("shop", 3, "zh"), "zh")
    assert {"标题", "明细", "合计"} <= set(chinese)


def test_every_question_has_a_true_answer() -> None:
    for seed in range(150):
        kind = list(MAKERS)[seed % len(MAKERS)]
        language = LANGUAGES[seed % 2]
        paper = paper_of(kind, seed, language)
        boxes = {f"field {each.key}": (10.0, 20.0, 110.0, 40.0) for each in paper.all_fields()}
        asked = Asked(paper, boxes, (400, 200), language, random.Random(seed))
        values = {each.value for each in paper.all_fields()}
        for task, (ask, _) in TASKS.items():
            turn = ask(asked)
            if turn is None:
                continue
            assert "{" not in turn.question, turn.question
            if task in ("field", "main", "label", "read_box"):
                assert turn.answer in values
            elif task == "absent":
                assert turn.answer in ABSENT[language]
            elif task == "box":
                assert turn.answer.endswith("<box>[[25, 100, 275, 200]]</box>")
            elif task == "extreme":
                amounts = {item.name: item.amount for item in paper.items}
                assert amounts[turn.answer] in (max(amounts.values()), min(amounts.values()))
            elif task in ("json", "json_some"):
                assert isinstance(json.loads(turn.answer), dict)


def test_what_is_asked_in_vain_is_not_printed_and_has_no_relative_on_the_paper() -> None:
    paper = paper_of("food", 1)
    keys = absent_keys(paper)
    assert "date" not in keys, "a production date is a date"
    assert "gate" in keys
    assert not set(keys) & {each.key for each in paper.all_fields()}


def test_every_task_has_phrasings_in_both_languages() -> None:
    for task, phrasings in PHRASES.items():
        for language in LANGUAGES:
            assert len(phrasings[language]) >= 3, task


def test_pictures_have_sizes_of_life_and_boxes_stay_inside() -> None:
    for sample in samples("train", 12) + samples("test", 6):
        width, height = sample.images[0].size
        assert min(width, height) >= 200
        assert max(width, height) <= 1600
        for turn in sample.turns:
            for numbers in re.findall(r"<box>\[\[(.*?)\]\]</box>", turn.question + turn.answer):
                x1, y1, x2, y2 = (int(value) for value in numbers.split(","))
                assert 0 <= x1 < x2 <= 1000
                assert 0 <= y1 < y2 <= 1000
