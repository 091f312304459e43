"""The functions of the model card's quick start: pictures and clips to pixel values, and device maps."""

from __future__ import annotations

from pathlib import Path

import PIL.Image
import torch
from torch import Tensor

from internvl.checkpoint.checkpoint import read_config
from internvl.checkpoint.fields import read_json
from internvl.checkpoint.hub import resolve
from internvl.checkpoint.placement import split_layers
from internvl.engine.card_stream import TextIteratorStreamer
from internvl.media.image import open_image
from internvl.media.pixels import cut_tiles, tiles_of
from internvl.media.tiling import TilePolicy, choose_grid
from internvl.media.video import read_frames
from internvl.messages import Video
from internvl.models.families import RELEASED

__all__ = ["TextIteratorStreamer", "dynamic_preprocess", "load_image", "load_video", "split_model"]


def load_image(image_file: str | Path | bytes | PIL.Image.Image, input_size: int = 448, max_num: int = 12) -> Tensor:
    """A picture as pixel values [T,3,S,S], thumbnail included. Like the card, it does not turn pictures by their EXIF data."""
    policy = TilePolicy(tile_size=input_size, max_tiles=max_num, thumbnail=True)
    return tiles_of(open_image(image_file, exif=False), policy).pixels


def dynamic_preprocess(
    image: PIL.Image.Image, min_num: int = 1, max_num: int = 12, image_size: int = 448, use_thumbnail: bool = False
) -> list[PIL.Image.Image]:
    """A picture as a list of square tiles, row by row, the thumbnail last if asked for."""
    upright = open_image(image, exif=False)
    grid = choose_grid(*upright.size, min_tiles=min_num, max_tiles=max_num, tile_size=image_size)
    return cut_tiles(upright, grid, tile_size=image_size, thumbnail=use_thumbnail)


def load_video(
    video_path: str | Path,
    bound: tuple[float, float] | None = None,
    input_size: int = 448,
    max_num: int = 1,
    num_segments: int = 32,
) -> tuple[Tensor, list[int]]:
    """A clip as pixel values [T,3,S,S] and tiles per frame (`num_patches_list`). `bound` is (start, end) in seconds."""
    start, end = bound if bound is not None else (None, None)
    clip = read_frames(Video(video_path, frames=num_segments, start_s=start, end_s=end))
    policy = TilePolicy(tile_size=input_size, max_tiles=max_num, thumbnail=True)
    batches = [tiles_of(image, policy).pixels for image in clip.images]
    return torch.cat(batches), [int(batch.shape[0]) for batch in batches]


def split_model(model: str | Path, world_size: int | None = None) -> dict[str, int] | dict[str, str]:
    """A device map for a model over `world_size` GPUs (None: all of this machine; without any, everything on the CPU).

    The number of layers comes from the model itself: a checkpoint folder, a hub name, or the name of a released model.
    """
    layers = _layers_of(model)
    gpus = torch.cuda.device_count() if world_size is None else world_size
    if world_size is None and gpus == 0:
        return dict.fromkeys(split_layers(layers, 1), "cpu")
    return split_layers(layers, gpus)


def _layers_of(model: str | Path) -> int:
    short = str(model).rpartition("/")[2]
    if not Path(model).exists() and short in RELEASED:
        return RELEASED[short].config().language.num_layers
    path = resolve(model) / "config.json"
    return read_config(read_json(path), str(path)).language.num_layers
