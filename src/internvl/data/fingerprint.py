"""What the sizes of examples depend on besides their records, as one short text that changes when any of it does."""

from __future__ import annotations

import dataclasses
import hashlib
import json

from internvl.data.config import DataConfig
from internvl.processor import Processor

# A tokenizer is told by its added tokens and by what it makes of this; reading all its files for a name of a cache would take longer.
_PROBE = "It's 3.14 km²,\tisn't it?\n\n  “没有” — Größe naïve Привет 123456 <html> {x:[0]} ‘don’t’ 日本語 한국어 ✓🙂"


def fingerprint(processor: Processor, config: DataConfig, *others: object) -> str:
    """Of tokenizer, template, tile policy and limits; `others` are JSON values of the caller's own."""
    tokenizer = processor.tokenizer
    facts = [
        tokenizer.vocab_size,
        tokenizer.add_bos,
        sorted(tokenizer.added_tokens.items()),
        tokenizer.encode_text(_PROBE),
        dataclasses.asdict(processor.template),
        processor.system_message,
        processor.tokens_per_tile,
        processor.policy.to_dict(),
        [config.max_tokens, config.max_tiles, config.video_frames],
        others,
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
