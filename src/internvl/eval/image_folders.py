"""Pictures in a folder a class, as ImageNet and its variants are published, or in one folder with a list of labels.

FOLDER/n01440764/*.JPEG | FOLDER/417/*.jpeg | list file, "name.JPEG 65" a line --> Picture [id, row, path, label], in name order
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from internvl.eval.embedding_task import Picture
from internvl.eval.errors import BenchmarkFileError
from internvl.eval.readers import Row, text_lines

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})


def class_folders(folder: Path) -> list[str]:
    """The names of the folders in a folder, sorted. Raises BenchmarkFileError when there are none."""
    try:
        names = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise BenchmarkFileError(f"can't read the folder {folder}: {error.strerror}") from error
    if not names:
        raise BenchmarkFileError(f"{folder} has no folders: one for each class is expected, with its pictures")
    return names


def pictures_by_class(folder: Path, labels: Mapping[str, int]) -> list[Picture]:
    """The pictures of the class folders in `labels`, class by class, rows counted from 1.

    Raises BenchmarkFileError for a class without a folder or a folder without pictures.
    """
    found: list[Picture] = []
    for name, label in sorted(labels.items()):
        paths = sorted(_pictures_in(folder / name))
        if not paths:
            raise BenchmarkFileError(f"{folder / name} holds no pictures; its class would never be asked for")
        for path in paths:
            found.append(Picture(id=f"{name}/{path.name}", row=len(found) + 1, path=path, label=label))
    return found


def pictures_by_list(listing: Path, folder: Path, classes: int) -> list[Picture]:
    """The pictures of a list file, one "name label" a line with labels 0...classes-1, below `folder`.

    Raises BenchmarkFileError with the line number for another form, a repeated name, a label out of range, an absent picture.
    """
    found: list[Picture] = []
    seen: set[str] = set()
    for number, line in text_lines(listing):
        row = Row(listing, number, {})
        name, _, label = line.rpartition(" ")
        if not name or not (label.isascii() and label.isdigit() and len(label) < 9) or int(label) >= classes:
            raise row.error(f"a picture's name and a class of 0...{classes - 1} are expected, not {line[:80]!r}")
        if name in seen:
            raise row.error(f"{name!r:.80} is listed twice")
        seen.add(name)
        path = inside(folder, name, row)
        found.append(Picture(id=name, row=number, path=path, label=int(label)))
    return found


def inside(folder: Path, name: str, row: Row) -> Path:
    """The file of that name below a folder. Raises BenchmarkFileError for a name that leads out of it, or to nothing."""
    path = folder / name
    if "\0" in name or Path(name).is_absolute() or ".." in Path(name).parts:
        raise row.error(f"{name!r:.80} leads out of {folder}")
    if not path.is_file():
        raise row.error(f"{path} is absent")
    return path


def first_folder(root: Path, candidates: Sequence[str]) -> Path:
    """The first of these paths below the root that is a folder. Raises BenchmarkFileError that lists them all."""
    for name in candidates:
        if (root / name).is_dir():
            return root / name
    raise BenchmarkFileError(f"none of the benchmark's folders is below {root}: {', '.join(candidates)}. Unpack one of them there")


def _pictures_in(folder: Path) -> Iterator[Path]:
    try:
        return (path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise BenchmarkFileError(f"can't read the folder {folder}: {error.strerror}") from error
