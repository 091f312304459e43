"""Copies of the parity fixtures to be spoiled: their config edited, their tensors changed, their bytes cut."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

FIXTURES = Path(__file__).parents[2] / "parity" / "fixtures"
QWEN2, INTERNLM2, PHI3, LLAMA3 = (FIXTURES / f"internvl2-{name}" for name in ("qwen2", "internlm2", "phi3", "llama3"))
V1 = FIXTURES / "v1-1-llama2"
WEIGHTS = "model.safetensors"


def copy(source: Path, target: Path) -> Path:
    """A writable copy without the golden answers."""
    return Path(shutil.copytree(source, target, ignore=shutil.ignore_patterns("golden.*")))


def edit_config(folder: Path, **changes: Any) -> Path:
    """Set fields of config.json; `part__field` reaches into a sub-config, and `...` removes a field."""
    path = folder / "config.json"
    values = json.loads(path.read_text("utf-8"))
    for name, value in changes.items():
        *parts, field = name.split("__")
        place = values
        for part in parts:
            place = place[part]
        place[field] = value
        if value is ...:
            del place[field]
    path.write_text(json.dumps(values), "utf-8")
    return folder


def edit_tensors(folder: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]) -> Path:
    """Rewrite the weights as `change` returns them."""
    tensors = change(load_file(folder / WEIGHTS))
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / WEIGHTS, metadata={"format": "pt"})
    return folder


def raw_file(path: Path, header: bytes | dict[str, Any], data: bytes = b"", *, length: int | None = None) -> Path:
    """A safetensors file with whatever header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def write_index(folder: Path, weight_map: Any) -> Path:
    """An index that names any files, instead of the single file."""
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps({"weight_map": weight_map}), "utf-8")
    return folder
