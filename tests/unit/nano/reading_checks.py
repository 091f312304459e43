"""Checks of samples about text against their own facts: what was asked, what is written, and whether boxes have ink in them."""

from __future__ import annotations

import re

import numpy as np
import pytest
from recipes.nano.data.families.phrases_reading import NO, REFUSALS, YES
from recipes.nano.data.sample import Family, MissingMaterial, Sample, Split

QUOTED = re.compile(r"[“\"](.*)[”\"]|<ref>(.*?)</ref>", re.DOTALL)


def samples(family: Family, seeds: range, split: Split) -> list[Sample]:
    """One sample for each seed; the test is skipped where there are no fonts."""
    import random

    try:
        return [family.sample(random.Random(seed), split) for seed in seeds]
    except MissingMaterial as error:
        pytest.skip(f"no materials: {error}")


def squeezed(text: str) -> str:
    return "".join(text.split()).casefold()


def check(sample: Sample) -> None:
    """Every turn is true to the facts, and the sample is well formed."""
    (image,) = sample.images
    assert image.mode == "RGB"
    assert all(224 <= side <= 1600 for side in image.size)
    assert len(sample.turns) == len(sample.facts["turns"]) >= 1
    assert sample.task == sample.facts["turns"][0]["task"]
    for turn, facts in zip(sample.turns, sample.facts["turns"], strict=True):
        assert turn.answer == facts["answer"]
        assert turn.question.strip()
        assert turn.answer.strip()
        assert "{" not in re.sub(re.escape(sample.facts["text"]), "", turn.question) or "{" in sample.facts["text"]
        _check_turn(sample, turn.question, turn.answer, facts["task"])
        if "box" in facts:
            assert has_ink(sample, facts["box"]), (sample.facts["text"], facts)


def has_ink(sample: Sample, mark: str) -> bool:
    """Whether the box differs within itself, as text on its ground does."""
    (image,) = sample.images
    x1, y1, x2, y2 = (int(value) for value in re.findall(r"\d+", mark))
    assert 0 <= x1 < x2 <= 1000
    assert 0 <= y1 < y2 <= 1000
    edges = (x1 * image.width // 1000, y1 * image.height // 1000, -(-x2 * image.width // 1000), -(-y2 * image.height // 1000))
    light = np.asarray(image.crop(edges).convert("L"), dtype=np.float32)
    return bool(np.ptp(light) > 25)


def _check_turn(sample: Sample, question: str, answer: str, task: str) -> None:
    text, lines = sample.facts["text"], sample.facts["lines"]
    quoted = next((group for group in QUOTED.search(question).groups() if group), None) if QUOTED.search(question) else None
    if task == "absent":
        assert answer == REFUSALS[sample.language]
        assert quoted is None or squeezed(quoted) not in squeezed(text)
    elif task == "present":
        assert answer == (YES if squeezed(quoted or "") in squeezed(text) else NO)[sample.language]
    elif task == "where":
        assert squeezed(text).count(squeezed(quoted or "")) == 1
        assert answer.startswith(f"<ref>{quoted}</ref><box>[[")
    elif task == "continue":
        assert any(squeezed(line).endswith(squeezed((quoted or "") + answer)) for line in lines)
    elif task == "count_lines":
        assert answer == str(len(lines))
    elif task in ("read_line", "last_line"):
        assert answer in lines
    elif task in sample.facts["values"]:
        assert answer == sample.facts["values"][task]
        assert squeezed(answer) in squeezed(text)
