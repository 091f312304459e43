"""Tokenizer folders made from the fixtures: each turns on a rule of the original classes (legacy spaces, eaten space, clean-up).

`tokenizers/recorded.json` holds what transformers 4.37.2 answered for each of them (slow classes; InternLM2's own class): ids of texts,
and texts of ids with and without special tokens. `tokenizers/identity.model` is a SentencePiece model without normalisation, as the
released ones are; those of the fixtures normalise.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
FIXTURES = HERE / "fixtures"
IDENTITY_MODEL = HERE / "tokenizers" / "identity.model"
RECORDED = HERE / "tokenizers" / "recorded.json"
FILES = (
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "merges.txt",
)
EATS_RIGHT = {"<|user|>", "<|assistant|>", "<|system|>", "<|end|>"}
EATS_LEFT = {"<img>"}


@dataclass(frozen=True, kw_only=True)
class Variant:
    """base: the fixture. drop: files left out. first_added: with the identity model, the id of the first added token."""

    base: str
    drop: tuple[str, ...] = ()
    first_added: int | None = None
    eats_space: bool = False
    old_layout: bool = False
    settings: tuple[tuple[str, object], ...] = ()


_SLOW = ("tokenizer.json",)
_RENUMBERED = ("tokenizer.json", "added_tokens.json")
NEW = (("legacy", False),)
CLEAN = (("clean_up_tokenization_spaces", True),)
VARIANTS = {
    "qwen2": Variant(base="internvl2-qwen2"),
    "qwen2 cleaned": Variant(base="internvl2-qwen2", settings=CLEAN),
    "qwen2 old layout": Variant(base="internvl2-qwen2", old_layout=True),
    "llama3": Variant(base="internvl2-llama3"),
    "phi3 fast": Variant(base="internvl2-phi3"),
    "llama2 fast": Variant(base="v1-1-llama2"),
    "phi3 slow": Variant(base="internvl2-phi3", drop=_SLOW),
    "phi3 slow, eating": Variant(base="internvl2-phi3", drop=_SLOW, eats_space=True),
    "phi3 slow, new, eating": Variant(base="internvl2-phi3", drop=_SLOW, eats_space=True, settings=NEW),
    "phi3 identity": Variant(base="internvl2-phi3", drop=_RENUMBERED, first_added=900),
    "phi3 identity, new, eating": Variant(base="internvl2-phi3", drop=_RENUMBERED, first_added=900, eats_space=True, settings=NEW),
    "llama2 identity, new, cleaned": Variant(base="v1-1-llama2", drop=_RENUMBERED, first_added=900, settings=NEW + CLEAN),
    "internlm2": Variant(base="internvl2-internlm2"),
    "internlm2 old layout": Variant(base="internvl2-internlm2", old_layout=True),
    "internlm2 identity": Variant(base="internvl2-internlm2", drop=_RENUMBERED, first_added=900),
    "internlm2 identity, added inside": Variant(base="internvl2-internlm2", drop=_RENUMBERED, first_added=890),
}


def make_folder(name: str, folder: Path) -> Path:
    """Write the tokenizer files of a variant into an empty folder."""
    variant = VARIANTS[name]
    for file in FILES:
        if file not in variant.drop and (FIXTURES / variant.base / file).exists():
            shutil.copy(FIXTURES / variant.base / file, folder / file)
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8")) | dict(variant.settings)
    if variant.first_added is not None:
        shutil.copy(IDENTITY_MODEL, folder / "tokenizer.model")
        config["added_tokens_decoder"] = _renumbered(config["added_tokens_decoder"], variant.first_added)
    for token in config["added_tokens_decoder"].values() if variant.eats_space else ():
        token["rstrip"] = token["content"] in EATS_RIGHT
        token["lstrip"] = token["content"] in EATS_LEFT
    if variant.old_layout:
        del config["added_tokens_decoder"]
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def _renumbered(decoder: dict[str, object], first: int) -> dict[str, object]:
    low = {id: token for id, token in decoder.items() if int(id) <= 2}
    high = [token for id, token in decoder.items() if int(id) > 2]
    return low | {str(first + n): token for n, token in enumerate(high)}
