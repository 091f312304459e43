"""A batch through the model up to the last hidden states, as every objective on text needs it.

pixels [T,3,S,S] -> visual tokens [T,V,D];  ids [B,L] + visual tokens -> packed rows -> hidden states [B,L,D]
"""

from __future__ import annotations

import torch
from torch import Tensor, distributed

from internvl.data.batch import Batch
from internvl.errors import PlaceholderCountError
from internvl.models.internvl import InternVL
from internvl.models.language.packing import packed_step


def visual_tokens(model: InternVL, batch: Batch) -> tuple[Tensor | None, Tensor]:
    """The batch's visual tokens [T,V,D], None without tiles, and a zero to be added to the loss.

    A batch of text alone still sends one blank tile through vision encoder and projector when these learn, or when there are several
    processes: otherwise one process would wait for gradients or shards that another never sends. The blank's tokens reach no text;
    its part in the loss is 0 times their sum, which gives those parameters gradients of 0.
    """
    if batch.pixels is not None and batch.tiles:
        return model.encode_tiles(batch.pixels), torch.zeros((), device=model.device)
    if not vision_learns(model) and not _several_processes():
        return None, torch.zeros((), device=model.device)
    size, channels = model.config.image_size, model.config.vision.num_channels
    blank = model.encode_tiles(torch.zeros(1, channels, size, size, device=model.device))
    return None, blank.float().sum() * 0.0


def hidden_states(model: InternVL, batch: Batch, visual: Tensor | None, placeholder_id: int) -> Tensor:
    """Hidden states [B,L,D] of the rows, no sequence seeing another.

    Raises PlaceholderCountError when the ids have another number of placeholders than there are visual tokens.
    """
    if visual is None:
        _refuse_placeholders(batch.ids, placeholder_id)
    embeddings = model.embed(batch.ids, visual, placeholder_id=placeholder_id)
    hidden: Tensor = model.language_model(embeddings, step=packed_step(batch.positions, batch.segments))
    return hidden


def vision_learns(model: InternVL) -> bool:
    """Whether any parameter of vision encoder or projector learns."""
    return any(parameter.requires_grad for part in (model.vision_encoder, model.projector) for parameter in part.parameters())


def _several_processes() -> bool:
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def _refuse_placeholders(ids: Tensor, placeholder_id: int) -> None:
    count = int((ids == placeholder_id).sum())
    if count:
        raise PlaceholderCountError(f"the batch has {count} placeholders but no pictures", expected=count, given=0)
