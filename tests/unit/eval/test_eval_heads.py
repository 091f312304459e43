"""Heads and their loop: continued bit for bit, the published rates, windows that cover a picture, shapes of decoders."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
import torch
from torch import nn
from vector_toys import ColourEncoder

from internvl.errors import NumericError
from internvl.eval.errors import EvalError
from internvl.eval.heads.probe import ProbeHead, ProbeRecipe, probe_optimizer
from internvl.eval.heads.segmentation import ConvHead, FeaturePyramid, LinearHead, UperNet
from internvl.eval.heads.segmentation_recipes import RECIPES
from internvl.eval.heads.segmenter import Segmenter, segment, segmentation_optimizer, windows
from internvl.eval.heads.training import HeadRun, rows_of_step, train_head
from internvl.eval.segmentation_views import fitted, whole_view


def _run(folder: Path, *, steps: int = 12, **changes: Any) -> HeadRun:
    """A small probe with dropout, so that random numbers matter, on data made from the step."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))

    def loss(step: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(step)
        features = torch.randn(6, 4, generator=generator)
        return nn.functional.cross_entropy(module(features), torch.arange(6) % 3)

    settings: dict[str, Any] = {
        "module": module,
        "optimizer": torch.optim.AdamW([{"params": list(module.parameters()), "base_lr": 0.01}]),
        "rate": lambda step: 1 - step / steps,
        "loss": loss,
        "steps": steps,
        "file": folder / "head.safetensors",
        "facts": {"recipe": {"steps": steps, "betas": (0.9, 0.999)}},
        "save_every": 4,
    }
    return HeadRun(**settings | changes)


def _stop_at(step: int) -> Any:
    def report(done: int, total: int) -> None:
        if done == step:
            raise KeyboardInterrupt

    return report


def _ignore(done: int, total: int) -> None:
    del done, total


def test_a_continued_run_ends_in_the_same_bits(tmp_path: Path) -> None:
    train_head(_run(tmp_path / "whole"), _ignore)
    with pytest.raises(KeyboardInterrupt):
        train_head(_run(tmp_path / "broken"), _stop_at(7))
    done: list[int] = []
    train_head(_run(tmp_path / "broken"), lambda step, _: done.append(step))
    assert done == list(range(5, 13))  # the checkpoint of step 4
    whole, broken = ((tmp_path / name / "head.safetensors").read_bytes() for name in ("whole", "broken"))
    assert whole == broken


def test_a_finished_head_is_only_read_and_the_callers_random_numbers_stay(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    first = _run(tmp_path)
    torch.manual_seed(5)
    train_head(first, _ignore)
    assert torch.equal(torch.rand(3), expected)
    again = _run(tmp_path)
    train_head(again, _stop_at(1))
    assert not again.module.training
    for name, value in again.module.state_dict().items():
        assert torch.equal(value, first.module.state_dict()[name])


def test_other_facts_damage_and_a_loss_that_is_no_number_are_refused(tmp_path: Path) -> None:
    train_head(_run(tmp_path), _ignore)
    with pytest.raises(EvalError, match=r"trained in another way: recipe\.steps was 12 and is now 5"):
        train_head(_run(tmp_path, steps=5), _ignore)
    file = tmp_path / "head.safetensors"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(EvalError, match="is damaged"):
        train_head(_run(tmp_path), _ignore)
    bad = _run(tmp_path / "nan", loss=lambda step: torch.tensor(float("nan"), requires_grad=True))
    with pytest.raises(NumericError, match="step 1 is nan"):
        train_head(bad, _ignore)


def test_every_row_comes_once_an_epoch_in_an_order_of_its_own() -> None:
    items = [item for step in range(20) for item in rows_of_step(step, batch_size=3, rows=10, seed=1)]
    orders = [[row for epoch, row in items if epoch == each] for each in range(6)]
    assert all(sorted(order) == list(range(10)) for order in orders)
    assert len({tuple(order) for order in orders}) > 1


def test_the_probe_follows_the_published_recipe() -> None:
    recipe = ProbeRecipe()
    assert recipe.sized(1_281_167) == (1024, 1251)
    assert recipe.rate(0, 1251) == 0.0
    assert recipe.rate(625, 1250) == 0.5
    assert recipe.rate(6250, 1250) == pytest.approx(0.5)
    assert recipe.rate(12499, 1250) == pytest.approx(0.5 * (1 + math.cos(math.pi * 12499 / 12500)))
    head = ProbeHead(6400, 10, recipe)
    assert head.norm.eps == 1e-6
    assert float(head.linear.weight.detach().std()) == pytest.approx(0.01, rel=0.05)
    assert float(head.linear.bias.abs().max()) == 0.0
    (group,) = probe_optimizer(head, recipe, 1024).param_groups
    assert (group["base_lr"], group["momentum"], group["weight_decay"]) == (0.2, 0.9, 0.0)


def test_the_table_holds_the_published_segmentation_recipes() -> None:
    assert len(RECIPES) == 8
    few = {name: (row.part, row.steps, row.warmup_steps) for name, row in RECIPES.items() if name.startswith("few")}
    assert few["few_shot_16"] == (16, 5_000, 100)
    assert few["few_shot_1"] == (1, 80_000, 1500)
    probe, tuned, full = RECIPES["linear_probe"], RECIPES["head_tuning"], RECIPES["full_tuning"]
    assert (probe.layers, probe.trained, tuned.layers, full.trained, full.layer_decay, full.drop_path) == (
        (44,),
        False,
        (11, 23, 35, 47),
        True,
        0.95,
        0.4,
    )
    assert tuned.layers_of(24) == (5, 11, 17, 23)
    assert probe.layers_of(48) == (44,)
    assert (tuned.rate(0), tuned.rate(1500), tuned.rate(80_000)) == (pytest.approx(1e-6), pytest.approx(1 - 1500 / 80_000), 0.0)


@pytest.mark.parametrize(("height", "width"), [(504, 504), (504, 672), (672, 504), (504, 2016), (70, 56), (510, 506)])
def test_windows_cover_every_pixel_and_stay_inside(height: int, width: int) -> None:
    covered = torch.zeros(height, width, dtype=torch.bool)
    for top, left, bottom, right in windows(height, width, 504, 322):
        assert 0 <= top < bottom <= height
        assert 0 <= left < right <= width
        assert (bottom - top, right - left) == (min(504, height), min(504, width))
        covered[top:bottom, left:right] = True
    assert bool(covered.all())


def test_windows_lie_where_mmsegmentation_puts_them() -> None:
    assert [window[1] for window in windows(504, 1200, 504, 322)] == [0, 322, 644, 696]
    assert list(windows(504, 504, 504, 322)) == [(0, 0, 504, 504)]


@pytest.mark.parametrize(
    ("size", "expected"),
    [((683, 512), (672, 504)), ((512, 683), (504, 672)), ((2048, 256), (2016, 252)), ((504, 504), (504, 504))],
)
def test_a_picture_is_fitted_into_the_scale_and_rounded_up_to_the_patch(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert fitted(size, (2016, 504)) == expected
    view = whole_view(PIL.Image.new("RGB", size), RECIPES["linear_probe"], 14)
    assert (view.shape[1] % 14, view.shape[2] % 14) == (0, 0)
    assert 0 <= view.shape[2] - expected[0] < 14


def test_decoders_give_a_score_a_class_at_their_size() -> None:
    maps = [torch.randn(2, 6, 8, 4) for _ in range(4)]
    assert LinearHead(6, 5)(maps[:1]).shape == (2, 5, 8, 4)
    levels = FeaturePyramid(6)(maps)
    assert [tuple(level.shape[-2:]) for level in levels] == [(32, 16), (16, 8), (8, 4), (4, 2)]
    assert UperNet(6, 5, channels=7)(levels).shape == (2, 5, 32, 16)
    assert ConvHead(6, 5, channels=7, level=1)(levels).shape == (2, 5, 16, 8)


def test_a_uniform_picture_is_segmented_at_its_own_size_whatever_the_windows() -> None:
    recipe = replace(RECIPES["linear_probe"], crop=16, stride=10)
    model = Segmenter(ColourEncoder(), recipe, 20).eval()
    assert not any(parameter.requires_grad for parameter in model.extractor.module.parameters())
    pixels = torch.randn(3, 16, 40)
    best = segment(model, pixels, (33, 70))
    assert (best.shape, best.dtype) == ((33, 70), torch.uint8)
    with torch.no_grad():
        # One window over all, and no more classes at once than there are: the plain way must find the same.
        wide = Segmenter(ColourEncoder(), replace(recipe, crop=40), 20).eval()
        wide.load_state_dict(model.state_dict())
        logits = nn.functional.interpolate(wide(pixels[None]), size=(16, 40), mode="bilinear", align_corners=False)
        plain = nn.functional.interpolate(logits, size=(33, 70), mode="bilinear", align_corners=False)[0].argmax(dim=0)
    assert torch.equal(segment(wide, pixels, (33, 70)).long(), plain)


def test_a_trained_encoder_learns_slower_the_deeper_it_lies() -> None:
    encoder = ColourEncoder()
    model = Segmenter(encoder, RECIPES["few_shot_16"], 3)
    rates = {id(p): group["base_lr"] for group in segmentation_optimizer(model).param_groups for p in group["params"]}
    assert encoder.drop_path == 0.4
    # Depth 1 of a deepest place 5 (four blocks and the head).
    assert rates[id(encoder.scale.weight)] == pytest.approx(4e-5 * 0.95**4)
    assert rates[id(model.head.classify.weight)] == 4e-5
    decays = {id(p): group["weight_decay"] for group in segmentation_optimizer(model).param_groups for p in group["params"]}
    assert (decays[id(encoder.scale.weight)], decays[id(encoder.scale.bias)]) == (0.05, 0.0)
