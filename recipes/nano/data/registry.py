"""Every family of pictures by name, loaded only when it is used: what one of them lacks must not keep the others from work.

name -> "module:Class" -> Family        lacking fonts, programs or libraries -> MissingMaterial, with what to install
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from recipes.nano.data.sample import Family, MissingMaterial

_PACKAGE = "recipes.nano.data.families"
FAMILIES: dict[str, str] = {
    "charts": f"{_PACKAGE}.charts:Charts",
    "clips": f"{_PACKAGE}.clips:Clips",
    "documents": f"{_PACKAGE}.documents:Documents",
    "formulas": f"{_PACKAGE}.formulas:Formulas",
    "lines": f"{_PACKAGE}.lines:Lines",
    "notes": f"{_PACKAGE}.notes:Notes",
    "pages": f"{_PACKAGE}.pages:Pages",
    "pairs": f"{_PACKAGE}.pairs:Pairs",
    "receipts": f"{_PACKAGE}.receipts:Receipts",
    "scenes": f"{_PACKAGE}.scenes:Scenes",
    "screens": f"{_PACKAGE}.screens:Screens",
    "tables": f"{_PACKAGE}.tables:Tables",
    "talk": f"{_PACKAGE}.talk:Talk",
}


def load_family(name: str, table: Mapping[str, str] = FAMILIES) -> Family:
    """The family of this name. Raises KeyError for an unknown name, MissingMaterial when a library that it needs is absent."""
    if name not in table:
        raise KeyError(f"there is no family {name!r}; known are {', '.join(sorted(table))}")
    module_name, _, class_name = table[name].partition(":")
    with naming_libraries():
        module = importlib.import_module(module_name)
    family: Family = getattr(module, class_name)()
    return family


@contextmanager
def naming_libraries() -> Iterator[None]:
    """Inside, a library that is not installed is a missing material; a module of ours that is not there stays an error."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "recipes":
            raise
        raise MissingMaterial(f"the library {error.name!r} is not installed") from error
