"""Fonts of this machine, split into families for training and families kept for the test.

Fonts are never shipped: the recipe draws with what is installed, and says so plainly when too little is. On Debian or Ubuntu:

    apt-get install fonts-dejavu fonts-liberation fonts-noto-cjk fonts-wqy-zenhei fonts-wqy-microhei fonts-arphic-uming \\
        fonts-lato fonts-roboto-unhinted fonts-open-sans fonts-crosextra-carlito fonts-hack fonts-freefont-ttf
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts", Path("/Library/Fonts"))

# Beginnings of file names. A face is listed once for each weight worth having; math, icon and mono-spaced italic ones are left out.
LATIN_TRAINING = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSansCondensed", "DejaVuSansMono-Bold"),
    *("LiberationSans-Regular", "LiberationSans-Bold", "LiberationSans-Italic", "LiberationSerif-Regular"),
    *("LiberationSerif-Bold", "LiberationMono-Bold", "LiberationSansNarrow-Bold", "Roboto-Regular", "Roboto-Bold"),
    *("Roboto-Medium", "RobotoCondensed-Bold", "Carlito-Regular", "Carlito-Bold", "Caladea-Regular", "Caladea-Bold"),
    *("Hack-Regular", "FreeSans", "FreeSansBold", "FreeSerif", "FreeSerifBold", "Comfortaa-Bold", "Cantarell-Bold"),
    *("EBGaramond12-Regular",),
)
LATIN_HELD_OUT = ("Lato-Regular", "Lato-Bold", "OpenSans-Regular", "OpenSans-Bold", "OpenSans-Semibold")
CHINESE_TRAINING = ("NotoSansCJK-Regular", "NotoSansCJK-Bold", "NotoSerifCJK-Bold", "wqy-zenhei", "uming")
CHINESE_HELD_OUT = ("wqy-microhei",)
SIMPLIFIED_FACE = {"NotoSansCJK-Regular": 2, "NotoSansCJK-Bold": 2, "NotoSerifCJK-Bold": 2}  # which face of a .ttc file


@dataclass(frozen=True)
class Face:
    """One face of a font file."""

    path: str
    index: int = 0

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return Path(self.path).stem


@dataclass(frozen=True)
class FontSet:
    """Faces that can draw Latin letters and digits, and faces that can draw Chinese."""

    latin: tuple[Face, ...]
    chinese: tuple[Face, ...]


@lru_cache(maxsize=2)
def font_set(*, held_out: bool) -> FontSet:
    """The installed faces for training, or those kept for the test. Raises SystemExit that says what to install."""
    installed = {path.stem: path for folder in FOLDERS for path in sorted(folder.rglob("*.[to]t[fc]"))}
    latin = _faces(LATIN_HELD_OUT if held_out else LATIN_TRAINING, installed)
    chinese = _faces(CHINESE_HELD_OUT if held_out else CHINESE_TRAINING, installed)
    if not latin or not chinese:
        kind = "Latin" if not latin else "Chinese"
        half = "test" if held_out else "training"
        raise SystemExit(f"no {kind} font of the {half} set is installed; see the apt-get line in recipes/nano/fonts.py")
    return FontSet(latin, chinese)


@lru_cache(maxsize=512)
def load_font(face: Face, size: int) -> ImageFont.FreeTypeFont:
    """A face at a size in pixels."""
    return ImageFont.truetype(face.path, size, index=face.index)


def _faces(names: tuple[str, ...], installed: dict[str, Path]) -> tuple[Face, ...]:
    return tuple(Face(str(installed[name]), SIMPLIFIED_FACE.get(name, 0)) for name in names if name in installed)
