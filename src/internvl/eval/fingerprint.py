"""Hashes that tell models, data files and questions apart.

    model folder -> "sha256:..." of all weights where they are small, else "headers:..." of tensor tables and sizes
    data files   -> {"docvqa/val.jsonl": "sha256:..."}

A header names every tensor with its type, shape and place, but not its values: two finetunes of one large model have the same, so
a digest of bytes spread over each file goes in as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from internvl.eval.errors import EvalError

SMALL_BYTES = 1 << 30  # weights up to here are hashed whole: a second or two
PROBES, PROBE_BYTES = 64, 1 << 16  # of a large weight file
TEXT_SUFFIXES = {".json", ".jsonl", ".tsv", ".csv", ".txt"}


def folder_hash(folder: Path) -> str:
    """The hash of a checkpoint folder's weights, config and tokenizer. Raises EvalError for a folder without weights."""
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise EvalError(f"{folder} has no .safetensors file to tell the model by")
    small = sum(path.stat().st_size for path in weights) <= SMALL_BYTES
    digest = hashlib.sha256()
    for path in [*weights, *sorted(folder.glob("*.json")), *sorted(folder.glob("*.model"))]:
        whole = small or path.suffix != ".safetensors"
        digest.update(f"{path.name}\n{path.stat().st_size}\n{_file_hash(path) if whole else _sampled_hash(path)}\n".encode())
    return f"{'sha256' if small else 'headers'}:{digest.hexdigest()}"


def data_hashes(root: Path, candidates: Iterable[str]) -> dict[str, str]:
    """Path below the root -> hash, for those that exist. A folder counts by its files' names, sizes, and the texts among them."""
    found = {name: root / name for name in candidates if (root / name).exists()}
    return {name: f"sha256:{_folder_listing_hash(path) if path.is_dir() else _file_hash(path)}" for name, path in found.items()}


def file_hash(path: Path) -> str:
    """The hash of a file's content."""
    return f"sha256:{_file_hash(path)}"


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sampled_hash(path: Path) -> str:
    """The header of a safetensors file and pieces of bytes at even distances."""
    size = path.stat().st_size
    digest = hashlib.sha256()
    with path.open("rb") as file:
        header_bytes = int.from_bytes(file.read(8), "little")
        if header_bytes > size:
            raise EvalError(f"{path} is no safetensors file: its header would be {header_bytes} bytes long")
        digest.update(json.dumps(header_bytes).encode() + file.read(header_bytes))
        for probe in range(PROBES):
            file.seek(max(0, (size - PROBE_BYTES) * probe // (PROBES - 1)))
            digest.update(file.read(PROBE_BYTES))
    return digest.hexdigest()


def _folder_listing_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        content = _file_hash(path) if path.suffix in TEXT_SUFFIXES else ""
        digest.update(f"{path.relative_to(folder)}\n{path.stat().st_size}\n{content}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
