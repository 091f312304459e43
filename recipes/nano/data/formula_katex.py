"""Formulas set by KaTeX in Chromium.

Formula -> page with KaTeX -> picture -> draw(formula, look) -> one grey picture, ink 255, cut to the formula
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import PIL.Image
from PIL import ImageOps
from recipes.nano.data import browser, materials
from recipes.nano.data.formula_grammar import Formula
from recipes.nano.data.sample import MissingMaterial

PAGE_WIDTH = 2000


def draw(formula: Formula, *, size_px: int, display: bool) -> PIL.Image.Image:
    """The ink of a formula. display: limits above and below their signs. Raises MissingMaterial without Chromium or KaTeX."""
    options = json.dumps({"displayMode": display, "throwOnError": True, "output": "html"})
    # Reading a size starts the layout and with it the loading of fonts, which the browser then waits for.
    call = f"katex.render({json.dumps(formula.source)}, document.getElementById('formula'), {options}); document.body.offsetWidth"
    place = f"<span id=formula data-id=formula style='font-size:{size_px}px;display:inline-block'></span>"
    body = f"<body style='margin:{size_px}px;background:#fff'>{place}<script>{call}</script></body>"
    page = browser.shared().render(f"<!doctype html><html><head>{_head()}</head>{body}</html>", width=PAGE_WIDTH)
    ink = ImageOps.invert(page.image.convert("L"))
    box = ink.getbbox()
    if box is None:
        raise RuntimeError(f"KaTeX drew nothing for {formula.source!r}")
    return ink.crop(box)


@lru_cache(maxsize=1)
def _head() -> str:
    """KaTeX inside the page: a page that fetched it would be measured before it is there."""
    folder = _folder()
    style = (folder / "katex.min.css").read_text(encoding="utf-8").replace("url(fonts/", f"url({(folder / 'fonts').as_uri()}/")
    script = (folder / "katex.min.js").read_text(encoding="utf-8").replace("</script", "<\\/script")
    return f"<meta charset=utf-8><style>{style}</style><script>{script}</script>"


def _folder() -> Path:
    root = materials.require("katex")
    found = sorted(root.rglob("dist/katex.min.js"))
    if not found:
        raise MissingMaterial(f"no dist/katex.min.js below {root}: fetch it again with python -m recipes.nano.data.materials katex")
    return found[0].parent
