"""What a step of a pipeline is: a description that travels to the workers, and the work that each of them opens for itself.

    Operator (picklable) --open(), once a worker--> Work: Item[n] -> outcome[n]

An outcome depends on its item and the settings alone, never on neighbours, order, worker or time: so a unit of rows can be done by
anybody, and done again, with the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from internvl.pipelines.item import Drop, Item

ColumnType: TypeAlias = Literal["float", "int", "str", "bool", "json"]
Outcome: TypeAlias = Item | Drop | list[Item]
# One outcome per item, in order. A list is several items out of one, such as the pages of a document; it is never empty.
Work: TypeAlias = Callable[[Sequence[Item]], list[Outcome]]


@dataclass(frozen=True)
class Resources:
    """What one worker of a step needs: CPU cores and GPUs, parts of one allowed."""

    cpus: float = 1.0
    gpus: float = 0.0


@runtime_checkable
class Operator(Protocol):
    """One step. It is picklable and holds no model."""

    @property
    def name(self) -> str:
        """Unique in a run, such as "similarity"; its speed is reported under this name."""
        ...

    @property
    def resources(self) -> Resources:
        """What one worker needs."""
        ...

    def columns(self) -> Mapping[str, ColumnType]:
        """The columns it adds, with their types. The values stand in the fields of the items it returns; a missing one is null."""
        ...

    def settings(self) -> dict[str, Any]:
        """All that changes its result, JSON-able: thresholds, model name, hash of the weights. Part of the run's fingerprint."""
        ...

    def open(self) -> Work:
        """Load what the work needs. Called once in each worker."""
        ...
