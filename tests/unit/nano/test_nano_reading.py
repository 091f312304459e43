"""What the vision encoder learns to read from: places and classes agree, lessons get harder, a stopped run goes on, and it learns."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[3]))

from recipes.nano.data.fonts import faces
from recipes.nano.data.make import Plan, make
from recipes.nano.data.mix import checked
from recipes.nano.data.sample import MissingMaterial
from recipes.nano.model.cells import cell_tile
from recipes.nano.model.characters import characters, classes, hanzi
from recipes.nano.model.checkpoint import load_run, save_run
from recipes.nano.model.crowded import Composer, asked
from recipes.nano.model.glyph_vectors import glyph_vectors
from recipes.nano.model.read import Batches, Lesson, ReadConfig, Run, train
from recipes.nano.model.reading import EMPTY_PLACES, TEXT_PLACES, choose_places
from recipes.nano.model.strips import draw_strip
from recipes.nano.model.train import align, write_start

import internvl
from internvl.train.trainer import Trainer

TINY = ReadConfig(steps=4, tiles=2, width=64, layers=1, workers=0, warmup_steps=2, decay_steps=1)


@pytest.fixture(scope="module", autouse=True)
def _fonts() -> None:
    try:
        faces("en", "train"), faces("zh", "train")
    except MissingMaterial as missing:
        pytest.skip(str(missing))


def test_every_character_has_one_class() -> None:
    assert len(set(characters())) == len(characters()) == len(classes())
    assert min(classes().values()) == 1
    assert len(hanzi()) > 3755


def test_a_strip_knows_where_its_characters_are() -> None:
    source = random.Random(3)
    for language in ("en", "zh"):
        strip = draw_strip(source, "train", language)  # type: ignore[arg-type]
        assert len(strip.edges) == len(strip.classes) + 1
        assert (np.diff(strip.edges) >= 0).all()
        ink = np.asarray(strip.mask).max(axis=0)
        for kind, start, end in zip(strip.classes.tolist(), strip.edges[:-1], strip.edges[1:], strict=True):
            if kind > 0 and end - start > 4:  # a character has ink where it is said to be
                assert ink[max(0, int(start) - 2) : int(end) + 3].max() > 60


@pytest.mark.parametrize("crowded", [True, False])
def test_places_with_text_have_ink_near_and_empty_ones_have_none(crowded: bool) -> None:
    source = random.Random(5)
    composer = Composer(source, "train")
    for _ in range(5):
        tile = composer.tile() if crowded else cell_tile(source, "train", chinese=0.5, common=500, jitter=2, plain=True)
        assert tile.pixels.shape == (224, 224, 3)
        assert tile.classes.shape == (256, 3)
        assert (tile.classes > 0).any()
        if not crowded:
            ink = 255 - tile.pixels.mean(-1)
            for patch in np.flatnonzero((tile.classes > 0).all(axis=1)):
                row, column = divmod(int(patch), 16)
                around = ink[max(0, 14 * row - 14) : 14 * row + 28, max(0, 14 * column - 14) : 14 * column + 28]
                assert around.max() > 60


def test_the_map_is_read_at_three_places_of_each_patch() -> None:
    cells = np.zeros((112, 112), np.int16)
    cells[3, 1], cells[3, 3], cells[3, 5] = 7, 8, 9  # the first patch, at a sixth, a half and five sixths of 14 px, in cells of 2
    assert asked(cells)[0].tolist() == [7, 8, 9]
    assert (asked(cells)[1:] == 0).all()


def test_chosen_places_are_mostly_text_and_never_cut_characters() -> None:
    found = np.zeros((256, 3), np.int16)
    found[:60] = 5
    found[60] = 6
    found[100:] = -1
    chosen = choose_places(found, np.random.default_rng(0))
    picked = found.reshape(-1)[chosen]
    assert len(chosen) == TEXT_PLACES + EMPTY_PLACES
    assert (picked > 0).sum() == TEXT_PLACES
    assert (picked == 0).sum() == EMPTY_PLACES
    assert (picked == 6).sum() > TEXT_PLACES / 61  # a small character counts for more than its share of places


def test_lessons_get_harder() -> None:
    first, letters, lines, last = (Lesson.at(step) for step in (0, 900, 2500, 10_000))
    assert (first.crowded, first.plain, first.chinese, first.jitter) == (0, 1, 0, 0)
    assert first.crowded < letters.crowded < lines.crowded == last.crowded < 1
    assert first.plain > letters.plain > lines.plain == last.plain > 0
    assert first.jitter < letters.jitter < lines.jitter == last.jitter
    assert lines.chinese == 0 < last.chinese
    assert lines.common < last.common == len(hanzi())


def test_glyph_vectors_lie_near_where_characters_look_alike() -> None:
    vectors = glyph_vectors()
    assert vectors.shape == (len(characters()) + 1, 120)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(len(vectors)), atol=1e-5)
    of = dict(zip(characters(), vectors[1:], strict=True))
    assert float(of["请"] @ of["清"]) > 0.5 > 0.3 > abs(float(of["请"] @ of["体"]))
    assert float(of["5"] @ of["3"]) > 0.5


def test_batches_are_decided_by_seed_and_number() -> None:
    whole, later = Batches(seed=1, tiles=1, first=0), Batches(seed=1, tiles=1, first=2)
    first = [batch for batch, _ in zip(whole, range(4), strict=False)]
    again = [batch for batch, _ in zip(later, range(2), strict=False)]
    for one, other in zip(first[2:], again, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_run_learns_one_batch_by_heart() -> None:
    run = Run(replace(TINY, steps=10_000, rate=4e-3))
    batch = next(iter(Batches(seed=1, tiles=2, first=0)))
    losses = [run.train_step(batch).loss for _ in range(12)]
    assert losses[-1] < 0.8 * losses[0]


def test_a_stopped_run_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = train(TINY, tmp_path / "whole").state_dict()
    # The rate of the first steps is the same, because it is constant before the end.
    run = Run(TINY)
    data = iter(Batches(seed=TINY.seed, tiles=TINY.tiles, first=0))
    for _ in range(2):
        run.train_step(next(data))
    save_run(tmp_path / "cut" / "run.safetensors", run.state())
    resumed = train(TINY, tmp_path / "cut").state_dict()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    state = {"step": 3, "model": {"a.b": torch.arange(4.0)}, "list": [{"state": {0: {"x": torch.ones(2)}}}, "word", None, 0.5]}
    save_run(tmp_path / "run.safetensors", state)
    back = load_run(tmp_path / "run.safetensors")
    assert back is not None
    assert back["step"] == 3
    assert torch.equal(back["model"]["a.b"], torch.arange(4.0))
    assert torch.equal(back["list"][0]["state"][0]["x"], torch.ones(2))
    assert back["list"][1:] == ["word", None, 0.5]
    assert load_run(tmp_path / "none.safetensors") is None


def test_the_next_stage_begins_with_the_encoder_that_reads(tmp_path: Path) -> None:
    run = Run(TINY)
    save_run(tmp_path / "read" / "run.safetensors", run.state())
    write_start(tmp_path / "read", tmp_path / "start")
    vlm = internvl.load(tmp_path / "start", device="cpu")
    ours, theirs = vlm.model.vision_encoder.state_dict(), run.encoder.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert isinstance(vlm.chat("你好, Total: 12.50", max_new_tokens=2), str)
    make(Plan.of(checked({"notes": 1.0}, "notes"), seed=1, split="train"), tmp_path / "data", 6, workers=1, quiet=True)
    config = align(tmp_path / "start", tmp_path / "data" / "meta.json", tmp_path / "out")
    data = replace(config.data, workers=0, max_tiles=1)
    optim = replace(config.optim, warmup=0.0)
    result = Trainer(replace(config, data=data, optim=optim, steps=2, batch_size=1), quiet=True).run()
    assert result.finished
    assert result.model is not None
