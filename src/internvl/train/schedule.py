"""The learning rate over a run: a factor for each step.

    warmup: up from 1 / warmup to 1     then     cosine, linear: down to min_lr_ratio     constant: 1     wsd: 1, then down over `decay`

No step is spent at a rate of zero: the end of a decay would be reached one step after the last.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from internvl.errors import ConfigError
from internvl.train.config import OptimConfig


def rate_factor(step: int, total: int, config: OptimConfig) -> float:
    """What the learning rate is multiplied by in step `step` (from 0) of `total`; after the last step, the end of the schedule.

    Raises ConfigError when warmup, or warmup and decay together, are longer than the run.
    """
    warmup, decay = phases(total, config)
    if step < 0:
        raise ConfigError(f"steps are counted from 0, not {step}")
    if step < warmup:
        return (step + 1) / warmup
    if config.schedule == "constant":
        return 1.0
    start = total - decay if config.schedule == "wsd" else warmup
    done = min(1.0, max(0.0, (step - start) / max(1, total - start)))
    shape = 0.5 * (1.0 + math.cos(math.pi * done)) if config.schedule == "cosine" else 1.0 - done
    return config.min_lr_ratio + (1.0 - config.min_lr_ratio) * shape


def phases(total: int, config: OptimConfig) -> tuple[int, int]:
    """Steps of warmup (a fraction is rounded up) and of the decay of wsd (rounded down; 0 for the other schedules)."""
    if total < 1:
        raise ConfigError(f"a run has at least 1 step, not {total}")
    if config.schedule not in ("cosine", "linear", "constant", "wsd"):
        raise ConfigError(f"schedule must be cosine, linear, constant or wsd, not {config.schedule!r}")
    if not 0.0 <= config.min_lr_ratio <= 1.0:
        raise ConfigError(f"min_lr_ratio must lie in [0, 1], not {config.min_lr_ratio}")
    # The small number keeps 0.07 x 100 = 7.000000000000001 from becoming 8 steps.
    warmup = _steps("warmup", config.warmup, lambda fraction: math.ceil(fraction * total - 1e-9))
    decay = _steps("decay", config.decay, lambda fraction: math.floor(fraction * total + 1e-9)) if config.schedule == "wsd" else 0
    if warmup + decay > total:
        what = f"a warmup of {warmup} steps" + (f" and a decay of {decay}" if decay else "")
        raise ConfigError(f"{what} do not fit into a run of {total} steps")
    return warmup, decay


def _steps(name: str, value: float, of_fraction: Callable[[float], int]) -> int:
    if not (math.isfinite(value) and value >= 0.0):
        raise ConfigError(f"{name} must be a fraction below 1 or a number of steps, not {value}")
    if value < 1.0:
        return of_fraction(value)
    if value != int(value):
        raise ConfigError(f"{name} from 1 on is a whole number of steps, not {value}")
    return int(value)
