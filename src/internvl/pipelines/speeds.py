"""What each step of a run took, for reports and for planning a larger one.

units/*.time.json --> Speed: items, seconds, items a second and core
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from internvl.pipelines.errors import PipelineError
from internvl.pipelines.units import UNITS


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Of one operator, or of reading, which is "(read)". seconds: of all workers together, each on the cores it asks for."""

    name: str
    items: int
    seconds: float

    @property
    def items_per_second(self) -> float:
        """Of one worker."""
        return self.items / self.seconds if self.seconds else 0.0

    @property
    def core_seconds_per_million(self) -> float:
        """What a million items cost on workers of one core."""
        return 1e6 * self.seconds / self.items if self.items else 0.0


def read_speeds(out: str | Path) -> tuple[Speed, ...]:
    """The speeds of the units that are done, in the order of the steps. Loading of models is not in them.

    Raises PipelineError where there is no finished unit, or a damaged file.
    """
    items: dict[str, int] = {}
    seconds: dict[str, float] = {}
    files = sorted(Path(out, UNITS).glob("*.time.json"))
    if not files:
        raise PipelineError(f"{Path(out, UNITS)} holds no times of units")
    for path in files:
        try:
            times = json.loads(path.read_text("utf-8"))
            for step, taken in times["seconds"].items():
                seconds[step] = seconds.get(step, 0.0) + float(taken)
                items[step] = items.get(step, 0) + int(times["items"][step])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PipelineError(f"{path} holds no times of a unit: {error}") from error
    return tuple(Speed(name=step, items=items[step], seconds=seconds[step]) for step in seconds)
