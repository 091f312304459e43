"""What a picture shows and where: a background, coloured shapes, and up to two lines of text, drawn from a random source.

    random.Random -> Scene(size, background, shapes, lines)

All boxes are in pixels of the picture. Sizes follow the tiles that the picture will be cut into, so that nothing asked about is
smaller than the model can see: a shape is at least 14 px wide in the thumbnail, a letter at least 14 px high in its tile.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from recipes.nano.fonts import Face, FontSet, load_font
from recipes.nano.lexicon import COLOURS, HANZI, LATIN, SHAPES
from recipes.nano.signs import random_text

TILE = 112
MAX_TILES = 6
BLACK, WHITE = (next(i for i, c in enumerate(COLOURS) if c.name.en == name) for name in ("black", "white"))
GRIDS = ((2, 1), (1, 2), (2, 2), (3, 1), (1, 3), (3, 2), (2, 3), (4, 1), (5, 1), (6, 1))

Box = tuple[float, float, float, float]
Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Shape:
    """A filled shape: indices into SHAPES and COLOURS, the shade itself, its box and its turn in degrees."""

    kind: int
    colour: int
    rgb: Rgb
    box: Box
    turn: float


@dataclass(frozen=True)
class Line:
    """One line of text: each character with its box. `plate` is the colour of the sign behind it, if any."""

    text: str
    face: Face
    size: int
    colour: int
    rgb: Rgb
    box: Box
    glyphs: tuple[tuple[str, Box], ...]
    plate: Rgb | None
    turn: float


@dataclass(frozen=True)
class Background:
    """solid, gradient, noise, stripes or blobs, between two colours; `name` is a colour's index when it can be named."""

    kind: str
    first: Rgb
    second: Rgb
    name: int | None
    seed: int


@dataclass(frozen=True)
class Scene:
    """Everything that is drawn."""

    width: int
    height: int
    background: Background
    shapes: tuple[Shape, ...]
    lines: tuple[Line, ...]


def random_scene(source: random.Random, fonts: FontSet, *, held_out: bool = False, tiles: str = "one") -> Scene:
    """A scene. `tiles`: "one" for pictures that stay one tile, "many" for those cut into several and a thumbnail."""
    width, height, scale = _one_tile_size(source) if tiles == "one" else _many_tiles_size(source)
    background = _background(source)
    builder = _Builder(source, fonts, width, height, scale, background)
    what = source.choices(("text", "shapes", "both", "nothing"), (40, 28, 30, 2))[0]
    if what in ("text", "both"):
        for _ in range(1 if what == "both" or source.random() < 0.85 else 2):
            builder.add_line(random_text(source, held_out=held_out))
    if what in ("shapes", "both"):
        for _ in range(source.choice((1, 1, 2, 2, 3, 3, 4, 5, 6)) if what == "shapes" else source.choice((1, 1, 2, 3))):
            builder.add_shape()
    return Scene(width, height, background, tuple(builder.shapes), tuple(builder.lines))


def crowded_scene(source: random.Random, fonts: FontSet, *, plain: bool) -> Scene:
    """A one-tile picture full of characters and shapes: many glyphs to learn from, nothing one could ask about.

    plain: black letters of similar sizes on a light ground, the first thing to learn.
    """
    width, height, scale = _one_tile_size(source)
    ground = _light_background(source) if plain else _background(source)
    builder = _Builder(source, fonts, width, height, scale, ground, plain=plain)
    chinese = source.random() < 0.5
    while builder.failures < 4:
        alphabet = HANZI if chinese != (source.random() < 0.15) else LATIN
        length = source.randint(2, 5) if alphabet is HANZI else source.randint(3, 9)
        builder.add_line("".join(source.choices(alphabet, k=length)))
    for _ in range(3):
        builder.add_shape()
    return Scene(width, height, builder.background, tuple(builder.shapes), tuple(builder.lines))


def _one_tile_size(source: random.Random) -> tuple[int, int, float]:
    """Nearly square and under twice a tile's area: the tiling keeps such a picture whole."""
    if source.random() < 0.6:
        return TILE, TILE, 1.0
    side = source.randint(84, 145)
    width, height = side, round(side * source.uniform(0.9, 1.15))
    return width, height, min(width, height) / TILE


def _many_tiles_size(source: random.Random) -> tuple[int, int, float]:
    columns, rows = source.choices(GRIDS, (6, 2, 10, 4, 1, 8, 3, 3, 1, 1))[0]
    scale = source.uniform(0.8, 3.2)
    if columns * rows == 4 and columns == rows:
        scale = max(scale, 0.85)  # a smaller square would stay one tile
    stretch = source.uniform(0.93, 1.07)
    return round(columns * TILE * scale * stretch), round(rows * TILE * scale), scale


class _Builder:
    """Places things one by one where nothing is yet."""

    def __init__(
        self,
        source: random.Random,
        fonts: FontSet,
        width: int,
        height: int,
        scale: float,
        background: Background,
        *,
        plain: bool = False,
    ) -> None:
        self.plain = plain
        self.source, self.fonts = source, fonts
        self.width, self.height, self.scale = width, height, scale
        self.background = background
        self.shapes: list[Shape] = []
        self.lines: list[Line] = []
        self.failures = 0  # things that found no room
        # A picture often repeats one shape or one colour: questions about counts and about "the red one" need that.
        self.kinds = source.sample(range(len(SHAPES)), k=source.choice((1, 2, 3, len(SHAPES))))
        self.colours = source.sample(range(len(COLOURS)), k=source.choice((2, 3, len(COLOURS))))

    def add_shape(self) -> None:
        """One more shape, if there is room."""
        source = self.source
        short, long = min(self.width, self.height), max(self.width, self.height)
        # In a long picture the thumbnail squeezes the long side, so shapes must be larger to stay visible there.
        low = min(0.85, max(0.16, 0.125 * long / short))
        side = short * source.uniform(low, max(low, 0.42) + 0.02)
        box = self._free_box(side, side * source.uniform(0.92, 1.08))
        colour = self._colour(self.colours)
        if box is None or colour is None:
            return
        rgb = shade(source, COLOURS[colour].rgb)
        self.shapes.append(Shape(source.choice(self.kinds), colour, rgb, box, source.uniform(-9, 9)))

    def add_line(self, text: str) -> None:
        """One more line of text, if there is room; long texts are drawn smaller, down to 14 px in a tile."""
        source = self.source
        chinese = any(character in HANZI for character in text)
        face = source.choice(self.fonts.chinese if chinese else self.fonts.latin)
        smallest = (19 if chinese else 15) * self.scale
        widest = 0.94 * self.width / max(1.0, len(text) * (1.0 if chinese else 0.6))
        largest = min(widest * 1.25, 0.72 * self.height, 64 * self.scale)
        size = round(source.triangular(smallest, max(smallest, largest), max(smallest, 0.75 * largest)))
        if self.plain:
            size = round(source.uniform(smallest, 1.7 * smallest))
        advances, height, size = self._fit(text, face, size, smallest)
        plate = shade(source, source.choice(COLOURS).rgb) if source.random() < 0.35 and not self.plain else None
        margin = size * source.uniform(0.12, 0.4) if plate else size * 0.05
        box = self._free_box(sum(advances) + 2 * margin, height + 2 * margin)
        colour = self._ink(plate)
        if box is None or colour is None:
            self.failures += 1
            return
        glyphs, x = [], box[0] + margin
        for character, advance in zip(text, advances, strict=True):
            glyphs.append((character, (x, box[1] + margin, x + advance, box[1] + margin + height)))
            x += advance
        turn = source.uniform(-7, 7) if source.random() < 0.25 and not self.plain else 0.0
        rgb = shade(source, COLOURS[colour].rgb)
        self.lines.append(Line(text, face, size, colour, rgb, box, tuple(glyphs), plate, turn))

    def _fit(self, text: str, face: Face, size: int, smallest: float) -> tuple[list[float], float, int]:
        """Advances and height in pixels, at the largest size up to `size` at which the line fits the width."""
        spacing = self.source.uniform(0.0, 0.12) if self.source.random() < 0.3 else 0.0
        while True:
            font = load_font(face, size)
            advances = [font.getlength(character) + spacing * size for character in text]
            if sum(advances) <= 0.96 * self.width or size <= smallest:
                return advances, size * 1.15, size
            size -= max(1, size // 16)

    def _free_box(self, width: float, height: float) -> Box | None:
        taken = [shape.box for shape in self.shapes] + [line.box for line in self.lines]
        for _ in range(16):
            x = self.source.uniform(0.01, 0.99) * (self.width - width)
            y = self.source.uniform(0.01, 0.99) * (self.height - height)
            box = (x, y, x + width, y + height)
            if x >= 0 and y >= 0 and not any(_overlap(box, other, 0.01 * self.width) for other in taken):
                return box
        self.failures += 1
        return None

    def _colour(self, allowed: range | list[int], plate: Rgb | None = None) -> int | None:
        """A colour that stands out from what it lies on."""
        ground = (plate,) if plate else (self.background.first, self.background.second)
        apart = [i for i in range(len(COLOURS)) if all(distance(COLOURS[i].rgb, rgb) > 150 for rgb in ground)]
        clear = [i for i in apart if i in allowed] or apart
        return self.source.choice(clear) if clear else None

    def _ink(self, plate: Rgb | None) -> int | None:
        """A colour for letters: half the time the one that is read best, black or white."""
        ground = (plate,) if plate else (self.background.first, self.background.second)
        if self.plain or self.source.random() < 0.4:
            return max((BLACK, WHITE), key=lambda i: min(distance(COLOURS[i].rgb, rgb) for rgb in ground))
        light = [brightness(rgb) for rgb in ground]
        legible = [i for i, c in enumerate(COLOURS) if all(abs(brightness(c.rgb) - value) > 55 for value in light)]
        return self._colour(legible, plate) if legible else None


def _background(source: random.Random) -> Background:
    kind = source.choices(("solid", "gradient", "noise", "stripes", "blobs"), (45, 20, 15, 8, 12))[0]
    seed = source.randrange(1 << 30)
    if kind == "solid":
        name = source.choices(range(len(COLOURS)), [5 if c.name.en == "white" else 1 for c in COLOURS])[0]
        rgb = shade(source, COLOURS[name].rgb)
        return Background(kind, rgb, rgb, name, seed)
    first: Rgb = (source.randrange(256), source.randrange(256), source.randrange(256))
    if source.random() < 0.5:
        first = tuple(200 + value * 55 // 255 for value in first)  # type: ignore[assignment]
    spread = source.randint(8, 46)
    second: Rgb = tuple(max(0, min(255, value + source.randint(-spread, spread))) for value in first)  # type: ignore[assignment]
    return Background(kind, first, second, None, seed)


def _light_background(source: random.Random) -> Background:
    light = source.randint(225, 255)
    return Background("solid", (light, light, light), (light, light, light), None, source.randrange(1 << 30))


def shade(source: random.Random, rgb: Rgb) -> Rgb:
    """A shade that still goes by the same name."""
    light = source.uniform(-14, 14)
    return tuple(max(0, min(255, round(value + light + source.uniform(-9, 9)))) for value in rgb)  # type: ignore[return-value]


def distance(first: Rgb, second: Rgb) -> float:
    """How different two colours look, roughly: weighted distance in sRGB, 0 to about 760."""
    red, green, blue = (a - b for a, b in zip(first, second, strict=True))
    return float((2 * red * red + 4 * green * green + 3 * blue * blue) ** 0.5)


def brightness(rgb: Rgb) -> float:
    """How light a colour looks, 0 to 255."""
    return 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]


def _overlap(first: Box, second: Box, gap: float) -> bool:
    return not (first[2] + gap < second[0] or second[2] + gap < first[0] or first[3] + gap < second[1] or second[3] + gap < first[1])
