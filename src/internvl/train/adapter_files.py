"""Adapters to and from a PEFT folder, in the names of the checkpoint they belong to.

    lora_a [pairs * r, in], lora_b [out, r]  <->  base_model.model.<stored name>.lora_A.weight [r, in], .lora_B.weight [rows, r]

Any grouping can be written for either layout: a pair over joined matrices gives each its rows of B with a copy of A; several pairs
over a matrix that is stored joined become one of their ranks together. Both say exactly the same.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from internvl.checkpoint.keymap import Entry, Layout, keymap
from internvl.checkpoint.shard_header import TensorInfo, open_shard, read_header
from internvl.checkpoint.shard_writer import json_text, write_text
from internvl.errors import CheckpointError, ConfigError
from internvl.models.internvl import InternVL
from internvl.models.linear import Linear
from internvl.train.adapter_config import CONFIG_FILE, AdapterConfig, describe_adapters, read_adapter_config
from internvl.train.config import PARTS, Part
from internvl.train.lora import AdapterShape, LoraLinear, adapters, attach, pair_rows

_Read: TypeAlias = Callable[[str], Tensor]

WEIGHTS_FILE = "adapter_model.safetensors"
PREFIX = "base_model.model."
_LORA = re.compile(r"(?P<module>.+)\.lora_(?P<side>[AB])(\.default)?\.weight")
_WHOLE: dict[Layout, dict[Part, tuple[str, ...]]] = {
    "original": {"vision_encoder": ("vision_model",), "projector": ("mlp1",), "language_model": ("language_model",)},
    "native": {
        "vision_encoder": ("model.vision_tower",),
        "projector": ("model.multi_modal_projector",),
        "language_model": ("model.language_model", "lm_head"),
    },
}


def save_adapter(
    model: InternVL,
    folder: Path,
    base_name: str,
    *,
    layout: Layout = "original",
    revision: str | None = None,
    parts: Iterable[Part] | None = None,
    write: bool = True,
) -> None:
    """Write the model's adapters, and whole the parts that were trained beside them, as a PEFT folder.

    parts: those to store whole; None takes the parts of which anything but adapters requires a gradient.
    On a sharded model every rank must call this, and all but one with write=False. ConfigError when there are no adapters.
    """
    found = dict(adapters(model))
    if not found:
        raise ConfigError("the model has no adapters to save; add_lora puts them in, save_model writes whole models")
    whole = _learning_whole(model) if parts is None else tuple(parts)
    entries = {entry.ours: entry for entry in keymap(model.config, layout)}
    tensors: dict[str, Tensor] = {}
    adapted: dict[str, tuple[int, float]] = {}
    for name, module in found.items():
        for stored, a, b in _stored_pairs(module, entries[f"{name}.weight"]):
            tensors |= {f"{PREFIX}{stored}.lora_A.weight": a, f"{PREFIX}{stored}.lora_B.weight": b}
            adapted[stored] = (a.shape[0], module.shape.scale * a.shape[0])
    tensors |= _whole_tensors(model, entries, whole)
    if not write:
        return
    modules = [name.removesuffix(".weight") for entry in entries.values() for name in entry.stored if name.endswith(".weight")]
    config = describe_adapters(
        adapted,
        modules,
        base_name=base_name,
        dropout=next(iter(found.values())).shape.dropout,
        whole=[name for part in whole for name in _WHOLE[layout][part]],
        revision=revision,
    )
    _write(folder, tensors, config)


def load_adapter(model: InternVL, folder: Path) -> AdapterConfig:
    """Put the adapters of a PEFT folder beside the model's weights, in place, and give the folder's config.

    The folder may name matrices of either layout, or of the language model alone. Parts stored whole replace the model's.
    What the folder holds is left to learn and the rest is frozen, so that training can go on and save again; load before sharding.
    Everything is checked before the model is touched: CheckpointError or ConfigError name the tensor that does not fit.
    """
    if any(True for _ in adapters(model)):
        raise ConfigError("the model has adapters already; merge them first (merge_lora)")
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        raise CheckpointError(f"{folder}: {WEIGHTS_FILE} is missing; is this a PEFT folder? Pickles (.bin) are not opened")
    config, infos = read_adapter_config(folder), read_header(path)
    contents = _sorted_out(path, infos)
    entries = _entries_for(path, model, contents)
    plans = _plan(path, model, config, contents, entries)
    replaced = _check_whole(path, model, contents, entries)
    handle = open_shard(path)
    model.requires_grad_(False)
    for plan in plans:
        _fill(attach(model, plan.name, plan.shape), plan, lambda name: handle.get_tensor(name).float())
    with torch.no_grad():
        for entry, names in replaced:
            model.get_parameter(entry.ours).requires_grad_(True).copy_(entry.join([handle.get_tensor(name) for name in names]))
    return config


@dataclass
class _Contents:
    """What a file holds, by stored name: adapters {module: {"A": tensor name, "B": ...}} and whole tensors {name: tensor name}."""

    pairs: dict[str, dict[str, str]] = field(default_factory=dict)
    whole: dict[str, str] = field(default_factory=dict)
    infos: Mapping[str, TensorInfo] = field(default_factory=dict)

    def names(self) -> set[str]:
        return {f"{module}.weight" for module in self.pairs} | set(self.whole)


@dataclass(frozen=True)
class _Plan:
    """One layer to be given adapters: of each of its pairs the names of A and B, or None where the file has none."""

    name: str
    entry: Entry
    shape: AdapterShape
    pairs: tuple[dict[str, str] | None, ...]


def _stored_pairs(module: LoraLinear, entry: Entry) -> list[tuple[str, Tensor, Tensor]]:
    """(stored module, A, B) for each stored matrix. Pairs of nothing but zeros, which a folder left out, are left out again."""
    a, b, rows = _gathered(module.lora_a), _gathered(module.lora_b), module.shape.rows
    ups = list(entry.split(b))
    if len(rows) == len(entry.stored):
        downs = list(a.chunk(len(rows)))
    elif len(rows) == 1:
        downs = [a] * len(entry.stored)
    elif len(entry.stored) == 1:
        downs, ups = [a], entry.split(torch.block_diag(*b.split(rows)))
    else:
        raise ConfigError(f"{entry.ours} has {len(rows)} adapters, but is stored as {len(entry.stored)} matrices")
    named = zip((name.removesuffix(".weight") for name in entry.stored), downs, ups, strict=True)
    return [(name, down.contiguous().clone(), up.contiguous().clone()) for name, down, up in named if bool(down.any() or up.any())]


def _whole_tensors(model: InternVL, entries: Mapping[str, Entry], parts: Sequence[Part]) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for part in parts:
        if any(True for _ in adapters(getattr(model, part))):
            raise ConfigError(f"{part} has adapters and can't be stored whole beside them; merge them, or leave it out of `parts`")
        for name, entry in entries.items():
            if name.startswith(f"{part}."):
                for stored, tensor in zip(entry.stored, entry.split(_gathered(model.get_parameter(name))), strict=True):
                    tensors[PREFIX + stored] = tensor.contiguous().clone()
    return tensors


def _learning_whole(model: InternVL) -> tuple[Part, ...]:
    names = {name for name, p in model.named_parameters() if p.requires_grad and not name.endswith((".lora_a", ".lora_b"))}
    return tuple(part for part in PARTS if any(name.startswith(f"{part}.") for name in names))


def _gathered(parameter: nn.Parameter) -> Tensor:
    """The whole tensor on the CPU; a shard (DTensor) is put together from all ranks."""
    gather = getattr(parameter, "full_tensor", None)
    tensor: Tensor = parameter if gather is None else gather()
    return tensor.detach().cpu()


def _write(folder: Path, tensors: Mapping[str, Tensor], config: AdapterConfig) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{WEIGHTS_FILE}.tmp"
    save_file(dict(tensors), temporary, metadata={"format": "pt"})
    os.replace(temporary, folder / WEIGHTS_FILE)
    write_text(folder / CONFIG_FILE, json_text(config.values()))


def _sorted_out(path: Path, infos: Mapping[str, TensorInfo]) -> _Contents:
    contents = _Contents(infos=infos)
    for name in sorted(infos):
        plain = name.removeprefix(PREFIX)
        match = _LORA.fullmatch(plain)
        if match:
            contents.pairs.setdefault(match["module"], {})[match["side"]] = name
        else:
            contents.whole[plain] = name
    if not contents.pairs:
        raise CheckpointError(f"{path}: no LoRA tensors; expected names such as {PREFIX}<module>.lora_A.weight")
    for module, sides in contents.pairs.items():
        if set(sides) != {"A", "B"}:
            raise CheckpointError(f"{path}: the adapter of {module!r} has only its {' '.join(sides)} half; A and B are needed")
    return contents


def _entries_for(path: Path, model: InternVL, contents: _Contents) -> dict[str, Entry]:
    """The entries of the layout that knows all names of the file, by our name."""
    unknown: list[str] = []
    for layout, prefix in (("original", "model."), ("native", "model."), ("native", "")):
        entries = keymap(model.config, "original" if layout == "original" else "native", prefix=prefix)
        for cut in ("", "language_model."):  # released scripts wrap the language model alone, which leaves its name out
            named = [_without(entry, cut) for entry in entries]
            missing = contents.names() - {name for entry in named for name in entry.stored}
            if not missing:
                return {entry.ours: entry for entry in named}
            unknown = unknown if unknown and len(unknown) <= len(missing) else sorted(missing)
    raise CheckpointError(
        f"{path}: {len(unknown)} tensors belong to no matrix of this model, first {unknown[0]!r}; the adapter is of another model"
    )


def _without(entry: Entry, prefix: str) -> Entry:
    stored = tuple(name.removeprefix(prefix) for name in entry.stored)
    return Entry(entry.ours, stored, entry.rows, entry.packed)


def _plan(path: Path, model: InternVL, config: AdapterConfig, contents: _Contents, entries: Mapping[str, Entry]) -> list[_Plan]:
    """The layers that get adapters. All pairs of a layer share one rank and scale."""
    plans = []
    for entry in entries.values():
        modules = [name.removesuffix(".weight") for name in entry.stored]
        if not any(module in contents.pairs for module in modules):
            continue
        name = entry.ours.removesuffix(".weight")
        base = model.get_submodule(name)
        # The head multiplies by its weight alone (it may be tied), so an adapter there would never be asked.
        if not isinstance(base, Linear) or name == "language_model.head":
            raise CheckpointError(
                f"{path}: adapters on {modules[0]!r} are not supported; only on the blocks' and the projector's matrices"
            )
        settings = {(config.rank_of(m), config.scale_of(m)) for m in modules if m in contents.pairs}
        if len(settings) > 1:
            raise CheckpointError(f"{path}: {', '.join(modules)} are one matrix here and must share one rank and alpha, not {settings}")
        rank, scale = settings.pop()
        rows = pair_rows(model, name, dict(entries))
        for module, count in zip(modules, rows, strict=True):
            _check_pair(path, module, contents, (rank, base.in_features), (count, rank))
        shape = AdapterShape(rank=rank, alpha=scale * rank, dropout=config.dropout, rows=rows)
        plans.append(_Plan(name, entry, shape, tuple(contents.pairs.get(module) for module in modules)))
    return plans


def _check_pair(path: Path, module: str, contents: _Contents, a: tuple[int, int], b: tuple[int, int]) -> None:
    sides = contents.pairs.get(module)
    if sides is None:
        return
    found = contents.infos[sides["A"]].shape, contents.infos[sides["B"]].shape
    if found != (a, b):
        raise CheckpointError(
            f"{path}: the adapter of {module!r} has A {list(found[0])} and B {list(found[1])}; "
            f"the model and {CONFIG_FILE} ask for {list(a)} and {list(b)}"
        )


def _check_whole(path: Path, model: InternVL, contents: _Contents, entries: Mapping[str, Entry]) -> list[tuple[Entry, list[str]]]:
    """The parameters that are replaced, each with the names of its tensors in the file."""
    replaced = []
    for entry in entries.values():
        names = [contents.whole[name] for name in entry.stored if name in contents.whole]
        if not names:
            continue
        if len(names) < len(entry.stored):
            raise CheckpointError(f"{path}: of {', '.join(entry.stored)}, one matrix here, only {len(names)} are stored")
        expected = entry.stored_shapes(tuple(model.get_parameter(entry.ours).shape))
        for name, shape in zip(names, expected, strict=True):
            found = contents.infos[name].shape
            if found != shape:
                raise CheckpointError(f"{path}: {name!r} has the shape {list(found)}; the model's is {list(shape)}")
        replaced.append((entry, names))
    return replaced


@torch.no_grad()
def _fill(module: LoraLinear, plan: _Plan, read: _Read) -> None:
    """Copy the pairs in. A pair that the file lacks is zero in A too, so that it gets no gradient and stays nothing."""
    rank, downs, ups = plan.shape.rank, [], []
    for pair, rows in zip(plan.pairs, plan.shape.rows, strict=True):
        downs.append(torch.zeros(rank, module.in_features) if pair is None else read(pair["A"]))
        ups.append(torch.zeros(rows, rank) if pair is None else read(pair["B"]))
    module.lora_a.copy_(torch.cat(downs))
    module.lora_b.copy_(plan.entry.join(ups))
