"""A dual encoder under training: contrastive, generative, or finetuned for retrieval (InternVL 1.0).

What an objective does not read never learns, whatever `train_parts` says: a parameter without gradient would hang DDP and FSDP2. The
parts are those of every config: "projector" is all that stands between the two towers, the cross attentions of QLLaMA among it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import cast

import torch
from torch import nn

from internvl.checkpoint.convert import CARRIED
from internvl.checkpoint.dual import load_dual_model, save_dual_model, stored_dtype
from internvl.data.manifest import DatasetSpec
from internvl.data.pairs import PairBuilder
from internvl.data.record import Record
from internvl.errors import ConfigError
from internvl.models.contrastive.dual import DualModel
from internvl.prompt.tokenizer import load_tokenizer
from internvl.train.callbacks import Callback
from internvl.train.config import PARTS, TrainConfig
from internvl.train.dual_evaluation import HeldBackRetrieval
from internvl.train.ema import RunningMean
from internvl.train.export import replacing
from internvl.train.freeze import learning_mode
from internvl.train.lora import ranks
from internvl.train.objectives.dual import KINDS, DualObjective, Kind
from internvl.train.optim import part_of
from internvl.train.parallel import Spread, World
from internvl.train.subject import parameter_rows

QUERY_SIDE = ("queries", "query_pool.", "match_head.")


class DualSubject:
    """The dual encoder of a folder with its tokenizer."""

    placeholder_id = -1

    def __init__(self, folder: Path, config: TrainConfig, world: World) -> None:
        if config.objective not in KINDS:
            raise ConfigError(f"{config.model} is a dual encoder, which learns by {', '.join(KINDS)}, not by {config.objective!r}")
        if ranks(config.lora) or config.vision_layers is not None:
            raise ConfigError("a dual encoder has neither adapters nor single vision layers to learn: leave lora and vision_layers out")
        if config.data.packing:
            raise ConfigError("pairs are not packed: set packing=false")
        if config.rows_per_forward * world.size < 2:
            raise ConfigError(
                "a picture is compared with the texts of one forward pass over all processes, here its own alone; set "
                f"rows_per_forward, up to batch_size / processes = {config.batch_size // world.size}"
            )
        self.folder, self.config = folder, config
        self.kind: Kind = config.objective
        self.dtype = stored_dtype(folder)
        self.tokenizer = load_tokenizer(folder)
        self.model = load_dual_model(folder, dtype=torch.float32 if config.precision == "fp32" else None)
        if self.kind != "contrastive" and not self.model.config.queries:
            raise ConfigError(f"{config.model} has no queries: it is an InternVL-C alone, and the objective {self.kind!r} needs them")
        if not 0.0 <= config.drop_path < 1.0:
            raise ConfigError(f"drop_path must lie in [0, 1), not {config.drop_path}")
        self.stored_side = self.model.config.vision.image_size
        if config.image_size is not None and config.image_size != self.model.config.vision.image_size:
            self.model.set_image_size(config.image_size)
        self.model.vision_encoder.set_drop_path(config.drop_path, uniform=config.drop_path_shape == "uniform")
        if config.checkpoint_activations:
            self.model.set_activation_checkpointing(True)

    def objective(self) -> DualObjective:
        """Freeze what is not named in `train_parts` or not read, and give the objective."""
        unknown = sorted(set(self.config.train_parts) - set(PARTS))
        if unknown:
            raise ConfigError(f"train_parts: {', '.join(unknown)} is no part; parts are {', '.join(PARTS)}")
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(part_of(name) in self.config.train_parts and self._reads(name))
        if not any(parameter.requires_grad for parameter in self.model.parameters()):
            raise ConfigError(f"nothing learns: train_parts names {sorted(self.config.train_parts)}, none of which {self.kind} reads")
        learning_mode(self.model)
        return DualObjective(self.kind, label_smoothing=self.model.config.label_smoothing)

    def builder(self) -> PairBuilder:
        """Pictures with their captions."""
        vision = self.model.config.vision
        return PairBuilder(
            self.tokenizer,
            image_size=vision.image_size,
            max_tokens=self.config.data.max_tokens,
            patches=vision.grid**2,
            masking=self.config.patch_masking,
        )

    def describe(self) -> list[str]:
        """The pictures' size and what learns."""
        side, own = self.model.config.vision.image_size, self.stored_side
        pictures = f"pictures of {side} x {side} px" + (f", stretched from the checkpoint's {own}" if own != side else "")
        if self.config.patch_masking:
            pictures += f", {self.config.patch_masking:.0%} of their patches left out in training"
        parts = [(part, [p for name, p in self.model.named_parameters() if part_of(name) == part]) for part in PARTS]
        rows = [(part, _count(p for p in found if p.requires_grad), _count(found), "") for part, found in parts]
        return [f"{pictures}; {self.kind} objective", *parameter_rows(rows)]

    def evaluations(self, records: Sequence[tuple[DatasetSpec, Record]], *, exact_match: bool) -> list[Callback]:
        """How often a picture finds its text among the held-back ones, and the text its picture."""
        del exact_match
        return [HeldBackRetrieval(records, self.builder(), mode="InternVL-C" if self.kind == "contrastive" else "InternVL-G")]

    def export(self, spread: Spread, ema: RunningMean | None) -> tuple[Path, Path | None]:
        """OUT/model in the released layout."""
        out, write = self.config.out / "model", spread.world.is_first
        model = cast(DualModel, spread.module.model)
        with torch.no_grad(), ema.swapped() if ema else nullcontext(), replacing(out, write=write) as partial:
            save_dual_model(model, partial, dtype=self.dtype, write=write)
            if write:
                for name in CARRIED:
                    if (self.folder / name).is_file():
                        shutil.copyfile(self.folder / name, partial / name)
        spread.world.barrier()
        return out, None

    def _reads(self, name: str) -> bool:
        query_side = name.startswith(QUERY_SIDE) or ".cross." in name
        if self.kind == "contrastive":
            return not (query_side or name == "language_model.head.weight")
        if self.kind == "generative":
            return not name.startswith(("pool.", "text_projection"))  # as the original: the texts' place in the space stays
        return name != "language_model.head.weight"


def _count(parameters: Iterable[nn.Parameter]) -> int:
    return sum(parameter.numel() for parameter in parameters)
