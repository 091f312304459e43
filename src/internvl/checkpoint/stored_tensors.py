"""Whether files hold the tensors that a config describes: every one of them, no other, each in its shape."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from internvl.checkpoint.keymap import Entry
from internvl.checkpoint.shards import TensorReader
from internvl.errors import CheckpointError

# Buffers that old releases stored beside the weights; they are recomputed, so their presence is no fault.
_IGNORED = ("rotary_emb.inv_freq", "position_ids")


def check_names(folder: Path, entries: Collection[Entry], names: set[str]) -> None:
    """Raise CheckpointError for a tensor of `entries` that is not among `names`, or one of `names` that no entry knows."""
    expected = {name for entry in entries for name in entry.stored}
    missing = sorted(expected - names)
    if missing:
        raise CheckpointError(f"{folder}: {len(missing)} tensors are missing, first {missing[0]!r}; a shard may be absent")
    extra = sorted(name for name in names - expected if not name.endswith(_IGNORED))
    if extra:
        raise CheckpointError(
            f"{folder}: {len(extra)} tensors are not part of the model that config.json describes, first {extra[0]!r}"
        )


def check_shapes(folder: Path, entries: Collection[Entry], reader: TensorReader, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise CheckpointError for a stored tensor of another shape; `shapes` are those of our parameters, by our names."""
    for entry in entries:
        for name, shape in zip(entry.stored, entry.stored_shapes(shapes[entry.ours]), strict=True):
            found = reader.info(name).shape
            if found != shape:
                raise CheckpointError(f"{folder}: {name} has the shape {list(found)}, but config.json describes {list(shape)}")
