"""A chat model under training: supervised finetuning or preference optimisation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.load import load_weights
from internvl.data.builder import ExampleBuilder
from internvl.data.manifest import DatasetSpec
from internvl.data.record import Record
from internvl.errors import ConfigError
from internvl.models.internvl import InternVL
from internvl.processor import Processor
from internvl.prompt.tokenizer import load_tokenizer
from internvl.train.callbacks import Callback
from internvl.train.config import TrainConfig
from internvl.train.ema import RunningMean
from internvl.train.evaluation import ExactMatch, HeldBackLoss
from internvl.train.export import export
from internvl.train.freeze import describe_trainable, freeze
from internvl.train.lora import add_lora, lora_parameters, ranks, without_adapters
from internvl.train.objectives.module import Objective
from internvl.train.objectives.preference import PreferenceObjective
from internvl.train.objectives.sft import SupervisedObjective
from internvl.train.parallel import Spread
from internvl.train.subject import parameter_rows


class ChatSubject:
    """The model as it was before training; a checkpoint of the run replaces its weights later."""

    def __init__(self, folder: Path, config: TrainConfig) -> None:
        if config.objective not in ("sft", "preference"):
            raise ConfigError(
                f"the objective {config.objective!r} is for dual encoders (InternVL-C and -G), and {config.model} is a chat model, "
                "which learns by sft or preference"
            )
        if config.patch_masking or config.image_size is not None:
            raise ConfigError("patch_masking and image_size are for dual encoders; a chat model's tiles have one size and all patches")
        self.config = config
        self.checkpoint, self.tokenizer = Checkpoint(folder), load_tokenizer(folder)
        self.model = self._weights()
        if not 0.0 <= config.drop_path < 1.0:
            raise ConfigError(f"drop_path must lie in [0, 1), not {config.drop_path}")
        self.model.vision_encoder.set_drop_path(config.drop_path, uniform=config.drop_path_shape == "uniform")
        if config.checkpoint_activations:
            self.model.set_activation_checkpointing(True)
        self.processor = Processor.of(self.model.config, self.tokenizer)
        self.placeholder_id = self.processor.placeholder_id

    def objective(self) -> Objective:
        """Put adapters in, freeze, and give the objective for what learns then."""
        model, config = self.model, self.config
        if ranks(config.lora):
            add_lora(model, config.lora, seed=config.seed)
        freeze(model, config)
        if config.objective == "sft":
            return SupervisedObjective()
        learning = sum(parameter.requires_grad for parameter in model.parameters())
        if learning == len(lora_parameters(model)):
            return PreferenceObjective(adapters_off=lambda: without_adapters(model))
        return PreferenceObjective(reference=self._weights())

    def builder(self) -> ExampleBuilder:
        """Conversations with tiles."""
        return ExampleBuilder(self.processor, self.config.data, preference=self.config.objective == "preference")

    def describe(self) -> list[str]:
        """The tile policy and what learns."""
        rows = [(row.part, row.trainable, row.total, row.note) for row in describe_trainable(self.model)]
        return [str(self.processor.policy), *parameter_rows(rows)]

    def evaluations(self, records: Sequence[tuple[DatasetSpec, Record]], *, exact_match: bool) -> list[Callback]:
        """The loss on held-back records, and the share of answers that are generated right."""
        preference = self.config.objective == "preference"
        found: list[Callback] = [
            HeldBackLoss(records, self.builder(), weighting=self.config.data.loss_weighting, preference=preference),
        ]
        if exact_match:
            found.append(ExactMatch(records, self.tokenizer, self.processor))
        return found

    def export(self, spread: Spread, ema: RunningMean | None) -> tuple[Path, Path | None]:
        """OUT/model in the original layout and, with adapters, OUT/adapter."""
        return export(
            spread,
            self.checkpoint,
            self.config.out,
            base_name=self.config.model,
            placeholder_id=self.placeholder_id,
            ema=ema,
        )

    def _weights(self) -> InternVL:
        return load_weights(self.checkpoint, dtype=torch.float32 if self.config.precision == "fp32" else None)
