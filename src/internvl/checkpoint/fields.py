"""Reading a JSON object field by field, with errors that name the file, the field, and what was expected."""

from __future__ import annotations

import json
import math
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
        """The field, checked for its type; null counts as absent. Whole numbers are accepted where floats are expected.

        Numbers that no float can hold, NaN and Infinity are refused: none of them is a size, a rate or a ratio.
        """
        value = self.values.get(name)
        if value is None:
            if default is _REQUIRED:
                raise ConfigError(f"{self.where}: the field {name!r} is missing")
            return default  # type: ignore[no-any-return]
        if kind is float:
            return self._number(name, value)  # type: ignore[return-value]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ConfigError(f"{self.where}: {name} must be {kind.__name__}, not {type(value).__name__} ({value!r:.60})")
        return value

    def sub(self, name: str) -> Fields:
        """A nested object."""
        return Fields(self.get(name, dict), f"{self.where} {name}")

    def floats(self, name: str) -> tuple[float, ...]:
        """A list of finite numbers."""
        return tuple(Fields({name: value}, self.where).get(name, float) for value in self.get(name, list))

    def ratio(self, name: str, default: float) -> float:
        """A number in (0, 1] that is not so small that its inverse says nothing."""
        value = self.get(name, float, default)
        if not 1e-3 <= value <= 1:
            raise ConfigError(f"{self.where}: {name} must lie in [0.001, 1], not {value!r}")
        return value

    def expect(self, name: str, allowed: Any, reason: str) -> None:
        """Refuse a field that says something this package does not do; absent is fine."""
        value = self.values.get(name, allowed)
        if value is not None and value != allowed:
            raise ConfigError(f"{self.where}: {name} must be {allowed!r}, not {value!r:.60}: {reason}")

    def _number(self, name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(f"{self.where}: {name} must be float, not {type(value).__name__} ({value!r:.60})")
        if abs(value) > 1e300 or not math.isfinite(value):
            raise ConfigError(f"{self.where}: {name} must be a finite number, not {value!r:.60}")
        return float(value)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file of bounded size and depth."""
    if not path.is_file():
        raise CheckpointError(f"{path.parent}: {path.name} is missing; is this a checkpoint folder?")
    if path.stat().st_size > MAX_JSON_BYTES:
        raise CheckpointError(f"{path}: {path.stat().st_size} bytes is too large for a configuration (at most {MAX_JSON_BYTES})")
    try:
        value = json.loads(path.read_text("utf-8"))
    except RecursionError as error:
        raise CheckpointError(f"{path}: nested too deeply for a configuration") from error
    except (ValueError, OSError) as error:
        raise CheckpointError(f"{path}: not valid JSON ({error})") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: expected a JSON object, not {type(value).__name__}")
    return value
