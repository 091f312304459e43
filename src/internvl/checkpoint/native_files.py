"""The files beside a native checkpoint with which transformers' `AutoProcessor` loads: tiling, token names, chat template."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from internvl.checkpoint.fields import read_json
from internvl.checkpoint.shards import write_text
from internvl.models.config import InternVLConfig
from internvl.prompt.placeholders import IMAGE_END, IMAGE_START, PLACEHOLDER

_MEAN, _STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
# Pillow's number for bicubic, which is how transformers writes a filter.
_BICUBIC = 3


def write_processor_files(folder: Path, config: InternVLConfig) -> None:
    """Write `preprocessor_config.json` and `processor_config.json`, and name the image tokens in `tokenizer_config.json`."""
    _write(folder / "preprocessor_config.json", _image_processor(config))
    _write(
        folder / "processor_config.json", {"processor_class": "InternVLProcessor", "image_seq_length": config.tokens_per_tile}
    )
    path = folder / "tokenizer_config.json"
    values = read_json(path) if path.exists() else {}
    values |= {
        "start_image_token": IMAGE_START,
        "end_image_token": IMAGE_END,
        "context_image_token": PLACEHOLDER,
        "video_token": PLACEHOLDER,
        "processor_class": "InternVLProcessor",
        "padding_side": "left",
    }
    _write(path, values)


def _image_processor(config: InternVLConfig) -> dict[str, Any]:
    return {
        "image_processor_type": "GotOcr2ImageProcessor",
        "processor_class": "InternVLProcessor",
        "crop_to_patches": config.dynamic_tiles,
        "min_patches": config.min_tiles,
        "max_patches": config.max_tiles,
        "size": {"height": config.image_size, "width": config.image_size},
        "do_resize": True,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "do_convert_rgb": True,
        "image_mean": _MEAN,
        "image_std": _STD,
        "resample": _BICUBIC,
    }


def _write(path: Path, values: dict[str, Any]) -> None:
    write_text(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")
