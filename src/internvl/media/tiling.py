"""How many tiles a picture is cut into, and in which grid: arithmetic on width and height only, no pixels and no tensors.

    (width, height) --choose_grid--> Grid(columns, rows) --TilePolicy.tiles--> number of tiles, thumbnail included

A grid is the columns x rows whose aspect ratio is closest to the picture's (InternVL 1.5 report, section 3.3). All ratios are
float64 divisions, as in the model card: exact fractions would find ties where floats have none and choose other grids.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from internvl.errors import ConfigError, MediaError

MAX_TILES = 40
"""The most tiles a picture may have, its thumbnail not counted: the most the family was evaluated with."""

MAX_TILE_SIZE = 2048
"""The largest tile side in pixels; 448 is the released one."""

MAX_SIDE = 100_000
"""The longest side in pixels of a picture. Resizing keeps weights for every source row and column, so sides cost memory too."""


class Grid(NamedTuple):
    """Tiles of one picture: columns x rows, the thumbnail not counted."""

    columns: int
    rows: int

    @property
    def tiles(self) -> int:
        """How many tiles the grid has."""
        return self.columns * self.rows

    def __str__(self) -> str:
        return f"{self.columns}x{self.rows}"


@lru_cache(maxsize=256)
def grid_candidates(min_tiles: int, max_tiles: int) -> tuple[Grid, ...]:
    """All grids of `min_tiles` to `max_tiles` tiles, by tile count, then columns, then rows."""
    found = [
        Grid(columns, rows)
        for columns in range(1, max_tiles + 1)
        for rows in range(1, max_tiles // columns + 1)
        if columns * rows >= min_tiles
    ]
    return tuple(sorted(found, key=lambda grid: (grid.tiles, grid.columns, grid.rows)))


def choose_grid(width: int, height: int, *, min_tiles: int, max_tiles: int, tile_size: int) -> Grid:
    """The grid whose aspect ratio is closest to `width / height`.

    Of two equally close grids the later, larger one is taken if the picture has more than half as many pixels as that grid.
    A picture of any shape is resized to its grid, so a 1 x 10000 strip simply gets the tallest grid.

    Raises `MediaError` for a width or height that is not positive, or longer than `MAX_SIDE`; `ConfigError` for an empty range.
    """
    check_size(width, height)
    candidates = grid_candidates(min_tiles, max_tiles)
    if not candidates:
        raise ConfigError(f"no grid has {min_tiles} to {max_tiles} tiles: min_tiles must be 1 to max_tiles")
    aspect, area = width / height, width * height
    best, best_distance = candidates[0], math.inf
    for grid in candidates:
        distance = abs(aspect - grid.columns / grid.rows)
        tie_taken = distance == best_distance and area > 0.5 * tile_size * tile_size * grid.tiles
        if distance < best_distance or tie_taken:
            best, best_distance = grid, distance
    return best


def check_size(width: int, height: int) -> None:
    """Raise `MediaError` unless both sides are whole numbers of pixels in 1...`MAX_SIDE`."""
    if not (is_whole(width) and is_whole(height)):
        raise MediaError(f"width and height are whole numbers of pixels, not {width!r} x {height!r}")
    if min(width, height) < 1:
        raise MediaError(f"a picture needs at least 1 x 1 pixels, this one is {width} x {height}")
    if max(width, height) > MAX_SIDE:
        raise MediaError(f"a picture of {width} x {height} is too long: a side has at most {MAX_SIDE} pixels")


def is_whole(value: object) -> bool:
    """True for an int that is not a bool: JSON's `true` is no tile count."""
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass(frozen=True, kw_only=True)
class TilePolicy:
    """How pictures become tiles; one policy travels from chat and training to results, and is stored with them.

    tile_size: side of a tile in pixels.
    min_tiles, max_tiles: limits of a picture's grid, the thumbnail not counted; at most `MAX_TILES`.
    thumbnail: add the whole picture as a last tile when the grid has more than one.
    dynamic: False squashes every picture into a single tile.
    pad_to_square: with `dynamic=False`, add bars in the mean colour instead of squashing. Tiles of a grid are square already,
        so it changes nothing with `dynamic=True`, as in the original.
    budget: tiles that all pictures of one prompt share, thumbnails not counted; None gives each picture its full `max_tiles`.
    """

    tile_size: int = 448
    min_tiles: int = 1
    max_tiles: int = 12
    thumbnail: bool = True
    dynamic: bool = True
    pad_to_square: bool = False
    budget: int | None = None

    def __post_init__(self) -> None:
        self._check_types()
        if not 1 <= self.tile_size <= MAX_TILE_SIZE:
            raise ConfigError(f"tile_size is 1 to {MAX_TILE_SIZE} pixels, not {self.tile_size}")
        if not 1 <= self.min_tiles <= self.max_tiles:
            raise ConfigError(f"1 <= min_tiles <= max_tiles is needed: min_tiles={self.min_tiles}, max_tiles={self.max_tiles}")
        if self.max_tiles > MAX_TILES:
            raise ConfigError(f"max_tiles is at most {MAX_TILES}, not {self.max_tiles}: no model was tried with more")
        if self.budget is not None and self.budget < 1:
            raise ConfigError(f"a tile budget is at least 1 (or None for no budget), not {self.budget}")

    def _check_types(self) -> None:
        for name in ("tile_size", "min_tiles", "max_tiles"):
            if not is_whole(getattr(self, name)):
                raise ConfigError(f"{name} is a whole number, not {getattr(self, name)!r}")
        if self.budget is not None and not is_whole(self.budget):
            raise ConfigError(f"budget is a whole number or None, not {self.budget!r}")
        for name in ("thumbnail", "dynamic", "pad_to_square"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name} is True or False, not {getattr(self, name)!r}")

    def grid(self, width: int, height: int) -> Grid:
        """The grid of a picture of `width` x `height` pixels. A budget counts only after `for_images`. Raises `MediaError`."""
        if not self.dynamic:
            check_size(width, height)
            return Grid(1, 1)
        return choose_grid(width, height, min_tiles=self.min_tiles, max_tiles=self.max_tiles, tile_size=self.tile_size)

    def tiles(self, width: int, height: int) -> int:
        """How many tiles a picture of `width` x `height` pixels gives, its thumbnail included. Raises `MediaError`."""
        grid = self.grid(width, height)
        return grid.tiles + int(self.has_thumbnail(grid))

    def has_thumbnail(self, grid: Grid) -> bool:
        """Whether a picture cut by this grid is followed by its thumbnail."""
        return self.thumbnail and grid.tiles != 1

    def for_images(self, images: int) -> TilePolicy:
        """The policy of each picture in a prompt of `images` pictures: the budget is divided, rounded down, 1 at least.

        The result has no budget left to divide. Without a budget the policy is returned as it is.
        """
        if not is_whole(images) or images < 1:
            raise ConfigError(f"a budget is shared by at least 1 picture, not {images!r}")
        if self.budget is None:
            return self
        share = min(self.max_tiles, max(1, self.budget // images))
        return dataclasses.replace(self, max_tiles=share, min_tiles=min(self.min_tiles, share), budget=None)

    def with_max_tiles(self, max_tiles: int) -> TilePolicy:
        """The same policy with another limit; `min_tiles` is lowered with it.

        Raises `ConfigError` when more than one tile is asked of a policy with `dynamic=False`, which could only be ignored.
        """
        if not self.dynamic and max_tiles != 1:
            raise ConfigError(f"max_tiles={max_tiles} needs dynamic=True: this policy shows every picture as one tile")
        return dataclasses.replace(self, max_tiles=max_tiles, min_tiles=min(self.min_tiles, max_tiles))

    def to_dict(self) -> dict[str, int | bool | None]:
        """All fields by name, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, object]) -> TilePolicy:
        """The policy that `to_dict` wrote. Missing fields take their defaults; unknown ones raise `ConfigError`."""
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(fields) - set(known))
        if unknown:
            raise ConfigError(f"a tile policy has no {', '.join(unknown)}; its fields are {', '.join(known)}")
        return cls(**fields)  # type: ignore[arg-type]  # __post_init__ checks the types

    def __str__(self) -> str:
        if not self.dynamic:
            return f"1 tile of {self.tile_size} px, {'padded to a square' if self.pad_to_square else 'squashed'}"
        parts = [f"{self.min_tiles}-{self.max_tiles} tiles of {self.tile_size} px"]
        parts.append("with thumbnail" if self.thumbnail else "no thumbnail")
        if self.budget is not None:
            parts.append(f"{self.budget} tiles shared by all pictures")
        return ", ".join(parts)
