"""What differs between the recipes of two scores of one benchmark, in words: a comparison is only as fair as these are equal.

Result, Result -> ["tiles 6 against 12", ...]          Result, PublishedScore -> ["published with 18 tiles, here 6", ...]
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from internvl.eval.published import PublishedScore
from internvl.eval.results import Result

SETTINGS: Mapping[str, tuple[str, ...]] = {
    "tiles": ("protocol", "max_tiles"),
    "dynamic tiles": ("protocol", "dynamic"),
    "frames": ("protocol", "frames"),
    "language": ("protocol", "language"),
    "pictures": ("protocol", "mode"),
    "decoding": ("protocol", "decoding"),
    "judge": ("judge", "model"),
    "judge prompt": ("judge", "prompt"),
}
"""What must be equal -> where a recipe holds it."""
HASHES: Mapping[str, tuple[str, ...]] = {"the benchmark's files": ("data",), "questions or references": ("questions",)}
"""The same for hashes, which tell a reader nothing but that they differ."""
LONGEST = 80


def recipe_differences(first: Result, second: Result) -> list[str]:
    """Settings that differ, each as "name value against value"; in the order of `SETTINGS`, the variant before and the size after."""
    found = [] if first.variant == second.variant else [f"variant {first.variant} against {second.variant}"]
    for name in SETTINGS:
        ours, theirs = setting(first, name), setting(second, name)
        if ours != theirs:
            found.append(f"{name} {_shown(ours)} against {_shown(theirs)}")
    if first.variant == second.variant:
        differ = [name for name, place in HASHES.items() if _at(first.recipe, place) != _at(second.recipe, place)]
        found += [f"{name} differ" for name in differ[:1]]  # other files are other questions: one sentence is enough
    if first.total != second.total:
        found.append(f"{first.total:,} samples in the benchmark against {second.total:,}")
    return found


def published_differences(result: Result, cell: PublishedScore) -> list[str]:
    """What is known to differ between our recipe and that of a published score."""
    found, tiles = [], tiles_of(result)
    other_part = result.variant != cell.variant and result.variant in cell.parts
    if cell.variant is not None and cell.variant != result.variant and not other_part:
        found.append(f"published with {cell.variant}'s way of asking, here {result.variant}'s")
    if not other_part and cell.max_tiles is not None and tiles is not None and cell.max_tiles != tiles:
        found.append(f"published with {cell.max_tiles} tiles, here {tiles}")
    judge = setting(result, "judge")
    if cell.judge is not None and judge is not None and judge != cell.judge:
        found.append(f"published with the judge {cell.judge}, here {_shown(judge)}")
    if cell.note:
        found.append(f"published score: {cell.note}")
    return found


def own_flags(result: Result) -> list[str]:
    """What a reader of one result must know: its own notes (cut short, failed samples, why it has no headline)."""
    notes = [note for note in result.notes if note]
    return (
        notes if notes or result.headline is not None else ["no headline: the run is not finished or not judged as the protocol asks"]
    )


def tiles_of(result: Result) -> int | None:
    """The tile limit of a result; None where the recipe names none (text, features of a whole picture)."""
    tiles = setting(result, "tiles")
    return tiles if isinstance(tiles, int) and not isinstance(tiles, bool) else None


def setting(result: Result, name: str) -> Any:
    """A setting of `SETTINGS`; None where the recipe doesn't have it."""
    return _at(result.recipe, SETTINGS[name])


def _at(tree: Any, place: tuple[str, ...]) -> Any:
    for key in place:
        if not isinstance(tree, Mapping):
            return None
        tree = tree.get(key)
    return tree


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
