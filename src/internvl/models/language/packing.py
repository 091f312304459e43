"""Several sequences in one row: what a call of the decoder on a training batch sees.

segments [B,L]   0 0 0 1 1 2 2 2 -1   ->  Step: attention inside each sequence, rotary scaling by each sequence's own length
positions [B,L]  0 1 2 0 1 0 1 2  0       (dynamic NTK and longrope choose by it, so a pack must not count as one long text)
"""

from __future__ import annotations

import inspect
from functools import cache
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor

from internvl.models.attention import Packed, Run
from internvl.models.language.cache import Step


def packed_step(positions: Tensor, segments: Tensor) -> Step:
    """positions, segments [B,L] (-1: padding) -> Step. Logits and gradients are those of the sequences read alone.

    Segments are read once on the CPU: a wait for the device a step, not one a layer.
    """
    rows = tuple(_runs(row) for row in segments.tolist())
    longest = max((tokens for runs in rows for tokens, padding in runs if not padding), default=1)
    sizes = torch.tensor([tokens for runs in rows for tokens, _ in runs])
    lengths = sizes.repeat_interleave(sizes).view(segments.shape).to(positions.device)
    lengths = lengths.where(segments >= 0, 1)
    if all(len(runs) == 1 or (len(runs) == 2 and runs[1][1]) for runs in rows):
        return Step(positions, None, True, longest, lengths=lengths)  # one sequence a row: nobody looks ahead, thus at no padding
    borders = F.pad(sizes.cumsum(0), (1, 0)).to(positions.device, torch.int32)
    packed = Packed(segments, rows, borders, int(sizes.max()), flash=_has_flash(positions.device))
    return Step(positions, None, False, longest, lengths=lengths, packed=packed)


def _runs(row: list[int]) -> tuple[Run, ...]:
    return tuple((len(list(run)), number < 0) for number, run in groupby(row))


def _has_flash(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0) and _knows_varlen()


@cache
def _knows_varlen() -> bool:
    """Whether this torch has flash attention over sequences of unequal length, with grouped heads."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return False
    return "enable_gqa" in inspect.signature(varlen_attn).parameters
