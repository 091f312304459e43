"""Calibrated folders: the same for the same seed, nearer to the full model than mere rounding, reported part by part."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from quantised_folders import FIXTURES, KINDS, QWEN2, WEIGHTS, logits, reloaded

from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.hub import resolve
from internvl.checkpoint.load import load_weights
from internvl.engine.quantizing import REPORT_FILE, Calibration, QuantConfig, quantise_folder, samples_of, shown
from internvl.engine.vlm import VLM
from internvl.errors import CheckpointError, ConfigError
from internvl.quantize.formats import layer_names
from internvl.quantize.layer import layers_of
from internvl.quantize.measure import WHOLE, measure
from internvl.quantize.pictures import calibration_pictures
from internvl.quantize.plan import PARTS, PRESETS, QuantPlan
from internvl.quantize.report import Report

PICTURES = sorted(FIXTURES.glob("image*.png"))
FEW = Calibration(samples=6, answer_tokens=4, max_tiles=2)


def made(target: Path, *, plan: QuantPlan = PRESETS["int4"], source: Path = QWEN2, pictures: tuple[Path, ...] = ()) -> Report:
    return quantise_folder(source, target, name="int4", config=QuantConfig(plan=plan, calibration=FEW), pictures=pictures)


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        made(tmp_path / name)
    first, second = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert first == second
    assert {WEIGHTS, "config.json", REPORT_FILE, "tokenizer_config.json"} <= first.keys()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]
    with pytest.raises(CheckpointError, match="empty"):
        made(tmp_path / "one")


@pytest.mark.parametrize("kind", KINDS)
def test_every_family_is_calibrated_and_chats(kind: str, tmp_path: Path) -> None:
    report = made(tmp_path / "model", source=FIXTURES / kind, plan=PRESETS["int8"], pictures=tuple(PICTURES))
    values = json.loads((tmp_path / "model" / REPORT_FILE).read_text("utf-8"))
    assert values == json.loads(json.dumps(report.to_dict()))
    assert [part["name"] for part in values["parts"]] == [*PARTS, WHOLE]
    assert values["calibration"]["held_out"] == 2
    whole = values["parts"][-1]
    assert whole["bytes_after"] < 0.6 * whole["bytes_before"]
    assert whole["loss"]["cosine"] > 0.99
    assert 0 <= whole["loss"]["divergence"] < 0.02
    # Random weights: many words are nearly as likely as the first, so that any rounding changes some.
    assert whole["loss"]["agreement"] >= 0.75
    assert sum(whole["kinds"].values()) == len(layer_names(Checkpoint(FIXTURES / kind).config))
    vlm = VLM.load(tmp_path / "model")
    assert isinstance(vlm.chat("Hello?", max_new_tokens=4), str)
    assert {layer["name"] for layer in values["layers"]} == set(layers_of(vlm.model))


def test_calibration_beats_rounding_on_what_it_has_not_seen(tmp_path: Path) -> None:
    checkpoint = Checkpoint(resolve("internvl-nano"))
    calibration = Calibration(samples=15, answer_tokens=8, max_tiles=2)
    config = QuantConfig(plan=PRESETS["int4"], calibration=calibration)
    quantise_folder(checkpoint.folder, tmp_path / "careful", name="int4", config=config)
    full, nearest = load_weights(checkpoint), load_weights(checkpoint, plan=PRESETS["int4"])
    other = replace(calibration, seed=9)
    unseen = samples_of(checkpoint, full, shown([], other), other)
    before, after = (measure(full, model, unseen) for model in (nearest, reloaded(tmp_path / "careful")))
    language = [losses["language_model"].divergence for losses in (before, after)]
    assert language[1] < 0.6 * language[0], language
    assert after[WHOLE].divergence < before[WHOLE].divergence
    assert after[WHOLE].agreement >= 0.9
    cosine = after[WHOLE].cosine
    assert cosine is not None
    assert cosine > 0.999


def test_layers_that_lose_too_much_stay_and_are_reported(tmp_path: Path) -> None:
    report = made(tmp_path / "model", plan=replace(PRESETS["int4"], int4_limit=1e-6, keep=("projector",)))
    kinds = {name: layer.kind for name, layer in layers_of(reloaded(tmp_path / "model")).items()}
    assert set(kinds.values()) == {"int8"}
    assert not [name for name in kinds if name.startswith("projector")]
    higher = report.higher
    assert all(name.startswith("language_model.layers") for name in higher)
    assert len(higher) == 4 * len(reloaded(QWEN2).language_model.layers)
    nothing = made(tmp_path / "plain", plan=replace(PRESETS["int8"], int8_limit=1e-9))
    assert layers_of(reloaded(tmp_path / "plain")) == {}
    assert torch.equal(logits(reloaded(tmp_path / "plain")), logits(reloaded(QWEN2)))
    assert nothing.whole.loss is not None
    assert nothing.whole.loss.divergence == 0


def test_pictures_are_drawn_from_a_seed() -> None:
    one, two, other = (calibration_pictures(5, seed=seed) for seed in (1, 1, 2))
    assert [picture.tobytes() for picture, _ in one] == [picture.tobytes() for picture, _ in two]
    assert [picture.tobytes() for picture, _ in one] != [picture.tobytes() for picture, _ in other]
    assert all(picture.mode == "RGB" for picture, _ in one)


def test_held_out_pictures_are_never_calibrated_on() -> None:
    for files, samples in ((5, 18), (40, 18), (2, 7)):
        things = shown([Path(f"{number}.png") for number in range(files)], Calibration(samples=samples))
        assert len(things) == samples
        held = {str(thing.image.source) for thing in things if thing.held_out}
        known = {str(thing.image.source) for thing in things if not thing.held_out}
        assert held
        assert known
        assert not held & known
        assert len({(str(thing.image.source), thing.question) for thing in things}) == samples
    with pytest.raises(ConfigError, match="2 pictures"):
        shown([Path("one.png")], Calibration())
    with pytest.raises(ConfigError, match="samples"):
        Calibration(samples=1)
