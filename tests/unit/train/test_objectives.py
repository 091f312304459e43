"""Supervised training against its plain definition: weights, packs, chunks, text alone, nothing to learn, frozen parts."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from tiny_batches import MIXED, PLACEHOLDER, batch_of, gradients, pixels, sequence, tiny, training
from torch import Tensor, nn

from internvl.errors import PlaceholderCountError
from internvl.models.build import build_model
from internvl.train.objectives import cross_entropy
from internvl.train.objectives.cross_entropy import targets_of, token_losses
from internvl.train.objectives.sft import SupervisedObjective


def test_the_loss_is_the_weighted_sum_over_labels() -> None:
    module = training(SupervisedObjective())
    batch = batch_of(*MIXED, pixels=pixels(3))
    losses = module(batch)
    total, weight, hits, start = 0.0, 0.0, 0.0, 0
    for row in MIXED:
        for ids, labels in row:
            tiles = int((ids == PLACEHOLDER).sum())
            visual = module.model.encode_tiles(pixels(3)[start : start + tiles]) if tiles else None
            logits = module.model(ids[None], visual, placeholder_id=PLACEHOLDER)[0].detach()
            start += tiles
            for place in range(len(ids) - 1):
                if labels[place + 1] >= 0:
                    own = 0.5 + float(ids[place + 1] % 3)
                    total += own * float(F.cross_entropy(logits[place], labels[place + 1]))
                    weight += own
                    hits += own * float(logits[place].argmax() == labels[place + 1])
    assert losses.total.item() == pytest.approx(total, rel=1e-5)
    assert float(losses.weight) == pytest.approx(weight) == module.batch_weight(batch)
    assert float(losses.parts["accuracy"]) == pytest.approx(hits)
    assert int(losses.tokens) == 3 + 4 + 3


def test_a_pack_has_the_loss_and_gradients_of_its_sequences() -> None:
    module = training(SupervisedObjective())
    together = gradients(module, module(batch_of(*MIXED, pixels=pixels(3))))
    parts = [batch_of([MIXED[0][0]], pixels=pixels(3)[:1]), batch_of([MIXED[0][1]]), batch_of(list(MIXED[1]), pixels=pixels(3)[1:])]
    alone: dict[str, Tensor] = {}
    for part in parts:
        for name, gradient in gradients(module, module(part)).items():
            assert gradient is not None
            alone[name] = alone.get(name, torch.zeros(())) + gradient
    for name, gradient in together.items():
        torch.testing.assert_close(gradient, alone[name], atol=1e-5, rtol=1e-4)


def test_no_token_predicts_the_next_sequence() -> None:
    first, second = sequence(4, 2), sequence(5, 0, seed=1)  # the second is labelled from its first token on
    targets = targets_of(batch_of([first, second]))
    assert targets.places.tolist() == [1, 2, 4, 5, 6, 7]
    assert targets.sequences.tolist() == [0, 0, 1, 1, 1, 1]
    assert targets.ids.tolist() == [*first[0][2:].tolist(), *second[0][1:].tolist()]


def test_tokens_without_weight_are_not_computed() -> None:
    batch = batch_of([sequence(6, 2)])
    batch.weights[0, 4:] = 0
    assert targets_of(batch).places.tolist() == [1, 2]
    assert len(targets_of(batch, weighted=False).places) == 4


@pytest.mark.parametrize("chunk_rows", [1, 3, 1000])
def test_chunks_and_recomputing_change_nothing(chunk_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module, batch = training(SupervisedObjective()), batch_of(*MIXED, pixels=pixels(3))
    expected = gradients(module, module(batch))
    wanted = module(batch).total.item()
    calls = []
    monkeypatch.setattr(cross_entropy, "_KEPT_LOGITS", 0)
    original = module.model.language_model.logits
    monkeypatch.setattr(module.model.language_model, "logits", lambda hidden: calls.append(len(hidden)) or original(hidden))
    module.objective = SupervisedObjective(chunk_rows=chunk_rows)
    losses = module(batch)
    assert losses.total.item() == pytest.approx(wanted, rel=1e-6)
    found = gradients(module, losses)
    assert max(calls) <= chunk_rows
    assert sum(calls) == 2 * 10  # once for the loss, once more for the gradient
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name], atol=1e-6, rtol=1e-4)


def test_tied_embeddings_get_both_gradients() -> None:
    model = tiny()
    config = replace(model.config.language, tie_embeddings=True)
    tied = build_model(replace(model.config, language=config), seed=2, init_std=0.2)
    module, batch = training(SupervisedObjective(), tied), batch_of([sequence(8, 3)])
    found = gradients(module, module(batch))["model.language_model.embedding.weight"]
    logits = tied(batch.ids[:, :8])[0]
    weights = batch.weights[0, 3:8]
    module.zero_grad()
    (F.cross_entropy(logits[2:7], batch.labels[0, 3:8], reduction="none") * weights).sum().backward()
    torch.testing.assert_close(found, tied.language_model.embedding.weight.grad, atol=1e-5, rtol=1e-4)


def test_nothing_to_learn_is_a_loss_of_zero_with_a_graph() -> None:
    module = training(SupervisedObjective())
    batch = batch_of([sequence(6, 6), sequence(3, 3)])
    losses = module(batch)
    assert (losses.total.item(), float(losses.weight), int(losses.tokens), module.batch_weight(batch)) == (0.0, 0.0, 0, 0.0)
    for name, gradient in gradients(module, losses).items():
        assert gradient is not None, name
        assert not gradient.any(), name


def test_text_alone_sends_a_blank_tile_through_what_learns() -> None:
    module, batch = training(SupervisedObjective()), batch_of([sequence(6, 3)])
    losses = module(batch)
    found = gradients(module, losses)
    for name, gradient in found.items():
        if "vision_encoder" in name or "projector" in name:
            assert gradient is not None, name
            assert not gradient.any(), name
    frozen = training(SupervisedObjective())
    frozen.model.vision_encoder.requires_grad_(False)
    frozen.model.projector.requires_grad_(False)
    frozen.model.encode_tiles = None  # type: ignore[assignment, method-assign]
    alone = frozen(batch)
    assert torch.equal(alone.total, losses.total)
    assert torch.equal(gradients(frozen, alone)["model.language_model.norm.weight"], found["model.language_model.norm.weight"])


@pytest.mark.parametrize("tiles", [0, 2, 4])
def test_placeholders_that_do_not_match_are_refused(tiles: int) -> None:
    module = training(SupervisedObjective())
    with pytest.raises(PlaceholderCountError, match="3 placeholders") as caught:
        module(batch_of(*MIXED, pixels=pixels(tiles) if tiles else None))
    assert (caught.value.expected, caught.value.given) == (3, tiles)


def test_what_is_frozen_stays_in_evaluation_mode() -> None:
    module = training(SupervisedObjective(), tiny(drop_path=0.9))
    vision = module.model.vision_encoder
    assert vision.training
    vision.requires_grad_(False)
    vision.blocks[1].requires_grad_(True)
    module.train()
    assert (vision.training, vision.blocks[0].training, vision.blocks[1].training) == (True, False, True)
    vision.requires_grad_(False)
    module.train()
    assert not any(part.training for part in vision.modules())
    assert module.model.language_model.training
    batch = batch_of(*MIXED, pixels=pixels(3))
    assert torch.equal(module(batch).total, module(batch).total)
    module.eval()
    assert not any(part.training for part in module.modules())


def test_adapters_on_frozen_layers_keep_their_dropout() -> None:
    module = training(SupervisedObjective())
    adapter = nn.Sequential(nn.Dropout(0.5), nn.Linear(2, 2))
    module.model.requires_grad_(False)
    module.model.language_model.blocks[0].attention.add_module("adapter", adapter)
    module.train()
    assert adapter[0].training
    assert not module.model.language_model.blocks[1].training


def test_token_losses_of_all_labels_sum_to_log_probabilities() -> None:
    model, batch = tiny(), batch_of([sequence(6, 2)])
    hidden = model.language_model(model.embed(batch.ids[:, :6]))
    losses, _ = token_losses(hidden, targets_of(batch_of([sequence(6, 2)], padding=0), weighted=False), model.language_model)
    logits = model(batch.ids[:, :6])[0]
    torch.testing.assert_close(losses.sum(), F.cross_entropy(logits[1:5], batch.labels[0, 2:6], reduction="sum"))
