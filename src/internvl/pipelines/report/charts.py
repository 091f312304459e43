"""Charts as inline SVG: they scale, print, follow the colours of the page in light and dark, and say in words what they show.

[(label, 0.3), ...] --bars--> horizontal bars        {"1-2": 0.1, ...} --columns--> a histogram        --pairs--> asked beside present
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from internvl.eval.report_markup import Markup, element

WIDTH = 720
BAR_HEIGHT, BAR_GAP = 18, 8
LABEL_WIDTH, VALUE_WIDTH = 190, 90
COLUMN_HEIGHT, LABEL_HEIGHT = 150, 44
LONGEST_LABEL = 26


def bars(title: str, values: Sequence[tuple[str, float]], *, shown: Sequence[str] | None = None) -> Markup:
    """A bar for each value >= 0, the largest as wide as there is room. shown: what stands behind each, not a share."""
    words = [percent(value) for _, value in values] if shown is None else list(shown)
    most = max([value for _, value in values], default=0.0) or 1.0
    room = WIDTH - LABEL_WIDTH - VALUE_WIDTH
    rows = [
        _bar(place, label, word, [(value / most * room, 0)])
        for place, ((label, value), word) in enumerate(zip(values, words, strict=True))
    ]
    return _chart(
        title,
        len(rows) * (BAR_HEIGHT + BAR_GAP),
        rows,
        told=[f"{label} {word}" for (label, _), word in zip(values, words, strict=True)],
    )


def pairs(title: str, values: Sequence[tuple[str, float | None, float]], *, names: tuple[str, str]) -> Markup:
    """Two bars for each label, such as the share that was asked for (None: none was) and the one that is there."""
    most = max([value for _, *both in values for value in both if value is not None], default=0.0) or 1.0
    room = WIDTH - LABEL_WIDTH - VALUE_WIDTH - 40
    rows = []
    for place, (label, asked, there) in enumerate(values):
        words = f"{'–' if asked is None else percent(asked)} / {percent(there)}"
        rows.append(_bar(place, label, words, [((asked or 0.0) / most * room, 1), (there / most * room, 0)]))
    legend = element(
        "text", element("tspan", "■ ", class_="s1"), f"{names[0]}   ", element("tspan", "■ ", class_="s0"), names[1],
        x=LABEL_WIDTH, y=len(rows) * (BAR_HEIGHT + BAR_GAP) + 14,
    )  # fmt: skip
    told = [
        f"{label}: {names[0]} {'none' if asked is None else percent(asked)}, {names[1]} {percent(there)}"
        for label, asked, there in values
    ]
    return _chart(title, len(rows) * (BAR_HEIGHT + BAR_GAP) + 20, [*rows, legend], told=told)


def columns(title: str, classes: Mapping[str, float], *, unit: str) -> Markup:
    """A histogram of shares by class. unit: of what the classes count."""
    if not classes:
        return element("p", f"{title}: nothing to show", class_="dim")
    step = min(64.0, WIDTH / len(classes))
    most = max(classes.values()) or 1.0
    rows = []
    for place, (label, value) in enumerate(classes.items()):
        height = value / most * (COLUMN_HEIGHT - 16)
        x, y = place * step, COLUMN_HEIGHT - height
        rows.append(
            element(
                "rect",
                element("title", f"{label} {unit}: {percent(value)}"),
                x=_n(x + 2),
                y=_n(y),
                width=_n(step - 4),
                height=_n(height),
                class_="s0",
            )
        )
        rows.append(element("text", percent(value, digits=0), x=_n(x + step / 2), y=_n(y - 4), class_="small middle"))
        turned = f"rotate(-35 {_n(x + step / 2)} {COLUMN_HEIGHT + 12})"
        rows.append(element("text", label, x=_n(x + step / 2), y=COLUMN_HEIGHT + 12, class_="small end", transform=turned))
    told = [f"{label} {unit} {percent(value)}" for label, value in classes.items()]
    return _chart(title, COLUMN_HEIGHT + LABEL_HEIGHT, rows, told=told)


def percent(share: float, *, digits: int = 1) -> str:
    """0.1234 as 12.3 %; what is there but rounds to nothing as < 0.1 %."""
    least = 10.0**-digits
    return f"< {least:g} %" if 0 < 100 * share < least / 2 else f"{100 * share:.{digits}f} %"


def _bar(place: int, label: str, word: str, lengths: Sequence[tuple[float, int]]) -> Markup:
    """A label, one or two bars below each other, and a word behind the longest."""
    top, height = place * (BAR_HEIGHT + BAR_GAP), BAR_HEIGHT / len(lengths)
    rects = [
        element(
            "rect", x=LABEL_WIDTH, y=_n(top + number * height), width=_n(max(length, 0.5)), height=_n(height - 1), class_=f"s{colour}"
        )
        for number, (length, colour) in enumerate(lengths)
    ]
    short = label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…"
    name = element("text", element("title", label), short, x=LABEL_WIDTH - 8, y=top + 13, class_="end")
    value = element("text", word, x=_n(LABEL_WIDTH + max(length for length, _ in lengths) + 6), y=top + 13, class_="small")
    return element("g", name, *rects, value)


def _chart(title: str, height: int, content: Sequence[Markup], *, told: Sequence[str]) -> Markup:
    drawn = element(
        "svg", *content, viewBox=f"0 0 {WIDTH} {height}", role="img", aria_label=f"{title}: {'; '.join(told)}", class_="chart"
    )
    return element("figure", element("figcaption", title), drawn)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
