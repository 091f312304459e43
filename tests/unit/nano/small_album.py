"""An album of a few drawn blobs with real names, so that families of pictures are tested without the picture sets."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image, ImageDraw
from recipes.nano.data.colours import COLOURS, colour_of
from recipes.nano.data.pictures import Album

THINGS = (
    ("dog", "狗", "mammal"),
    ("koala", "考拉", "mammal"),
    ("penguin", "企鹅", "bird"),
    ("banana", "香蕉", "fruit"),
    ("strawberry", "草莓", "fruit"),
    ("airplane", "飞机", "aircraft"),
    ("bicycle", "自行车", "vehicle"),
    ("key", "钥匙", "tool"),
    ("umbrella", "雨伞", "thing"),
    ("grapes", "葡萄", "fruit"),
    ("castle", "城堡", "building"),
    ("trumpet", "小号", "instrument"),
    ("hamburger", "汉堡", "food"),
    ("cactus", "仙人掌", "plant"),
)
STYLES = ("noto-emoji", "twemoji", "fluent-emoji", "openmoji")


def small_album(folder: Path) -> Album:
    """Every thing in every style, each a blob of its own form and colour."""
    rows = []
    for style_number, style in enumerate(STYLES):
        for number, (en, zh, kind) in enumerate(THINGS):
            file = f"{style}__{en}.png"
            colour = list(COLOURS.values())[(number + style_number) % 8]
            picture = _blob(number, colour.rgb)
            picture.save(folder / file)
            rows.append(
                {"key": f"{style}/{en}", "style": style, "en": en, "zh": zh, "kind": kind, "file": file, "colour": colour_of(picture)}
            )
    (folder / "index.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return Album(folder)


def _blob(number: int, rgb: tuple[int, int, int]) -> Image.Image:
    picture = Image.new("RGBA", (120, 80 + 6 * (number % 7)))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((0, 0, picture.width - 1, picture.height - 1), radius=4 + 4 * (number % 9), fill=(*rgb, 255))
    draw.ellipse((30, 20, 45, 35), fill=(20, 20, 20, 255))
    return picture
