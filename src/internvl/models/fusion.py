"""Where vision and language meet: visual tokens [n,V,D] replace the embeddings at the placeholders of ids [B,L], in order."""

from __future__ import annotations

from torch import Tensor

from internvl.errors import PlaceholderCountError


def fuse(embeddings: Tensor, ids: Tensor, visual: Tensor, placeholder_id: int) -> Tensor:
    """Embeddings [B,L,D] with the rows where ids == placeholder_id taken from `visual` [n,V,D], row-major.

    Raises PlaceholderCountError when the counts differ: nothing is cut or filled to make them fit.
    """
    slots = ids == placeholder_id
    tokens = visual.reshape(-1, embeddings.shape[-1]).to(embeddings)
    expected = int(slots.sum())
    if expected != tokens.shape[0]:
        raise PlaceholderCountError(
            f"the text has {expected} placeholders, the pictures give {tokens.shape[0]} visual tokens",
            expected=expected,
            given=tokens.shape[0],
        )
    return embeddings.masked_scatter(slots[..., None], tokens)
