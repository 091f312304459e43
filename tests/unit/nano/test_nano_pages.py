"""Pages: parts are what was set, answers are true, boxes have ink, nothing lies outside the sheet or over anything else."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))

from reading_checks import check, has_ink, samples, squeezed
from recipes.nano.data.families.page_layouts import KINDS, Sheet, compose
from recipes.nano.data.families.pages import Pages
from recipes.nano.data.sample import Sample


def sheets(count: int) -> list[Sheet]:
    class Composer:
        name = "sheets"

        def sample(self, source: random.Random, split: str) -> Sheet:
            return compose(source, "train", source.choice(KINDS), source.choice(("en", "zh")))

    return samples(Composer(), range(count), "train")


def test_turns_are_true() -> None:
    made = samples(Pages(), range(45), "train")
    for sample in made:
        check(sample)
        _check_parts(sample)
    seen = {turn["task"] for sample in made for turn in sample.facts["turns"]}
    assert {"read", "title", "where", "read_box", "absent"} <= seen


def test_blocks_have_ink_on_the_picture() -> None:
    for sample in samples(Pages(), range(25), "train"):
        for block in sample.facts["blocks"]:
            assert has_ink(sample, str(block["box"])), block


def test_blocks_stand_apart_on_the_sheet() -> None:
    for sheet in sheets(60):
        boxes = [block.box for block in sheet.blocks]
        for x1, y1, x2, y2 in boxes:
            assert x1 >= -4
            assert y1 >= -4
            assert x2 <= sheet.size[0] + 4
            assert y2 <= sheet.size[1] + 4
        for index, one in enumerate(boxes):
            for other in boxes[index + 1 :]:
                across = min(one[2], other[2]) - max(one[0], other[0])
                down = min(one[3], other[3]) - max(one[1], other[1])
                # Letters of script faces reach far: a touch is no overlap.
                assert across <= 2 or down <= 0.45 * sheet.text_px, sheet.kind


def test_lines_of_a_block_are_its_text() -> None:
    for sheet in sheets(60):
        for block in sheet.blocks:
            assert squeezed("".join(line.text for line in block.lines)) == squeezed(block.printed)
            assert block.printed.endswith(block.text)


def test_same_seed_same_sample() -> None:
    first, second = samples(Pages(), range(4), "train"), samples(Pages(), range(4), "train")
    for one, other in zip(first, second, strict=True):
        assert (one.turns, one.facts) == (other.turns, other.facts)
        assert np.array_equal(np.asarray(one.images[0]), np.asarray(other.images[0]))


@pytest.mark.parametrize("split", ["val", "test"])
def test_scored_splits_ask_once(split: str) -> None:
    for sample in samples(Pages(), range(8), split):
        check(sample)
        assert len(sample.turns) == 1


def _check_parts(sample: Sample) -> None:
    """Titles, items and counts are those of the blocks."""
    texts = {
        role: [block["text"] for block in sample.facts["blocks"] if block["role"] == role]
        for role in ("title", "heading", "item", "paragraph")
    }
    for turn in sample.facts["turns"]:
        task, answer = turn["task"], turn["answer"]
        if task == "title":
            assert [answer] == texts["title"]
        elif task == "item":
            assert answer in texts["item"]
        elif task == "items":
            assert answer == "\n".join(texts["item"])
        elif task == "count_items":
            assert answer == str(len(texts["item"]))
        elif task in ("headings", "count_headings"):
            assert answer in ("\n".join(texts["heading"]), str(len(texts["heading"])))
        elif task == "paragraph":
            assert answer in texts["paragraph"]
        elif task == "columns":
            assert answer == str(sample.facts["columns"])
