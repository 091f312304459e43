"""The class of InternVL 1.0's model card, `InternVL-14B-224px`: its quick start runs after changing only the import lines.

from internvl import AutoTokenizer, InternVLModel as AutoModel
model = AutoModel.from_pretrained(path, torch_dtype=torch.bfloat16, trust_remote_code=True).cuda().eval()
tokenizer = AutoTokenizer.from_pretrained(path, use_fast=False, add_eos_token=True)
tokenizer.pad_token_id = 0
logits_per_image, logits_per_text = model(image=pixel_values, text=input_ids, mode="InternVL-C")
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from internvl.checkpoint.dual import load_dual_model
from internvl.checkpoint.hub import resolve
from internvl.engine.card_options import card_dtype
from internvl.engine.dual import Dual
from internvl.engine.dual_inputs import checked_ids, checked_pixels
from internvl.engine.sampling import SamplingParams
from internvl.errors import ConfigError, SamplingError
from internvl.models.contrastive.dual import DualModel, Mode
from internvl.prompt.tokenizer import Tokenizer, load_tokenizer


class InternVLModel:
    """`encode_image`, `encode_text`, a call for both, and `generate`, with the names and the arguments of the card."""

    def __init__(self, model: DualModel, tokenizer: Tokenizer) -> None:
        self.model = model
        self.config = model.config
        self._dual = Dual(model, tokenizer)

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path,
        *,
        torch_dtype: torch.dtype | str | None = None,
        low_cpu_mem_usage: bool = True,
        trust_remote_code: bool = False,
        **unknown: Any,
    ) -> InternVLModel:
        """Load a checkpoint. Remote code is never run, and weights always stream in: both arguments are accepted and change nothing."""
        if unknown:
            raise ConfigError(f"unknown argument {sorted(unknown)[0]!r} for from_pretrained")
        folder = resolve(path)
        return cls(load_dual_model(folder, dtype=card_dtype(torch_dtype)), load_tokenizer(folder))

    def __call__(self, image: Tensor, text: Tensor, mode: Mode = "InternVL-C") -> tuple[Tensor, Tensor]:
        """image [B,3,S,S], text ids [T,L] -> (logits per image [B,T], logits per text [T,B])."""
        logits: tuple[Tensor, Tensor] = self.model(checked_pixels(image), self._ids(text), mode)
        return logits

    forward = __call__

    def encode_image(self, image: Tensor, mode: Mode) -> Tensor:
        """[B,3,S,S] -> [B,E], not of length 1."""
        return self.model.encode_image(checked_pixels(image), mode)

    def encode_text(self, text: Tensor) -> Tensor:
        """ids [T,L] -> [T,E], not of length 1."""
        return self.model.encode_text(self._ids(text))

    def generate(
        self,
        pixel_values: Tensor,
        input_ids: Tensor,
        attention_mask: Tensor,
        *,
        num_beams: int = 1,
        min_new_tokens: int = 0,
        max_new_tokens: int = 30,
        do_sample: bool = False,
        generation_config: None = None,
        **unknown: Any,
    ) -> Tensor:
        """Captions of pictures [B,3,S,S] behind prompts [B,L] -> ids [B,1 + longest], bos first, filled with 0 behind their ends.

        Raises SamplingError for what isn't supported: sampling, and prompts with padding.
        """
        if unknown or do_sample or generation_config is not None:
            raise SamplingError("captions are found by num_beams, min_new_tokens and max_new_tokens; nothing else can be set")
        if not bool(attention_mask.all()):
            raise SamplingError("prompts of captions have no padding; caption pictures with prompts of one length")
        if len(checked_pixels(pixel_values)) != len(self._ids(input_ids)):
            raise ConfigError(f"{len(pixel_values)} pictures were given with {len(input_ids)} prompts; a caption has one of each")
        params = SamplingParams(num_beams=num_beams, min_new_tokens=min_new_tokens, max_new_tokens=max_new_tokens)
        bos = self._dual.tokenizer.bos_id or 0
        rows = [
            torch.tensor([bos, *self._dual.caption_tokens(pixels[None], prompt, params)])
            for pixels, prompt in zip(pixel_values, input_ids, strict=True)
        ]
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)

    def _ids(self, ids: Tensor) -> Tensor:
        return checked_ids(ids, self.config.language.vocab_size)

    def eval(self) -> InternVLModel:
        """Evaluation mode, which it is in already."""
        self.model.eval()
        return self

    def cuda(self) -> InternVLModel:
        """Move to the GPU."""
        self.model.cuda()
        return self

    def to(self, target: torch.device | torch.dtype | str) -> InternVLModel:
        """Move to a device, or change the number type."""
        self.model.to(target)
        return self
