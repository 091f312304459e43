"""The pictures of the collection, drawn once and kept as files such as a crawl finds: JPEG, PNG or WebP of 256 to 384 px.

    Labelled -> RGB on a plain ground -> build/data_engine/pictures/KEY.jpg + index.jsonl: key, file, digest, thumbnail

Size, ground and format follow from the key alone. A run that was stopped goes on where it was.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.data_engine.labelled import Labelled
from numpy.typing import NDArray
from PIL import Image
from recipes.nano.data.progress import counting
from recipes.nano.data.svg import draw_svg

CANVASES = ((256, 256), (256, 256), (288, 256), (256, 288), (320, 256), (256, 320), (384, 288), (288, 384))
GROUNDS = ("white",) * 6 + ("#f2f2f2", "#fdf6e3", "#dfe9f5", "#cfe8cf", "#f5d6d6", "#d9d2e9", "#fff2b3", "#333333", "#1d2b3a")
FORMATS = ("JPEG",) * 14 + ("PNG",) * 5 + ("WEBP",)
INK_PX = 240  # a drawing's width
ENDINGS = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}
INDEX = "index.jsonl"
BIG_ENOUGH = 0.8  # of the room there is: then a drawing stays as it was drawn
THUMBNAIL_PX = 16
_BATCH = 64


@dataclass(frozen=True)
class Drawn:
    """A drawn picture. digest: of its ink; thumbnail: [16 * 16 * 3] of the ink on white, to tell whether two look alike."""

    key: str
    file: Path
    digest: str
    thumbnail: NDArray[np.uint8]


def draw_all(pictures: Iterable[Labelled], folder: Path, *, processes: int = 1) -> dict[str, Drawn]:
    """Draw what is missing; everything that could be drawn, by key."""
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / INDEX
    done = {row["key"] for row in _rows(index)}
    missing = [each for each in pictures if each.key not in done]
    random.Random("order").shuffle(missing)  # what is there at any moment shows all sources
    if missing:
        with (
            ProcessPoolExecutor(processes) as pool,
            index.open("a", encoding="utf-8") as file,
            counting(len(missing), 0, quiet=False) as advance,
        ):
            for row in pool.map(_draw_one, missing, [folder] * len(missing), chunksize=_BATCH):
                file.write(json.dumps(row) + "\n")
                advance()
    return {row["key"]: _drawn(row, folder) for row in _rows(index) if row["file"]}


def draw(each: Labelled, width: int) -> Image.Image | None:
    """The picture as RGBA, cut to its ink; None for what can't be drawn or has almost no ink. width: in px, of a drawing."""
    try:
        picture = draw_svg(_text(each.picture), width) if _is_svg(each.picture) else _photograph(Path(each.picture), each.crop)
    except (ValueError, OSError):
        return None
    box = picture.getchannel("A").point(lambda alpha: 255 if alpha > 40 else 0).getbbox()
    if box is None or min(box[2] - box[0], box[3] - box[1]) < 10:
        return None
    picture = picture.crop(box)
    return picture if max(high - low for low, high in picture.convert("RGB").getextrema()) > 8 or _has_holes(picture) else None


def _draw_one(each: Labelled, folder: Path) -> dict[str, str]:
    source = random.Random(f"canvas/{each.key}")
    size = source.choice(CANVASES)
    picture = draw(each, INK_PX)
    if picture is None:
        return {"key": each.key, "file": ""}
    ground = Image.new("RGB", size, source.choice(GROUNDS))
    whole = each.source in ("photograph", "flag")
    picture = _fitted(picture, size if whole else (size[0] * 15 // 16, size[1] * 15 // 16))
    if whole:
        ground = picture.convert("RGB")
    else:
        ground.paste(picture, ((size[0] - picture.width) // 2, (size[1] - picture.height) // 2), picture)
    kind = source.choice(FORMATS)
    name = each.key.replace("/", "__").replace(" ", "_") + ENDINGS[kind]
    (folder / name).write_bytes(encoded(ground, kind, quality=source.randint(82, 95)))
    thumbnail = _on_white(picture).resize((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.BOX).tobytes()
    digest = hashlib.sha256(_on_white(picture).tobytes()).hexdigest()[:32]
    return {"key": each.key, "file": name, "digest": digest, "thumbnail": base64.b64encode(thumbnail).decode()}


def encoded(picture: Image.Image, kind: str, *, quality: int = 90) -> bytes:
    """The picture as a file: JPEG and WebP of that quality, PNG packed quickly."""
    buffer = io.BytesIO()
    if kind == "PNG":
        picture.save(buffer, format="PNG", compress_level=3)
    else:
        picture.save(buffer, format=kind, quality=quality, **({"method": 2} if kind == "WEBP" else {}))
    return buffer.getvalue()


def _is_svg(picture: str | Path) -> bool:
    return isinstance(picture, str) or picture.suffix == ".svg"


def _text(picture: str | Path) -> str:
    return picture if isinstance(picture, str) else picture.read_text("utf-8", errors="replace")


def _photograph(file: Path, crop: tuple[int, int, int, int] | None) -> Image.Image:
    with Image.open(file) as picture:
        picture.draft("RGB", (1600, 1200))
        if crop is not None:
            sides = (picture.width, picture.height) * 2
            picture = picture.crop(tuple(side * part // 1000 for side, part in zip(sides, crop, strict=True)))  # type: ignore[arg-type]
        return picture.convert("RGBA")


def _has_holes(picture: Image.Image) -> bool:
    """A shape in one colour is still a shape."""
    return picture.getchannel("A").getextrema()[0] < 128


def _fitted(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    scale = min(size[0] / picture.width, size[1] / picture.height)
    if BIG_ENOUGH <= 1 / scale <= 1:
        return picture
    wanted = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(wanted, Image.Resampling.LANCZOS)


def _on_white(picture: Image.Image) -> Image.Image:
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(picture, (0, 0), picture)
    return ground


def _rows(index: Path) -> Iterator[dict[str, str]]:
    """The lines of the index; one that a kill tore is left out, and its picture drawn again."""
    if index.is_file():
        for line in index.read_text("utf-8").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                print(f"{index}: a torn line is passed over", file=sys.stderr)


def _drawn(row: dict[str, str], folder: Path) -> Drawn:
    thumbnail = np.frombuffer(base64.b64decode(row["thumbnail"]), dtype=np.uint8)
    return Drawn(row["key"], folder / row["file"], row["digest"], thumbnail)
