"""Formulas of the data generator: one spelling for each, drawn back to the same picture, boxes on ink."""

from __future__ import annotations

import random
from typing import Any

import pytest
from PIL import ImageChops
from recipes.nano.data.families.phrases_formulas import PHRASES, REFUSALS
from recipes.nano.data.formula_grammar import Formula, formula
from recipes.nano.data.formula_latex import normalise
from recipes.nano.data.formula_names import NAMED, named
from recipes.nano.data.sample import Sample, part_of

SPLITS = ("train", "val", "test")


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("x^2", "x^{2}"),
        (r"\dfrac 1 2", r"\frac{1}{2}"),
        (r"a \le  b", r"a\leq b"),
        ("x^2_i", "x_{i}^{2}"),
        (r"\left( \frac{a}{b} \right)^n", r"(\frac{a}{b})^{n}"),
        (r"\sqrt[3] x", r"\sqrt[3]{x}"),
        (r"\int_0^1 f \, dx", r"\int_{0}^{1}fdx"),
        (r"$\alpha x + {y}$", r"\alpha x+y"),
        (r"\left. x \right|", "x|"),
        (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", r"\begin{pmatrix}1&2\\3&4\end{pmatrix}"),
        (r"e^\frac{1}{2}", r"e^{\frac{1}{2}}"),
        (r"\operatorname{rank} A", r"\mathrm{rank}A"),
    ],
)
def test_one_spelling(written: str, spelled: str) -> None:
    assert normalise(written) == spelled
    assert normalise(spelled) == spelled


@pytest.mark.parametrize("broken", [r"\frac{1}", "x^", "{a", "a}", r"\sqrt[3"])
def test_unmatched_braces_are_refused(broken: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which of the messages depends on where it breaks
        normalise(broken)


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_grammar_is_normal_and_various(level: int) -> None:
    drawn = [formula(random.Random(seed), level) for seed in range(300)]
    assert len({one.latex for one in drawn}) > 250
    for one in drawn:
        assert normalise(one.latex) == one.latex
        for name, part in one.marks.items():
            assert part == "yes" or part in one.latex, (name, one.source)


def picture(one: Formula) -> Any:
    pytest.importorskip("matplotlib", reason="formulas are drawn with matplotlib")
    from recipes.nano.data.formula_mathtext import draw

    ink = draw(one, size_px=22, fonts="cm")
    return ink.crop(ink.getbbox())


def test_answer_draws_the_same_picture() -> None:
    checked = 0
    for seed in range(80):
        one = formula(random.Random(seed), 1 + seed % 3)
        if any(word in one.source for word in (r"\left", r"\dfrac", r"\,")):  # these change sizes and gaps, not what is written
            continue
        again = picture(Formula((one.latex,), one.level))
        assert ImageChops.difference(again, picture(one)).getbbox() is None, one.source
        checked += 1
    assert checked > 40


def test_other_answers_draw_other_pictures() -> None:
    pictures: dict[tuple[tuple[int, int], bytes], str] = {}
    for seed in range(100):
        one = formula(random.Random(1000 + seed), 1 + seed % 4)
        drawn = picture(one)
        assert pictures.setdefault((drawn.size, drawn.tobytes()), one.latex) == one.latex


def test_famous_formulas_are_drawn() -> None:
    for index, (_, english, chinese) in enumerate(NAMED):
        one = named(index)
        assert normalise(one.latex) == one.latex
        assert picture(one).width > 20
        assert english.isprintable()
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)


def samples(count: int, split: str = "train", first: int = 0) -> list[Sample]:
    pytest.importorskip("matplotlib", reason="formulas are drawn with matplotlib")
    from recipes.nano.data.families.formulas import Formulas

    return [Formulas(("mathtext",)).sample(random.Random(first + seed), split) for seed in range(count)]  # type: ignore[arg-type]


def test_same_seed_same_sample() -> None:
    for one, two in zip(samples(6), samples(6), strict=True):
        assert (one.turns, one.facts) == (two.turns, two.facts)
        assert one.images[0].tobytes() == two.images[0].tobytes()


def test_splits_share_no_formula() -> None:
    famous = {named(index).latex for index in range(len(NAMED))}
    for split in SPLITS:
        for sample in samples(12, split):
            assert all(part_of(latex) == split for latex in sample.facts["latex"] if latex not in famous)


def test_samples_are_true() -> None:
    tasks = set()
    for sample in samples(110):
        width, height = sample.images[0].size
        assert 224 <= min(width, height) <= max(width, height) <= 1600
        for turn, facts in zip(sample.turns, sample.facts["turns"], strict=True):
            tasks.add(facts["task"])
            assert "{sign}" not in turn.question
            if facts["task"] in ("transcribe", "transcribe_numbered"):
                assert turn.answer in sample.facts["latex"]
            elif facts["task"] == "absent":
                assert turn.answer in REFUSALS[sample.language]
            elif facts["task"] == "count":
                assert turn.answer == str(len(sample.facts["latex"]))
            elif facts["task"] in ("numerator", "denominator", "lower", "upper", "under_root", "left", "right"):
                assert turn.answer in sample.facts["latex"][0]
    assert {"transcribe", "transcribe_numbered", "absent", "contains", "entry", "size", "count", "numerator"} <= tasks


def test_boxes_hold_the_ink() -> None:
    from recipes.nano.data.families import formulas

    pytest.importorskip("matplotlib", reason="formulas are drawn with matplotlib")
    for seed in range(8):
        source = random.Random(seed)
        drawn = [formula(source, 2) for _ in range(3)]
        sheet, boxes = formulas._picture(drawn, "mathtext", source, "train")
        paper = sheet.getpixel((0, 0))
        for x1, y1, x2, y2 in boxes:
            box = (x1 * sheet.width // 1000, y1 * sheet.height // 1000, x2 * sheet.width // 1000 + 1, y2 * sheet.height // 1000 + 1)
            colours = sheet.crop(box).getcolors(1 << 20)
            assert len(colours) > 2
            assert max(count for count, _ in colours) < (box[2] - box[0]) * (box[3] - box[1])
            assert paper in {colour for _, colour in colours}


def test_every_wording_has_both_languages() -> None:
    blanks = {"number": "1", "row": "1", "column": "2", "sign": "sum"}
    for task, by_language in PHRASES.items():
        for language in ("en", "zh"):
            wordings = by_language[language]  # type: ignore[index]
            assert len(wordings) == len(set(wordings)) >= 3, task
            assert all(wording.format(**blanks) for wording in wordings)


def test_katex_draws_matrices_where_chromium_is() -> None:
    from recipes.nano.data import formula_katex
    from recipes.nano.data.sample import MissingMaterial

    one = formula(random.Random(3), 4)
    try:
        ink = formula_katex.draw(one, size_px=24, display=True)
    except MissingMaterial as error:
        pytest.skip(str(error))
    assert ink.width > 40
