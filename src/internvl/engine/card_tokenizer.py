"""The tokenizer as the model card's code calls it: a thin layer of familiar names over this package's own tokenizer.

    tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=True, use_fast=False)
    batch = tokenizer(prompts, return_tensors="pt", padding=True)      ->  input_ids, attention_mask  [B,L]
    texts = tokenizer.batch_decode(output_ids, skip_special_tokens=True)

Text given here is a finished prompt, so names of control tokens in it become control tokens, as they do in the library this
mimics. Where a person's words are to stay words, use `chat` or the layers above.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, overload

import torch
from torch import Tensor

from internvl.checkpoint.hub import resolve
from internvl.errors import TokenizerError
from internvl.prompt.pieces import Trusted
from internvl.prompt.tokenizer import Tokenizer, load_tokenizer

Side = Literal["left", "right"]


class AutoTokenizer:
    """`AutoTokenizer.from_pretrained(path, ...)`; the card's keyword arguments change nothing, others raise TypeError."""

    @staticmethod
    def from_pretrained(
        path: str | Path,
        *,
        trust_remote_code: bool = False,
        use_fast: bool = False,
        padding_side: Side = "left",
        add_eos_token: bool = False,
    ) -> CardTokenizer:
        """The tokenizer of a checkpoint."""
        if add_eos_token:
            raise TokenizerError("add_eos_token=True is not supported: prompts of the released models don't end with eos")
        return CardTokenizer(load_tokenizer(resolve(path)), padding_side=padding_side)


class TokenBatch(dict[str, Any]):
    """`input_ids` and `attention_mask`, by key or as attributes; `to` moves tensors."""

    def __getattr__(self, name: str) -> Any:
        if name not in self:
            raise AttributeError(f"a batch of tokens has {', '.join(self)}, not {name!r}")
        return self[name]

    def to(self, device: torch.device | str | int) -> TokenBatch:
        """The same on another device."""
        return TokenBatch({name: value.to(device) if isinstance(value, Tensor) else value for name, value in self.items()})


class CardTokenizer:
    """Familiar names over `tokenizer`, which is what the rest of the package works with."""

    def __init__(self, tokenizer: Tokenizer, *, padding_side: Side = "left") -> None:
        self.tokenizer = tokenizer
        self.padding_side: Side = padding_side

    def __call__(
        self,
        text: str | Sequence[str],
        *,
        return_tensors: Literal["pt"] | None = None,
        padding: bool = False,
        add_special_tokens: bool = True,
    ) -> TokenBatch:
        """Prompts -> ids and mask: lists, or int64[B,L] tensors with `return_tensors="pt"`; `padding` makes lengths equal."""
        rows = [self.encode(each, add_special_tokens=add_special_tokens) for each in ([text] if isinstance(text, str) else text)]
        masks = [[1] * len(row) for row in rows]
        if padding:
            rows, masks = self._pad(rows, self._pad_id()), self._pad(masks, 0)
        if return_tensors is None:
            single = isinstance(text, str)
            return TokenBatch(input_ids=rows[0] if single else rows, attention_mask=masks[0] if single else masks)
        if return_tensors != "pt":
            raise TokenizerError(f"return_tensors must be 'pt' or None, not {return_tensors!r}")
        if len({len(row) for row in rows}) > 1:
            raise TokenizerError(
                f"prompts of {min(map(len, rows))} to {max(map(len, rows))} tokens need padding=True to become a tensor"
            )
        return TokenBatch(input_ids=torch.tensor(rows), attention_mask=torch.tensor(masks))

    def encode(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        """A finished prompt -> ids, begin-of-sequence first where the released model has one."""
        ids = self.tokenizer.encode((Trusted(text),))
        start = self.tokenizer.bos_id
        return [start, *ids] if add_special_tokens and self.tokenizer.add_bos and start is not None else ids

    def decode(self, ids: int | Iterable[int] | Tensor, skip_special_tokens: bool = False) -> str:
        """Ids -> text, control tokens shown unless skipped."""
        listed = [ids] if isinstance(ids, int) else ids.reshape(-1).tolist() if isinstance(ids, Tensor) else list(ids)
        return self.tokenizer.decode(listed, skip_special=skip_special_tokens)

    def batch_decode(self, rows: Iterable[Iterable[int]] | Tensor, skip_special_tokens: bool = False) -> list[str]:
        """`decode` of every row."""
        return [self.decode(row, skip_special_tokens) for row in rows]

    @overload
    def convert_tokens_to_ids(self, tokens: str) -> int: ...  # type: ignore[overload-overlap]  # a str is a sequence of str too
    @overload
    def convert_tokens_to_ids(self, tokens: Sequence[str]) -> list[int]: ...
    def convert_tokens_to_ids(self, tokens: str | Sequence[str]) -> int | list[int]:
        """The id of a token, or ids of several. Raises TokenizerError for one that does not exist."""
        return self.tokenizer.token_id(tokens) if isinstance(tokens, str) else [self.tokenizer.token_id(token) for token in tokens]

    @property
    def bos_token_id(self) -> int | None:
        """Begin of sequence."""
        return self.tokenizer.bos_id

    @property
    def eos_token_id(self) -> int | None:
        """End of sequence; what ends an answer is the template's own token."""
        return self.tokenizer.eos_id

    @property
    def pad_token_id(self) -> int | None:
        """Padding."""
        return self.tokenizer.pad_id

    def __len__(self) -> int:
        return self.tokenizer.vocab_size

    def _pad_id(self) -> int:
        for candidate in (self.tokenizer.pad_id, self.tokenizer.eos_id):
            if candidate is not None:
                return candidate
        return 0  # the mask hides it

    def _pad(self, rows: list[list[int]], filler: int) -> list[list[int]]:
        longest = max(map(len, rows), default=0)
        gaps = [[filler] * (longest - len(row)) for row in rows]
        left = self.padding_side == "left"
        return [gap + row if left else row + gap for row, gap in zip(rows, gaps, strict=True)]


def plain_tokenizer(tokenizer: Tokenizer | CardTokenizer) -> Tokenizer:
    """This package's own tokenizer behind either kind. Raises TokenizerError for another library's."""
    if isinstance(tokenizer, CardTokenizer):
        return tokenizer.tokenizer
    if isinstance(tokenizer, Tokenizer):
        return tokenizer
    kind = f"{type(tokenizer).__module__}.{type(tokenizer).__name__}"
    raise TokenizerError(f"the tokenizer is a {kind}; load it with internvl.AutoTokenizer.from_pretrained")
