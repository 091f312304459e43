"""Who answers, judges or is probed in `internvl eval`, opened when the first benchmark needs it.

--model | --url | --replay -> Generator;   --model -> VisionFeatures (its vision encoder), or DualEmbedder;   --judge-url -> Judge
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from internvl.cli.console import UsageError
from internvl.cli.loading import load_vlm

if TYPE_CHECKING:
    from internvl.eval.dual_embedder import DualEmbedder
    from internvl.eval.embedding_task import EmbeddingTask
    from internvl.eval.feature_extractor import VisionFeatures
    from internvl.eval.generator import Generator
    from internvl.eval.judge import Judge
    from internvl.eval.task import Task
    from internvl.models.contrastive.dual import Mode

FEATURES_AT_ONCE = 16


@dataclass(frozen=True)
class Models:
    """What the command line says about models; each is loaded once for all benchmarks."""

    model: str
    url: str | None
    key_env: str | None
    replay: Path | None
    device: str
    dtype: str | None
    batch: int | None
    mode: str = "InternVL-C"

    @cached_property
    def generator(self) -> Generator:
        """Our engine, a service, or answers on file."""
        if self.replay is not None:
            from internvl.eval.generators.replay import ReplayGenerator

            return ReplayGenerator(self.replay)
        if self.url is not None:
            from internvl.eval.generators.remote import RemoteGenerator, key_from

            return RemoteGenerator(self.url, self.model, key_from(self.key_env))
        from internvl.eval.generators.engine import EngineGenerator

        return EngineGenerator(load_vlm(self.model, device=self.device, dtype=self.dtype, policy={}, max_tiles=None)[0])

    @cached_property
    def features(self) -> VisionFeatures:
        """The vision encoder of the checkpoint, without its language model."""
        from internvl.checkpoint.hub import resolve
        from internvl.engine.vlm import dtype_named
        from internvl.eval.vision_features import open_vision_features

        device, dtype = _one_device(self.device), dtype_named(self.dtype)
        return open_vision_features(resolve(self.model), batch_size=self.batch or FEATURES_AT_ONCE, device=device, dtype=dtype)

    @cached_property
    def embedder(self) -> DualEmbedder:
        """The checkpoint as a dual encoder."""
        from internvl.checkpoint.hub import resolve
        from internvl.engine.vlm import dtype_named
        from internvl.eval.dual_embedder import open_dual_embedder

        device, dtype = _one_device(self.device), dtype_named(self.dtype)
        folder, batch = resolve(self.model), self.batch or FEATURES_AT_ONCE
        return open_dual_embedder(folder, mode=cast("Mode", self.mode), batch_size=batch, device=device, dtype=dtype)

    def check(self, tasks: Sequence[Task | EmbeddingTask], *, tiles: bool) -> None:
        """Refuse options that contradict each other or say nothing to one of the tasks, before anything is loaded. UsageError."""
        from internvl.eval.embedding_task import EmbeddingTask

        if self.url is not None and self.replay is not None:
            raise UsageError("answers come from --url or from --replay, not from both")
        strange = [name for name, given in (("--url", self.url), ("--replay", self.replay), ("--tiles", tiles)) if given]
        probe = next((task for task in tasks if isinstance(task, EmbeddingTask)), None)
        if probe is not None and strange:
            raise UsageError(f"{probe.name} asks --model no questions and has no use for {', '.join(strange)}")


@dataclass(frozen=True)
class Judges:
    """The judge of a task, asked for when a task has one."""

    url: str | None
    model: str | None
    key_env: str | None

    def of(self, task: Task, variant: str) -> Judge | None:
        """--judge-model, or the model that the protocol names, under the name that its service knows."""
        if task.judge is None or self.url is None:
            return None
        from internvl.eval.generators.remote import RemoteGenerator, key_from
        from internvl.eval.judge import EVALKIT_NAMES, Judge

        named = task.judge.model_for(variant)
        return Judge(RemoteGenerator(self.url, self.model or EVALKIT_NAMES.get(named, named), key_from(self.key_env)))


def own_device(device: str, shard: tuple[int, int]) -> str:
    """Under torchrun every process takes its own GPU rather than all of them."""
    local = os.environ.get("LOCAL_RANK")
    if device != "auto" or shard[1] == 1 or local is None:
        return device
    import torch

    return f"cuda:{local}" if torch.cuda.is_available() else "cpu"


def _one_device(device: str) -> str:
    """The device of an encoder, which is not split."""
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return f"cuda:{device}" if device.isdecimal() else device
