"""Cut-out pictures with names, rendered once from the picture sets into one folder that the generator reads.

    icon sets (SVG), 3-D emoji (WebP), stamps (photographs, PNG)  ->  build/materials/pictures-N/KEY.png + index.json

A picture is cropped to its ink, RGBA, 256 px on its longer side. Needs the package resvg-py once; what reads the folder does not.

    python -m recipes.nano.data.picture_index
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from recipes.nano.data.colours import colour_of
from recipes.nano.data.materials import ensure, folder
from recipes.nano.data.object_names import EMOJI, STAMPS
from recipes.nano.data.svg import draw_svg

FOLDER = "pictures-1"  # a new number when the tables of names or the drawings change
SIDE = 256
ICON_SETS = ("fluent-emoji", "noto-emoji", "twemoji", "openmoji")
MATERIALS = (*ICON_SETS, "fluent-emoji-3d", "tuxpaint-stamps", "emojibase")
_SMALLEST_STAMP = 72


@dataclass(frozen=True)
class Found:
    """One picture of a set before it is rendered. source: an SVG text, or a picture file."""

    key: str
    style: str
    en: str
    zh: str
    kind: str
    source: str | Path


def place() -> Path:
    """The folder of rendered pictures, made or not."""
    return folder() / FOLDER


def prepare() -> Path:
    """Render every picture, unless that was done. Raises MissingMaterial."""
    if (place() / "index.json").is_file():
        return place()
    packages = ensure(*MATERIALS)
    place().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place().parent, prefix=".pictures-") as scratch:
        made = Path(scratch) / FOLDER
        made.mkdir()
        rows = [row for found in _find(packages) if (row := _render(found, made)) is not None]
        (made / "index.json").write_text(json.dumps(rows, ensure_ascii=False, indent=0), encoding="utf-8")
        _settle(made)
    return place()


def _settle(made: Path) -> None:
    """Another process may have been faster: then its folder is as good."""
    try:
        made.rename(place())
    except OSError:
        if not (place() / "index.json").is_file():
            shutil.rmtree(place(), ignore_errors=True)
            made.rename(place())


def _render(found: Found, into: Path) -> dict[str, Any] | None:
    """The row of the index, or None for what can't be rendered or has almost no ink."""
    try:
        picture = draw_svg(found.source, 320) if isinstance(found.source, str) else Image.open(found.source).convert("RGBA")
    except (ValueError, OSError):
        return None
    box = picture.getchannel("A").point(lambda alpha: 255 if alpha > 40 else 0).getbbox()
    if box is None or min(box[2] - box[0], box[3] - box[1]) < 12:
        return None
    picture = picture.crop(box)
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    file = f"{found.key.replace('/', '__')}.png"
    picture.save(into / file)
    colour = colour_of(picture)
    return {"key": found.key, "style": found.style, "en": found.en, "zh": found.zh, "kind": found.kind, "file": file, "colour": colour}


def _find(packages: dict[str, Path]) -> Iterator[Found]:
    labels = _emoji_labels(packages["emojibase"])
    entries = list(_entries(EMOJI, {label: zh for label, (_, zh) in labels.items()}))
    for style in ICON_SETS:
        yield from _icons(style, packages[style], entries, labels)
    for label, en, zh, kind in entries:
        if (file := _three_dimensional(packages["fluent-emoji-3d"], labels[label][0])) is not None:
            yield Found(f"fluent-emoji-3d/{_slug(label)}", "fluent-emoji-3d", en, zh, kind, file)
    names = {en.lower(): (en, zh, kind) for _, en, zh, kind in entries}
    stamps = list(_entries(STAMPS, {en.lower(): zh for en, zh, _ in names.values()}))
    yield from _stamps(packages["tuxpaint-stamps"], stamps)


def _entries(table: dict[str, str], chinese: dict[str, str]) -> Iterator[tuple[str, str, str, str]]:
    """Label in the set, English name, Chinese name, kind."""
    for kind, row in table.items():
        for entry in row.split(", "):
            label, _, name = entry.partition("=")
            label, _, own = label.partition(":")
            en, _, zh = name.partition(":")
            en = en or label
            yield label, en, zh or own or chinese[label if label in chinese else en.lower()], kind


def _emoji_labels(package: Path) -> dict[str, tuple[str, str]]:
    """English label -> code points and Chinese label."""
    base = package / "package"
    chinese = {row["hexcode"]: row["label"] for row in json.loads((base / "zh" / "data.json").read_text("utf-8"))}
    rows = json.loads((base / "en" / "data.json").read_text("utf-8"))
    return {row["label"]: (row["hexcode"], chinese[row["hexcode"]]) for row in rows}


def _icons(style: str, package: Path, entries: list[tuple[str, str, str, str]], labels: dict[str, tuple[str, str]]) -> Iterator[Found]:
    base = package / "package"
    table = json.loads((base / "icons.json").read_text("utf-8"))
    icons, codes = table["icons"], json.loads((base / "chars.json").read_text("utf-8"))
    for label, en, zh, kind in entries:
        code = labels[label][0].lower()
        name = codes.get(code) or codes.get(code.removesuffix("-fe0f")) or _slug(label)
        icon = icons.get(name) or icons.get(table.get("aliases", {}).get(name, {}).get("parent", ""))
        if icon is not None:
            width, height = icon.get("width", table["width"]), icon.get("height", table["height"])
            head = f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 {width} {height}">'
            yield Found(f"{style}/{_slug(label)}", style, en, zh, kind, f"{head}{icon['body']}</svg>")


def _three_dimensional(package: Path, code: str) -> Path | None:
    assets = package / "package" / "assets"
    names = (code.lower(), f"{code.lower()}-fe0f", code.lower().removesuffix("-fe0f"))
    return next((file for name in names if (file := assets / f"{name}.webp").is_file()), None)


def _stamps(package: Path, entries: list[tuple[str, str, str, str]]) -> Iterator[Found]:
    base = package / "usr" / "share" / "tuxpaint" / "stamps"
    known = {label.lower(): (en, zh, kind) for label, en, zh, kind in entries}
    for file in sorted(base.rglob("*.png")):
        notes = file.with_suffix(".txt")
        if "symbols" in file.parts or not notes.is_file():
            continue
        caption = _caption(notes)
        if caption in known and min(Image.open(file).size) >= _SMALLEST_STAMP:
            en, zh, kind = known[caption]
            yield Found(f"stamp/{file.relative_to(base).with_suffix('')}", "stamp", en, zh, kind, file)


def _caption(notes: Path) -> str:
    first = notes.read_text("utf-8", errors="replace").splitlines()[:1]
    return re.sub(r"^(an?|the) ", "", first[0].strip().rstrip(".!").lower()) if first else ""


def _slug(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", label.lower().replace("’", "").replace("ñ", "n")).strip("-")


if __name__ == "__main__":
    print(prepare())
