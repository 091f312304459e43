"""The pictures below a folder, and whatever looks like one but can't be searched, with the reason.

folder --scandir, in order of names--> Listing: {path: Entry(path, size, time of change)}, [(path, reason)]

Hidden folders and the index itself are passed over; linked folders are not followed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from internvl.errors import ConfigError

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".avif"))
UNREAD_SUFFIXES = frozenset((".heic", ".heif", ".jxl", ".jp2", ".svg", ".psd", ".cr2", ".cr3", ".nef", ".arw", ".dng"))
"""Of pictures that many have and no reader here opens: they are told of, not passed over."""


@dataclass(frozen=True)
class Entry:
    """A picture as it was when it was looked at: path below the folder, size in bytes, time of change."""

    path: str
    size: int
    changed_ns: int


@dataclass(frozen=True)
class Listing:
    """files: by path, in order. unusable: (path, reason)."""

    files: dict[str, Entry] = field(default_factory=dict)
    unusable: list[tuple[str, str]] = field(default_factory=list)


def list_pictures(pictures: Path, index: Path) -> Listing:
    """What lies below `pictures`; `index` is left out. Raises ConfigError when it is no folder, or one that can't be read."""
    check_folder(pictures)
    listing = Listing()
    _list(pictures, "", str(index.resolve()), listing)
    if not listing.files and listing.unusable and listing.unusable[0][0] == "":
        raise ConfigError(f"{pictures} can't be read: {listing.unusable[0][1]}")
    return listing


def check_folder(pictures: Path) -> None:
    """Raises ConfigError for a place that is no folder."""
    if not pictures.is_dir():
        raise ConfigError(f"{pictures} is not a folder of pictures")


def _list(folder: Path, below: str, index: str, listing: Listing) -> None:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        listing.unusable.append((below.rstrip("/"), f"the folder can't be read: {error.strerror}"))
        return
    for entry in entries:
        _take(entry, below + entry.name, index, listing)


def _take(entry: os.DirEntry[str], path: str, index: str, listing: Listing) -> None:
    suffix = os.path.splitext(entry.name)[1].lower()
    try:
        if entry.is_dir():
            if entry.is_symlink():
                listing.unusable.append((path, "a linked folder, which is not followed; search it by itself"))
            elif not entry.name.startswith(".") and os.path.realpath(entry.path) != index:
                _list(Path(entry.path), f"{path}/", index, listing)
        elif suffix in UNREAD_SUFFIXES:
            listing.unusable.append((path, f"{suffix} pictures can't be read; save it as PNG or JPEG"))
        elif suffix in SUFFIXES and entry.is_file():
            found = entry.stat()
            listing.files[path] = Entry(path, found.st_size, found.st_mtime_ns)
        elif suffix in SUFFIXES:
            listing.unusable.append((path, "a link to nothing" if entry.is_symlink() else "no ordinary file"))
    except OSError as error:
        listing.unusable.append((path, f"it can't be looked at: {error.strerror}"))
