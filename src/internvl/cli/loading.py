"""From the options of a command line to a model, or to a processor alone where no weights are needed."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from internvl.cli.console import err
from internvl.cli.settings import policy_with

if TYPE_CHECKING:
    from internvl.engine.vlm import VLM
    from internvl.models.config import InternVLConfig
    from internvl.processor import Processor


def load_vlm(model: str, *, device: str, dtype: str | None, policy: Mapping[str, Any], max_tiles: int | None) -> tuple[VLM, float]:
    """The model with the tile policy asked for, and how many seconds loading took.

    The policy is settled before the weights are read: an impossible one costs no minutes.
    """
    started = time.perf_counter()
    with _status(f"loading {model}"):
        from internvl.checkpoint.hub import resolve
        from internvl.engine.vlm import VLM
        from internvl.processor import policy_of

        settled = policy_with(policy_of(_config(resolve(model))), policy, max_tiles)
        vlm = VLM.load(model, device=int(device) if device.isdecimal() else device, dtype=dtype, policy=settled)
    return vlm, time.perf_counter() - started


def load_processor(model: str, *, policy: Mapping[str, Any], max_tiles: int | None) -> tuple[Processor, InternVLConfig]:
    """A model's processor and config, from its JSON and tokenizer files: no weights are opened."""
    from internvl.checkpoint.hub import resolve
    from internvl.processor import Processor, policy_of
    from internvl.prompt.tokenizer import load_tokenizer

    folder = resolve(model)
    config = _config(folder)
    settled = policy_with(policy_of(config), policy, max_tiles)
    return Processor.of(config, load_tokenizer(folder), policy=settled), config


def _config(folder: Path) -> InternVLConfig:
    from internvl.checkpoint.checkpoint import read_config
    from internvl.checkpoint.fields import read_json

    path = folder / "config.json"
    return read_config(read_json(path), str(path))


def _status(text: str) -> AbstractContextManager[object]:
    return err().status(text) if sys.stderr.isatty() else nullcontext()
