"""The text tower alone, before any picture: names of one thing in different languages are brought together.

    things -> two of their names each, in languages drawn at random [B], [B] -> text tower -> InfoNCE over the batch, both ways

There are seventy thousand names for nine thousand pictures, and a picture costs as much as ten names: so names are learnt without them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from recipes.dual_nano.labelled import Labelled
from recipes.dual_nano.pairs import caption, pictures, split
from torch import Tensor

from internvl.checkpoint.dual import load_dual_model, save_dual_model
from internvl.engine.dual_text import text_ids
from internvl.models.contrastive.dual import DualModel
from internvl.prompt.captions import cleaned_caption
from internvl.prompt.tokenizer import Tokenizer, load_tokenizer
from internvl.train.config import OptimConfig
from internvl.train.optim import build_optimizer
from internvl.train.schedule import rate_factor

THINGS = 384  # a step
TOKENS = 18
TEMPERATURE = 0.05
OPTIM = OptimConfig(lr=2e-3, matrix_lr=0.02, weight_decay=0.05, warmup=30, schedule="wsd", decay=0.3, betas=(0.9, 0.98))


def learn_names(folder: Path, *, steps: int, seed: int = 3) -> None:
    """Train the text tower of a checkpoint folder and write it back. Some minutes; a run that is cut off begins anew."""
    torch.manual_seed(seed)
    model, tokenizer = load_dual_model(folder, dtype=torch.float32).train(), load_tokenizer(folder)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith(("language_model.", "text_projection")) and name != "language_model.head.weight")
    optimizer, things, source = build_optimizer(model, OPTIM), _things(), random.Random(seed)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = OPTIM.lr * rate_factor(step, steps, OPTIM) * group["lr_scale"]
        loss, right = _loss(model, tokenizer, source.sample(things, THINGS), source)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.grad is not None], OPTIM.clip_norm)
        optimizer.step()
        if step % 20 == 19:
            print(f"names {step + 1}/{steps}  loss {loss.item():.3f}  right {right:.3f}", flush=True)
    save_dual_model(model.requires_grad_(True).eval(), folder)


def _things() -> list[Labelled]:
    """One entry for each set of names; styles of emoji share theirs."""
    found: dict[tuple[str, ...], Labelled] = {}
    for each in pictures():
        if split(each) == "train" and len(each.names) > 1:
            found.setdefault(tuple(each.names.values()), each)
    return list(found.values())


def _loss(model: DualModel, tokenizer: Tokenizer, things: Sequence[Labelled], source: random.Random) -> tuple[Tensor, float]:
    pairs = [[caption(source, each, language) for language in source.sample(sorted(each.names), 2)] for each in things]
    texts = [cleaned_caption(pair[side]) or pair[side] for side in (0, 1) for pair in pairs]
    ids = text_ids(tokenizer, texts, length=TOKENS)
    vectors = F.normalize(model.encode_text(ids[:, : int((ids > 0).sum(1).max())]), dim=-1)
    one, other = vectors.chunk(2)
    scores, same = one @ other.T / TEMPERATURE, torch.arange(len(one))
    loss = (F.cross_entropy(scores, same) + F.cross_entropy(scores.T, same)) / 2
    return loss, float((scores.argmax(1) == same).float().mean())
