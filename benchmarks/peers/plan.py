"""Who is compared, and how often which part of the comparison is measured with whom.

A round is every program once, each in a process of its own; in odd rounds the order is reversed. Slow programs take part in fewer
rounds and leave out long pictures, so that a run of a shape ends in minutes; `Plan.everything` measures all parts with all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

PART_NAMES = ("one", "seven", "thirteen", "batch")
TILES = {"one": 1, "seven": 7, "thirteen": 13, "batch": 1}
PICTURES = {"one": 3, "seven": 1, "thirteen": 1, "batch": 4}
LENGTHS = {
    "nano": {"tokens": 128, "many_tokens": 64, "batch_tokens": 64, "short_answer": 4},
    "1b": {"tokens": 64, "many_tokens": 32, "batch_tokens": 64, "short_answer": 4},
}
QUICK_LENGTHS = {"tokens": 32, "many_tokens": 16, "batch_tokens": 16, "short_answer": 4}


@dataclass(frozen=True, eq=False)
class Contender:
    """A program with one kind of weights. `rounds`: by shape, how often each of the parts one, seven, thirteen, batch is measured.

    variant: the kind of weights, and behind it what is turned off.
    """

    program: str
    variant: str
    rounds: dict[str, tuple[int, int, int, int]]

    @property
    def weights(self) -> str:
        """The kind of weights."""
        return self.variant.partition(" ")[0]

    @property
    def name(self) -> str:
        """As it stands over a column."""
        return f"{'OpenVINO' if self.program == 'openvino' else self.program} {self.variant}"


CONTENDERS = (
    Contender("internvl", "int4", {"nano": (3, 2, 1, 1), "1b": (3, 2, 1, 1)}),
    Contender("openvino", "int4", {"nano": (3, 2, 1, 1), "1b": (3, 2, 0, 1)}),
    Contender("internvl", "int8", {"nano": (3, 2, 1, 1), "1b": (3, 2, 0, 1)}),
    Contender("openvino", "int8", {"nano": (3, 2, 1, 1), "1b": (3, 2, 1, 1)}),
    Contender("llama.cpp", "q4_0", {"nano": (2, 1, 0, 1), "1b": (2, 1, 0, 0)}),
    # Its flash attention is the better one for pictures, and on some processors by far the worse one for decoding.
    Contender("llama.cpp", "q4_0 fa-off", {"nano": (2, 1, 0, 0), "1b": (2, 0, 0, 0)}),
    Contender("llama.cpp", "q8_0", {"nano": (1, 0, 0, 0), "1b": (1, 0, 0, 0)}),
    Contender("llama.cpp", "q8_0 fa-off", {"nano": (2, 0, 0, 0), "1b": (0, 0, 0, 0)}),
    Contender("internvl", "bf16", {"nano": (2, 1, 0, 1), "1b": (1, 1, 0, 0)}),
    Contender("openvino", "f16", {"nano": (2, 1, 0, 1), "1b": (1, 0, 0, 0)}),
    Contender("llama.cpp", "f16", {"nano": (1, 0, 0, 0), "1b": (1, 0, 0, 0)}),
    Contender("transformers", "bf16", {"nano": (2, 1, 0, 1), "1b": (1, 0, 0, 0)}),
    Contender("transformers", "fp32", {"nano": (1, 1, 0, 0), "1b": (1, 0, 0, 0)}),
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run measures. quick: one round of one and seven tiles (1b: one), short answers. everything: all parts with all."""

    quick: bool = False
    everything: bool = False
    rounds: int = 0
    names: tuple[str, ...] = ()
    parts: tuple[str, ...] = PART_NAMES

    def contenders(self) -> list[Contender]:
        """Those whose name holds one of `names`; all where there are none."""
        return [each for each in CONTENDERS if not self.names or any(name.lower() in each.name.lower() for name in self.names)]

    def jobs(self, shape: str) -> Iterator[tuple[int, Contender, list[str]]]:
        """Round, contender and the parts to measure with it, in order."""
        wanted = {each: self._rounds(each, shape) for each in self.contenders()}
        for number in range(max((max(rounds.values(), default=0) for rounds in wanted.values()), default=0)):
            order = list(wanted) if number % 2 == 0 else list(reversed(wanted))
            for contender in order:
                parts = [part for part in self.parts if wanted[contender].get(part, 0) > number]
                if parts:
                    yield number, contender, parts

    def lengths(self, shape: str) -> dict[str, int]:
        """Tokens of the answers."""
        return QUICK_LENGTHS if self.quick else LENGTHS[shape]

    def _rounds(self, contender: Contender, shape: str) -> dict[str, int]:
        planned = dict(zip(PART_NAMES, contender.rounds[shape], strict=True))
        if self.quick:
            return {part: min(planned[part], 1) for part in (("one", "seven") if shape == "nano" else ("one",))}
        if self.everything:
            return dict.fromkeys(PART_NAMES, self.rounds or 1)
        return {part: min(number, self.rounds) if self.rounds else number for part, number in planned.items()}
