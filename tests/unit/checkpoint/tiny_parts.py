"""The parity fixtures taken apart again: an InternViT folder, and a language model that has never heard of the nine tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from internvl.prompt.placeholders import ADDED_TOKENS
from internvl.prompt.tokenizer_files import ADDED, CONFIG, KNOWN_FILES, SPECIAL_MAP, TOKENIZER_JSON

WEIGHTS = "model.safetensors"
TABLES = ("embed_tokens.weight", "tok_embeddings.weight", "lm_head.weight", "output.weight")


def vision_folder(chat: Path, target: Path) -> Path:
    """The encoder of a chat checkpoint as an InternVisionModel folder."""
    return _write(target, read_json(chat / "config.json")["vision_config"], _stripped(chat, "vision_model."))


def language_folder(chat: Path, target: Path, *, padding: int = 0, tied: bool = False) -> Path:
    """The language model of a chat checkpoint as it was before: without the nine tokens, their rows, or anything of vision.

    padding: rows that no token has; below 0, rows that are missing.
    """
    values = read_json(chat / "config.json")["llm_config"]
    rows = values["vocab_size"] - len(ADDED_TOKENS)
    tensors = _stripped(chat, "language_model.")
    for name in tensors:
        if name.endswith(TABLES):
            pads = torch.full((max(0, padding), tensors[name].shape[1]), 7.0, dtype=tensors[name].dtype)
            tensors[name] = torch.cat([tensors[name][: rows + min(0, padding)], pads])
    if tied:
        tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith(("lm_head", "output"))}
    _write(target, values | {"vocab_size": rows + padding, "tie_word_embeddings": tied}, tensors)
    for name in KNOWN_FILES:
        if (chat / name).exists():
            (target / name).write_bytes((chat / name).read_bytes())
    _forget_tokens(target)
    return target


def stored(folder: Path) -> dict[str, torch.Tensor]:
    """All tensors of a folder."""
    found: dict[str, torch.Tensor] = {}
    for file in folder.glob("*.safetensors"):
        found |= load_file(file)
    return found


def read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8"))


def edit_json(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(read_json(path) | changes), "utf-8")


def _stripped(chat: Path, prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in stored(chat).items() if name.startswith(prefix)}


def _write(target: Path, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Path:
    target.mkdir(parents=True)
    (target / "config.json").write_text(json.dumps(config), "utf-8")
    save_file({name: tensor.clone() for name, tensor in tensors.items()}, target / WEIGHTS, metadata={"format": "pt"})
    return target


def _forget_tokens(folder: Path) -> None:
    for name in (CONFIG, SPECIAL_MAP, TOKENIZER_JSON, ADDED):
        if not (folder / name).exists():
            continue
        values = {key: value for key, value in read_json(folder / name).items() if key not in ADDED_TOKENS}
        for key in ("additional_special_tokens", "added_tokens"):
            if key in values:
                values[key] = [token for token in values[key] if _name(token) not in ADDED_TOKENS]
        if "added_tokens_decoder" in values:
            kept = {id: token for id, token in values["added_tokens_decoder"].items() if _name(token) not in ADDED_TOKENS}
            values["added_tokens_decoder"] = kept
        (folder / name).write_text(json.dumps(values), "utf-8")


def _name(token: Any) -> str:
    return token["content"] if isinstance(token, dict) else token
