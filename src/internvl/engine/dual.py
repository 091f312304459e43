"""Dual: InternVL-C and InternVL-G as people use them. Pictures and sentences in, likeness, names, finds and captions out.

dual = internvl.load_dual("OpenGVLab/InternVL-14B-224px")
dual.classify(Image("pet.jpg"), ["cat", "dog"])          # [Guess("dog", 0.97), Guess("cat", 0.03)]
dual.search("a red car", [Image("1.jpg"), Image("2.jpg")])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from internvl.checkpoint.dual import load_dual_model
from internvl.checkpoint.hub import resolve
from internvl.checkpoint.placement import one_device
from internvl.engine.beam import beam_search
from internvl.engine.dual_inputs import named_list
from internvl.engine.dual_prompts import sentences_of
from internvl.engine.dual_text import caption_ids, text_ids
from internvl.engine.sampling import Sampler, SamplingParams, next_tokens
from internvl.engine.vlm import dtype_named
from internvl.errors import ConfigError
from internvl.media.views import view_pixels
from internvl.messages import Image
from internvl.models.contrastive.dual import MODES, DualModel, Mode
from internvl.prompt.captions import CAPTION_PROMPT
from internvl.prompt.tokenizer import Tokenizer, load_tokenizer

Item = TypeVar("Item")
BATCH = 16
CAPTION = SamplingParams(max_new_tokens=30, min_new_tokens=8, num_beams=5)  # as the paper's captions were made


@dataclass(frozen=True)
class Guess:
    """A class and how sure the model is of it among the classes it was given; probabilities sum to 1."""

    name: str
    probability: float


@dataclass(frozen=True)
class Match:
    """A picture found: its place among those searched, and its cosine similarity to the query."""

    index: int
    similarity: float


class Dual:
    """A picture tower and a text tower with one space. `model` and `tokenizer` are the layers below.

    mode: "InternVL-C" compares with what the vision encoder sees, "InternVL-G" also asks it by queries through the language model:
    slower and, for retrieval, better. batch: pictures or texts encoded at a time.
    """

    def __init__(
        self, model: DualModel, tokenizer: Tokenizer, *, name: str = "dual", mode: Mode = "InternVL-C", batch: int = BATCH
    ) -> None:
        if mode not in MODES or (mode == "InternVL-G" and not model.config.queries):
            raise ConfigError(f"{name} has the modes {', '.join(MODES if model.config.queries else MODES[:1])}, not {mode!r}")
        if batch < 1:
            raise ConfigError(f"a batch is at least 1, not {batch}")
        self.model, self.tokenizer, self.name, self.mode, self.batch = model, tokenizer, name, mode, batch

    @classmethod
    def load(
        cls,
        name: str | Path,
        *,
        device: str = "auto",
        dtype: str | torch.dtype | None = None,
        mode: Mode = "InternVL-C",
        batch: int = BATCH,
    ) -> Dual:
        """Load a dual encoder: a folder or a hub name. device: "auto" is the GPU if there is one. dtype: None keeps what is stored.

        Raises CheckpointError, ConfigError, TokenizerError, DeviceError.
        """
        folder = resolve(name)
        model = load_dual_model(folder, device=one_device(device), dtype=dtype_named(dtype))
        return cls(model, load_tokenizer(folder), name=str(name), mode=mode, batch=batch)

    def encode_images(self, images: Sequence[Image], *, view: str = "squash") -> Tensor:
        """float32 [n,E] of length 1. view: "squash" resizes both sides (retrieval), "crop" cuts the middle out (classification).

        Raises MediaError for a picture that can't be used, ConfigError for something else than a list of pictures.
        """
        images = named_list("images", images, Image)
        size = self.model.config.vision.image_size

        def encode(part: Sequence[Image]) -> Tensor:
            return self.model.encode_image(view_pixels(part, view, size=size), self.mode)

        return self._in_batches(images, encode)

    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        """float32 [n,E] of length 1. Raises ConfigError for something else than a list of texts."""
        texts = named_list("texts", texts, str)
        return self._in_batches(texts, lambda part: self.model.encode_text(text_ids(self.tokenizer, part)))

    def similarity(self, images: Sequence[Image], texts: Sequence[str]) -> Tensor:
        """Cosines of every picture with every text, float32 [n,m]."""
        return self.encode_images(images) @ self.encode_texts(texts).T

    def classify(
        self, image: Image, names: Sequence[str], *, language: str = "en", templates: Sequence[str] | None = None
    ) -> list[Guess]:
        """How likely each name is, the likeliest first. See `classify_all`."""
        return self.classify_all([image], names, language=language, templates=templates)[0]

    def classify_all(
        self, images: Sequence[Image], names: Sequence[str], *, language: str = "en", templates: Sequence[str] | None = None
    ) -> list[list[Guess]]:
        """Zero-shot classification of several pictures: a class is the mean of its sentences (CLIP, section 3.1.4).

        language: of the names: "en", "zh", "ja", "ar" or "it"; None of them fits? Give `templates`, sentences with a `{}` for the name.
        """
        names = named_list("names", names, str)
        if not names or len(set(names)) < len(names) or not all(name.strip() for name in names):
            raise ConfigError(f"classes are one or more different names, not {names!r:.80}")
        sentences = sentences_of(names, language, templates)
        each = len(sentences) // len(names)
        classes = F.normalize(self.encode_texts(sentences).unflatten(0, (len(names), each)).mean(1), dim=-1)
        scale = self.model.logit_scale.detach().exp().float().cpu()
        likely = (scale * self.encode_images(images, view="crop") @ classes.T).softmax(-1)
        return [
            [Guess(names[index], float(row[index])) for index in row.argsort(descending=True, stable=True).tolist()] for row in likely
        ]

    def search(self, query: str, images: Sequence[Image], *, top: int | None = None) -> list[Match]:
        """The pictures most like a sentence, best first; all of them when `top` is None. Raises ConfigError for a `top` below 1."""
        if top is not None and top < 1:
            raise ConfigError(f"at least one picture must be asked for, not {top}")
        scores = self.similarity(images, [query])[:, 0]
        order = scores.argsort(descending=True, stable=True)[:top].tolist()
        return [Match(index, float(scores[index])) for index in order]

    @torch.inference_mode()
    def caption(self, image: Image, prompt: str = CAPTION_PROMPT, *, params: SamplingParams = CAPTION) -> str:
        """A caption by QLLaMA, whose queries look at the picture; by beam search, as in the paper, unless `params` say otherwise."""
        pixels = view_pixels([image], "squash", size=self.model.config.vision.image_size)
        return self.tokenizer.decode(self.caption_tokens(pixels, caption_ids(self.tokenizer, prompt), params)).strip()

    @torch.inference_mode()
    def caption_tokens(self, pixels: Tensor, prompt: Tensor, params: SamplingParams) -> list[int]:
        """Pixels [1,3,S,S] and a prompt [L] -> the ids of the caption, its end token included if it has one."""
        stops = frozenset() if self.tokenizer.eos_id is None else frozenset({self.tokenizer.eos_id})
        cache, logits = self.model.begin_caption(pixels, prompt)
        if params.num_beams > 1:
            return beam_search(self.model.continue_caption, cache, logits, params, stops, room=params.max_new_tokens)
        sampler, ids = Sampler(params, stops), list[int]()
        while True:
            ids += next_tokens(logits[None], [sampler], [ids])
            if ids[-1] in stops or len(ids) == params.max_new_tokens:
                return ids
            logits = self.model.continue_caption(torch.tensor([ids[-1:]]), cache=cache)[0, -1]

    @torch.inference_mode()
    def _in_batches(self, items: Sequence[Item], encode: Callable[[Sequence[Item]], Tensor]) -> Tensor:
        if not items:
            return torch.empty(0, self.model.config.embed_dim)
        parts = [
            F.normalize(encode(items[start : start + self.batch]).float(), dim=-1).cpu() for start in range(0, len(items), self.batch)
        ]
        return torch.cat(parts)
