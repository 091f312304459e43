"""The one place where a pickle is opened: a file of tensors that the user asks to have converted, and of nothing but tensors.

    FILE.pth --torch.load(weights_only), mapped from disk--> names -> tensors, whatever dictionary they were nested in

`weights_only` rebuilds tensors and plain values and refuses every other object, so no code of the file is run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from internvl.checkpoint.hub import PICKLE_SUFFIXES
from internvl.errors import CheckpointError

# What the restricted unpickler raises for damaged files and for objects that it does not rebuild.
UNPICKLING_ERRORS = (
    torch.serialization.pickle.UnpicklingError,  # type: ignore[attr-defined]
    RuntimeError,
    EOFError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
NESTED_UNDER = ("module", "model", "state_dict")


def is_pickle(path: Path) -> bool:
    """Whether a path names a pickle, by its suffix."""
    return path.suffix in PICKLE_SUFFIXES


def read_pickled_tensors(path: Path) -> dict[str, Tensor]:
    """Names and tensors on the CPU; those of a file in today's form are mapped, and read when used. Raises CheckpointError."""
    try:
        with path.open("rb") as file:
            mapped = file.read(4) == b"PK\x03\x04"  # the older form can't be mapped
        values: Any = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror or error}") from error
    except UNPICKLING_ERRORS as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointError(f"{path} is damaged, or holds more than tensors, which is never loaded: {reason:.200}") from error
    while isinstance(values, dict) and (inner := next((key for key in NESTED_UNDER if isinstance(values.get(key), dict)), None)):
        values = values[inner]
    if not isinstance(values, dict) or not values:
        raise CheckpointError(f"{path}: a dictionary of tensors was expected, it holds a {type(values).__name__}")
    strange = [name for name, value in values.items() if not isinstance(name, str) or not isinstance(value, Tensor)]
    if strange:
        raise CheckpointError(f"{path}: {strange[0]!r:.80} is no tensor; expected a model's tensors by name, alone or under 'module'")
    return {str(name): value.detach() for name, value in values.items()}
