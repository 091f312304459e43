"""The card's `generation_config` dictionary as SamplingParams, with the defaults its library had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from internvl.engine.sampling import SamplingParams
from internvl.errors import SamplingError

# What transformers sampled with when `do_sample=True` and nothing else was said.
_SAMPLING_DEFAULTS = {"temperature": 1.0, "top_k": 50, "top_p": 1.0}
_PASSED_ON = (
    "max_new_tokens",
    "min_new_tokens",
    "repetition_penalty",
    "num_beams",
    "length_penalty",
    "seed",
    "stop",
    "show_marks",
)
# Accepted because the card or the demo passes them; the template and the tokenizer decide these here.
_IGNORED = ("eos_token_id", "pad_token_id", "bos_token_id", "use_cache", "streamer", "do_sample", *_SAMPLING_DEFAULTS)


def card_sampling(config: Mapping[str, Any]) -> SamplingParams:
    """`dict(max_new_tokens=1024, do_sample=False)` -> SamplingParams. An unknown key raises SamplingError."""
    unknown = sorted(set(config) - set(_PASSED_ON) - set(_IGNORED))
    if unknown:
        raise SamplingError(
            f"generation_config has an unknown key {unknown[0]!r}; known are {', '.join((*_PASSED_ON, *_IGNORED))}"
        )
    options = {key: config[key] for key in _PASSED_ON if config.get(key) is not None}
    if config.get("do_sample"):
        options |= {key: config.get(key, default) for key, default in _SAMPLING_DEFAULTS.items()}
    return SamplingParams.of(options)
