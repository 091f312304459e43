"""What a run leaves for use: an ordinary checkpoint folder, and of adapters a PEFT folder beside it.

weights that learned (or their running mean) + the rest  ->  OUT/model      adapters are added to their matrices
adapters as they are                                     ->  OUT/adapter
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from internvl.checkpoint.amend import restore_json
from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.convert import CARRIED
from internvl.checkpoint.distributed import export_model, whole
from internvl.models.internvl import InternVL
from internvl.train.adapter_files import save_adapter
from internvl.train.ema import RunningMean
from internvl.train.lora import LoraLinear, adapters
from internvl.train.parallel import Spread

PARTIAL = ".partial"


def export(
    spread: Spread, source: Checkpoint, out: Path, *, base_name: str, placeholder_id: int, ema: RunningMean | None = None
) -> tuple[Path, Path | None]:
    """Write OUT/model (original layout, the source's number type) and, with adapters, OUT/adapter; gives both folders.

    Every rank calls it; the first writes. A folder from before is replaced when the new one is whole.
    """
    model, world = spread.module.model, spread.world
    has_adapters = any(True for _ in adapters(model))
    with torch.no_grad(), ema.swapped() if ema else nullcontext():
        if has_adapters:
            with replacing(out / "adapter", write=world.is_first) as partial:
                save_adapter(model, partial, base_name, write=world.is_first)
        with replacing(out / "model", write=world.is_first) as partial:
            export_model(
                model,
                partial,
                dtype=source.dtype,
                placeholder_id=placeholder_id,
                values=_config_values(source, model),
                weight_of=_merged(model),
                write=world.is_first,
            )
            if world.is_first:
                _copy_files(source, partial)
    world.barrier()
    return out / "model", out / "adapter" if has_adapters else None


class replacing:
    """A folder beside the target to write into, which takes its place at the end if all went well."""

    def __init__(self, target: Path, *, write: bool) -> None:
        self.target, self.write = target, write
        self.partial = target.with_name(target.name + PARTIAL)

    def __enter__(self) -> Path:
        if self.write:
            shutil.rmtree(self.partial, ignore_errors=True)
            self.partial.mkdir(parents=True)
        return self.partial

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if self.write and kind is None:
            shutil.rmtree(self.target, ignore_errors=True)
            self.partial.rename(self.target)


def _merged(model: InternVL) -> Callable[[str, nn.Parameter], Tensor]:
    """Weights with their adapters added, in float32, a matrix at a time, from whatever shards."""
    found = {f"{name}.weight": module for name, module in adapters(model)}

    def weight_of(name: str, parameter: nn.Parameter) -> Tensor:
        weight = whole(parameter)
        return weight if name not in found else weight.float() + _delta(found[name])

    return weight_of


def _delta(module: LoraLinear) -> Tensor:
    rows = module.shape.rows
    pairs = zip(whole(module.lora_b).split(rows), whole(module.lora_a).chunk(len(rows)), strict=True)
    return torch.cat([b.float() @ a.float() for b, a in pairs]) * module.shape.scale


def _config_values(source: Checkpoint, model: InternVL) -> dict[str, Any] | None:
    """The source's own config.json if it still describes the model, without traces of wrappers that are merged now."""
    if source.layout != "original" or source.config != model.config:
        return None
    kept = {name: value for name, value in source.raw.items() if name != "quantization_config"}
    return kept | {name: 0 for name in ("use_backbone_lora", "use_llm_lora") if name in kept}


def _copy_files(source: Checkpoint, folder: Path) -> None:
    for name in CARRIED:
        if (source.folder / name).is_file():
            shutil.copyfile(source.folder / name, folder / name)
            if source.layout != "original" and name.endswith(".json"):
                restore_json(folder / name)
