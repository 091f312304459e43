"""What the benchmark asks of every program, and the table that says where each one's code is.

    picture file, question -> ask -> Turn: tokens, seconds to the first, seconds for the rest
    next question           -> again                                                            four pictures at once -> batch

All get the same pictures as files and the same words, except transformers, which gets them as pixels and ids (it is spared 1 % of its
time so). This file and the peers' import nothing heavy at the top: each program runs in its own environment.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from benchmarks.turn import Turn

QUESTION = "Describe the picture in detail."
NEXT_QUESTION = "Which part is the oldest?"
OTHER_QUESTION = "How many colours are there?"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture file that every program cuts into `tiles` tiles, thumbnail included; `seed` tells it from the others.

    chat: the number in its chats' system message; None: its seed, so that chats about different pictures differ from their start and
    nothing read for one helps another.
    """

    path: str
    tiles: int
    seed: int
    chat: int | None = None

    @property
    def system(self) -> str:
        """The system message of a chat about it."""
        return f"Chat {self.seed if self.chat is None else self.chat:03}."


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a program needs to start. `folder` holds its model, `binary` its program where it has one, `extra` its own things."""

    variant: str
    folder: Path
    threads: int
    binary: str = ""
    log: str = ""
    extra: dict[str, Any]


class Peer(Protocol):
    """A program that answers questions about pictures. Answers are greedy and of exactly `tokens` tokens."""

    def load(self) -> None:
        """Until the first question may come."""

    def ask(self, picture: Picture, question: str, *, tokens: int) -> Turn:
        """A new chat."""

    def again(self, question: str, *, tokens: int, by_hand: bool = False) -> Turn | None:
        """A second question in the last chat. by_hand: with a cache that its caller keeps; None where there is no such thing."""

    def batch(self, pictures: Sequence[Picture], question: str, *, tokens: int) -> float:
        """Seconds for one question about several pictures, asked at the same moment."""

    def peak_mb(self) -> float:
        """The most memory that was resident."""

    def close(self) -> None:
        """End what it started."""


WHERE = {
    "internvl": ("benchmarks.peers.our_peer", "Ours"),
    "transformers": ("benchmarks.peers.transformers_peer", "TransformersPeer"),
    "llama.cpp": ("benchmarks.peers.llama_peer", "LlamaPeer"),
    "openvino": ("benchmarks.peers.openvino_peer", "OpenVinoPeer"),
}


def make_peer(program: str, setup: Setup) -> Peer:
    """A program's side of the comparison, its libraries imported."""
    module, name = WHERE[program]
    peer: Peer = getattr(importlib.import_module(module), name)(setup)
    return peer
