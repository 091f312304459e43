"""What was done to a model and what it cost, part by part: kinds, sizes, and the loss of accuracy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from internvl.models.internvl import InternVL
from internvl.quantize.choosing import Choice
from internvl.quantize.formats import layer_shapes
from internvl.quantize.layer import Packed, layers_of
from internvl.quantize.measure import WHOLE, Loss
from internvl.quantize.plan import HEAD, PARTS, QuantPlan, part_of

VERSION = 1


@dataclass(frozen=True, kw_only=True)
class PartReport:
    """One part, or the whole model. kinds: layers of each kind. bytes_before, bytes_after: of its weights."""

    name: str
    kinds: Mapping[str, int]
    bytes_before: int
    bytes_after: int
    loss: Loss | None


@dataclass(frozen=True, kw_only=True)
class Report:
    """The outcome. layers: all that could be packed; choices: what was chosen for those that are.

    samples, held_out: how many were calibrated on and measured on. pictures: where they are from.
    """

    name: str
    plan: QuantPlan
    parts: tuple[PartReport, ...]
    layers: tuple[str, ...]
    choices: tuple[Choice, ...]
    samples: int
    held_out: int
    pictures: str
    seconds: float

    @property
    def whole(self) -> PartReport:
        """The row of the whole model."""
        return self.parts[-1]

    @property
    def higher(self) -> list[str]:
        """Layers that were left at a higher kind than planned, because of their error."""
        found = {choice.name: choice.form.kind for choice in self.choices if choice.form is not None}
        planned = {name: self.plan.kind_of(name) for name in self.layers}
        return [name for name, kind in planned.items() if kind != "float" and found.get(name) != kind]

    def to_dict(self) -> dict[str, Any]:
        """For JSON; without the seconds, so that the same run gives the same file."""
        return {
            "version": VERSION,
            "name": self.name,
            "plan": vars(self.plan) | {"keep": list(self.plan.keep)},
            "calibration": {"pictures": self.pictures, "samples": self.samples, "held_out": self.held_out},
            "parts": [vars(part) | {"kinds": dict(part.kinds), "loss": part.loss and vars(part.loss)} for part in self.parts],
            "left_at_a_higher_kind": self.higher,
            "layers": [_layer_dict(choice) for choice in self.choices],
        }


def part_reports(full: InternVL, model: InternVL, losses: Mapping[str, Loss], *, dtype: torch.dtype) -> tuple[PartReport, ...]:
    """A row for every part and one for the whole. dtype: in which the full model is stored."""
    before, after = _bytes_of(full, dtype), _bytes_of(model, dtype)
    kinds = _kinds_of(model, full)
    rows = [
        PartReport(name=part, kinds=kinds[part], bytes_before=before[part], bytes_after=after[part], loss=losses.get(part))
        for part in PARTS
    ]
    whole = PartReport(
        name=WHOLE,
        kinds=sum((Counter(row.kinds) for row in rows), Counter()),
        bytes_before=sum(before.values()),
        bytes_after=sum(after.values()),
        loss=losses.get(WHOLE),
    )
    return (*rows, whole)


def _bytes_of(model: InternVL, dtype: torch.dtype) -> Counter[str]:
    """Bytes of each part; what two parts share counts for the first."""
    layers = layers_of(model)
    sizes: Counter[str] = Counter(dict.fromkeys(PARTS, 0))
    seen: set[int] = set()
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        owner = name.rpartition(".")[0]
        packed = owner in layers
        if packed and tensor.data_ptr() in seen:
            continue
        seen.add(tensor.data_ptr())
        sizes[part_of(owner)] += tensor.nbytes if packed else tensor.numel() * dtype.itemsize
    return sizes


def _kinds_of(model: InternVL, full: InternVL) -> dict[str, Counter[str]]:
    layers: Mapping[str, Packed] = layers_of(model)
    kinds: dict[str, Counter[str]] = {part: Counter() for part in PARTS}
    for name in layer_shapes(full.config):
        if name == HEAD and model.language_model.head is None:
            continue
        kinds[part_of(name)][layers[name].kind if name in layers else "float"] += 1
    return kinds


def _layer_dict(choice: Choice) -> dict[str, Any]:
    form = choice.form
    return {
        "name": choice.name,
        "kind": "float" if form is None else form.kind,
        "group": 0 if form is None else form.group,
        "rounding": choice.rounding,
        "smoothing": choice.strength,
        "error": None if choice.error is None else round(choice.error, 6),
    }
