"""Preference training against the definitions of its losses, one answer at a time; its reference and its running mean."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from tiny_batches import CHOSEN, PLACEHOLDER, batch_of, gradients, moved, pairs, pixels, rejected_of, tiny, training
from torch import Tensor

from internvl.errors import ConfigError
from internvl.models.internvl import InternVL
from internvl.train.objectives.preference import PreferenceConfig, PreferenceObjective


def answer_logps(model: InternVL, rows: tuple[list[tuple[Tensor, Tensor]], ...]) -> tuple[Tensor, Tensor]:
    """Log-probability and token-mean loss of each answer, one sequence at a time."""
    logps, means, start = [], [], 0
    for ids, labels in (each for row in rows for each in row):
        tiles = int((ids == PLACEHOLDER).sum())
        visual = model.encode_tiles(pixels(2)[start : start + tiles]) if tiles else None
        start += tiles
        losses = F.cross_entropy(model(ids[None], visual, placeholder_id=PLACEHOLDER)[0, :-1], labels[1:], reduction="none")
        logps.append(-losses.sum())
        means.append(losses.sum() / (labels >= 0).sum())
    return torch.stack(logps), torch.stack(means)


def test_preference_losses_are_their_definitions() -> None:
    base = tiny()
    module = training(PreferenceObjective(reference=base), moved(base))
    losses = module(pairs())
    (chosen, nll), (worse, _) = (answer_logps(module.model, rows) for rows in (CHOSEN, rejected_of(CHOSEN)))
    better_ratio = 0.1 * (chosen - answer_logps(base, CHOSEN)[0])
    worse_ratio = 0.1 * (worse - answer_logps(base, rejected_of(CHOSEN))[0])
    shift = torch.cat([better_ratio, worse_ratio]).mean().item()
    dpo = -F.logsigmoid(better_ratio - worse_ratio).sum()
    bco = (-F.logsigmoid(better_ratio - shift) - F.logsigmoid(-(worse_ratio - shift))).sum()
    expected = {
        "dpo": dpo, "bco": bco, "nll": nll.sum(), "margin": (better_ratio - worse_ratio).sum(), "reward_chosen": better_ratio.sum(),
        "reward_rejected": worse_ratio.sum(), "accuracy": (better_ratio > worse_ratio).float().sum(),
    }  # fmt: skip
    assert losses.parts.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(losses.parts[name], value.detach(), atol=1e-4, rtol=1e-4)
    whole = 0.8 * dpo + 0.2 * bco + nll.sum()
    torch.testing.assert_close(losses.total, whole, atol=1e-4, rtol=1e-5)
    assert (float(losses.weight), module.batch_weight(pairs())) == (3.0, 3.0)
    found = {name: None if g is None else g.clone() for name, g in gradients(module, losses).items()}
    module.zero_grad()
    whole.backward()
    for name, parameter in module.model.named_parameters():
        torch.testing.assert_close(found[f"model.{name}"], parameter.grad, atol=1e-4, rtol=1e-3)


def test_an_unmoved_model_has_no_preference() -> None:
    base = tiny()
    losses = training(PreferenceObjective(reference=copy.deepcopy(base)), base)(pairs())
    assert float(losses.parts["dpo"]) == pytest.approx(3 * math.log(2), rel=1e-5)
    assert float(losses.parts["bco"]) == pytest.approx(6 * math.log(2), rel=1e-5)
    assert float(losses.parts["margin"]) == pytest.approx(0, abs=1e-4)


def test_both_answers_share_one_vision_encoding() -> None:
    base = tiny()
    module = training(PreferenceObjective(reference=base), moved(base))
    calls = [0, 0]
    for number, model in enumerate((module.model, base)):
        model.vision_encoder.register_forward_hook(lambda *_, number=number: calls.__setitem__(number, calls[number] + 1))
    module(pairs())
    assert calls == [1, 1]
    module.model.vision_encoder.requires_grad_(False)
    module.model.projector.requires_grad_(False)
    module(pairs())
    assert calls == [2, 1]  # the reference has the same frozen encoder


def test_the_base_without_adapters_is_the_reference() -> None:
    base = tiny(drop_path=0.5)
    model = moved(base)
    trained = copy.deepcopy(model.state_dict())
    seen = []

    @contextmanager
    def adapters_off() -> Iterator[None]:
        model.load_state_dict(base.state_dict())
        yield
        model.load_state_dict(trained)

    model.language_model.register_forward_hook(lambda part, *_: seen.append(part.training))
    expected = training(PreferenceObjective(reference=copy.deepcopy(base)), copy.deepcopy(model))
    module = training(PreferenceObjective(adapters_off=adapters_off), model)
    results = []
    for each in (expected, module):
        torch.manual_seed(0)  # of drop path, which the reference must not have
        results.append(each(pairs()))
    for name, part in results[0].parts.items():
        torch.testing.assert_close(results[1].parts[name], part, atol=1e-5, rtol=1e-5)
    assert seen[-4:] == [False, False, True, True]
    assert model.training
    assert model.vision_encoder.blocks[0].training


def test_the_reward_shift_runs_is_saved_and_rests_in_evaluation() -> None:
    base = tiny()
    module = training(PreferenceObjective(PreferenceConfig(beta=1.0), reference=base), moved(base))
    parts = module(pairs()).parts
    mean = float(parts["reward_chosen"] + parts["reward_rejected"]) / 6
    objective = module.objective
    assert isinstance(objective, PreferenceObjective)
    assert float(objective.shift) == pytest.approx(mean, rel=1e-5)
    with torch.no_grad():
        module.model.language_model.norm.weight.mul_(0.5)
    other = module(pairs())
    second = float(other.parts["reward_chosen"] + other.parts["reward_rejected"]) / 6
    assert float(objective.shift) == pytest.approx((mean + second) / 2, rel=1e-5)
    saved = {name: value.clone() for name, value in module.state_dict().items() if "shift" in name}
    assert sorted(saved) == ["objective.shift", "objective.shift_pairs"]
    module.eval()
    module(pairs())
    assert float(objective.shift) == float(saved["objective.shift"])
    assert float(objective.shift_pairs) == 6
    assert not any(part.training for part in base.modules())


def test_two_batches_may_be_read_before_their_gradients() -> None:
    base = tiny()
    module = training(PreferenceObjective(reference=base), moved(base))
    first, second = module(pairs()), module(pairs())
    (first.total + second.total).backward()


def test_preference_training_prefers() -> None:
    base = tiny()
    module = training(PreferenceObjective(reference=copy.deepcopy(base)), base)
    optimizer = torch.optim.Adam([p for p in module.parameters() if p.requires_grad], lr=3e-3)
    for _ in range(6):
        losses = module(pairs())
        optimizer.zero_grad()
        (losses.total / losses.weight).backward()
        optimizer.step()
    assert float(losses.parts["margin"]) > 0.1
    assert float(losses.parts["accuracy"]) == 3.0


def test_preference_needs_pairs_and_one_reference() -> None:
    base = tiny()
    with pytest.raises(ConfigError, match="one of the two"):
        PreferenceObjective()
    module = training(PreferenceObjective(reference=base), tiny())
    with pytest.raises(ConfigError, match="rejected answers"):
        module(batch_of(*CHOSEN, pixels=pixels(2)))
    with pytest.raises(ConfigError, match="3 and 2"):
        module(replace(pairs(), rejected=batch_of(rejected_of(CHOSEN)[0])))
