"""What is gathered of a layer's inputs, and how much each token of a sample counts in it."""

from __future__ import annotations

import torch

from internvl.inputs import ModelInputs
from internvl.quantize.layer_inputs import LayerInputs
from internvl.quantize.sample import ASKED_WEIGHT, Sample

PLACEHOLDER = 9


def sample(*, tiles: int = 2, per_tile: int = 16, answer: tuple[int, ...] = (5, 6, 7)) -> Sample:
    ids = torch.tensor([1, 2, *[PLACEHOLDER] * (tiles * per_tile), 3, 4])
    pixels = torch.zeros(tiles, 3, 28, 28)
    return Sample(ModelInputs(ids=ids, placeholder_id=PLACEHOLDER, tokens_per_tile=per_tile, pixels=pixels), answer, False)


def test_the_asked_positions_are_those_that_choose_the_answer() -> None:
    given = sample()
    assert given.ids.shape == (1, 39)
    assert given.ids[0, given.asked].tolist() == [4, 5, 6]
    assert sample(answer=(5,)).ids[0, sample(answer=(5,)).asked].tolist() == [4]


def test_visual_tokens_count_together_as_much_as_words_and_the_answer_more() -> None:
    given = sample()
    weights, visual = given.weights, given.ids[0] == PLACEHOLDER
    assert torch.isclose(weights[visual].sum(), torch.tensor(float((~visual).sum())))
    assert weights[given.asked].tolist() == [ASKED_WEIGHT] * 3
    few = sample(tiles=1, per_tile=4)
    assert few.weights[few.ids[0] == PLACEHOLDER].tolist() == [1.0] * 4


def test_inputs_are_counted_by_their_weight() -> None:
    x = torch.randn(1, 6, 4, generator=torch.Generator().manual_seed(0))
    weights = torch.tensor([1.0, 0, 2, 0, 0, 1])
    inputs = LayerInputs(torch.zeros(4), torch.zeros(4, 4))
    inputs.take(x, weights)
    torch.testing.assert_close(inputs.moments, (x[0] * weights[:, None]).T @ x[0])
    assert torch.equal(inputs.peaks, x[0].abs().amax(0))
    inputs.keep(x, 100, weights)
    kept = {int((x[0] == row).all(1).nonzero()) for row in inputs.rows}
    assert kept == {0, 2, 5}
    assert len(inputs.rows) == 6
    inputs.keep(x, 3)
    assert len(inputs.rows) == 9
