"""The table of all converters, by the name that the command line knows.

"docvqa" -> Converter
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Iterator

from internvl.pipelines.convert import sets
from internvl.pipelines.convert.converter import Converter
from internvl.pipelines.errors import PipelineError

TASKS = (
    "captioning", "detection", "grounding", "general_qa", "science", "chart", "mathematics", "knowledge", "ocr", "document",
    "conversation", "text_only",
)  # fmt: skip


def _converters() -> Iterator[Converter]:
    """Those of every file in `sets`."""
    for found in pkgutil.iter_modules(sets.__path__, f"{sets.__name__}."):
        yield from importlib.import_module(found.name).CONVERTERS


CONVERTERS: dict[str, Converter] = {
    each.name: each for each in sorted(_converters(), key=lambda one: (TASKS.index(one.task), one.name))
}


def converter_named(name: str) -> Converter:
    """The converter of that name. Raises PipelineError that names the nearest ones."""
    if name in CONVERTERS:
        return CONVERTERS[name]
    near = difflib.get_close_matches(name.lower().replace("-", "_"), CONVERTERS, n=3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise PipelineError(f"there is no converter {name!r}{hint} `internvl data convert --list` shows all")
