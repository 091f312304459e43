"""What clients ask beside answers: what the model is and what the server allows, and what a question would cost."""

from __future__ import annotations

from typing import Any

from internvl.processor import TokenCount
from internvl.serve.config import ServeConfig
from internvl.serve.media import HIGH_TILES
from internvl.serve.served import Served


def info(served: Served, name: str, config: ServeConfig, context: int) -> dict[str, Any]:
    """The model, its tile policy, what `detail` means for it, and the limits of this server."""
    policy = served.processor.policy
    return {
        "model": name,
        "context": context,
        "tokens_per_tile": served.processor.tokens_per_tile,
        "tiles": policy.to_dict(),
        "detail": {"low": 1, "auto": policy.max_tiles, "high": max(HIGH_TILES, policy.max_tiles) if policy.dynamic else 1},
        "limits": {
            "images": config.max_images,
            "videos": config.max_videos,
            "frames": config.max_frames,
            "media_bytes": config.max_media_bytes,
            "pixels": config.max_pixels,
            "new_tokens": config.max_new_tokens,
            "choices": config.max_choices,
            "urls": config.allow_urls,
        },
    }


def counted(count: TokenCount, context: int) -> dict[str, Any]:
    """What a question costs: tokens of text and pictures, and the grid of each picture or still."""
    return {
        "count": count.total,
        "max_model_len": context,
        "text_tokens": count.text,
        "image_tokens": count.visual,
        "media": [
            {"size": None if each.size is None else list(each.size), "grid": each.grid, "tiles": each.tiles, "tokens": each.tokens}
            for each in count.media
        ],
    }
