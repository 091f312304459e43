"""Which files a folder's tokenizer class reads, and what it assumes when they are silent: one row a class.

The choice is the one of `AutoTokenizer.from_pretrained(folder, use_fast=False)` of transformers 4.37.2; class names of later versions
read `tokenizer.json`. One row differs: a Llama folder that has a `tokenizer.json` is read from that, as transformers does today; the
recorded replies of such folders ask for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from internvl.errors import TokenizerError
from internvl.prompt.tokenizer_files import (
    CONFIG,
    MERGES,
    SENTENCEPIECE,
    TOKENIZER_JSON,
    VOCABULARY,
    TokenizerFiles,
)

Source = Literal["sentencepiece", "vocabulary", "json"]
_NEEDED: dict[Source, tuple[str, ...]] = {
    "sentencepiece": (SENTENCEPIECE,),
    "vocabulary": (VOCABULARY, MERGES),
    "json": (TOKENIZER_JSON,),
}
_LLAMA_NAMES = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
_QWEN2_NAMES = dict.fromkeys(("eos_token", "unk_token", "pad_token"), "<|endoftext|>")


@dataclass(frozen=True, kw_only=True)
class TokenizerClass:
    """sources: in order of preference. names: special tokens by role. adds_bos: None when `tokenizer.json` says it."""

    sources: tuple[Source, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    adds_bos: bool | None = None
    clean_up: bool = False
    is_internlm2: bool = False


INTERNLM2 = TokenizerClass(
    sources=("sentencepiece", "json"), names={**_LLAMA_NAMES, "pad_token": "</s>"}, adds_bos=True, is_internlm2=True
)
LLAMA = TokenizerClass(sources=("json", "sentencepiece"), names=_LLAMA_NAMES, adds_bos=True)
QWEN2 = TokenizerClass(sources=("vocabulary", "json"), names=_QWEN2_NAMES, adds_bos=False)
ANY = TokenizerClass(sources=("json",), clean_up=True)
CLASSES: dict[str, TokenizerClass] = {
    "InternLM2Tokenizer": INTERNLM2,
    "InternLM2TokenizerFast": TokenizerClass(
        sources=("json", "sentencepiece"), names=INTERNLM2.names, adds_bos=True, is_internlm2=True
    ),
    "LlamaTokenizer": LLAMA,
    "LlamaTokenizerFast": LLAMA,
    "Qwen2Tokenizer": QWEN2,
    "Qwen2TokenizerFast": TokenizerClass(sources=("json", "vocabulary"), names=_QWEN2_NAMES),
    "TokenizersBackend": TokenizerClass(sources=("json",)),
}


def choose(files: TokenizerFiles) -> tuple[TokenizerClass, Source]:
    """The class of a folder and the files it is read from; a `TokenizerError` when there is nothing to read."""
    name = _class_name(files)
    chosen = CLASSES.get(name, ANY) if name else _by_files(files)
    for source in chosen.sources:
        if all(needed in files for needed in _NEEDED[source]):
            return chosen, source
    wanted = " or ".join(" with ".join(_NEEDED[source]) for source in chosen.sources)
    raise TokenizerError(
        f"{files.folder} has no tokenizer that can be read: expected {wanted}{f' for the class {name}' if name else ''}, "
        f"found {', '.join(sorted(files.contents)) or 'none of the tokenizer files'}; copy the missing file from the release"
    )


def _class_name(files: TokenizerFiles) -> str | None:
    """The class that the configuration names, or the one of the code it points to (which is never loaded)."""
    config = files.json_object(CONFIG)
    code = config.get("auto_map")
    slow = code.get("AutoTokenizer") if isinstance(code, dict) else None
    named = config.get("tokenizer_class") or (slow[0] if isinstance(slow, list) and slow else None)
    return str(named).rpartition(".")[2] if named else None


def _by_files(files: TokenizerFiles) -> TokenizerClass:
    if SENTENCEPIECE in files:
        return LLAMA
    return QWEN2 if VOCABULARY in files and MERGES in files else ANY
