"""Texts as the text tower of InternVL 1.0 takes them: `summarize:` + text, bos, eos, padded to one length with id 0."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from internvl.errors import TokenizerError
from internvl.prompt.captions import CAPTION_PROMPT, TEXT_PREFIX
from internvl.prompt.tokenizer import Tokenizer

MAX_TOKENS = 80
PADDING = 0  # also the id of unknown pieces, which are therefore not read: so it was trained


def text_ids(tokenizer: Tokenizer, texts: Sequence[str], *, prefix: str = TEXT_PREFIX, length: int = MAX_TOKENS) -> Tensor:
    """int64 [n, length]. A text that is too long loses what stands before its eos token."""
    if tokenizer.bos_id is None or tokenizer.eos_id is None:
        raise TokenizerError("the tokenizer of a dual encoder has a bos and an eos token; this one lacks one of them")
    ids = torch.full((len(texts), length), PADDING, dtype=torch.long)
    for row, text in zip(ids, texts, strict=True):
        whole = [tokenizer.bos_id, *tokenizer.encode_text(prefix + text)[: length - 2], tokenizer.eos_id]
        row[: len(whole)] = torch.tensor(whole)
    return ids


def caption_ids(tokenizer: Tokenizer, prompt: str = CAPTION_PROMPT) -> Tensor:
    """int64 [L]: bos and the prompt, behind which the caption is written."""
    if tokenizer.bos_id is None:
        raise TokenizerError("the tokenizer of a dual encoder has a bos token; this one has none")
    return torch.tensor([tokenizer.bos_id, *tokenizer.encode_text(prompt)])
