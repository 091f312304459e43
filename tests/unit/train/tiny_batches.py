"""A tiny model and small batches with prompts, answers, pictures, packs and pairs, for the tests of what is minimised."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import Tensor

from internvl.data.batch import Batch
from internvl.models.build import build_model
from internvl.models.config import InternVLConfig, LanguageConfig, VisionConfig
from internvl.models.internvl import InternVL
from internvl.train.objectives.module import Losses, Objective, TrainingModule

PLACEHOLDER = 59


def tiny(drop_path: float = 0.0) -> InternVL:
    vision = VisionConfig(
        hidden_size=16, intermediate_size=24, num_layers=2, num_heads=2, image_size=28, norm="layer_norm", qkv_bias=True, qk_norm=False,
        drop_path_rate=drop_path,
    )  # fmt: skip
    language = LanguageConfig(
        family="qwen2", vocab_size=60, hidden_size=32, intermediate_size=48, num_layers=2, num_heads=4, num_kv_heads=2, head_dim=8,
        max_positions=64, qkv_bias=True,
    )  # fmt: skip
    return build_model(InternVLConfig(vision=vision, language=language, template="Hermes-2", image_size=28), seed=2, init_std=0.2)


def sequence(length: int, prompt: int, *, tiles: int = 0, seed: int = 0) -> tuple[Tensor, Tensor]:
    """ids and labels: `prompt` tokens without loss, whose first ones are placeholders, then the answer."""
    ids = torch.randint(0, 50, (length,), generator=torch.Generator().manual_seed(seed))
    ids[1 : 1 + tiles] = PLACEHOLDER
    return ids, torch.cat([torch.full((prompt,), -100), ids[prompt:]])


def batch_of(*rows: list[tuple[Tensor, Tensor]], pixels: Tensor | None = None, padding: int = 2) -> Batch:
    """Rows of sequences, padded on the right; weights that differ from token to token."""
    length = max(sum(len(ids) for ids, _ in row) for row in rows) + padding
    ids, positions = torch.zeros(len(rows), length, dtype=torch.long), torch.zeros(len(rows), length, dtype=torch.long)
    labels, segments = torch.full_like(ids, -100), torch.full_like(ids, -1)
    for number, row in enumerate(rows):
        start = 0
        for segment, (own_ids, own_labels) in enumerate(row):
            place = (number, slice(start, start := start + len(own_ids)))
            ids[place], labels[place], segments[place] = own_ids, own_labels, segment
            positions[place] = torch.arange(len(own_ids))
    weights = (labels >= 0) * (0.5 + (ids % 3))
    return Batch(ids=ids, labels=labels, positions=positions, segments=segments, weights=weights.float(), pixels=pixels)


def pixels(tiles: int) -> Tensor:
    return torch.randn(tiles, 3, 28, 28, generator=torch.Generator().manual_seed(9))


def training(objective: Objective, model: InternVL | None = None) -> TrainingModule:
    return TrainingModule(model or tiny(), objective, placeholder_id=PLACEHOLDER).train()


def gradients(module: TrainingModule, losses: Losses) -> dict[str, Tensor | None]:
    module.zero_grad()
    losses.total.backward()
    return {name: p.grad for name, p in module.named_parameters()}


MIXED = ([sequence(7, 4, tiles=1), sequence(5, 1, seed=1)], [sequence(9, 6, tiles=2, seed=2)])
CHOSEN = ([sequence(8, 4, tiles=1), sequence(7, 3, seed=4)], [sequence(9, 5, tiles=1, seed=5)])


def rejected_of(rows: tuple[list[tuple[Tensor, Tensor]], ...]) -> tuple[list[tuple[Tensor, Tensor]], ...]:
    """The same prompts with other, longer answers."""
    worse = []
    for row in rows:
        worse.append([])
        for ids, labels in row:
            prompt = int((labels < 0).sum())
            answer = (ids[prompt:].repeat(2) + 11) % 50
            worse[-1].append((torch.cat([ids[:prompt], answer]), torch.cat([labels[:prompt], answer])))
    return tuple(worse)


def pairs() -> Batch:
    return replace(batch_of(*CHOSEN, pixels=pixels(2)), rejected=batch_of(*rejected_of(CHOSEN)))


def moved(model: InternVL) -> InternVL:
    """The model after some training."""
    other = copy.deepcopy(model).requires_grad_(True)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(parameter.numel())))
    return other
