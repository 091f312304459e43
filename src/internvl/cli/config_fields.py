"""`--set a.b=value` on a tree of frozen dataclasses, typed as their fields are declared.

TrainConfig, ["optim.lr=1e-4", "lora.language_rank=16", "train_parts=projector"]   ->   a new TrainConfig
"""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from internvl.cli.console import UsageError

C = TypeVar("C")
TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def with_settings(config: C, pairs: Sequence[str]) -> C:
    """The config with `name=value` settings applied in order; a dot steps into a part.

    Lists are separated by commas, `none` empties a field that may be empty. Raises UsageError for an unknown name or a value of the
    wrong kind; what values may be is checked by the configs themselves.
    """
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise UsageError(f"--set needs name=value, such as --set optim.lr=1e-4, not {pair!r}")
        config = _changed(config, name.strip().split("."), text.strip(), name.strip())
    return config


def names_of(config: object, prefix: str = "") -> list[str]:
    """Every name that can be set, dotted."""
    names: list[str] = []
    for each in fields(config):  # type: ignore[arg-type]
        value = getattr(config, each.name)
        inside = is_dataclass(value) and not isinstance(value, type)
        names += names_of(value, f"{prefix}{each.name}.") if inside else [prefix + each.name]
    return names


def parsed(name: str, kind: Any, text: str, *, or_none: str = "") -> Any:
    """A text as a value of the declared kind. Raises UsageError."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if text.lower() == "none":
            return None
        return parsed(name, next(each for each in arguments if each is not type(None)), text, or_none=" or none")
    if origin is Literal:
        if text not in arguments:
            raise UsageError(f"--set {name} is one of {', '.join(map(str, arguments))}, not {text!r}")
        return text
    if origin is dict:
        return _table(name, arguments, text)
    if origin in (tuple, frozenset):
        return _sequence(name, origin, arguments, text)
    read, expected = _SCALARS.get(kind, (None, ""))
    if read is None:
        raise UsageError(f"--set {name}: it has parts; set one of them, such as {name}.NAME=VALUE")
    try:
        return read(text)
    except (ValueError, KeyError) as error:
        raise UsageError(f"--set {name} must be {expected}{or_none}, not {text!r}") from error


def _changed(config: Any, path: Sequence[str], text: str, whole: str) -> Any:
    head, rest = path[0], path[1:]
    hints = get_type_hints(type(config))
    if head not in hints:
        raise UsageError(f"--set knows no {whole!r}; known here are {', '.join(sorted(hints))}")
    if rest:
        part = getattr(config, head)
        if not is_dataclass(part):
            raise UsageError(f"--set {whole}: {head} has no parts; set {head}=VALUE")
        return replace(config, **{head: _changed(part, rest, text, whole)})
    return replace(config, **{head: parsed(whole, hints[head], text)})


def _sequence(name: str, origin: Any, kinds: Sequence[Any], text: str) -> Any:
    items = [item.strip() for item in text.split(",") if item.strip()] if text.lower() != "none" else []
    repeated = origin is frozenset or (len(kinds) == 2 and kinds[1] is Ellipsis)
    if not repeated and len(items) != len(kinds):
        raise UsageError(f"--set {name} needs {len(kinds)} values separated by commas, not {text!r}")
    each = [kinds[0]] * len(items) if repeated else list(kinds)
    return origin(parsed(name, kind, item) for kind, item in zip(each, items, strict=True))


def _table(name: str, kinds: Sequence[Any], text: str) -> dict[Any, Any]:
    table = {}
    for item in (each for each in text.split(",") if each.strip()):
        key, colon, value = item.partition(":")
        if not colon:
            raise UsageError(f"--set {name} is a list of key:value separated by commas, not {text!r}")
        table[parsed(name, kinds[0], key.strip())] = parsed(name, kinds[1], value.strip())
    return table


_SCALARS: dict[Any, tuple[Callable[[str], Any], str]] = {
    int: (int, "a whole number"),
    float: (float, "a number"),
    bool: (lambda text: TRUTHS[text.lower()], "true or false"),
    str: (str, "a text"),
    Path: (lambda text: Path(text).expanduser(), "a path"),
}
