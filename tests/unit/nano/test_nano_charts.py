"""Charts of the data generator: answers follow from the numbers drawn, boxes lie on bars, splits share nothing."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from recipes.nano.data import chart_data
from recipes.nano.data.chart_spec import Axis, Figures, Series, format_number, nice_axis
from recipes.nano.data.chart_style import COLOUR_WORDS, PALETTES, palette
from recipes.nano.data.families.phrases_charts import PHRASES, REFUSALS
from recipes.nano.data.sample import MissingMaterial, Sample, part_of

SPLITS = ("train", "val", "test")


def charts(renderer: str = "svg") -> Any:
    pytest.importorskip({"svg": "resvg_py", "vega": "vl_convert", "matplotlib": "matplotlib"}[renderer], reason=f"no {renderer}")
    from recipes.nano.data.families.charts import Charts

    return Charts((renderer,), real_numbers=False)


def sample_of(family: Any, seed: int, split: str = "train") -> Sample:
    try:
        return family.sample(random.Random(seed), split)
    except MissingMaterial as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    family = charts()
    return [sample_of(family, seed) for seed in range(60)]


@pytest.mark.parametrize(
    ("value", "decimals", "unit", "thousands", "text"),
    [
        (1200, 0, "$", True, "$1,200"),
        (-3.25, 1, "%", False, "-3.2%"),
        (30, 0, "h", False, "30 h"),
        (-0.01, 1, "°C", False, "0.0°C"),
        (5, 0, "", True, "5"),
    ],
)
def test_numbers_are_written_as_people_do(value: float, decimals: int, unit: str, thousands: bool, text: str) -> None:
    assert format_number(value, decimals, unit, thousands=thousands) == text


@pytest.mark.parametrize("seed", range(30))
def test_axis_holds_all_values_on_round_ticks(seed: int) -> None:
    source = random.Random(seed)
    scale = 10 ** source.uniform(-2, 6)
    values = tuple(source.uniform(-0.3, 1) * scale for _ in range(6))
    axis = nice_axis(values, from_zero=bool(seed % 2), lines=source.choice((4, 5, 8)))
    assert axis.low <= min(values) <= max(values) <= axis.high
    assert 2 <= len(axis.ticks) <= 14
    assert all(abs(float(f"{tick:.{axis.decimals}f}") - tick) < 1e-6 * axis.step for tick in axis.ticks)
    if seed % 2:
        assert axis.low <= 0 <= axis.high


@pytest.mark.parametrize(("step", "decimals"), [(1, 0), (2.5, 1), (0.25, 2), (0.025, 3), (20, 0), (0.5, 1), (250, 0)])
def test_ticks_have_the_decimals_they_need(step: float, decimals: int) -> None:
    assert Axis(0, 4 * step, step).decimals == decimals


@pytest.mark.parametrize("split", SPLITS)
def test_palettes_name_every_colour_once(split: Any) -> None:
    for dark in (False, True):
        for seed in range(20):
            colours = palette(random.Random(seed), split, at_least=3, dark=dark)
            words = [colour.word for colour in colours]
            assert len(words) == len(set(words)) >= 2
            assert all(
                word in COLOUR_WORDS and re.fullmatch("#[0-9a-f]{6}", colour.code) for word, colour in zip(words, colours, strict=True)
            )
    assert not set(PALETTES["train"]) & set(PALETTES["test"])


def test_contents_of_splits_are_disjoint() -> None:
    keys = {
        split: {chart_data.figures(random.Random(seed), "en", split, real=False).key for seed in range(40)}  # type: ignore[arg-type]
        for split in SPLITS
    }
    assert all(part_of(key) == split for split, some in keys.items() for key in some)
    assert all(len(some) > 30 for some in keys.values())


@pytest.mark.parametrize("renderer", ["svg", "vega", "matplotlib"])
def test_same_seed_same_sample(renderer: str) -> None:
    family = charts(renderer)
    for seed in (1, 2):
        one, two = sample_of(family, seed), sample_of(family, seed)
        assert (one.turns, one.facts) == (two.turns, two.facts)
        assert one.images[0].tobytes() == two.images[0].tobytes()


@pytest.mark.parametrize("renderer", ["svg", "vega", "matplotlib"])
def test_pictures_are_charts_of_a_sensible_size(renderer: str) -> None:
    family = charts(renderer)
    for seed in range(8):
        sample = sample_of(family, 100 + seed)
        width, height = sample.images[0].size
        assert 224 <= min(width, height) <= max(width, height) <= 1600
        assert len(set(sample.images[0].resize((200, 200)).get_flattened_data())) > 3
        assert 1 <= len(sample.turns) <= 3
        assert all(turn.question and turn.answer and "{" not in turn.question for turn in sample.turns)


def asked(samples: list[Sample], *tasks: str) -> list[tuple[str, str, dict[str, Any], dict[str, Any], Sample]]:
    return [
        (turn.question, turn.answer, facts, sample.facts["data"], sample)
        for sample in samples
        for turn, facts in zip(sample.turns, sample.facts["turns"], strict=True)
        if facts["task"] in tasks
    ]


def test_extremes_are_the_extremes(samples: list[Sample]) -> None:
    found = asked(samples, "largest", "smallest")
    assert len(found) > 5
    for _, answer, facts, data, _ in found:
        (values,) = data["series"].values()
        best = (max if facts["task"] == "largest" else min)(values)
        assert data["categories"][values.index(best)] == answer


def test_values_are_true_within_the_tolerance(samples: list[Sample]) -> None:
    found = [one for one in asked(samples, "value") if one[4].facts["kind"] not in ("pie", "donut")]
    assert len(found) > 5
    for question, answer, facts, data, _ in found:
        (values,) = data["series"].values()
        named = [k for k, name in enumerate(data["categories"]) if name.lower() in question.lower()]
        assert min(abs(values[k] - facts["value"]) for k in named) <= facts["tolerance"] / 2 + 1e-9
        assert (facts["tolerance"] == 0) == data["labels"]
        digits = float(re.sub(r"[^0-9.-]", "", answer.replace("约", "").replace("about", "")))
        assert digits == pytest.approx(facts["value"], abs=max(1e-6, facts["tolerance"] / 2))


def test_sums_and_differences_add_up(samples: list[Sample]) -> None:
    for _, answer, facts, data, _ in asked(samples, "sum", "difference"):
        (values,) = data["series"].values()
        results = {round(abs(a - b) if facts["task"] == "difference" else a + b, 2) for a in values for b in values}
        assert round(facts["value"], 2) in results
        assert data["labels"]
        assert re.search(r"\d", answer)


def test_tables_hold_every_number(samples: list[Sample]) -> None:
    found = asked(samples, "table")
    assert found
    for _, answer, _, data, _ in found:
        lines = answer.split("\n")
        assert len(lines) == len(data["categories"]) + 2
        assert len({line.count("|") for line in lines}) == 1


def test_what_is_absent_is_refused_and_absent(samples: list[Sample]) -> None:
    family = charts()
    found = asked([*samples, *(sample_of(family, seed) for seed in range(500, 525))], "absent")
    assert found
    for question, answer, _, data, sample in found:
        assert answer in REFUSALS[sample.language]
        categories = [name for name in data["categories"] if re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)", question.lower())]
        assert not categories or len(data["series"]) > 1


def test_boxes_lie_on_bars() -> None:
    family = charts()
    from recipes.nano.data import chart_svg
    from recipes.nano.data.families.charts import compose

    seen = 0
    for seed in range(30):
        sample_of(family, seed) if seed == 0 else None
        spec = compose(random.Random(seed), "train", real_numbers=False)
        if spec.kind not in ("bar", "grouped", "barh"):
            continue
        drawing = chart_svg.draw(spec)
        for key, (x1, y1, x2, y2) in drawing.boxes.items():
            if x2 - x1 > 8 and y2 - y1 > 12:
                place = (round((x1 + x2) / 2), round((y1 + y2) / 2))
                assert drawing.image.getpixel(place) == tuple(bytes.fromhex(spec.colour(int(key.split("/")[0])).code[1:]))
                seen += 1
    assert seen > 10


def test_every_wording_has_both_languages() -> None:
    blanks = {"name": "A", "row": "B", "other": "C", "measure": "D", "limit": "5", "colour": "red"}
    for task, by_language in PHRASES.items():
        for language in ("en", "zh"):
            wordings = by_language[language]  # type: ignore[index]
            assert len(wordings) == len(set(wordings)) >= 3, task
            assert all(wording.format(**blanks) for wording in wordings)


def test_key_tells_contents_apart() -> None:
    def one(value: float) -> Figures:
        series = (Series("a", (1.0, value)),)
        return Figures(
            language="en", title="t", category_label="x", value_label="y", categories=("p", "q"), series=series, kinds=("bar",)
        )

    assert one(2.0).key != one(3.0).key


def test_real_tables_give_charts_where_they_were_fetched() -> None:
    from recipes.nano.data import chart_real

    try:
        chart_real.table("gapminder.json")
    except MissingMaterial as error:
        pytest.skip(str(error))
    for seed, view in enumerate(chart_real.VIEWS):
        for language in ("en", "zh"):
            drawn = view(random.Random(seed), language)  # type: ignore[arg-type]
            rows = [len(row.values) for row in drawn.series]
            assert all(count == len(drawn.categories) for count in rows)
            assert not set(drawn.others) & set(drawn.categories)
