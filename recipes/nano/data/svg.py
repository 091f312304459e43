"""SVG drawings to pictures, by resvg.

text, width -> picture RGBA, `width` px wide
"""

from __future__ import annotations

import io

from PIL import Image
from recipes.nano.data.sample import MissingMaterial

DPI = 90  # what points and millimetres were when most free drawings were made; without it resvg refuses such sizes


def draw_svg(text: str, width: int) -> Image.Image:
    """The picture of a drawing. Raises ValueError for what resvg refuses, MissingMaterial without resvg."""
    try:
        import resvg_py
    except ModuleNotFoundError as error:
        raise MissingMaterial("drawing SVG needs resvg-py: pip install resvg-py") from error
    try:
        drawn = bytes(resvg_py.svg_to_bytes(svg_string=text, width=width, dpi=DPI, skip_system_fonts=True))
    except BaseException as error:
        # Its own panics are not of the class Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise ValueError(str(error)) from error
    return Image.open(io.BytesIO(drawn)).convert("RGBA")
