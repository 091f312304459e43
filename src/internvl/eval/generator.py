"""Whoever answers: our engine, a remote service, a replayed file, a fake. All are asked by one loop.

Ask [messages, protocol] x batch -> Generator.generate -> Answer x batch, in the same order
"""

from __future__ import annotations

import typing
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from internvl.errors import InternVLError
from internvl.eval.errors import GeneratorError
from internvl.eval.sample import Answer
from internvl.eval.task import Protocol
from internvl.messages import Message


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One question: a conversation that ends with the user, and how it is to be answered.

    id, turn: the sample's id and which of its questions this is, from 0; a replay looks answers up by them.
    """

    messages: tuple[Message, ...]
    protocol: Protocol
    id: str = ""
    turn: int = 0


class Generator(typing.Protocol):
    """Messages to text. `batch_size` is how many asks it likes to get at once."""

    name: str
    batch_size: int

    def describe(self) -> dict[str, Any]:
        """Who answers, as JSON and without secrets: kind, name, model hash, number type.

        A run whose description changed is not continued; only `name` and what stands under `runtime` (versions, devices, addresses)
        may change.
        """
        ...

    def generate(self, asks: Sequence[Ask]) -> list[Answer]:
        """An answer to each ask, in order.

        An InternVLError means that at least one could not be answered; PartlyAnswered says which.
        """
        ...


@typing.runtime_checkable
class Concurrent(typing.Protocol):
    """A generator that several threads may ask at once, so many of them with profit."""

    in_flight: int


class PartlyAnswered(GeneratorError):
    """Some asks were answered and some were not: `outcomes` has an Answer or an error for each, in order."""

    def __init__(self, outcomes: Sequence[Answer | InternVLError]) -> None:
        self.outcomes = tuple(outcomes)
        errors = [each for each in outcomes if isinstance(each, InternVLError)]
        super().__init__(f"{len(errors)} of {len(outcomes)} questions were not answered, first: {errors[0] if errors else ''}")


def answered(outcomes: Sequence[Answer | InternVLError]) -> list[Answer]:
    """The answers when all asks have one; else raises the error of a single ask, or PartlyAnswered."""
    errors = [each for each in outcomes if isinstance(each, InternVLError)]
    if errors:
        raise errors[0] if len(outcomes) == 1 else PartlyAnswered(outcomes)
    return [each for each in outcomes if isinstance(each, Answer)]
