"""Which pictures the shipped models were trained with: a filter is judged on the others.

    key of a picture -> was it, or one that looks like it, in the training of the scorers, of the dual encoder?

Emoji of four sets were the dual encoder's training; the scorers' album names its own pictures and their parts.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from recipes.dual_nano import clip_art, stamps
from recipes.dual_nano.concepts import TRAINED_SETS
from recipes.dual_nano.labelled import held_out
from recipes.nano.data import materials

# Of these the scorers' recipe takes every picture, cut in another way than here.
_PHOTOGRAPHS = ("photograph",)


def seen_by(model: str) -> Callable[[str], bool]:
    """A test of keys. model: scorers, dual or none."""
    return {"scorers": _by_scorers, "dual": _by_dual, "none": lambda key: False}[model]


def _by_scorers(key: str) -> bool:
    return key.partition("/")[0] in _PHOTOGRAPHS or _plain(key) in _trained()


def _by_dual(key: str) -> bool:
    source, _, rest = key.partition("/")
    if source == "openclipart":
        parts = rest.split("/")
        taken = parts[0] in clip_art.FOLDERS and "cards" not in parts
        return taken and not held_out(clip_art.STYLE, "__".join(parts))
    return source in TRAINED_SETS or (source == stamps.STYLE and not held_out(source, rest))


@lru_cache(maxsize=1)
def _trained() -> frozenset[str]:
    """Keys as they are written here, of what the album of the scorers' recipe gives to training or validation."""
    index = materials.folder().parent / "scorers" / "pictures" / "index.json"
    rows = json.loads(index.read_text("utf-8")) if index.is_file() else []
    return frozenset(_plain(_key_here(row["key"])) for row in rows if row["split"] != "test")


def _key_here(key: str) -> str:
    """`openclipart/usr/share/openclipart/svg/animals/a.svg` -> `openclipart/animals/a`, and so on."""
    package, _, rest = key.partition("/")
    if package == "openclipart":
        return f"openclipart/{rest.partition('/svg/')[2].removesuffix('.svg')}"
    if package == "tuxpaint-stamps":
        return f"{stamps.STYLE}/{'__'.join(Path(rest).with_suffix('').parts)}"
    return f"{package}/{Path(rest).stem}" if package == "fluent-emoji-3d" else key


def _plain(key: str) -> str:
    """Code points in one spelling: sets differ in letters' case and in the sign that asks for colour."""
    source, slash, rest = key.partition("/")
    return source + slash + rest.lower().replace("-fe0f", "") if source == "fluent-emoji-3d" else key
