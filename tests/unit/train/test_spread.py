"""A step on one process: micro-batches add up to the batch, and what is agreed before anything is spread."""

from __future__ import annotations

import pytest
import torch
from tiny_batches import CHOSEN, MIXED, batch_of, pixels, tiny, training

from internvl.data.batch import Batch
from internvl.errors import ConfigError
from internvl.train.config import TrainConfig
from internvl.train.flops import WorkCounter
from internvl.train.objectives.sft import SupervisedObjective
from internvl.train.parallel import Spread, World, choose_kind
from internvl.train.step import Sums, accumulate, clip, gradient_norm, micro_batches, sequence_lengths, set_rates, take

TWO = World(rank=1, size=2)


def spread(precision: str = "fp32") -> Spread:
    module = training(SupervisedObjective(), tiny().requires_grad_(True))
    return Spread(module, World(), TrainConfig(precision=precision), kind="none")  # type: ignore[arg-type]


def halves() -> list[Batch]:
    return [batch_of(*MIXED, pixels=pixels(3)), batch_of(*CHOSEN, pixels=pixels(2))]


def together() -> Batch:
    return batch_of(*MIXED, *CHOSEN, pixels=torch.cat([pixels(3), pixels(2)]))


def computed(batches: list[Batch], precision: str = "fp32", *, global_average: bool = True) -> tuple[Sums, dict[str, torch.Tensor]]:
    where = spread(precision)
    sums = accumulate(where, batches, global_average=global_average, counter=WorkCounter(where.module.model))
    gradient_norm(where.module.parameters())
    return sums, {name: p.grad.clone() for name, p in where.module.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("global_average", [True, False])
def test_micro_batches_add_up_to_the_batch(global_average: bool) -> None:
    apart, gradients = computed(halves(), global_average=global_average)
    whole, expected = computed([together()], global_average=global_average)
    assert apart.loss == pytest.approx(whole.loss, rel=1e-5)
    assert apart.parts == pytest.approx(whole.parts, rel=1e-5)
    assert (apart.tokens, apart.tiles, apart.sequences, apart.predicted) == (45, 5, 6, whole.predicted)
    for name, gradient in expected.items():
        torch.testing.assert_close(gradients[name], gradient, rtol=1e-4, atol=1e-6, msg=name)


def test_the_loss_is_the_weighted_mean_of_torchs_own() -> None:
    batch = together()
    sums, _ = computed([batch])
    losses = spread()(batch)
    assert sums.loss == pytest.approx(float(losses.total.detach()) / float(losses.weight), rel=1e-5)


def test_bf16_keeps_weights_and_gradients_in_float32() -> None:
    sums, gradients = computed(halves(), "bf16")
    exact, _ = computed(halves())
    assert sums.loss == pytest.approx(exact.loss, rel=0.02)
    assert sums.loss != exact.loss
    assert {gradient.dtype for gradient in gradients.values()} == {torch.float32}


def test_a_step_without_labels_has_a_loss_of_zero_and_no_nan() -> None:
    batch = batch_of(*MIXED, pixels=pixels(3))
    batch.labels.fill_(-100)
    batch.weights.zero_()
    sums, gradients = computed([batch])
    assert sums.loss == 0.0
    assert all(not bool(gradient.any()) for gradient in gradients.values())


def test_weights_are_copied_before_they_are_trained() -> None:
    module = training(SupervisedObjective(), tiny().requires_grad_(True))
    mapped = module.model.projector.out.weight.data
    Spread(module, World(), TrainConfig(precision="fp32"), kind="none")
    assert module.model.projector.out.weight.data_ptr() != mapped.data_ptr()
    assert torch.equal(module.model.projector.out.weight, mapped)


def test_frozen_weights_keep_their_type() -> None:
    module = training(SupervisedObjective(), tiny().bfloat16().requires_grad_(False))
    module.model.projector.requires_grad_(True)
    Spread(module, World(), TrainConfig(), kind="none")
    kinds = {name.partition(".")[0]: p.dtype for name, p in module.model.named_parameters()}
    assert kinds == {"vision_encoder": torch.bfloat16, "projector": torch.float32, "language_model": torch.bfloat16}


def test_the_norm_is_that_of_all_gradients_and_clipping_keeps_their_direction() -> None:
    a, b, unread = (torch.nn.Parameter(torch.zeros(2)) for _ in range(3))
    a.grad, b.grad = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 4.0])
    assert gradient_norm([a, b, unread]) == 5.0
    assert unread.grad is not None
    clip([a, b], 5.0, 10.0)
    assert a.grad.tolist() == [3.0, 0.0]
    clip([a, b], 5.0, 0.0)
    assert a.grad.tolist() == [3.0, 0.0]
    clip([a, b], 5.0, 1.0)
    assert gradient_norm([a, b]) == pytest.approx(1.0)
    assert a.grad[0] / b.grad[1] == pytest.approx(0.75)


def test_rates_go_by_the_scale_of_their_group() -> None:
    optimizer = torch.optim.SGD([{"params": [torch.zeros(1)], "lr_scale": 0.5}, {"params": [torch.zeros(1)]}], lr=1.0)
    set_rates(optimizer, 0.2)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.2]


def test_lengths_count_every_sequence_and_no_padding() -> None:
    assert sequence_lengths(batch_of(*MIXED)) == [7, 5, 9]


def test_the_end_of_the_data_gives_what_is_left() -> None:
    batches = iter(halves())
    assert len(take(batches, 1)) == 1
    assert len(take(batches, 2)) == 1
    assert take(batches, 2) == []


def test_rows_of_a_step_are_shared_out_evenly_or_not_at_all() -> None:
    assert micro_batches(TrainConfig(batch_size=12, rows_per_forward=3), TWO) == 2
    with pytest.raises(ConfigError, match="2 x 2 = 4, not 6"):
        micro_batches(TrainConfig(batch_size=6, rows_per_forward=2), TWO)


def test_how_a_module_is_spread_is_decided_and_said() -> None:
    module = tiny()
    assert choose_kind(module, World(), "fsdp")[0] == "none"
    assert choose_kind(module, TWO, "auto")[0] == "ddp"
    assert choose_kind(module, TWO, "fsdp") == ("fsdp", "fsdp over 2 processes, as configured")
    with pytest.raises(ConfigError, match="parallel='none' is for one process, but there are 2"):
        choose_kind(module, TWO, "none")
