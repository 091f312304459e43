"""Which run `internvl train` starts: a published run, a stage, one's own function in a file, or the preset for a laptop.

"internvl2-8b-lora" | "finetune" | "my_recipes.py:small" | "laptop"   ->   TrainConfig
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from internvl.cli.console import UsageError

if TYPE_CHECKING:
    from internvl.train.config import TrainConfig

LAPTOP = "laptop"


def recipe_named(name: str) -> TrainConfig:
    """The configuration behind a name. Raises UsageError for an unknown one, ConfigError for a stage that no chat model has."""
    from internvl.train.published import PUBLISHED, published_config
    from internvl.train.stages import STAGES, stage_config

    if name == LAPTOP:
        return laptop()
    if ".py" in name:
        return _from_file(name)
    if name in PUBLISHED:
        return published_config(name)
    if name in STAGES:
        return stage_config(name)
    raise UsageError(
        f"no recipe {name!r}: it is {LAPTOP!r}, a stage ({', '.join(STAGES)}), a published run (internvl train --list shows them), "
        "or FILE.py:FUNCTION"
    )


def laptop() -> TrainConfig:
    """Adapters on both parts and the projector, on a small model and one's own records, in minutes on two CPU cores."""
    from internvl.data.config import DataConfig
    from internvl.train.config import LoraConfig, OptimConfig, TrainConfig

    return TrainConfig(
        model="internvl-nano",
        train_parts=frozenset({"projector"}),
        lora=LoraConfig(language_rank=16, vision_rank=16),
        data=DataConfig(held_back=0.1, max_tokens=2048, max_tiles=6, packing=True, pack_tokens=2048, pack_tiles=64, workers=1),
        optim=OptimConfig(lr=1e-3, warmup=0.05, weight_decay=0.01),
        batch_size=1,
        epochs=8.0,
        precision="fp32",
        save_every=50,
        log_every=10,
    )


def _from_file(name: str) -> TrainConfig:
    """The user's own function, run like any script of theirs that they name on the command line."""
    from internvl.train.config import TrainConfig

    file, _, function = name.rpartition(":")
    path = Path(file).expanduser()
    if not file or not path.is_file():
        raise UsageError(f"a recipe in a file is FILE.py:FUNCTION, not {name!r}" + ("" if not file else f"; there is no {path}"))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    recipe: Callable[[], object] | None = getattr(module, function, None)
    if not callable(recipe):
        raise UsageError(f"{path} has no function {function!r}")
    config = recipe()
    if not isinstance(config, TrainConfig):
        raise UsageError(f"{name} must return a TrainConfig, not {type(config).__name__}")
    return config
