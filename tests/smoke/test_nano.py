"""internvl-nano: the embedded model answers what it was trained for, and its recipe learns and resumes bit for bit."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import internvl
from internvl.checkpoint.hub import embedded_models
from internvl.media.pixels import normalise
from internvl.processor import Processor, compose
from internvl.prompt.templates import template_named
from internvl.prompt.tokenizer import load_tokenizer

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from recipes.nano.batches import BatchPlan, make_batch  # noqa: E402
from recipes.nano.draw import draw  # noqa: E402
from recipes.nano.evaluate import answers, edits, questions, score  # noqa: E402
from recipes.nano.export import export, model_of_run  # noqa: E402
from recipes.nano.fonts import font_set  # noqa: E402
from recipes.nano.lexicon import is_held_out  # noqa: E402
from recipes.nano.model_config import nano_config  # noqa: E402
from recipes.nano.questions import Turn  # noqa: E402
from recipes.nano.sample import TOKENS_PER_TILE, encode  # noqa: E402
from recipes.nano.scene import random_scene  # noqa: E402
from recipes.nano.signs import random_text  # noqa: E402
from recipes.nano.tiles import cut  # noqa: E402
from recipes.nano.train import Run, TrainConfig, train  # noqa: E402
from recipes.nano.vocabulary import write_tokenizer  # noqa: E402

SEED = 77  # neither a training seed nor the one of the model card's table
# Exact answers out of 20 on one-tile pictures; well under the measured scores, so that other font versions don't break the test.
FLOORS = {"read number": 11, "read chinese": 10, "read english": 3, "shape": 11, "colour": 11, "count": 9}


@pytest.fixture(scope="module", autouse=True)
def _fonts() -> None:
    try:
        font_set(held_out=True), font_set(held_out=False)
    except SystemExit as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def nano() -> internvl.VLM:
    if "internvl-nano" not in embedded_models():
        pytest.skip("internvl-nano is not in this checkout")
    return internvl.load("internvl-nano", device="cpu")


@pytest.mark.parametrize("task", FLOORS)
def test_fresh_pictures(nano: internvl.VLM, task: str) -> None:
    asked = questions(task, 20, seed=SEED, new_fonts=True)
    assert score(asked, answers(nano, asked)).exact * 20 >= FLOORS[task]


@pytest.mark.parametrize(
    ("picture", "question", "answer"),
    [
        ("sign.png", "What does the sign say?", "CAFE"),
        ("sign.png", "牌子上写着什么？", "CAFE"),
        ("sign.png", "What colour is the star?", "blue"),
        ("shapes.png", "有几个图形？", "3"),
        ("market.png", "牌子上写着什么？", "市场"),
        ("number.png", "What number is this?", "176"),
    ],
)
def test_examples(nano: internvl.VLM, picture: str, question: str, answer: str) -> None:
    assert nano.chat(question, internvl.Image(ROOT / "examples" / picture)) == answer


def test_says_who_it_is(nano: internvl.VLM) -> None:
    assert "internvl-nano" in nano.chat("Who are you?")


def toy_config(steps: int) -> TrainConfig:
    plan = BatchPlan(one_tile=4, many_tiles=1)
    return TrainConfig(
        look_steps=steps // 2,
        steps=steps,
        warmup_steps=2,
        decay_steps=2,
        look_plan=replace(plan, talk=False),
        talk_plan=plan,
        workers=0,
        bf16=False,
    )


TOY = nano_config(width=64, vision_layers=1, language_layers=1)


def test_a_few_steps_lower_the_loss(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    run = Run(replace(toy_config(40), look_steps=0), TOY)
    parts = make_batch(BatchPlan(one_tile=6, many_tiles=0, tokenizer=str(tmp_path)), 0)
    losses = [run.train_step(parts)[0].answer for _ in range(25)]
    assert losses[-1] is not None
    assert losses[0] is not None
    assert losses[-1] < 0.7 * losses[0]


def test_a_killed_run_continues_bit_for_bit(tmp_path: Path) -> None:
    whole = train(toy_config(8), tmp_path / "whole", TOY)
    train(replace(toy_config(8), steps=5, decay_steps=0), tmp_path / "killed", TOY)
    continued = train(toy_config(8), tmp_path / "killed", TOY)
    state = continued.state_dict()
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, state[name]), name


def test_a_run_becomes_a_checkpoint_that_chats(tmp_path: Path) -> None:
    train(toy_config(2), tmp_path / "run", TOY)
    with torch.no_grad():
        export(model_of_run(tmp_path / "run", TOY), tmp_path / "model")
    vlm = internvl.load(tmp_path / "model", device="cpu")
    assert isinstance(vlm.chat("Who are you?", max_new_tokens=3), str)


@pytest.mark.parametrize("tiles", ["one", "many"])
def test_training_sees_what_chat_sees(tmp_path: Path, tiles: str) -> None:
    write_tokenizer(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    scene = random_scene(random.Random(3), font_set(held_out=False), tiles=tiles)
    picture, turn = draw(scene), Turn("What does the sign say?", "OPEN", "read english", "en")
    chat = Processor.of(nano_config(), tokenizer).prepare(compose(turn.question, [internvl.Image(picture)]))
    shown = cut(picture, scene)
    ids, labels = encode([turn], tokenizer, template_named("Hermes-2"), visual_tokens=TOKENS_PER_TILE * shown.pixels.shape[0])
    length = len(chat.ids)
    assert (shown.pixels.shape[0] > 1) == (tiles == "many")
    assert chat.ids.tolist() == list(ids[:length])
    assert torch.equal(chat.pixels, normalise(shown.pixels))
    assert set(labels[:length]) == {-100}
    assert ids[length:] == labels[length:]
    assert tokenizer.decode(ids[length:]) == "OPEN"


def test_training_texts_are_never_test_texts() -> None:
    source = random.Random(5)
    assert not any(is_held_out(random_text(source, held_out=False)) for _ in range(500))
    assert all(is_held_out(random_text(source, held_out=True)) for _ in range(200))


def test_a_batch_depends_on_seed_and_step_only(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    plan = BatchPlan(one_tile=3, many_tiles=1, crowded=2, tokenizer=str(tmp_path))
    first, again, other = make_batch(plan, 7), make_batch(plan, 7), make_batch(plan, 8)
    for a, b in zip(first, again, strict=True):
        assert (a.pixels == b.pixels).all()
        assert (a.ids == b.ids).all()
    assert first[0].pixels.shape != other[0].pixels.shape or (first[0].pixels != other[0].pixels).any()


def test_edits_counts_characters() -> None:
    assert edits("OPEN", "OPEN") == 0
    assert edits("0PEN", "OPENS") == 2
    assert edits("", "出口") == 2
