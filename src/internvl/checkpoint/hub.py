"""From a name to a folder: a local path, a model that ships inside this package, or a name on the Hugging Face hub.

A path that exists is used as it is and no network is touched. Hub names go through `huggingface_hub` and its cache, so
`HF_HOME`, `HF_HUB_OFFLINE` and `HF_TOKEN` work as everywhere.
"""

from __future__ import annotations

import re
from pathlib import Path

from internvl.checkpoint.shards import PICKLES
from internvl.errors import CheckpointError

EMBEDDED_FOLDER = Path(__file__).resolve().parent.parent / "weights"
# Code files of a release (modeling_*.py) are never fetched: nothing of them is run.
WANTED_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]
PICKLE_SUFFIXES = frozenset(pattern.removeprefix("*") for pattern in PICKLES)
_HUB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9._-]{1,96}")


def embedded_models() -> list[str]:
    """Names of the models that ship with the package."""
    return sorted(path.parent.name for path in EMBEDDED_FOLDER.glob("*/config.json"))


def resolve(name: str | Path) -> Path:
    """The folder of a model. CheckpointError says what was tried when there is none."""
    local = _local_folder(name)
    if local is not None:
        return local
    text = str(name)
    if text in embedded_models():
        return EMBEDDED_FOLDER / text
    if isinstance(name, Path) or not _HUB_NAME.fullmatch(text):
        known = ", ".join(embedded_models()) or "none"
        raise CheckpointError(
            f"no model {text!r:.200}: it is no folder here, none of the embedded models ({known}), "
            "and no hub name of the form owner/name such as OpenGVLab/InternVL2-8B"
        )
    return _download(text)


def _local_folder(name: str | Path) -> Path | None:
    if not str(name).strip():
        raise CheckpointError("the model's name is empty; give a folder, an embedded model or a hub name")
    try:
        local = Path(name).expanduser()
        is_folder, is_file = local.is_dir(), local.is_file()
    except OSError as error:  # too long for the system
        raise CheckpointError(f"no model {str(name)!r:.200}: {error.strerror}") from error
    except RuntimeError as error:  # an unknown ~user
        raise CheckpointError(f"no model {str(name)!r:.200}: {error}") from error
    if is_file and local.suffix in PICKLE_SUFFIXES:
        raise CheckpointError(
            f"{name} is a pickle, and pickles are never loaded. InternVL-C's and InternViT's are converted once: "
            f"internvl convert {name} FOLDER --to original (with --tokenizer FOLDER for InternVL-C)"
        )
    if is_file:
        raise CheckpointError(f"{name} is a file; give the checkpoint's folder")
    return local if is_folder else None


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    # The hub's errors derive from its HTTP library's, which has changed between its versions; the root is asked for by its place.
    roots = ("HTTPError", "RequestException")
    failures: tuple[type[Exception], ...] = (
        OSError,
        *(base for base in HfHubHTTPError.__mro__ if issubclass(base, Exception) and base.__name__ in roots),
    )
    try:
        return Path(snapshot_download(name, allow_patterns=WANTED_FILES))
    except HFValidationError as error:
        raise CheckpointError(f"{name!r} is not a valid hub name: {error}") from error
    except failures as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointError(
            f"{name}: neither in the hub's cache nor to be downloaded ({reason}); "
            "go online once, or copy the model's folder here and give its path"
        ) from error
