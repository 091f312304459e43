"""Encoders that give the tokens of their layers, for probes and segmentation heads; our InternViT is one.

pixels [n,3,h,w] --blocks--> after each wanted block [n,1+N,D], class token first --maps_of--> [n,D,h/p,w/p]
                                                          --ProbeEmbedder: class token + mean of patches--> [n,2D]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from internvl.errors import ConfigError
from internvl.eval.errors import EvalError
from internvl.media.views import view_pixels
from internvl.messages import Image
from internvl.models.config import VisionConfig
from internvl.models.vision.encoder import VisionEncoder


class FeatureExtractor(Protocol):
    """A vision encoder. image_size: the side in pixels it is probed at; maps of other sizes are asked for too."""

    name: str
    batch_size: int
    image_size: int
    patch_size: int
    num_layers: int
    width: int

    @property
    def module(self) -> nn.Module:
        """Its parameters, for recipes that train them."""
        ...

    def describe(self) -> dict[str, Any]:
        """Who extracts, as JSON: model hash, number type, picture size."""
        ...

    def tokens(self, pixels: Tensor, layers: Sequence[int]) -> list[Tensor]:
        """Normalised pixels [n,3,h,w] -> after each block of `layers` (counted from 0) tokens [n,1+N,D], class token first.

        h and w are multiples of the patch size. Gradients flow where they are enabled.
        """
        ...

    def set_trained(self, trained: bool, *, drop_path: float) -> None:
        """Freeze its parameters, or let them learn with that much stochastic depth."""
        ...

    def parameter_depths(self) -> Iterator[tuple[nn.Parameter, int]]:
        """Every parameter and how deep it lies: 0 embeddings, k the k-th block. For layer-wise learning rates."""
        ...


class VisionFeatures:
    """InternViT as a FeatureExtractor. description: what tells these weights from others (a model hash), as JSON.

    image_size: 224 for the published probes; the position table is stretched when it was made for another size.
    """

    def __init__(
        self,
        encoder: VisionEncoder,
        config: VisionConfig,
        *,
        name: str,
        description: Mapping[str, Any],
        image_size: int = 224,
        batch_size: int = 16,
    ) -> None:
        if image_size % config.patch_size:
            raise ConfigError(f"pictures of {image_size} px can't be cut into patches of {config.patch_size} px")
        self.encoder, self.config = encoder, config
        self.name, self.image_size, self.batch_size = name, image_size, batch_size
        self.patch_size, self.num_layers, self.width = config.patch_size, config.num_layers, config.hidden_size
        self._description = dict(description)

    @property
    def module(self) -> nn.Module:
        """The encoder."""
        return self.encoder

    def describe(self) -> dict[str, Any]:
        """The given description, with picture size and number type."""
        return {**self._description, "image_size": self.image_size, "dtype": str(self._place.dtype).removeprefix("torch.")}

    def tokens(self, pixels: Tensor, layers: Sequence[int]) -> list[Tensor]:
        """One pass through the blocks up to the last wanted one."""
        if not layers or min(layers) < 0 or max(layers) >= self.num_layers:
            raise EvalError(f"{self.name} has the blocks 0...{self.num_layers - 1}, tokens of {list(layers)} were asked for")
        hidden: Tensor = self.encoder.embeddings(pixels.to(self._place.device, self._place.dtype))
        found: dict[int, Tensor] = {}
        for index, block in enumerate(self.encoder.blocks[: max(layers) + 1]):
            hidden = block(hidden)
            if index in layers:
                found[index] = hidden
        return [found[index] for index in layers]

    def set_trained(self, trained: bool, *, drop_path: float) -> None:
        """Gradients on or off, for all blocks."""
        self.encoder.requires_grad_(trained).eval()
        self.encoder.set_drop_path(drop_path if trained else 0.0)

    def parameter_depths(self) -> Iterator[tuple[nn.Parameter, int]]:
        """Embeddings at 0, blocks from 1."""
        for parameter in self.encoder.embeddings.parameters():
            yield parameter, 0
        for depth, block in enumerate(self.encoder.blocks, start=1):
            for parameter in block.parameters():
                yield parameter, depth

    @property
    def _place(self) -> Tensor:
        return self.encoder.embeddings.class_token


class ProbeEmbedder:
    """An extractor as an Embedder of pictures: the last block's class token beside the mean of its patch tokens.

    `cls_patch_concat` of the original linear probe (InternVL 1.0, appendix).
    """

    def __init__(self, extractor: FeatureExtractor) -> None:
        self.extractor = extractor
        self.name, self.batch_size = extractor.name, extractor.batch_size

    def describe(self) -> dict[str, Any]:
        """The extractor's description."""
        return {**self.extractor.describe(), "features": "cls_patch_concat"}

    def encode_images(self, images: Sequence[Image], mode: str) -> Tensor:
        """float32[n, 2D]."""
        pixels = view_pixels(images, mode, size=self.extractor.image_size)
        with torch.no_grad():
            (tokens,) = self.extractor.tokens(pixels, [self.extractor.num_layers - 1])
            return torch.cat([tokens[:, 0], tokens[:, 1:].mean(dim=1)], dim=-1).float()

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """Refused: a vision encoder reads no text."""
        raise EvalError(f"{self.name} is a vision encoder and encodes no sentences, {len(texts)} were given")


class TokenEmbedder(ProbeEmbedder):
    """An extractor's last block as it is, for heads that look at every token. Too much to be stored: it is made when it is needed."""

    def encode_images(self, images: Sequence[Image], mode: str) -> Tensor:
        """float32[n, 1 + N, D], class token first."""
        pixels = view_pixels(images, mode, size=self.extractor.image_size)
        with torch.no_grad():
            (tokens,) = self.extractor.tokens(pixels, [self.extractor.num_layers - 1])
        return tokens.float()


class PooledEmbedder(ProbeEmbedder):
    """An extractor behind the pool of a trained head. description: what tells that head from others."""

    def __init__(self, extractor: FeatureExtractor, pool: nn.Module, description: Mapping[str, Any]) -> None:
        super().__init__(extractor)
        self._tokens, self._pool, self._description = TokenEmbedder(extractor), pool, dict(description)

    def describe(self) -> dict[str, Any]:
        """The extractor's description, and the head's."""
        return {**self.extractor.describe(), "features": "attention_pool", **self._description}

    def encode_images(self, images: Sequence[Image], mode: str) -> Tensor:
        """float32[n, F]."""
        tokens = self._tokens.encode_images(images, mode)
        with torch.no_grad():
            pooled: Tensor = self._pool(tokens.to(next(self._pool.parameters()).device))
        return pooled.float()


def maps_of(tokens: Tensor, rows: int, columns: int) -> Tensor:
    """Tokens [n,1+N,D] without the class token as a map [n,D,rows,columns]. EvalError when N is another number."""
    if tokens.shape[1] != 1 + rows * columns:
        raise EvalError(f"{rows} x {columns} patches and a class token were expected, the encoder gave {tokens.shape[1]} tokens")
    return tokens[:, 1:].transpose(1, 2).reshape(len(tokens), -1, rows, columns)
