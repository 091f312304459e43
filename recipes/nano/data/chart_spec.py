"""What a chart shows and how it looks, told apart from who draws it.

    Figures (words and numbers) + kind + Style + Axis -> ChartSpec -> chart_matplotlib | chart_vega | chart_svg -> Drawing

All renderers put the same ticks, labels and colours, so a question's answer and its tolerance follow from the ChartSpec alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

import PIL.Image
from PIL import ImageFont
from recipes.nano.data.sample import Language

Kind: TypeAlias = Literal["bar", "barh", "grouped", "stacked", "line", "area", "pie", "donut", "scatter", "histogram"]
Legend: TypeAlias = Literal["right", "top", "bottom"]
Box: TypeAlias = tuple[float, float, float, float]
# The share of the picture that the plot itself takes, a cautious guess shared by all renderers.
PLOT_WIDTH, PLOT_HEIGHT = 0.72, 0.62


class DrawableFace(Protocol):
    """What charts need of a font face; `recipes.nano.data.fonts.Face` is one."""

    @property
    def path(self) -> str | object: ...

    @property
    def index(self) -> int: ...

    def at(self, size_px: int, /) -> ImageFont.FreeTypeFont: ...


@dataclass(frozen=True)
class Colour:
    """A colour and the everyday word for it (a key of `chart_style.COLOUR_WORDS`)."""

    code: str
    word: str


@dataclass(frozen=True)
class Series:
    """One row of the legend: a value for each category, or the points of a scatter chart."""

    name: str
    values: tuple[float, ...]
    points: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Words and numbers, before any look. `unit` goes around numbers: "$" before, anything else behind."""

    language: Language
    title: str
    category_label: str
    value_label: str
    categories: tuple[str, ...]
    series: tuple[Series, ...]
    decimals: int = 0
    unit: str = ""
    in_time: bool = False
    whole: bool = False
    bin_edges: tuple[float, ...] = ()
    kinds: tuple[Kind, ...]
    others: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What tells this content apart; its hash decides the split."""
        rows = ";".join(",".join(f"{value:g}" for value in one.values or sum(one.points, ())) for one in self.series)
        return f"{self.title}|{','.join(self.categories)}|{rows}"


@dataclass(frozen=True)
class Axis:
    """A value axis with gridlines from `low` to `high`, `step` apart."""

    low: float
    high: float
    step: float

    @property
    def ticks(self) -> tuple[float, ...]:
        """All tick values, both ends included."""
        return tuple(round(self.low + i * self.step, 10) for i in range(round((self.high - self.low) / self.step) + 1))

    @property
    def decimals(self) -> int:
        """How many places after the point the ticks need."""
        power = math.floor(math.log10(self.step) + 1e-9)
        half = self.step / 10.0**power % 1 > 1e-6  # steps of 2.5
        return max(0, -power + int(half))

    def place(self, value: float) -> float:
        """Where a value lies, 0 at the low end and 1 at the high end."""
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True, kw_only=True)
class Style:
    """The look. Sizes in pixels of the picture; `grid` and `frame` colours may be None for none."""

    width: int
    height: int
    face: DrawableFace
    text_px: int
    title_px: int
    colours: tuple[Colour, ...]
    background: str
    ink: str
    grid: str | None
    frame: Literal["none", "axes", "box"]
    legend: Legend
    title_left: bool
    value_labels: bool
    bar_share: float
    line_px: float
    markers: bool
    thousands: bool
    rounded: bool


@dataclass(frozen=True, kw_only=True)
class ChartSpec:
    """One chart, ready to draw. `axis` is that of the values, `across` that of x in scatter charts."""

    kind: Kind
    figures: Figures
    style: Style
    axis: Axis
    across: Axis | None = None

    @property
    def has_legend(self) -> bool:
        """Whether names of series (or of slices) stand in a legend."""
        return len(self.figures.series) > 1 or self.kind in ("pie", "donut")

    def colour(self, index: int) -> Colour:
        """The colour of a series, or of a slice."""
        return self.style.colours[index % len(self.style.colours)]

    def number(self, value: float) -> str:
        """A value as value labels show it."""
        return format_number(value, self.figures.decimals, self.figures.unit, thousands=self.style.thousands)

    def tick(self, value: float) -> str:
        """A tick as the value axis shows it."""
        return format_number(value, self.axis.decimals, self.figures.unit, thousands=self.style.thousands)

    def share(self, value: float) -> str:
        """A slice's label: the share of the whole in per cent, one decimal."""
        return f"{100 * value / sum(self.figures.series[0].values):.1f}%"


@dataclass(frozen=True)
class Drawing:
    """A picture, and in pixels the boxes of bars, keyed "SERIES/CATEGORY" by their numbers, where the renderer knows them."""

    image: PIL.Image.Image
    boxes: dict[str, Box] = field(default_factory=dict)


def format_number(value: float, decimals: int, unit: str = "", *, thousands: bool = False) -> str:
    """A number as people write it: `$1,200`, `12.5%`, `30 km`, `-3`."""
    text = f"{abs(value):,.{decimals}f}" if thousands else f"{abs(value):.{decimals}f}"
    sign = "-" if value < 0 and float(text.replace(",", "")) != 0 else ""
    if unit in ("$", "€", "£", "¥"):
        return f"{sign}{unit}{text}"
    return f"{sign}{text}{unit}" if not unit or not unit[0].isascii() or unit == "%" or unit == "°C" else f"{sign}{text} {unit}"


def nice_axis(values: tuple[float, ...], *, from_zero: bool, lines: int) -> Axis:
    """An axis around the values with about `lines` round steps of 1, 2, 2.5 or 5 times a power of ten."""
    low, high = min(values), max(values)
    low, high = (min(low, 0.0), max(high, 0.0)) if from_zero else (low, high)
    span = (high - low) or abs(high) or 1.0
    rough = span / lines
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * 0.999)
    start = math.floor(low / step + 1e-9) * step
    end = math.ceil(high / step - 1e-9) * step
    if high > 0 and end - high < 0.07 * span:  # room for the label above the highest bar
        end += step
    if low < 0 and low - start < 0.07 * span:
        start -= step
    return Axis(round(start, 10), round(end, 10), step)


def text_width(face: DrawableFace, text: str, size_px: int) -> float:
    """Pixels that a line of text takes."""
    return float(face.at(size_px).getlength(text))


def title_size(spec: ChartSpec) -> int:
    """The title's size in pixels: as the style says, or smaller where the picture is narrow."""
    style = spec.style
    width = max(1.0, text_width(style.face, spec.figures.title, style.title_px))
    return max(9, min(style.title_px, int(style.title_px * 0.92 * style.width / width)))


def label_angle(spec: ChartSpec) -> int:
    """Degrees by which labels under the plot are turned so that they don't meet: 0, 40 or 90."""
    style = spec.style
    slot = PLOT_WIDTH * style.width / max(1, len(spec.figures.categories))
    widest = max((text_width(style.face, text, style.text_px) for text in spec.figures.categories), default=0.0)
    if widest < 0.92 * slot:
        return 0
    return 40 if slot > 1.9 * style.text_px else 90


def labels_fit(spec: ChartSpec) -> bool:
    """Whether a number can stand at every bar, point or part without meeting another."""
    style, figures = spec.style, spec.figures
    if spec.kind == "scatter":
        return False
    count, rows = len(figures.categories), len(figures.series)
    widest = max(text_width(style.face, spec.number(value), style.text_px) for one in figures.series for value in one.values or (0.0,))
    if spec.kind in ("pie", "donut"):
        return min(figures.series[0].values) >= 0.035 * sum(figures.series[0].values)
    if spec.kind == "barh":
        return PLOT_HEIGHT * style.height / count > 1.25 * style.text_px
    slot = PLOT_WIDTH * style.width / count
    if spec.kind == "grouped":
        return widest < 0.95 * slot * style.bar_share / rows
    if spec.kind == "stacked":
        smallest = min(value for one in figures.series for value in one.values)
        tall = PLOT_HEIGHT * style.height * abs(smallest) / (spec.axis.high - spec.axis.low)
        return tall > 1.3 * style.text_px and widest < 0.95 * slot * style.bar_share
    if spec.kind in ("line", "area"):
        return rows == 1 and widest < 0.9 * slot
    return widest < 0.95 * slot


def contrast(code: str) -> str:
    """Black or white, whichever reads better on the colour."""
    red, green, blue = (int(code[i : i + 2], 16) for i in (1, 3, 5))
    return "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "#ffffff"
