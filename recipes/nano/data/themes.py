"""Looks of drawn pages: colours, type and style sheets, each with a name that decides its split.

    (kind, source, split) -> theme -> Theme(name, palette, css)

A test page has a style sheet and colours that no training page has. No style changes the text itself (no upper-casing, no numbering).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

from recipes.nano.data.sample import Split, part_of

Kind: TypeAlias = Literal["documents", "tables", "screens"]


@dataclass(frozen=True)
class Palette:
    """Colours of a page: ground and text, a strong colour and the text on it, a faint ground, lines, and text of less weight."""

    page: str
    ink: str
    accent: str
    on_accent: str
    panel: str
    line: str
    muted: str


@dataclass(frozen=True)
class Theme:
    """A style sheet with its colours. name: STYLE/PALETTE."""

    name: str
    css: str


PALETTES = {
    "paper": Palette("#fffdf7", "#222222", "#7a3e1d", "#ffffff", "#f5eddc", "#cdbfa5", "#6b5f4e"),
    "snow": Palette("#ffffff", "#111111", "#111111", "#ffffff", "#f0f0f0", "#bbbbbb", "#555555"),
    "ocean": Palette("#ffffff", "#16324f", "#0b5fa5", "#ffffff", "#e6f1fa", "#a9c8e2", "#4d6a85"),
    "mint": Palette("#f7fffb", "#12352a", "#14805e", "#ffffff", "#dff5ea", "#9fd3bd", "#46695c"),
    "rose": Palette("#fffafb", "#3a1620", "#b3244f", "#ffffff", "#fbe4ea", "#e6b3c1", "#7a4a58"),
    "plum": Palette("#ffffff", "#2c1a3d", "#6b2fa0", "#ffffff", "#f1e8f8", "#cdb4e0", "#65517a"),
    "amber": Palette("#fffef8", "#33260a", "#9a5b00", "#ffffff", "#fdf0cf", "#e3c98c", "#735d2d"),
    "slate": Palette("#f4f6f8", "#1f2933", "#394b59", "#ffffff", "#e1e7ec", "#b3c0ca", "#52616d"),
    "brick": Palette("#fffaf8", "#2e1510", "#a8341d", "#ffffff", "#f9e2da", "#e0b3a5", "#734c41"),
    "teal": Palette("#ffffff", "#0f2f33", "#00727d", "#ffffff", "#dbf1f3", "#98ccd1", "#40666a"),
    "olive": Palette("#fdfdf5", "#26290f", "#5b6414", "#ffffff", "#eef0d3", "#c7cc94", "#5d613a"),
    "indigo": Palette("#fbfbff", "#191c3c", "#3640b8", "#ffffff", "#e5e7fb", "#b2b7ea", "#50557d"),
    "lemon": Palette("#fffde0", "#2b2a10", "#1d1d1d", "#fff27a", "#fff6ad", "#d9cf70", "#5f5b2c"),
    "night": Palette("#15181d", "#e8eaee", "#4ea1ff", "#07131f", "#232931", "#454e5a", "#a4adb8"),
    "pine": Palette("#10201a", "#e4f2ea", "#5fd39b", "#06170f", "#1b332a", "#36594a", "#9dbfae"),
    "grape": Palette("#1f1729", "#f0e8f8", "#c792ff", "#1d0b30", "#30243f", "#584769", "#b6a5c8"),
    "sand": Palette("#efe6d5", "#2d261a", "#7d4f16", "#ffffff", "#e2d4b8", "#bda983", "#65583f"),
    "cloud": Palette("#e9edf2", "#1d2530", "#2563eb", "#ffffff", "#ffffff", "#c3ccd8", "#586577"),
    "linen": Palette("#faf3e8", "#2f2a22", "#8a5a2b", "#ffffff", "#f0e3ce", "#cfb994", "#6d604c"),
    "sky": Palette("#f2faff", "#0d2b3e", "#0284c7", "#ffffff", "#d8effc", "#9ccfea", "#44667a"),
    "forest": Palette("#f5faf3", "#15291a", "#2f6b35", "#ffffff", "#dfeedd", "#a7c8a6", "#4c6650"),
    "desktop": Palette("#d9e4e4", "#0c1a1a", "#00507a", "#ffffff", "#eef4f4", "#9db4b4", "#455c5c"),
}

DOCUMENTS = {
    "plain": "",
    "quarto": "h1{text-align:center} .sub{text-align:center} h2{font-style:italic} p{text-align:justify} body{padding:3em}",
    "ledger": ".row{border-bottom:1px solid var(--line)} h2{border-bottom:2px solid var(--ink)} dt{color:var(--muted)}",
    "broadsheet": ".body{columns:2;column-gap:1.6em} section{break-inside:avoid} "
    "h1{font-size:2.3em;border-bottom:4px double var(--ink)}",
    "bulletin": "header{background:var(--accent);color:var(--on);padding:1em;margin:-2em -2em 1em} header *{color:var(--on)}",
    "memo": "main{border-top:10px solid var(--accent);padding-top:1em} dt{width:7em;text-align:right} h2{color:var(--accent)}",
    "brochure": "section,.fields{background:var(--panel);border-radius:10px;padding:.6em 1em} h2{margin-top:.2em;color:var(--accent)}",
    "letterhead": "header{text-align:right;border-bottom:3px solid var(--accent)} h1{color:var(--accent);font-size:1.5em}",
    "margin": "main{border-left:6px solid var(--accent);padding-left:1.4em} h2{margin-left:-.6em}",
    "boxed": "main{border:2px solid var(--ink);padding:1.4em} h2{background:var(--ink);color:var(--page);padding:.15em .5em}",
    "grid": ".fields{display:grid;grid-template-columns:1fr 1fr;gap:.5em}"
    " .row{display:block;border:1px solid var(--line);padding:.3em .6em}"
    " dt{font-size:.8em;color:var(--muted);width:auto}",
    "pastel": "body{background:var(--panel)} main{background:var(--page);padding:1.6em;border-radius:14px} h1,h2{color:var(--accent)}",
    "dotted": ".row{border-bottom:1px dotted var(--muted)} dd{margin-left:auto;text-align:right} "
    "h1{border-bottom:1px dotted var(--ink)}",
    "airy": "body{padding:4em} h1{font-weight:300;font-size:2.2em} h2{font-weight:400;letter-spacing:.04em} p{line-height:1.9}",
    "dense": "body{padding:1.2em;line-height:1.25} p,ul,section{margin:.35em 0} h1{font-size:1.35em} "
    "h2{font-size:1.05em;margin:.5em 0 .2em}",
    "sidebar": "section{position:relative;padding:.6em 0 .6em 10em;border-top:1px solid var(--line);min-height:4.5em} "
    "section>h2{position:absolute;left:0;top:.6em;width:9em;margin:0;font-size:1em} section>:nth-child(2){margin-top:0}",
    "sheet": "main{background:var(--panel);padding:1.5em;box-shadow:0 2px 9px #0004} "
    ".row{background:var(--page);margin:2px 0;padding:.25em .5em}",
    "ruled": "p,li{border-bottom:1px solid var(--line)} h1{text-align:center;border:1px solid var(--ink);padding:.3em}",
    "cherry": "h1{background:var(--panel);padding:.4em;border-left:.3em solid var(--accent)} "
    "h2{text-align:right;border-bottom:1px solid var(--accent)}",
    "rounded": "section,.fields{border:2px solid var(--line);border-radius:16px;padding:.5em 1em;margin:.8em 0} h2{margin:.2em 0}",
    "ribbon": "h2{background:var(--accent);color:var(--on);padding:.2em .8em;display:table;border-radius:0 1em 1em 0} "
    "header{text-align:center}",
    "modern": "h1{font-size:2.4em;line-height:1.1;color:var(--accent)} "
    "section{border-left:3px solid var(--line);padding-left:1em} dt{font-weight:700}",
}

TABLES = {
    "plain": "td,th{border:1px solid var(--line)}",
    "zebra": "tbody tr:nth-child(even) td{background:var(--panel)} thead th{background:var(--accent);color:var(--on)}",
    "lines": "tr{border-bottom:1px solid var(--line)} thead th{border-bottom:2px solid var(--ink)}",
    "grid": "td,th{border:2px solid var(--ink)} th{background:var(--panel)}",
    "inked": "thead th{background:var(--ink);color:var(--page)} td{border-bottom:1px solid var(--line)} "
    "table{border:1px solid var(--ink)}",
    "columns": "td+td,th+th{border-left:1px solid var(--line)} thead{border-bottom:3px double var(--ink)} "
    "tbody tr:last-child{border-bottom:1px solid var(--ink)}",
    "card": "table{background:var(--panel);box-shadow:0 1px 8px #0004} td{border-top:1px solid var(--line)} th{color:var(--muted)}",
    "airy": "td,th{padding:.8em 1.2em} thead th{color:var(--accent);border-bottom:2px solid var(--accent)}",
    "dense": "td,th{padding:.12em .5em;border:1px solid var(--line)} table{font-size:.95em} th{background:var(--panel)}",
    "ledger": "td{border-bottom:1px dashed var(--muted)} tbody th{background:var(--panel)} "
    "thead th{border-bottom:2px solid var(--ink)}",
    "banner": "caption{background:var(--accent);color:var(--on)} td,th{border:1px solid var(--line)} thead th{background:var(--panel)}",
    "spread": "td,th{border:1px solid #9a9a9a;padding:.15em .4em} thead th,tbody th{background:var(--panel);font-weight:400}",
    "striped": "td,th{border:0} thead th{text-decoration:underline} tbody tr:nth-child(odd) td{background:var(--panel)}",
    "tiles": "table{border-collapse:separate;border-spacing:4px} td,th{background:var(--panel);border-radius:6px} "
    "thead th{background:var(--accent);color:var(--on)}",
    "almanac": "table{border-top:3px solid var(--ink);border-bottom:3px solid var(--ink)} "
    "tbody tr:nth-child(3n) td{border-bottom:1px solid var(--line)} caption{font-style:italic}",
    "frame": "table{border:4px solid var(--accent)} td,th{border:1px solid var(--accent)} "
    "tbody tr:nth-child(odd) td{background:var(--panel)}",
    "academic": "table{border-top:2px solid var(--ink);border-bottom:2px solid var(--ink)} "
    "thead{border-bottom:1px solid var(--ink)} caption{text-align:left}",
    "bold": "thead th{background:var(--ink);color:var(--page);font-size:1.1em} tbody th{color:var(--accent)} "
    "td{border-bottom:3px solid var(--panel)}",
}

SCREENS = {
    "plain": "",
    "flat": ".btn{border:0;background:var(--panel)} .bar{background:var(--accent);color:var(--on)} "
    ".card{border:0;background:var(--panel)}",
    "material": ".btn{border:0;border-radius:4px;box-shadow:0 1px 4px #0006}"
    " .card{border:0;box-shadow:0 1px 6px #0005} .bar{background:var(--accent);"
    "color:var(--on)} .input{border-width:0 0 2px;border-radius:0;background:var(--panel)}",
    "classic": ".btn{border:2px outset #bbb;background:#d6d6d6;color:#111;border-radius:0}"
    " .card,.input{border:2px inset #bbb;border-radius:0}"
    " .bar{background:#d6d6d6;color:#111} .titlebar{background:var(--accent);color:var(--on)}"
    " .btn.primary{font-weight:700;background:#d6d6d6;color:#111}",
    "soft": ".btn,.input,.card{border-radius:14px;border-color:transparent;background:var(--panel)} .item{border-radius:10px}",
    "pill": ".btn,.input{border-radius:99px;padding-left:1.1em;padding-right:1.1em} .tab{border-radius:99px}",
    "outline": ".btn,.card,.input{border:2px solid var(--ink);background:transparent} "
    ".btn.primary{background:transparent;color:var(--accent);border-color:var(--accent)}",
    "compact": "body{line-height:1.2} .btn,.input,.item{padding:.15em .5em} .card{padding:.4em} "
    ".bar{padding:.2em .4em;background:var(--panel)}",
    "airy": ".btn,.input{padding:.7em 1.1em} .item{padding:.8em 1em} .card{padding:1.3em;border-radius:12px} .bar{padding:1em}",
    "gradient": ".bar,.btn{background:linear-gradient(var(--page),var(--line));color:var(--ink)} "
    ".btn.primary{background:var(--accent);color:var(--on)} .card{background:var(--panel)}",
    "square": "*{border-radius:0!important} .btn{border-width:1px;font-weight:700} .bar{border-bottom:3px solid var(--accent)}",
    "tinted": "body{background:var(--panel)} .card,.btn,.input{background:var(--page)} .bar{background:var(--page)} "
    ".btn.primary{background:var(--accent)}",
    "kiosk": ".btn{font-size:1.1em;padding:.6em 1em;border-width:2px} "
    ".bar{background:var(--ink);color:var(--page)} .card{border-width:2px}",
    "chunky": ".btn,.card{border:2px solid var(--ink);box-shadow:3px 3px 0 var(--ink)} .bar{border-bottom:2px solid var(--ink)}",
    "glass": ".bar{background:#ffffff30;border-bottom:1px solid var(--line)} "
    "body{background:linear-gradient(135deg,var(--page),var(--panel))} .card,.btn{background:#ffffff22}",
    "aurora": ".btn{border-color:var(--accent);color:var(--accent)} .btn.primary{color:var(--on)} "
    ".card{border-left:4px solid var(--accent)} .bar{background:var(--panel)}",
    "boxed": ".item,.btn,.card,.input{border:1px solid var(--muted);border-radius:2px} .bar{background:var(--line);color:var(--ink)}",
    "terminal": ".btn,.input,.card{border:1px dashed var(--muted);background:transparent;border-radius:0} "
    ".bar{border:1px dashed var(--muted)}"
    " .btn.primary{background:transparent;color:var(--accent)}",
}
STYLES: dict[Kind, dict[str, str]] = {"documents": DOCUMENTS, "tables": TABLES, "screens": SCREENS}
LIGHT_SHARE = 0.85
DARK = frozenset({"night", "pine", "grape"})


def theme(kind: Kind, source: random.Random, split: Split) -> Theme:
    """A style of this split with colours of this split."""
    style = source.choice(names_of(kind, split))
    palettes = names_of("palette", split)
    kept = [name for name in palettes if name not in DARK or source.random() > LIGHT_SHARE]
    palette = source.choice(kept or palettes)
    return Theme(f"{style}/{palette}", _variables(PALETTES[palette]) + STYLES[kind][style])


@lru_cache
def names_of(kind: str, split: Split) -> tuple[str, ...]:
    """Names of the styles (or, for "palette", of the colours) that belong to a split."""
    names = PALETTES if kind == "palette" else STYLES[kind]  # type: ignore[index]
    return tuple(name for name in names if part_of(f"{kind}/{name}") == split)


def _variables(colours: Palette) -> str:
    return (
        f":root{{--page:{colours.page};--ink:{colours.ink};--accent:{colours.accent};--on:{colours.on_accent};"
        f"--panel:{colours.panel};--line:{colours.line};--muted:{colours.muted}}}\n"
    )
