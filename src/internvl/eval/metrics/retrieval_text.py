"""The clean-up of captions before they are embedded for retrieval, as a row of the table of metrics."""

from __future__ import annotations

from internvl.prompt.captions import cleaned_caption


def retrieval_pre_caption(text: str, max_words: int = 50) -> str:
    """`text` as the retrieval text encoder saw it (`prompt.captions`)."""
    return cleaned_caption(text, max_words)
