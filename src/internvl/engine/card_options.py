"""The card's keyword arguments as this package's own settings: `generation_config`, number types, names of control tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from internvl.engine.sampling import SamplingParams
from internvl.errors import ConfigError, PromptError, SamplingError
from internvl.prompt.placeholders import IMAGE_END, IMAGE_START, PLACEHOLDER

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
# Read elsewhere, or accepted because the card or the demo passes them although `chat` decides them itself.
_ELSEWHERE = ("eos_token_id", "pad_token_id", "bos_token_id", "use_cache", "streamer", "do_sample")


def card_sampling(config: Mapping[str, Any]) -> SamplingParams:
    """`dict(max_new_tokens=1024, do_sample=False)` -> SamplingParams. An unknown key raises SamplingError."""
    known = (*_PASSED_ON, *_SAMPLING_DEFAULTS, *_ELSEWHERE)
    unknown = sorted(set(config) - set(known))
    if unknown:
        raise SamplingError(f"generation_config has an unknown key {unknown[0]!r}; known are {', '.join(known)}")
    options = {key: config[key] for key in _PASSED_ON if config.get(key) is not None}
    if config.get("do_sample"):
        options |= {key: default if config.get(key) is None else config[key] for key, default in _SAMPLING_DEFAULTS.items()}
    return SamplingParams.of(options)


def end_ids(config: Mapping[str, Any]) -> list[int]:
    """The ids that end an answer of `generate`, from `eos_token_id`, one or a list."""
    ends = config.get("eos_token_id")
    listed = [ends] if isinstance(ends, int) else list(ends or [])
    if not listed:
        raise SamplingError(
            "generate needs eos_token_id in its generation_config: tokenizer.convert_tokens_to_ids(model.conv_template.sep.strip())"
        )
    return listed


def card_dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    """A torch type, its name, 'auto' or None -> the type, or None for the stored one."""
    if dtype is None or isinstance(dtype, torch.dtype):
        return dtype
    if dtype == "auto":
        return None
    named = getattr(torch, str(dtype), None)
    if not isinstance(named, torch.dtype):
        raise ConfigError(f"torch_dtype must be a torch type, its name, or 'auto', not {dtype!r}")
    return named


def check_marks_kept(start: str, end: str, placeholder: str) -> None:
    """The card lets callers rename the picture's control tokens; no released tokenizer has others, so only its names are taken."""
    if (start, end, placeholder) != (IMAGE_START, IMAGE_END, PLACEHOLDER):
        raise PromptError(f"a picture's tokens are {IMAGE_START}, {PLACEHOLDER} and {IMAGE_END}, not {start}, {placeholder} and {end}")
