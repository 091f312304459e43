"""From a name to a folder: a local path, a model that ships inside this package, or a name on the Hugging Face hub.

A path that exists is used as it is and no network is touched. Hub names go through `huggingface_hub` and its cache, so
`HF_HOME`, `HF_HUB_OFFLINE` and `HF_TOKEN` work as everywhere.
"""

from __future__ import annotations

from pathlib import Path

from internvl.errors import CheckpointError

EMBEDDED_FOLDER = Path(__file__).resolve().parent.parent / "weights"
# Code files of a release (modeling_*.py) are never fetched: nothing of them is run.
WANTED_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]


def embedded_models() -> list[str]:
    """Names of the models that ship with the package."""
    return sorted(path.parent.name for path in EMBEDDED_FOLDER.glob("*/config.json"))


def resolve(name: str | Path) -> Path:
    """The folder of a model. CheckpointError says what was tried when there is none."""
    local = Path(name).expanduser()
    if local.is_dir():
        return local
    if local.is_file():
        raise CheckpointError(f"{name} is a file; give the checkpoint's folder")
    if str(name) in embedded_models():
        return EMBEDDED_FOLDER / str(name)
    text = str(name)
    if text.count("/") != 1 or text.startswith((".", "/", "~")):
        known = ", ".join(embedded_models()) or "none"
        raise CheckpointError(
            f"no model {text!r}: it is no folder here, none of the embedded models ({known}), "
            "and no hub name of the form owner/name such as OpenGVLab/InternVL2-8B"
        )
    return _download(text)


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=WANTED_FILES))
    except HFValidationError as error:
        raise CheckpointError(f"{name!r} is not a valid hub name: {error}") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointError(
            f"{name}: neither in the hub's cache nor to be downloaded ({reason}); "
            "go online once, or copy the model's folder here and give its path"
        ) from error
