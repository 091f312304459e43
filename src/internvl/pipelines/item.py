"""One sample on its way through a pipeline, and how it can leave early.

row of an input file --source--> Item --operator--> Item with more fields  |  several Items  |  Drop(reason)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from internvl.data.record import Origin


@dataclass(frozen=True, kw_only=True)
class Item:
    """A sample in flight.

    origin: where it stands; unique in a run, and in the order of the input. image: the picture's file as it is, still encoded.
    text: the caption. fields: all else, JSON-able: the input's own columns (url, language, conversations, ...) and what operators add.
    """

    origin: Origin
    image: bytes | None = None
    text: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)

    def with_fields(self, **more: Any) -> Item:
        """The same sample with fields added or replaced."""
        return replace(self, fields={**self.fields, **more})


@dataclass(frozen=True)
class Drop:
    """A sample that is left out. reason: "kind: detail", such as "unreadable picture: it ends early"; reports count the kinds."""

    reason: str

    @property
    def kind(self) -> str:
        """What stands before the first colon."""
        return self.reason.partition(":")[0].strip()
