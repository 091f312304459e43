"""How much each token of an example counts in the loss: labels [L] -> weights float32 [L].

Counting tokens alike lets long answers rule the average; counting conversations alike lets one-word answers rule it. The square root
stands between the two (InternVL 2.5 report, section on loss reweighting).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from internvl.data.config import LossWeighting
from internvl.errors import ConfigError
from internvl.prompt.labels import IGNORED

# Number of learnt tokens of the example -> weight of each of them.
_WEIGHTS: dict[LossWeighting, Callable[[int], float]] = {
    "token": lambda learnt: 1.0,
    "sample": lambda learnt: 1.0 / learnt,
    "square": lambda learnt: learnt**-0.5,
}


def token_weights(labels: Tensor, kind: LossWeighting) -> Tensor:
    """Weights float32 [L] at the places of labels int64 [L] of one example: 0 where there is no loss, zeros if it is nowhere.

    kind: `token` 1 for every token; `sample` 1/x, so that each example counts 1; `square` 1/sqrt(x); x is the number of labels.
    Raises ConfigError for another kind.
    """
    if kind not in _WEIGHTS:
        raise ConfigError(f"loss_weighting is one of {', '.join(_WEIGHTS)}, not {kind!r}")
    has_loss = labels != IGNORED
    learnt = int(has_loss.sum())
    if not learnt:
        return torch.zeros(labels.shape, dtype=torch.float32, device=labels.device)
    return has_loss.to(torch.float32) * _WEIGHTS[kind](learnt)
