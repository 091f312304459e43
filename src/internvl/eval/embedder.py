"""Whoever turns pictures and sentences into vectors of one space: InternVL-C and -G, another CLIP, a fake. All are run by one loop.

    pictures x n --encode_images(mode)--> [n, D]      sentences x n --encode_texts--> [n, D]

Modes: "crop" resizes the short side and cuts the middle out (classification), "squash" resizes both sides (retrieval).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from internvl.eval.errors import EvalError
from internvl.messages import Image

if TYPE_CHECKING:
    from torch import Tensor

IMAGE_MODES = ("crop", "squash")


class Embedder(Protocol):
    """Pictures and sentences to vectors. `batch_size` is how many it likes to get at once.

    Vectors need no unit length: scoring normalises them. A prefix of the text tower (`summarize:` of InternVL-C) and its padding
    are the embedder's own matter.
    """

    name: str
    batch_size: int

    def describe(self) -> dict[str, Any]:
        """Who encodes, as JSON: model, hash, number type, picture size. Features are kept under this description."""
        ...

    def encode_images(self, images: Sequence[Image], mode: str) -> Tensor:
        """Float [n, D], in order. `mode` is one of `IMAGE_MODES`. Raises MediaError for a picture that can't be used."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Float [n, D], in order."""
        ...


class FakeEmbedder:
    """No model: a picture is its mean colour, a sentence the colour of the words it holds. For tests and for timing the loop.

    words: word -> (red, green, blue) in 0...255. A sentence without a known word gets a direction made from its hash.
    `images_seen` and `texts_seen` count what was encoded.
    """

    def __init__(self, words: Mapping[str, tuple[int, int, int]], *, name: str = "fake", batch_size: int = 4) -> None:
        self.words = dict(words)
        self.name = name
        self.batch_size = batch_size
        self.images_seen = 0
        self.texts_seen = 0

    def describe(self) -> dict[str, Any]:
        """Its name and words."""
        return {"model": self.name, "words": {word: list(colour) for word, colour in sorted(self.words.items())}}

    def encode_images(self, images: Sequence[Image], mode: str) -> Tensor:
        """Mean colours around grey, float32 [n, 3]."""
        import torch

        from internvl.media.views import view_pixels

        check_mode(mode)
        self.images_seen += len(images)
        pixels = view_pixels(images, mode, size=8, mean=(0.5, 0.5, 0.5), std=(1.0, 1.0, 1.0))
        return torch.as_tensor(pixels.mean(dim=(2, 3)))

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Sums of the words' colours around grey, float32 [n, 3]."""
        import torch

        self.texts_seen += len(texts)
        return torch.tensor([self._colour(text) for text in texts], dtype=torch.float32).reshape(len(texts), 3)

    def _colour(self, text: str) -> list[float]:
        known = [colour for word, colour in self.words.items() if word in text]
        if known:
            return [sum(colour[channel] / 255 - 0.5 for colour in known) for channel in range(3)]
        return [byte / 255 - 0.5 for byte in hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=3).digest()]


def check_mode(mode: str) -> None:
    """Raise EvalError for a mode that no embedder has."""
    if mode not in IMAGE_MODES:
        raise EvalError(f"a picture is shown to an embedder as one of {', '.join(IMAGE_MODES)}, not {mode!r}")
