"""From sizes to modules: on the meta device for counting, empty for loading, or initialised for training from scratch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from internvl.models.config import InternVLConfig
from internvl.models.internvl import InternVL
from internvl.models.norm import RMSNorm


@dataclass(frozen=True)
class ParameterCount:
    """Parameters of each part."""

    vision_encoder: int
    projector: int
    language_model: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.vision_encoder + self.projector + self.language_model


def meta_model(config: InternVLConfig) -> InternVL:
    """The model without storage: shapes and names only, whatever its size."""
    with torch.device("meta"):
        return InternVL(config).eval()


def parameter_shapes(config: InternVLConfig) -> dict[str, tuple[int, ...]]:
    """Shape of every parameter by its name, without storage."""
    return {name: tuple(parameter.shape) for name, parameter in meta_model(config).named_parameters()}


def build_model(config: InternVLConfig, *, seed: int = 0, init_std: float = 0.02) -> InternVL:
    """A float32 model with random weights from `seed`, ready to be trained."""
    model = meta_model(config).to_empty(device="cpu")
    initialise(model, seed=seed, init_std=init_std)
    return model.train()


def initialise(model: InternVL, *, seed: int, init_std: float) -> None:
    """Normal weights of `init_std`, zero biases, norms at one, layer scale at its configured start."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            _initialise_module(module, generator, init_std)
        embeddings = model.vision_encoder.embeddings
        for table in (embeddings.class_token, embeddings.positions):
            table.normal_(0.0, init_std, generator=generator)
        for block in model.vision_encoder.blocks:
            block.scale1.fill_(model.config.vision.layer_scale_init)
            block.scale2.fill_(model.config.vision.layer_scale_init)


def count_parameters(model: InternVL) -> ParameterCount:
    """Parameters of each part; tied ones count once."""
    parts = (model.vision_encoder, model.projector, model.language_model)
    return ParameterCount(*(sum(p.numel() for p in part.parameters()) for part in parts))


def _initialise_module(module: nn.Module, generator: torch.Generator, std: float) -> None:
    if isinstance(module, nn.Linear | nn.Conv2d | nn.Embedding):
        module.weight.normal_(0.0, std, generator=generator)
    if isinstance(module, RMSNorm | nn.LayerNorm):
        module.weight.fill_(1.0)
    bias = getattr(module, "bias", None)
    if isinstance(bias, nn.Parameter):
        bias.zero_()
