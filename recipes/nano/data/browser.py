"""Pages drawn by Chromium: HTML -> a picture, and the exact box and text of every marked element.

    html [data-id=...] -> Browser.render -> Page(image, boxes in px of the image, texts as shown)

One headless browser stays open: a second to start, some 60 ms a page. It needs the program (Debian: `chromium`) and the package
`playwright`, which drives it over the DevTools protocol. Nothing is fetched: addresses other than `data:` and `file:` fail.
"""

from __future__ import annotations

import atexit
import base64
import io
import os
import shutil
import tempfile
import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any
from xml.sax.saxutils import escape

import PIL.Image
from recipes.nano.data.fonts import folders_for_browsers
from recipes.nano.data.sample import MissingMaterial

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Grey-scale smoothing without hinting, one colour profile: the same pixels on every machine with the same program and fonts.
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-lcd-text", "--font-render-hinting=none"),
    *("--force-color-profile=srgb", "--allow-file-access-from-files", "--disable-extensions", "--disable-background-networking"),
    *("--host-resolver-rules=MAP * ~NOTFOUND", "--disable-dev-shm-usage", "--mute-audio"),
    # One thread paints: with several, a pixel at an edge may come out otherwise now and then.
    *("--num-raster-threads=1", "--disable-partial-raster"),
)
MAX_SIDE = 4000
MEASURE = """async (selector) => {
  // Fonts are asked for by the first layout; without one "ready" may be said before they are.
  do { document.body.offsetHeight; await document.fonts.ready; } while (document.fonts.status === "loading");
  const boxes = {}, texts = {};
  for (const element of document.querySelectorAll(selector)) {
    const range = document.createRange(), name = element.dataset.id;
    range.selectNodeContents(element);
    const box = (element.dataset.tight === undefined ? element : range).getBoundingClientRect();
    boxes[name] = [box.left + scrollX, box.top + scrollY, box.right + scrollX, box.bottom + scrollY];
    texts[name] = (element.value !== undefined && element.tagName !== "BUTTON" && element.tagName !== "LI")
      ? element.value : element.innerText ?? "";
  }
  const root = document.documentElement, body = document.body;
  const cut = [...document.querySelectorAll("[data-whole]")].some(
    (e) => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1);
  return {boxes, texts, cut, width: root.scrollWidth,
          height: Math.ceil(Math.max(body.getBoundingClientRect().bottom + scrollY, body.scrollHeight))};
}"""


@dataclass(frozen=True)
class Page:
    """A drawn page. boxes: x1, y1, x2, y2 in px of the image, of the text alone where an element is marked `data-tight`; texts: what
    each shows; overflows: something is wider than the page or, marked `data-whole`, does not show all it holds."""

    image: PIL.Image.Image
    boxes: dict[str, tuple[float, float, float, float]]
    texts: dict[str, str] = field(default_factory=dict)
    overflows: bool = False

    def holds(self, *names: str) -> bool:
        """Whether these elements lie wholly in the picture."""
        width, height = self.image.size
        boxes = (self.boxes.get(name, (0.0, 0.0, 0.0, 0.0)) for name in names)
        return all(-1 <= x1 < x2 <= width + 1 and -1 <= y1 < y2 <= height + 1 for x1, y1, x2, y2 in boxes)

    def box_text(self, *names: str) -> str:
        """`[[x1, y1, x2, y2], ...]` in thousandths of width and height, as the released format has boxes."""
        return "[" + ", ".join(str(self._thousandths(name)) for name in names) + "]"

    def _thousandths(self, name: str) -> list[int]:
        x1, y1, x2, y2 = self.boxes[name]
        sides = (self.image.width, self.image.height) * 2
        return [min(1000, max(0, round(1000 * place / side))) for place, side in zip((x1, y1, x2, y2), sides, strict=True)]


class Browser:
    """A headless Chromium that is opened with the first page and kept. A context manager; not to be shared by threads or processes."""

    def __init__(self, program: str | None = None) -> None:
        self._program = program
        self._owner = 0
        self._session: Any = None
        self._closing: list[Any] = []

    def render(self, html: str, *, width: int, height: int | None = None, scale: float = 1.0, selector: str = "[data-id]") -> Page:
        """The page at `width` CSS pixels, as high as its content or cut at `height`, with `scale` device pixels for each.

        Raises MissingMaterial.
        """
        session = self._open()
        metrics = {"width": width, "height": height or 100, "deviceScaleFactor": scale, "mobile": False}
        session.send("Emulation.setDeviceMetricsOverride", metrics)
        session.send("Page.setDocumentContent", {"frameId": self._frame, "html": html})
        found = self._evaluate(f"({MEASURE})({selector!r})")
        shown = min(height or int(found["height"]), MAX_SIDE)
        clip = {"x": 0, "y": 0, "width": width, "height": shown, "scale": 1}
        shot = session.send(
            "Page.captureScreenshot", {"format": "png", "clip": clip, "captureBeyondViewport": True, "optimizeForSpeed": True}
        )
        image = PIL.Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
        boxes = {name: tuple(float(side) * scale for side in box) for name, box in found["boxes"].items()}
        return Page(image, boxes, found["texts"], found["cut"] or found["width"] > width)  # type: ignore[arg-type]

    def close(self) -> None:
        """Ends the browser; the next page opens another."""
        if self._owner == os.getpid():
            for close in reversed(self._closing):
                close()
        self._session, self._closing = None, []

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _evaluate(self, expression: str) -> Any:
        answer = self._session.send("Runtime.evaluate", {"expression": expression, "awaitPromise": True, "returnByValue": True})
        if "exceptionDetails" in answer:
            raise RuntimeError(f"the page could not be measured: {answer['exceptionDetails'].get('text')}")
        return answer["result"]["value"]

    def _open(self) -> Any:
        # A forked worker must not speak over its parent's connection.
        if self._session is None or self._owner != os.getpid():
            self._owner, self._closing = os.getpid(), []
            self._session = self._start()
        return self._session

    def _start(self) -> Any:
        try:
            from playwright.sync_api import sync_playwright
        except ModuleNotFoundError as error:
            raise MissingMaterial("pages are drawn with the package playwright: pip install playwright") from error
        program = self._program or find_program()
        driver = sync_playwright().start()
        self._closing.append(driver.stop)
        browser = driver.chromium.launch(executable_path=program, args=list(FLAGS), env={**os.environ, **_fonts_by_name()})
        self._closing.append(browser.close)
        page = browser.new_page()
        session = page.context.new_cdp_session(page)
        page.goto(_blank())  # a file: page, so that fonts may be named by file: addresses
        self._frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        return session


@lru_cache(maxsize=1)
def shared() -> Browser:
    """The browser of this process, for families that draw one page a sample."""
    browser = Browser()
    atexit.register(browser.close)
    return browser


def find_program() -> str:
    """The path of Chromium: $INTERNVL_CHROMIUM or an installed one. Raises MissingMaterial."""
    named = os.environ.get("INTERNVL_CHROMIUM")
    found = [named] if named else [path for path in map(shutil.which, PROGRAMS) if path]
    if not found or not Path(found[0]).exists():
        raise MissingMaterial("no Chromium: apt-get install chromium, or name one in INTERNVL_CHROMIUM")
    return found[0]


def _fonts_by_name() -> dict[str, str]:
    """The setting by which the browser finds large fonts by name, beside what is installed."""
    parts = [f"<dir>{escape(str(folder))}</dir>" for folder in folders_for_browsers()]
    system = os.environ.get("FONTCONFIG_FILE", "/etc/fonts/fonts.conf")
    text = f'<include ignore_missing="yes">{escape(system)}</include>{"".join(parts)}'
    path = Path(tempfile.gettempdir()) / f"nano-fonts-{os.getuid()}-{zlib.crc32(text.encode()):08x}.conf"
    if not path.is_file():
        aside = path.with_suffix(f".{os.getpid()}")
        head = '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">'
        aside.write_text(f"{head}<fontconfig>{text}</fontconfig>", encoding="utf-8")
        aside.replace(path)
    return {"FONTCONFIG_FILE": str(path)}


def _blank() -> str:
    path = Path(tempfile.gettempdir()) / f"nano-blank-{os.getuid()}.html"
    path.write_text("<!doctype html><title></title>", encoding="utf-8")
    return path.as_uri()
