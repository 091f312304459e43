"""InternVL-C and InternVL-G as an Embedder: a dual encoder from disk, run by the loop of all benchmarks of vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from internvl.engine.dual import BATCH, Dual
from internvl.eval.embedder import check_mode
from internvl.eval.fingerprint import folder_hash
from internvl.eval.recipe import RUNTIME
from internvl.messages import Image
from internvl.models.contrastive.dual import Mode


class DualEmbedder:
    """A dual encoder with its description: weights, number type, picture size, and which of its two scores is meant."""

    def __init__(self, dual: Dual, description: dict[str, Any]) -> None:
        self.dual = dual
        self.name = f"{Path(dual.name).name} {dual.mode}"
        self.batch_size = dual.batch
        self._description = description

    def describe(self) -> dict[str, Any]:
        """Who encodes, as JSON."""
        config, model = self.dual.model.config, self.dual.model
        own = {"mode": self.dual.mode, "dtype": str(model.dtype).removeprefix("torch."), "image_size": config.vision.image_size}
        return {**self._description, **own, RUNTIME: {"device": str(model.device)}}

    def encode_images(self, images: Sequence[Image], mode: str) -> Tensor:
        """Float [n, E], of length 1."""
        check_mode(mode)
        return self.dual.encode_images(images, view=mode)

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Float [n, E], of length 1."""
        return self.dual.encode_texts(texts)


def open_dual_embedder(
    folder: Path, *, mode: Mode = "InternVL-C", batch_size: int = BATCH, device: str = "cpu", dtype: torch.dtype | None = None
) -> DualEmbedder:
    """The dual encoder of a folder. Raises CheckpointError, ConfigError, TokenizerError for a folder that holds none."""
    dual = Dual.load(folder, device=device, dtype=dtype, mode=mode, batch=batch_size)
    return DualEmbedder(dual, {"model_hash": folder_hash(folder)})
