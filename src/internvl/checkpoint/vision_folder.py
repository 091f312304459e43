"""A vision encoder to build on: that of a chat checkpoint of either layout, of a dual encoder, or an InternViT folder of its own.

vision_model.encoder.layers.0...  (chat)   |   encoder.layers.0...  (InternVisionModel)   ->   VisionSource
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from internvl.checkpoint import native, original
from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.dual import QLLAMA, read_dual_config
from internvl.checkpoint.fields import Fields, read_json
from internvl.checkpoint.part import Below, Part, Prefixed, part_of_checkpoint, part_of_folder
from internvl.checkpoint.quantised_config import is_quantised
from internvl.checkpoint.shards import ShardReader
from internvl.checkpoint.surgery import plain
from internvl.errors import ConfigError
from internvl.models.config import InternVLConfig, VisionConfig
from internvl.models.vision.embeddings import stretch_positions

MODEL_TYPE = "intern_vit_6b"  # of the 300M encoder too
PART = "vision_encoder"
_PREFIX = "vision_model."
_POSITIONS = "vision_encoder.embeddings.positions"


@dataclass(frozen=True)
class VisionSource:
    """An encoder as it is stored. select_layer: which hidden state its chat model read; -1, the last, for a plain folder.

    nested: in a dual encoder's folder, whose other tensors are left alone.
    """

    folder: Path
    config: VisionConfig
    select_layer: int = -1
    checkpoint: Checkpoint | None = None
    nested: bool = False

    def part(self, stored: InternVLConfig, *, image_size: int) -> Part:
        """Its tensors. `stored` describes both parts as stored; the position table is stretched to tiles of `image_size` px."""
        part = part_of_checkpoint(self.checkpoint, PART) if self.checkpoint else self._plain(stored)
        if image_size == self.config.image_size:
            return part
        cells = image_size // self.config.patch_size
        return replace(part, changes={_POSITIONS: partial(stretch_positions, grid=self.config.grid, rows=cells, columns=cells)})

    def _plain(self, stored: InternVLConfig) -> Part:
        reader = plain(ShardReader(self.folder), {}, str(self.folder / "config.json"))
        inside = Below(reader, _PREFIX) if self.nested else Prefixed(reader, _PREFIX)
        return part_of_folder(PART, self.folder, inside, stored)


def open_vision(folder: Path) -> VisionSource:
    """The encoder of a folder. Raises ConfigError or CheckpointError with the file at fault; no weight is read."""
    path = folder / "config.json"
    raw = read_json(path)
    kind = raw.get("model_type")
    if QLLAMA in raw:
        return VisionSource(folder, read_dual_config(raw, str(path)).vision, nested=True)
    if kind in (original.MODEL_TYPE, native.MODEL_TYPE) or is_quantised(raw):  # which a checkpoint refuses in its own words
        checkpoint = Checkpoint(folder)
        return VisionSource(folder, checkpoint.config.vision, checkpoint.config.select_layer, checkpoint)
    if kind != MODEL_TYPE:
        raise ConfigError(
            f"{path}: model_type must be {MODEL_TYPE!r} (an InternViT folder), {original.MODEL_TYPE!r} or {native.MODEL_TYPE!r} "
            f"(a chat checkpoint), not {kind!r:.60}"
        )
    return VisionSource(folder, original.read_vision(Fields(raw, str(path))))
