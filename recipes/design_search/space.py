"""The shapes that are compared: a grid of depth, head width and MLP ratio, the width solved for each budget of parameters.

budgets x depths x head_widths x ratios -> Variant near its budget, or a sentence why there is none
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from internvl.errors import ConfigError
from internvl.models.vision.variants import Variant, parameters, within_budget


@dataclass(frozen=True, kw_only=True)
class Space:
    """A grid. side: of the pictures in px. tolerance: how far, as a share, a shape's parameters may lie from its budget.

    Widths are whole heads, so a wide head under a small budget misses it by much; such a shape would be judged by its size.
    """

    budgets: tuple[int, ...] = (400_000,)
    depths: tuple[int, ...] = (2, 4, 8)
    head_widths: tuple[int, ...] = (16, 32)
    ratios: tuple[int, ...] = (2, 4)
    side: int = 56
    tolerance: float = 0.2


@dataclass(frozen=True)
class Candidate:
    """A shape of the grid and the budget that it was solved for."""

    budget: int
    variant: Variant

    @property
    def name(self) -> str:
        """A folder's name: d4-w96-h16-m4."""
        shape = self.variant
        return f"d{shape.depth}-w{shape.width}-h{shape.width // shape.heads}-m{shape.mlp // shape.width}"


def candidates(space: Space) -> tuple[list[Candidate], list[str]]:
    """The shapes, each once, and what is left out with the reason. Raises ConfigError for a grid without any."""
    found: dict[str, Candidate] = {}
    left_out: list[str] = []
    for budget, depth, head, ratio in product(space.budgets, space.depths, space.head_widths, space.ratios):
        try:
            [variant] = within_budget(budget, depths=(depth,), head_widths=(head,), ratios=(ratio,), side=space.side)
        except ConfigError as error:
            left_out.append(str(error))
            continue
        count = parameters(variant.config)
        if abs(count - budget) > space.tolerance * budget:
            left_out.append(f"{variant.name}: {count:,} parameters are too far from the budget of {budget:,}")
            continue
        candidate = Candidate(budget, variant)
        found.setdefault(candidate.name, candidate)
    if not found:
        raise ConfigError("no shape of the grid comes near its budget; " + "; ".join(left_out[:3]))
    return list(found.values()), left_out
