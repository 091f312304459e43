"""Progressive scaling: the vision encoder is trained once, with a small language model, and then given to larger ones.

    put_together(ViT, small LLM) -> align_small (ViT and projector) -> swap_in(its ViT, large LLM) -> align_large (projector)
                                                                                               -> a full stage as usual

The costly stage, in which the encoder learns, is paid at the price of the small model. InternVL 2.5 did it so: the encoders that came
out of the 8B's and the 26B's stage 1.5 went into all other sizes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from internvl.checkpoint.assemble import Assembled, assemble
from internvl.checkpoint.hub import resolve
from internvl.errors import ConfigError
from internvl.models.families import released_named
from internvl.train.config import TrainConfig
from internvl.train.published import published_config, published_named

SMALL, LARGE = "internvl2_5-8b-stage1_5", "internvl2_5-38b-stage1"


def put_together(run: str, *, projector: Path | None = None, seed: int = 0) -> Assembled:
    """Assemble the parts that a published run starts from, into the folder where its config looks for them."""
    row = published_named(run)
    if isinstance(row.start, str):
        raise ConfigError(f"{run} goes on from {row.start}; only runs that start from an encoder and a language model are assembled")
    released = released_named(row.model)
    return assemble(
        vision=resolve(row.start[0]),
        language=resolve(row.start[1]),
        projector=projector,
        template=row.template,
        max_tiles=row.max_tiles,
        pixel_shuffle=released.pixel_shuffle,
        out=Path(row.starts_at),
        seed=seed,
    )


def align_small(model: str = "runs/progressive/small", *, out: Path = Path("runs/progressive/align-small")) -> TrainConfig:
    """Step 1: ViT and projector learn on large noisy data, beside a small frozen language model."""
    return replace(published_config(SMALL), model=model, out=out)


def swap_in(
    trained: Path, language: Path, *, template: str, out: Path = Path("runs/progressive/large"), image_size: int = 448, seed: int = 0
) -> Assembled:
    """Step 2: the trained ViT, bit for bit, and a larger language model. The projector starts anew: its width is another."""
    return assemble(vision=trained, language=language, template=template, image_size=image_size, out=out, seed=seed)


def align_large(model: str = "runs/progressive/large", *, out: Path = Path("runs/progressive/align-large")) -> TrainConfig:
    """Step 3: the new projector learns alone, which is short. What follows is stage 2 of any size."""
    return replace(published_config(LARGE), model=model, out=out)
