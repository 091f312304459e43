"""The presets without the columns that need a model, for trials of everything else while models are changed, or in a hurry.

stage1.toml, stage2.toml --tables of [rules.similarity] and the like left out--> FOLDER/stage1.toml, FOLDER/stage2.toml
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

MODELS = ("similarity", "watermark", "aesthetic", "unsafe")


def arguments_without(folder: Path, left_out: Sequence[str] = MODELS) -> list[str]:
    """What `internvl data clean` is given to run without these scores; the rules are written into the folder."""
    from internvl.pipelines.clean.rules import PRESETS, preset_text

    folder.mkdir(parents=True, exist_ok=True)
    words = ["--scores", ",".join(name for name in MODELS if name not in left_out) or "none"]
    for name in PRESETS:
        file = folder / f"{name}.toml"
        file.write_text(_plain(preset_text(name), left_out), encoding="utf-8")
        words += ["--rules", str(file)]
    return words


def _plain(text: str, left_out: Sequence[str]) -> str:
    for column in left_out:
        text = re.sub(rf"^\[rules\.{column}\].*\n(?:(?!\[).*\n)*", "", text, flags=re.MULTILINE)
    return text.replace('keep = "similarity"', 'keep = "first"') if "similarity" in left_out else text
