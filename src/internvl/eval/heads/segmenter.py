"""An encoder with a segmentation head as one model: pixels in, a class a pixel out.

pixels [n,3,h,w] -> tokens of some blocks -> maps -> head -> logits [n,K,.,.] -> loss against labels [n,h,w], or windows -> map
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from internvl.eval.feature_extractor import FeatureExtractor, maps_of
from internvl.eval.heads.segmentation import ConvHead, FeaturePyramid, LinearHead, UperNet
from internvl.eval.heads.segmentation_recipes import SegmentationRecipe

IGNORED = 255
MATRICES = (2, 4)  # axes of what is decayed: not norms, biases, the class token and positions
CLASSES_AT_ONCE = 16


class Segmenter(nn.Module):
    """The head of a recipe on an encoder. The encoder is no part of its state unless the recipe trains it."""

    def __init__(self, extractor: FeatureExtractor, recipe: SegmentationRecipe, classes: int) -> None:
        super().__init__()
        self._extractor = (extractor,)  # in a tuple, because a frozen encoder must not be listed among the parameters
        self.recipe = recipe
        self.layers = recipe.layers_of(extractor.num_layers)
        self.classes = classes
        with torch.random.fork_rng():
            torch.manual_seed(recipe.seed)
            linear = recipe.decoder == "linear"
            self.pyramid = None if linear else FeaturePyramid(extractor.width)
            self.head = LinearHead(extractor.width, classes) if linear else UperNet(extractor.width, classes, channels=recipe.channels)
            level = recipe.auxiliary
            self.second = None if level is None else ConvHead(extractor.width, classes, channels=recipe.channels, level=level)
        self.encoder = extractor.module if recipe.trained else None
        extractor.set_trained(recipe.trained, drop_path=recipe.drop_path)

    @property
    def extractor(self) -> FeatureExtractor:
        """The encoder."""
        return self._extractor[0]

    def forward(self, pixels: Tensor) -> Tensor:
        """[n,3,h,w] -> logits [n,K,.,.] of the head's own size."""
        logits: Tensor = self.head(self._maps(pixels))
        return logits

    def loss(self, pixels: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy at full size, a mean over all pixels, those of `IGNORED` counting 0 (mmsegmentation's own)."""
        maps = self._maps(pixels)
        loss = _pixel_loss(self.head(maps), labels)
        return loss if self.second is None else loss + self.recipe.auxiliary_weight * _pixel_loss(self.second(maps), labels)

    def _maps(self, pixels: Tensor) -> list[Tensor]:
        patch = self.extractor.patch_size
        rows, columns = pixels.shape[-2] // patch, pixels.shape[-1] // patch
        with torch.set_grad_enabled(self.recipe.trained and torch.is_grad_enabled()):
            maps = [maps_of(tokens, rows, columns).float() for tokens in self.extractor.tokens(pixels, self.layers)]
        return maps if self.pyramid is None else self.pyramid(maps)


def segmentation_optimizer(model: Segmenter) -> torch.optim.Optimizer:
    """AdamW; with a trained encoder its blocks learn slower the deeper they lie."""
    recipe, depths = model.recipe, {id(p): depth for p, depth in model.extractor.parameter_depths()} if model.encoder else {}
    deepest = model.extractor.num_layers + 1
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        if parameter.requires_grad:
            scale = recipe.layer_decay ** (deepest - depths.get(id(parameter), deepest))
            groups.setdefault((scale, recipe.weight_decay if parameter.ndim in MATRICES else 0.0), []).append(parameter)
    described = [{"params": own, "base_lr": recipe.lr * scale, "weight_decay": decay} for (scale, decay), own in groups.items()]
    return torch.optim.AdamW(described, lr=recipe.lr, betas=recipe.betas)


@torch.inference_mode()
def segment(model: Segmenter, pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """Pixels [3,h,w], sides multiples of the patch, to the best class of each pixel, uint8[height, width] of `size`.

    Logits of overlapping windows are averaged, then stretched to `size`; a few classes at a time, because all of a large picture
    would take gigabytes.
    """
    height, width = pixels.shape[-2:]
    total = pixels.new_zeros(model.classes, height, width)
    count = pixels.new_zeros(1, height, width)
    for top, left, bottom, right in windows(height, width, model.recipe.crop, model.recipe.stride):
        logits = model(pixels[None, :, top:bottom, left:right])
        total[:, top:bottom, left:right] += _stretched(logits, (bottom - top, right - left))[0].to(total.device)
        count[:, top:bottom, left:right] += 1
    return _best_class(total / count, size)


def windows(height: int, width: int, crop: int, stride: int) -> Iterator[tuple[int, int, int, int]]:
    """(top, left, bottom, right) of windows of `crop` px every `stride` px; the last of a row or column is moved back inside."""
    for bottom in _ends(height, crop, stride):
        for right in _ends(width, crop, stride):
            yield max(0, bottom - crop), max(0, right - crop), bottom, right


def _ends(length: int, crop: int, stride: int) -> list[int]:
    count = max(0, length - crop + stride - 1) // stride + 1
    return [min(index * stride + crop, length) for index in range(count)]


def _best_class(logits: Tensor, size: tuple[int, int]) -> Tensor:
    best, winner = torch.full(size, -torch.inf), torch.zeros(size, dtype=torch.uint8)
    for start in range(0, len(logits), CLASSES_AT_ONCE):
        values, places = _stretched(logits[None, start : start + CLASSES_AT_ONCE], size)[0].cpu().max(dim=0)
        winner = torch.where(values > best, (places + start).to(torch.uint8), winner)
        best = torch.maximum(best, values)
    return winner


def _pixel_loss(logits: Tensor, labels: Tensor) -> Tensor:
    stretched = _stretched(logits, (labels.shape[-2], labels.shape[-1]))
    return F.cross_entropy(stretched, labels.to(logits.device), ignore_index=IGNORED, reduction="none").mean()


def _stretched(logits: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(logits, size=size, mode="bilinear", align_corners=False)
