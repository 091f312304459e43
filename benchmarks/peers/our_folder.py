"""A quantised folder of a random checkpoint, without calibration: `python -m benchmarks.peers.our_folder SOURCE KIND TARGET`.

source --rounded to the nearest while it is read--> target

`internvl quantize` keeps layers at more bits where pictures show that they suffer. Random weights show nothing, so here every layer
gets the bits that its part has in a preset.
"""

from __future__ import annotations

import sys
from pathlib import Path

from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.convert import copy_files, original_values
from internvl.checkpoint.load import load_weights
from internvl.checkpoint.quantised import save_quantised
from internvl.checkpoint.whole_folder import whole_folder
from internvl.quantize.plan import plan_named


def main() -> None:
    """Read, round, write."""
    source, kind, target = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    checkpoint = Checkpoint(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    with whole_folder(target) as partial:
        model = load_weights(checkpoint, plan=plan_named(kind))
        save_quantised(model, partial, name=kind, plain=original_values(checkpoint), dtype=checkpoint.dtype)
        copy_files(checkpoint, partial, "original")


if __name__ == "__main__":
    main()
