"""Which device holds which part: one device, or a map from released module names to devices, as the model card writes it.

    {"vision_model": 0, "mlp1": 0, "language_model.model.layers.0": 0, "language_model.model.layers.1": 1, ...}

`split_layers` derives such a map from the model's own layer count. Device 0 carries the vision encoder, so it takes half as
many decoder layers as the others; the last layer, the final norm and the head return there, where sampling happens.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import torch

from internvl.checkpoint.keymap import keymap
from internvl.errors import DeviceError
from internvl.models.config import InternVLConfig

Device: TypeAlias = str | int | torch.device
DeviceMap: TypeAlias = Mapping[str, Device]
Devices: TypeAlias = Device | DeviceMap

VISION_SHARE = 0.5  # the part of one device's layers that the vision encoder is worth
# InternLM2 calls the embedding and the head otherwise than all others; a map may use either name.
_ALIASES = (
    ("", ""),
    ("language_model.model.tok_embeddings", "language_model.model.embed_tokens"),
    ("language_model.model.embed_tokens", "language_model.model.tok_embeddings"),
    ("language_model.output", "language_model.lm_head"),
    ("language_model.lm_head", "language_model.output"),
)


def split_layers(num_layers: int, world_size: int, *, vision_share: float = VISION_SHARE) -> dict[str, int]:
    """Device map for `world_size` devices, named as in the released checkpoints (both names of embedding and head included)."""
    if num_layers < 1:
        raise DeviceError(f"a device map needs at least 1 layer, not {num_layers}")
    if world_size < 1:
        raise DeviceError(f"a device map needs at least 1 device, not {world_size}")
    if not 0 <= vision_share < 1:
        raise DeviceError(f"vision_share must lie in [0, 1), not {vision_share}")
    each = math.ceil(num_layers / (world_size - vision_share))
    counts = [math.ceil(each * (1 - vision_share)), *([each] * (world_size - 1))]
    owners = [device for device, count in enumerate(counts) for _ in range(count)][:num_layers]
    layers = {f"language_model.model.layers.{i}": device for i, device in enumerate(owners)}
    layers[f"language_model.model.layers.{num_layers - 1}"] = 0
    pinned = ("model.tok_embeddings", "model.embed_tokens", "output", "model.norm", "model.rotary_emb", "lm_head")
    return {**layers, "vision_model": 0, "mlp1": 0} | {f"language_model.{name}": 0 for name in pinned}


def devices_of(config: InternVLConfig, devices: Devices) -> dict[str, torch.device]:
    """Our parameter name -> device. Raises DeviceError for an absent device or a map that leaves a parameter out.

    A map may use the names of either layout, and either family's names of embedding and head, as the model card's map does.
    """
    entries = keymap(config, "original")
    if isinstance(devices, str) and devices == "auto":
        devices = _automatic(config)
    if not isinstance(devices, Mapping):
        device = checked_device(devices)
        return {entry.ours: device for entry in entries}
    places = {prefix: checked_device(device) for prefix, device in devices.items()}
    natives = {entry.ours: entry.stored[0] for entry in keymap(config, "native")}
    return {entry.ours: _place_of((entry.stored[0], natives[entry.ours]), places) for entry in entries}


def _automatic(config: InternVLConfig) -> Devices:
    count = torch.cuda.device_count()
    if count == 0:
        return "cpu"
    return split_layers(config.language.num_layers, count) if count > 1 else "cuda:0"


def _place_of(names: Sequence[str], places: Mapping[str, torch.device]) -> torch.device:
    """The device of the longest module name in the map that holds the tensor, under any of its names."""
    aliases = [name.replace(*pair).split(".") for name in names for pair in _ALIASES]
    prefixes = {".".join(parts[:length]) for parts in aliases for length in range(len(parts) + 1)}
    found = prefixes & places.keys()
    if not found:
        raise DeviceError(f"the device map has no entry for {names[0]!r}; it needs one for it, for a module that holds it, or for ''")
    return places[max(found, key=len)]


def one_device(device: Device) -> torch.device:
    """The device of a model that is not split; "auto" is the GPU if there is one. Raises DeviceError."""
    return checked_device("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else checked_device(device)


def checked_device(device: Device) -> torch.device:
    """A device that this machine has. Raises DeviceError."""
    if isinstance(device, bool) or not isinstance(device, int | str | torch.device):
        raise DeviceError(f"{device!r} is not a device; expected 'cpu', 'cuda', 'cuda:1' or a number")
    try:
        place = torch.device("cuda", device) if isinstance(device, int) else torch.device(device)
    except RuntimeError as error:
        raise DeviceError(f"{device!r} is not a device; expected 'cpu', 'cuda', 'cuda:1' or a number") from error
    if place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"device {device!r} was asked for, but this machine has {torch.cuda.device_count()} CUDA devices")
    try:
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError) as error:  # a torch built without this kind of device
        raise DeviceError(f"device {device!r} was asked for, but this machine's torch has no such device") from error
    return place
