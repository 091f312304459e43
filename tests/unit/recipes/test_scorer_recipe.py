"""The recipe of the scorers: folding, pieces, states, faults and ranking; what draws needs the materials and is not run here."""

from __future__ import annotations

import random
from pathlib import Path

import numpy
import PIL.Image
import pytest
import torch
from recipes.scorers import pieces
from recipes.scorers.faults import FAULTS, spoilt
from recipes.scorers.fold import NormedConvolution, folded
from recipes.scorers.pictures import _groups, split_of
from recipes.scorers.ranking import area_under_roc, average_precision, rank_correlation, ranks
from recipes.scorers.training_state import load_state, save_state
from torch import Tensor

from internvl.pipelines.scorers.watermark_network import WatermarkNetwork


def photo() -> PIL.Image.Image:
    coarse = numpy.random.default_rng(3).integers(0, 256, (12, 16, 3), dtype=numpy.uint8)
    return PIL.Image.fromarray(coarse).resize((160, 120), PIL.Image.Resampling.BICUBIC)


def test_a_folded_network_computes_the_same() -> None:
    torch.manual_seed(1)
    network = WatermarkNetwork(make=NormedConvolution)
    pixels = torch.randn(4, 3, 64, 96)
    network.train()
    network(pixels)  # moves the statistics of the norms away from 0 and 1
    network.eval()
    plain = WatermarkNetwork()
    plain.load_state_dict(folded(network))
    assert torch.allclose(network(pixels), plain.eval()(pixels), atol=1e-4)


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_fault_changes_the_picture_and_lowers_the_grade_with_its_strength(fault: str) -> None:
    clean = photo()
    slight, severe = (spoilt(random.Random(4), clean, fault=fault, strength=strength) for strength in (0.1, 1.0))
    assert slight.picture.size == severe.picture.size == clean.size
    assert slight.picture.mode == "RGB"
    assert 1 > slight.grade > severe.grade >= 0.04
    gone = [numpy.abs(numpy.asarray(one.picture, dtype=int) - numpy.asarray(clean)).mean() for one in (slight, severe)]
    assert gone[0] > 0
    assert gone[1] > gone[0] or fault == "cut-out", "another part is cut out, not more of it changed"


def test_several_faults_multiply() -> None:
    grades = {len(one.faults): one for one in (spoilt(random.Random(seed), photo()) for seed in range(40))}
    assert set(grades) == {1, 2, 3}


def test_pieces_are_drawn_once_and_depend_on_their_number_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "folder", lambda: tmp_path)
    drawn: list[float] = []

    def draw(source: random.Random, size: int) -> dict[str, Tensor]:
        drawn.append(source.random())
        return {"numbers": torch.full((size,), drawn[-1])}

    files = pieces.ensure_pieces("test", draw, pieces=3, size=2, seed=5)
    files[1].unlink()
    assert pieces.ensure_pieces("test", draw, pieces=3, size=2, seed=5) == files
    assert len(drawn) == 4
    assert drawn[3] == drawn[1] != drawn[0]
    assert pieces.joined(files)["numbers"].shape == (6,)


def test_training_goes_on_from_its_state(tmp_path: Path) -> None:
    def run(*lengths: int) -> list[Tensor]:
        for file in tmp_path.glob("*"):
            file.unlink()
        for length in lengths:
            torch.manual_seed(0)
            network = torch.nn.Linear(3, 2)
            optimiser = torch.optim.AdamW(network.parameters(), lr=0.1)
            done = load_state(tmp_path / "state.safetensors", network, optimiser)
            for step in range(done, done + length):
                optimiser.zero_grad()
                network(torch.full((1, 3), float(step))).square().sum().backward()
                optimiser.step()
            save_state(tmp_path / "state.safetensors", network, optimiser, done + length)
        return [parameter.detach().clone() for parameter in network.parameters()]

    for once, twice in zip(run(6), run(4, 2), strict=True):
        assert torch.equal(once, twice)


def test_alike_pictures_are_one_group() -> None:
    first, far = 0x0123456789ABCDEF, 0xFEDCBA9876543210
    assert _groups([first, far, first ^ 0b111, far ^ 0b1, first ^ 0b11111 << 20]) == [0, 1, 0, 1, 0]


def test_every_split_gets_groups() -> None:
    splits = [split_of(f"package/{number}") for number in range(2000)]
    assert 0.18 < splits.count("test") / 2000 < 0.26
    assert 0.05 < splits.count("val") / 2000 < 0.11


def test_ranking_figures_are_the_textbooks() -> None:
    scores, positive = numpy.array([0.9, 0.8, 0.8, 0.1]), numpy.array([True, False, True, False])
    assert ranks(scores).tolist() == [4, 2.5, 2.5, 1]
    assert area_under_roc(scores, positive) == pytest.approx(3.5 / 4)
    assert average_precision(scores, positive) == pytest.approx((1 + 2 / 3) / 2)
    assert rank_correlation(numpy.arange(5.0), numpy.arange(5.0) ** 3) == pytest.approx(1)
    assert rank_correlation(numpy.arange(5.0), -numpy.arange(5.0)) == pytest.approx(-1)
