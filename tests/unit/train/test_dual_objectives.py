"""What dual encoders learn by, against its definition in the original's training code, written out plainly."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from internvl.checkpoint.dual import load_dual_model
from internvl.data.batch import Batch, PairBatch
from internvl.errors import ConfigError
from internvl.models.contrastive.dual import DualModel
from internvl.models.contrastive.masks import joint_mask
from internvl.train.objectives.dual import DualObjective, another_caption

FOLDER = Path(__file__).parents[2] / "parity" / "fixtures" / "internvl-14b"
PROMPT = 3


@pytest.fixture(scope="module")
def model() -> DualModel:
    return load_dual_model(FOLDER)


def rows(*lengths: int, seed: int, longest: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    ids = torch.zeros(len(lengths), longest, dtype=torch.long)
    for row, length in zip(ids, lengths, strict=True):
        row[:length] = torch.randint(3, 2000, (length,), generator=generator)
    return ids


def batch(keys: tuple[int, ...] = (1, 2, 3, 4, 5)) -> Batch:
    count = len(keys)
    lengths = [4 + index % 3 for index in range(count)]
    captions = rows(*(length + PROMPT for length in lengths), seed=3, longest=10)
    labels = torch.where(captions > 0, captions, -100)
    labels[:, :PROMPT] = -100
    ids = rows(*lengths, seed=1, longest=7)
    return Batch(
        ids=ids, labels=torch.full_like(ids, -100), positions=ids, segments=ids, weights=ids.float(),
        pixels=torch.randn(count, 3, 56, 56, generator=torch.Generator().manual_seed(4)),
        pairs=PairBatch(
            matching=rows(*lengths, seed=2, longest=8), caption_ids=captions, caption_labels=labels, image_keys=torch.tensor(keys)
        ),
    )  # fmt: skip


def symmetric(model: DualModel, image: torch.Tensor, text: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    logits = model.logit_scale.exp() * F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).T
    return (F.cross_entropy(logits, targets) + F.cross_entropy(logits.T, targets)) / 2


def test_stage_1_is_symmetric_cross_entropy_of_the_two_towers(model: DualModel) -> None:
    given = batch()
    assert given.pixels is not None
    losses = DualObjective("contrastive")(model, given, -1)
    expected = symmetric(model, model.encode_image(given.pixels), model.encode_text(given.ids), torch.arange(5))
    torch.testing.assert_close(losses.total / losses.weight, expected)
    assert float(losses.weight) == DualObjective("contrastive").weight(given) == 5


def test_stage_2_is_the_sum_of_three_readings(model: DualModel) -> None:
    """One row at a time, each reading alone: what the one pass of the objective has to equal."""
    given = batch()
    assert given.pixels is not None
    assert given.pairs is not None
    vision, pairs = model.see(given.pixels), given.pairs
    asked = [pairs.matching[1], pairs.matching[2], pairs.matching[3], pairs.matching[3], pairs.matching[4]]  # 3 wrong, 2 right
    wanted = torch.tensor([0, 0, 0, 1, 1])
    answers = [_read(model, vision[i : i + 1], ids, "all")[0].mean(0) for i, ids in enumerate(asked)]
    head = torch.stack([model.match_head(answer) for answer in answers])
    matching = F.cross_entropy(head, wanted)
    pooled = model.query_pool(model.ask(vision))
    contrastive = symmetric(model, pooled, model.encode_text(given.ids), torch.arange(5))
    logits, labels = [], []
    for i, (ids, targets) in enumerate(zip(pairs.caption_ids, pairs.caption_labels, strict=True)):
        words = _read(model, vision[i : i + 1], ids, "after")[1]
        logits.append(model.language_model.logits(words)[:-1])
        labels.append(targets[1:][: len(words) - 1])
    captioning = F.cross_entropy(torch.cat(logits), torch.cat(labels))
    losses = DualObjective("generative")(model, given, -1)
    for name, expected in (("matching", matching), ("contrastive", contrastive), ("captioning", captioning)):
        torch.testing.assert_close(losses.parts[name] / 5, expected.detach(), msg=name)
    torch.testing.assert_close(losses.total / 5, matching + contrastive + captioning)


def _read(model: DualModel, vision: torch.Tensor, ids: torch.Tensor, sight: str) -> tuple[torch.Tensor, torch.Tensor]:
    from internvl.models.language.cache import Step

    ids = ids[ids > 0][None]
    hidden = torch.cat([model.queries, model.language_model.embedding(ids)], dim=1)
    mask = joint_mask(ids > 0, model.config.queries, sight)  # type: ignore[arg-type]
    step = Step(torch.arange(hidden.shape[1])[None], mask, False, hidden.shape[1], context=vision)
    states = model.language_model(hidden, step=step)[0]
    return states[: model.config.queries], states[model.config.queries :]


def test_masks_of_the_three_readings() -> None:
    known = torch.tensor([[True, True, False]])
    assert joint_mask(known, 2, "all")[0, 0].int().tolist() == [[1, 1, 1, 1, 0]] * 5
    assert joint_mask(known, 2, "apart")[0, 0, :4].int().tolist() == [[1, 1, 0, 0, 0]] * 2 + [[0, 0, 1, 0, 0], [0, 0, 1, 1, 0]]
    assert joint_mask(known, 2, "after")[0, 0, :4].int().tolist() == [[1, 1, 0, 0, 0]] * 2 + [[1, 1, 1, 0, 0], [1, 1, 1, 1, 0]]


def test_negatives_are_of_other_pictures() -> None:
    other, found = another_caption(torch.tensor([7, 7, 8, 7]))
    assert (other.tolist(), found.tolist()) == ([2, 2, 3, 2], [True] * 4)
    assert not another_caption(torch.tensor([7, 7]))[1].any()
    assert not another_caption(torch.tensor([7]))[1].any()


@pytest.mark.parametrize("kind", ["contrastive", "generative", "retrieval"])
def test_one_pair_alone_has_finite_losses(model: DualModel, kind: str) -> None:
    losses = DualObjective(kind)(copy.deepcopy(model), batch((1,)), -1)  # type: ignore[arg-type]
    assert torch.isfinite(losses.total)


def test_captions_of_one_picture_share_its_place(model: DualModel) -> None:
    given = batch((1, 1, 2))
    assert given.pixels is not None
    pooled, text = model.query_pool(model.ask(model.see(given.pixels))), model.encode_text(given.ids)
    logits = model.logit_scale.exp() * F.normalize(pooled, dim=-1) @ F.normalize(text, dim=-1).T
    shared = torch.tensor([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    expected = (F.cross_entropy(logits, shared) + F.cross_entropy(logits.T, shared)) / 2
    losses = DualObjective("retrieval")(model, given, -1)
    torch.testing.assert_close(losses.parts["contrastive"] / 3, expected.detach())
    assert set(losses.parts) == {"matching", "match_accuracy", "contrastive", "accuracy", "plain", "plain_accuracy"}


def test_batches_without_pairs_are_refused(model: DualModel) -> None:
    given = batch()
    with pytest.raises(ConfigError, match="pairs of a picture and a caption"):
        DualObjective("contrastive")(model, Batch(**{**vars(given), "pairs": None}), -1)
