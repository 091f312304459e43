"""How well picture and caption fit: the cosine of a dual encoder, ours by default, or a user's own CLIP.

    Item (image, text) --> vision tower [n, E], text tower [n, E] --row by row--> column `similarity` in -1..1

model: a folder, an embedded model or a hub name; `open_clip:ViT-B-32/laion2b_s34b_b79k`; `transformers:openai/clip-vit-base-patch32`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import PIL.Image
from torch import Tensor

from internvl.errors import MediaError
from internvl.media.image import open_image
from internvl.messages import Image
from internvl.pipelines.clean.clip_models import open_open_clip, open_transformers
from internvl.pipelines.item import Drop, Item
from internvl.pipelines.operator import ColumnType, Outcome, Resources, Work

DEFAULT_MODEL = "internvl-dual-nano"
OPEN_CLIP, TRANSFORMERS = "open_clip:", "transformers:"
COLUMN = "similarity"

_DIGITS = 4  # the last ones of a sum of floats depend on the processor

Encode: TypeAlias = Callable[[Sequence[PIL.Image.Image], Sequence[str]], tuple[Tensor, Tensor]]
"""n pictures and n captions -> two float32 [n, E] of length 1."""


@dataclass(frozen=True)
class SimilarityScore:
    """Operator: image-text cosine. device: "auto" is the GPU if there is one. gpus: what Ray reserves for a worker.

    A sample without a caption has no similarity. Cosines of different models are not comparable: thresholds belong to a model.
    """

    model: str = DEFAULT_MODEL
    device: str = "auto"
    batch: int = 16
    gpus: float = 0.0
    name = COLUMN

    @property
    def resources(self) -> Resources:
        """One core, and the GPUs asked for."""
        return Resources(gpus=self.gpus)

    def columns(self) -> dict[str, ColumnType]:
        """similarity: -1..1."""
        return {COLUMN: "float"}

    def settings(self) -> dict[str, Any]:
        """The model by name and by its weights."""
        return {"model": self.model, "weights": _weights(self.model), "version": 1}

    def open(self) -> Work:
        """Load the model. CheckpointError, or MissingDependencyError for a library that is not there."""
        return partial(_work, encode=_open_model(self), batch=self.batch)


def _open_model(wanted: SimilarityScore) -> Encode:
    if wanted.model.startswith(OPEN_CLIP):
        return open_open_clip(wanted.model.removeprefix(OPEN_CLIP), device=wanted.device)
    if wanted.model.startswith(TRANSFORMERS):
        return open_transformers(wanted.model.removeprefix(TRANSFORMERS), device=wanted.device)
    from internvl.engine.dual import Dual

    dual = Dual.load(wanted.model, device=wanted.device, batch=wanted.batch)
    return lambda pictures, texts: (dual.encode_images([Image(each) for each in pictures]), dual.encode_texts(texts))


def _weights(model: str) -> str:
    """What tells the weights of ours; of other libraries' models only the name is known without loading them."""
    if model.startswith((OPEN_CLIP, TRANSFORMERS)):
        return "by name"
    from internvl.checkpoint.hub import resolve
    from internvl.eval.fingerprint import folder_hash

    return folder_hash(resolve(model))


def _work(items: Sequence[Item], *, encode: Encode, batch: int) -> list[Outcome]:
    return [outcome for start in range(0, len(items), batch) for outcome in _scored(items[start : start + batch], encode)]


def _scored(items: Sequence[Item], encode: Encode) -> list[Outcome]:
    """One batch. Pictures that can't be opened and samples without a caption are no part of what is encoded."""
    opened = [_opened(item) for item in items]
    ready = {
        place: picture for place, picture in enumerate(opened) if isinstance(picture, PIL.Image.Image) and items[place].text.strip()
    }
    cosines: dict[int, float] = {}
    if ready:
        pictures, texts = encode(list(ready.values()), [items[place].text for place in ready])
        cosines = dict(zip(ready, (pictures * texts).sum(-1).clamp(-1, 1).tolist(), strict=True))
    return [
        picture if isinstance(picture, Drop) else item.with_fields(**{COLUMN: _rounded(cosines.get(place))})
        for place, (item, picture) in enumerate(zip(items, opened, strict=True))
    ]


def _rounded(cosine: float | None) -> float | None:
    return None if cosine is None else round(cosine, _DIGITS)


def _opened(item: Item) -> PIL.Image.Image | Drop:
    if item.image is None:
        return Drop("no picture: the sample has none")
    try:
        # Without turning by EXIF, as everywhere that dual encoders see pictures.
        return open_image(item.image, exif=False)
    except MediaError as error:
        return Drop(f"damaged picture: {error}")
