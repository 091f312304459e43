"""Contrastive training: every picture finds its text among those of all processes, and every text its picture.

image, text [b,D] a process -> gathered [B,D] with gradient -> own rows against all columns, [chunk,B] at a time -> Losses

The sum over processes of the losses and of the gradients is that of one process that holds the whole batch.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, distributed, nn
from torch.utils.checkpoint import checkpoint

from internvl.errors import ConfigError
from internvl.train.objectives.module import Losses

CHUNK_ROWS = 1024
LARGEST_SCALE = 100.0  # of cosines, as in CLIP: a learned temperature may not fall below 0.01


class ContrastiveObjective(nn.Module):
    """Symmetric cross entropy over cosine similarities, divided by a learned temperature; the weight is the number of pairs.

    Parts: `accuracy` (a picture's own text is the most similar), `temperature`. chunk_rows: rows of the similarity matrix at a time.
    """

    def __init__(self, *, temperature: float = 0.07, label_smoothing: float = 0.0, chunk_rows: int = CHUNK_ROWS) -> None:
        super().__init__()
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / temperature)))
        self.label_smoothing = label_smoothing
        self.chunk_rows = chunk_rows

    def forward(self, image: Tensor, text: Tensor) -> Losses:
        """Row i of image [b,D] and of text [b,D] belong together. ConfigError when processes hold unequally many rows."""
        scale = self.logit_scale.float().exp()
        total, hits = contrast(image, text, scale, label_smoothing=self.label_smoothing, chunk_rows=self.chunk_rows)
        pairs = torch.tensor(float(len(image)), device=image.device)
        parts = {"accuracy": hits, "temperature": pairs / scale.detach()}
        return Losses(total=total, weight=pairs, parts=parts, tokens=pairs.long())


def contrast(
    image: Tensor,
    text: Tensor,
    scale: Tensor,
    *,
    label_smoothing: float = 0.0,
    chunk_rows: int = CHUNK_ROWS,
    keys: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Sum over the own pairs of the loss, both ways halved, and how many pictures find their text first.

    image, text: [b,D], of any length; row i belongs to row i. keys: int64 [b], equal for texts of one picture, which then share the
    probability of being right. ConfigError when the rows don't pair, or processes hold unequally many.
    """
    if image.shape != text.shape:
        raise ConfigError(f"pictures and texts must come in pairs, not as {tuple(image.shape)} and {tuple(text.shape)}")
    image, text = F.normalize(image.float(), dim=-1), F.normalize(text.float(), dim=-1)
    images, first = gather_rows(image)
    texts, _ = gather_rows(text)
    places = first + torch.arange(len(image), device=image.device)
    all_keys = None if keys is None else gather_rows(keys)[0]
    one_way = _OneWay(scale, all_keys, label_smoothing, chunk_rows)
    by_image, hits = one_way(image, texts, places)
    by_text, _ = one_way(text, images, places)
    return (by_image + by_text) / 2, hits


class _OneWay:
    """Own rows find their places among others."""

    def __init__(self, scale: Tensor, keys: Tensor | None, label_smoothing: float, chunk_rows: int) -> None:
        self.scale, self.keys, self.label_smoothing, self.chunk_rows = scale, keys, label_smoothing, chunk_rows

    def __call__(self, own: Tensor, others: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """Own rows [b,D] among others [B,D] -> sum of losses, number of hits."""
        losses, hits = [], []
        for rows, targets in zip(own.split(self.chunk_rows), places.split(self.chunk_rows), strict=True):
            args = (rows, others, targets, self.scale)
            whole = len(rows) == len(own)
            loss, hit = self._chunk(*args) if whole else checkpoint(self._chunk, *args, use_reentrant=False, preserve_rng_state=False)
            losses.append(loss)
            hits.append(hit)
        return torch.stack(losses).sum(), torch.stack(hits).sum()

    def _chunk(self, rows: Tensor, others: Tensor, places: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(rows.device.type, enabled=False):  # a temperature of 0.01 needs more digits than bf16 has
            logits = scale * rows @ others.T
            targets = places if self.keys is None else self._shared(places)
            loss = F.cross_entropy(logits, targets, reduction="sum", label_smoothing=self.label_smoothing)
        best = logits.detach().argmax(-1)
        right = best == places if self.keys is None else self.keys[best] == self.keys[places]
        return loss, right.float().sum()

    def _shared(self, places: Tensor) -> Tensor:
        """Probabilities [b,B]: the same for all columns whose picture is that of the row."""
        if self.keys is None:
            raise ConfigError("columns share a row's probability by their keys")
        equal = (self.keys[places][:, None] == self.keys[None]).float()
        return equal / equal.sum(-1, keepdim=True)


def gather_rows(rows: Tensor) -> tuple[Tensor, int]:
    """[b,...] of every process -> [B,...] in order of rank, with gradient, and the index of this process's first row.

    Without a process group, or with one process, the rows themselves. ConfigError when processes hold unequally many rows.
    """
    if not (distributed.is_available() and distributed.is_initialized()) or distributed.get_world_size() == 1:
        return rows, 0
    count = torch.tensor([len(rows)], device=rows.device)
    counts = [torch.empty_like(count) for _ in range(distributed.get_world_size())]
    distributed.all_gather(counts, count)
    if len({int(other) for other in counts}) > 1:
        raise ConfigError(f"every process must hold equally many pairs, not {', '.join(str(int(other)) for other in counts)}")
    gathered: Tensor = _Gather.apply(rows)  # type: ignore[no-untyped-call]
    return gathered, distributed.get_rank() * len(rows)


class _Gather(torch.autograd.Function):
    """all_gather whose gradient is the sum of what every process wants of these rows."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, rows: Tensor) -> Tensor:
        parts = [torch.empty_like(rows) for _ in range(distributed.get_world_size())]
        distributed.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *grads: Tensor) -> Tensor:
        gradient = grads[0].clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(gradient)
        return gradient.chunk(distributed.get_world_size())[distributed.get_rank()]
