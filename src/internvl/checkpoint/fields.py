"""Reading a JSON object field by field, with errors that name the file, the field, and what was expected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from internvl.errors import CheckpointError, ConfigError

T = TypeVar("T")
MAX_JSON_BYTES = 16 << 20
_REQUIRED = object()


class Fields:
    """A JSON object that knows its name, for messages such as `config.json llm_config: hidden_size must be int, not str`."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self.values = values
        self.where = where

    def get(self, name: str, kind: type[T], default: Any = _REQUIRED) -> T:
        """The field, checked for its type; null counts as absent. Whole numbers are accepted where floats are expected."""
        value = self.values.get(name)
        if value is None:
            if default is _REQUIRED:
                raise ConfigError(f"{self.where}: the field {name!r} is missing")
            return default  # type: ignore[no-any-return]
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ConfigError(f"{self.where}: {name} must be {kind.__name__}, not {type(value).__name__} ({value!r:.60})")
        return value

    def sub(self, name: str) -> Fields:
        """A nested object."""
        return Fields(self.get(name, dict), f"{self.where} {name}")

    def floats(self, name: str) -> tuple[float, ...]:
        """A list of numbers."""
        values = self.get(name, list)
        if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            raise ConfigError(f"{self.where}: {name} must be a list of numbers")
        return tuple(float(value) for value in values)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file of bounded size."""
    if not path.exists():
        raise CheckpointError(f"{path.parent}: {path.name} is missing; is this a checkpoint folder?")
    if path.stat().st_size > MAX_JSON_BYTES:
        raise CheckpointError(f"{path}: {path.stat().st_size} bytes is too large for a configuration")
    try:
        value = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: not valid JSON ({error})") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: expected a JSON object, not {type(value).__name__}")
    return value
