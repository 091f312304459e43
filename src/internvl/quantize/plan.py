"""Which layers get how many bits: a plan names a kind for each part, and single layers that stay as they are.

vision_encoder    int8 weights, 8-bit activations (its products are bound by arithmetic)
projector         the same
language_model    int8 or int4 in groups of columns (decoding is bound by memory)
head, embedding   int8: a word's logit and vector are read one row at a time, and 4 bits cost most here
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

from internvl.errors import ConfigError

PackedKind: TypeAlias = Literal["int4", "int8"]
Kind: TypeAlias = Literal["int4", "int8", "float"]
KINDS: tuple[Kind, ...] = ("int4", "int8", "float")
GROUPS = range(32, 257, 32)
EMBEDDING, HEAD = "language_model.embedding", "language_model.head"
PARTS = ("vision_encoder", "projector", "language_model", "head", "embedding")


@dataclass(frozen=True, kw_only=True)
class QuantPlan:
    """What becomes of each part. float: a layer keeps its number type.

    group: columns of an int4 weight that share a scale, a multiple of 32; a layer whose width it doesn't divide takes the next smaller
    one that does, and where none does the last group is filled up.
    keep: layers that stay float, by name; `*` stands for anything, and a name means all that is inside, such as `projector`,
    `language_model.layers.0` or `*.mlp.down`.
    int4_limit, int8_limit: relative error (root mean square, of a layer's output on held-out pictures) above which the layer
    gets the next higher kind. Without calibration there is nothing to measure, and every layer gets its part's kind.
    """

    vision_encoder: Kind = "int8"
    projector: Kind = "int8"
    language_model: Kind = "int8"
    head: Kind = "int8"
    embedding: Kind = "int8"
    group: int = 64
    keep: tuple[str, ...] = ()
    int4_limit: float = 0.20
    int8_limit: float = 0.05

    def __post_init__(self) -> None:
        for part in PARTS:
            if getattr(self, part) not in KINDS:
                raise ConfigError(f"{part} must be one of {', '.join(KINDS)}, not {getattr(self, part)!r}")
        if self.embedding == "int4":
            raise ConfigError("embedding must be int8 or float: a word's vector is looked up, so 4 bits would save memory only")
        if self.group not in GROUPS:
            raise ConfigError(f"group must be one of {', '.join(map(str, GROUPS))}, not {self.group!r}")
        if not (self.int4_limit > 0 and self.int8_limit > 0):
            raise ConfigError(f"limits of the error must be above 0, not {self.int4_limit} and {self.int8_limit}")

    def kind_of(self, name: str) -> Kind:
        """The kind of a layer, by its module's name in our models."""
        if any(_matches(name, pattern) for pattern in self.keep):
            return "float"
        kind: Kind = getattr(self, part_of(name))
        return kind

    def check_names(self, names: list[str]) -> None:
        """Refuse a `keep` that fits no layer: it would be a slip of the pen. ConfigError."""
        for pattern in self.keep:
            if not any(_matches(name, pattern) for name in names):
                raise ConfigError(f"keep: no layer is called {pattern!r:.80}; layers are called as in {names[0]!r}")


PRESETS = {"int8": QuantPlan(), "int4": QuantPlan(language_model="int4")}


def part_of(name: str) -> str:
    """The part that a layer belongs to; the head and the embedding are parts of their own."""
    if name in (EMBEDDING, HEAD):
        return name.rpartition(".")[2]
    return name.partition(".")[0]


def group_for(columns: int, group: int) -> int:
    """The largest group, at most `group`, that divides a width; `group` itself where none does."""
    return next((size for size in reversed(GROUPS) if size <= group and columns % size == 0), group)


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")
