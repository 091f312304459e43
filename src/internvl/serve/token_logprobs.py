"""Log-probabilities of tokens in OpenAI's form: each token as text and as bytes, because a token may be half a character."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from internvl.engine.logprobs import TokenLogprob
from internvl.prompt.tokenizer import Tokenizer

Entries: TypeAlias = list[dict[str, Any]]
LEAST = -9999.0
"""JSON has no minus infinity; this is what OpenAI says instead."""


def entries_of(tokenizer: Tokenizer, told: Sequence[TokenLogprob] | None) -> Entries:
    """One entry for each token; none where the engine tells nothing."""
    return [
        _entry(tokenizer, each.token, each.logprob) | {"top_logprobs": [_entry(tokenizer, *top) for top in each.top]}
        for each in told or ()
    ]


def _entry(tokenizer: Tokenizer, token: int, logprob: float) -> dict[str, Any]:
    # Rows of the vocabulary that no token has can still be among the most likely.
    data = tokenizer.token_bytes(token) if token < tokenizer.vocab_size else b""
    return {"token": data.decode("utf-8", "replace"), "logprob": max(logprob, LEAST), "bytes": list(data)}
