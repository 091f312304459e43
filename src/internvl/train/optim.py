"""The optimiser: AdamW over groups of parameters that share a rate and a weight decay.

    parameters that learn -> (part, ViT layer) gives lr_scale, (shape, name) gives weight decay -> groups -> AdamW, or Muon beside it

Layer decay is that of InternVL 1.0's retrieval finetuning and of BEiT: rate^(layers above), 1 for what follows the ViT, or the language
model. QLLaMA's queries stand where its embeddings stand; a cross attention belongs to its layer.
"""

from __future__ import annotations

import math
import re
from typing import Any

import torch
from torch import nn

from internvl.errors import ConfigError
from internvl.train.config import PARTS, OptimConfig, Part
from internvl.train.muon import MuonAdamW

# Looked up rather than multiplied by: pulling them to zero moves every patch alike. (BEiT and timm leave them out as well.)
_TABLES = ("embeddings.class_token", "embeddings.positions")
_BRIDGE = frozenset({"pool", "query_pool", "text_projection", "logit_scale", "queries", "match_head"})
_LAYER = re.compile(r"\b(?:vision_encoder|language_model)\.layers\.(\d+)\.")
_LANGUAGE_ENTRANCE = re.compile(r"\blanguage_model\.embedding\.|(?:^|\.)queries$")


def build_optimizer(model: nn.Module, config: OptimConfig) -> torch.optim.Optimizer:
    """AdamW over `parameter_groups`, fused where all parameters lie on devices that can do it; with a `matrix_lr`, MuonAdamW.

    Its step must be given a rate first: lr of a group = config.lr x rate_factor x the group's "lr_scale".
    """
    _check(config)
    groups = parameter_groups(model, config)
    if config.matrix_lr:
        return MuonAdamW(groups, lr=config.lr, betas=config.betas, eps=config.eps, weight_decay=config.weight_decay)
    fused = all(p.device.type in ("cpu", "cuda") and p.is_floating_point() for group in groups for p in group["params"])
    return torch.optim.AdamW(groups, lr=config.lr, betas=config.betas, eps=config.eps, weight_decay=config.weight_decay, fused=fused)


def parameter_groups(model: nn.Module, config: OptimConfig) -> list[dict[str, Any]]:
    """Groups of what requires a gradient, each with "params", "lr", "lr_scale" and "weight_decay".

    No weight decay for whatever has one axis (biases, norms, layer scale), the class token and the ViT's positions; token
    embeddings, head and adapters have it. Groups stand in the order of their first parameter, the same on every rank and run.
    Raises ConfigError for an unknown part in lr_scales, a layer decay out of (0, 1], or nothing that learns.
    """
    _check_scales(config)
    groups: dict[tuple[float, float, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            decay = config.weight_decay if decays(name, parameter) else 0.0
            matrix = bool(config.matrix_lr) and is_inner_matrix(name, parameter)
            scale = _scale(name, model, config) * (config.matrix_lr / config.lr if matrix else 1.0)
            groups.setdefault((scale, decay, matrix), []).append(parameter)
    if not groups:
        raise ConfigError("nothing learns: every parameter is frozen")
    return [
        {"params": parameters, "lr": config.lr * scale, "lr_scale": scale, "weight_decay": decay} | ({"matrix": True} if matrix else {})
        for (scale, decay, matrix), parameters in groups.items()
    ]


def decays(name: str, parameter: nn.Parameter) -> bool:
    """Whether a parameter has weight decay."""
    return parameter.ndim > 1 and not name.endswith((".bias", *_TABLES))


def is_inner_matrix(name: str, parameter: nn.Parameter) -> bool:
    """Whether it is a linear map between hidden vectors: no embedding, no output head, no patch convolution, no adapter."""
    return parameter.ndim == 2 and ("projector." in name or ".layers." in name) and "lora_" not in name


def layer_scale(layer: int, depth: int, rate: float) -> float:
    """rate^(N - 1 - layer) with N = depth + 2: layer 0 is the embeddings, 1...depth the blocks, depth + 1 what follows."""
    return float(rate ** (depth + 1 - layer))


def _scale(name: str, model: Any, config: OptimConfig) -> float:
    part = part_of(name)
    scale = config.lr_scales.get(part, 1.0)
    match = _LAYER.search(name)
    layer = 0 if match is None else int(match[1]) + 1
    if part == "vision_encoder" and config.vision_layer_decay < 1.0:
        return scale * layer_scale(layer, model.config.vision_layers_used, config.vision_layer_decay)
    within = "language_model.layers." in name or _LANGUAGE_ENTRANCE.search(name) is not None
    if within and config.language_layer_decay < 1.0:
        return scale * layer_scale(layer, model.config.language.num_layers, config.language_layer_decay)
    return scale


def part_of(name: str) -> Part:
    """The part that a parameter belongs to; wrappers may have put names before it.

    Of a dual encoder, all that stands between the towers is its projector: pools, projection, queries and their cross attentions.
    """
    words = name.split(".")
    if "cross" in words or not _BRIDGE.isdisjoint(words):
        return "projector"
    for word in words:
        if word in PARTS:
            return word
    raise ConfigError(f"the parameter {name!r} belongs to none of {', '.join(PARTS)}")


def _check(config: OptimConfig) -> None:
    if not (math.isfinite(config.lr) and config.lr > 0.0):
        raise ConfigError(f"lr must be above 0, not {config.lr}")
    if not (math.isfinite(config.matrix_lr) and config.matrix_lr >= 0.0):
        raise ConfigError(f"matrix_lr must be 0 or above, not {config.matrix_lr}")
    if len(config.betas) != 2 or not all(0.0 <= beta < 1.0 for beta in config.betas):
        raise ConfigError(f"betas must be two numbers in [0, 1), not {config.betas}")
    if not config.eps > 0.0:
        raise ConfigError(f"eps must be above 0, not {config.eps}")
    if not (math.isfinite(config.weight_decay) and config.weight_decay >= 0.0):
        raise ConfigError(f"weight_decay must be 0 or above, not {config.weight_decay}")


def _check_scales(config: OptimConfig) -> None:
    unknown = sorted(set(config.lr_scales) - set(PARTS))
    if unknown:
        raise ConfigError(f"lr_scales: {', '.join(unknown)} is no part; parts are {', '.join(PARTS)}")
    for part, scale in config.lr_scales.items():
        if not (math.isfinite(scale) and scale > 0.0):
            raise ConfigError(f"lr_scales of {part} must be above 0, not {scale}; leave the part out of train_parts to freeze it")
    for name in ("vision_layer_decay", "language_layer_decay"):
        if not 0.0 < getattr(config, name) <= 1.0:
            raise ConfigError(f"{name} must lie in (0, 1], not {getattr(config, name)}")
