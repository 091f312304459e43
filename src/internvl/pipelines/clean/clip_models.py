"""Dual encoders of other libraries, for people who have one: open_clip and transformers. Both are loaded only when asked for by name.

"ViT-B-32/laion2b_s34b_b79k" | "owner/name" | folder --> (pictures, captions) -> two float32 [n, E] of length 1
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import PIL.Image
import torch
import torch.nn.functional as F
from torch import Tensor

from internvl.errors import MissingDependencyError
from internvl.pipelines.errors import PipelineError

Pictures = Sequence[PIL.Image.Image]


def open_open_clip(name: str, *, device: str = "auto") -> Callable[[Pictures, Sequence[str]], tuple[Tensor, Tensor]]:
    """name: ARCHITECTURE/PRETRAINED, where PRETRAINED is a tag or a file of weights. Raises MissingDependencyError, PipelineError."""
    try:
        import open_clip
    except ImportError as error:
        raise MissingDependencyError("a model open_clip:NAME needs open_clip: pip install open_clip_torch") from error
    architecture, _, pretrained = name.partition("/")
    if not architecture or not pretrained:
        raise PipelineError(f"an open_clip model is ARCHITECTURE/PRETRAINED, such as ViT-B-32/laion2b_s34b_b79k, not {name!r}")
    place = _place(device)
    try:
        model, _, prepare = open_clip.create_model_and_transforms(architecture, pretrained=pretrained, device=place)
        tokenize = open_clip.get_tokenizer(architecture)
    except (RuntimeError, ValueError, OSError, KeyError) as error:
        raise PipelineError(f"open_clip can't load {name!r}: {error}") from error
    model.eval()

    def pixels(pictures: Pictures) -> Tensor:
        return torch.stack([prepare(each) for each in pictures]).to(place)

    @torch.inference_mode()
    def encode(pictures: Pictures, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        return _unit(model.encode_image(pixels(pictures))), _unit(model.encode_text(tokenize(list(texts)).to(place)))

    return encode


def open_transformers(name: str, *, device: str = "auto") -> Callable[[Pictures, Sequence[str]], tuple[Tensor, Tensor]]:
    """name: a folder or hub name of a model with image and text features (CLIP, SigLIP, ChineseCLIP). Only safetensors are read."""
    try:
        from transformers import AutoModel, AutoProcessor
    except ImportError as error:
        raise MissingDependencyError("a model transformers:NAME needs transformers: pip install transformers") from error
    place = _place(device)
    try:
        model = AutoModel.from_pretrained(name, use_safetensors=True).to(place).eval()
        processor: Any = AutoProcessor.from_pretrained(name)  # type: ignore[no-untyped-call]
    except (ValueError, OSError, KeyError) as error:
        raise PipelineError(f"transformers can't load {name!r}: {error}") from error
    if not (hasattr(model, "get_image_features") and hasattr(model, "get_text_features")):
        raise PipelineError(f"{name!r} is a {type(model).__name__} without image and text features; give a CLIP or SigLIP model")
    # SigLIP was trained on texts padded to full length, which its processor knows; CLIP's does not, and does not mind.
    padding = "max_length" if "siglip" in model.config.model_type else True

    @torch.inference_mode()
    def encode(pictures: Pictures, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        seen = processor(images=list(pictures), return_tensors="pt").to(place)
        read = processor(text=list(texts), return_tensors="pt", padding=padding, truncation=True).to(place)
        return _unit(_features(model.get_image_features(**seen))), _unit(_features(model.get_text_features(**read)))

    return encode


def _features(value: Any) -> Tensor:
    """transformers 4 returns the tensor, transformers 5 an output that holds it."""
    tensor: Tensor = value if isinstance(value, Tensor) else value.pooler_output
    return tensor


def _place(device: str) -> str:
    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device


def _unit(vectors: Tensor) -> Tensor:
    return F.normalize(vectors.float(), dim=-1).cpu()
