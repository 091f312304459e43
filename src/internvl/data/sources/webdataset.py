"""Samples of a tar shard as webdataset writes them: members that share a name up to the first dot.

0007.jpg 0007.txt | 0008.0.png 0008.1.png 0008.json | ...   ->   one Record each, its pictures as bytes

shard --one pass over the headers--> members: offset, size, suffix; samples: first member --index--> Record
"""

from __future__ import annotations

import tarfile
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy

from internvl.data.manifest import DatasetSpec, ManifestError
from internvl.data.record import RecordError
from internvl.data.sources.file_reader import FileReader, parse_json
from internvl.data.sources.row_file import RowFile
from internvl.data.sources.tar_members import DAMAGE, members, missing_end, split_name

IMAGES = ("jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff")
VIDEOS = ("mp4", "webm", "mkv", "mov", "avi")
TEXTS = ("json", "txt")
_SUFFIXES = (*TEXTS, *IMAGES, *VIDEOS)


class TarSource(RowFile):
    """Samples of one shard; `origin` counts them from 1.

    A sample's .json is a record, or an object with a `caption`; a .txt is a caption, the answer to the picture alone. Pictures and
    clips in the shard take the place of paths in the .json. Other members are passed over.
    """

    def __init__(self, spec: DatasetSpec, path: Path) -> None:
        super().__init__(spec, path)
        self._reader = FileReader(path)
        offsets, sizes, suffixes, firsts = array("q"), array("q"), array("B"), array("q")
        self._fault = _scan(path, offsets, sizes, suffixes, firsts)
        self._offsets, self._sizes = numpy.asarray(offsets, numpy.int64), numpy.asarray(sizes, numpy.int64)
        self._suffixes = numpy.asarray(suffixes, numpy.uint8)
        self._firsts = numpy.asarray([*firsts, len(offsets)], numpy.int64)

    def __len__(self) -> int:
        # A shard that is cut off has one more row, which says so when it is asked for.
        return len(self._firsts) - 1 + (self._fault is not None)

    def close(self) -> None:
        self._reader.close()

    def _raw(self, index: int) -> Any:
        if index == len(self._firsts) - 1:
            raise RecordError(f"the shard is cut off or damaged behind its {index} samples: {self._fault}")
        raw = self._text(index)
        for name, suffixes in (("image", IMAGES), ("video", VIDEOS)):
            files = [content for _, content in self._members(index, suffixes)]
            if files:
                raw = {key: value for key, value in raw.items() if key not in (name, f"{name}s")} | {name: files}
        return raw

    def _text(self, index: int) -> dict[str, Any]:
        """The record's fields without the shard's own media."""
        texts = dict(self._members(index, TEXTS))
        if not texts:
            raise RecordError("the sample has neither a .json nor a .txt")
        raw = parse_json(texts["json"]) if "json" in texts else {}
        if not isinstance(raw, dict):
            raise RecordError(f"the sample's .json is an object, not {type(raw).__name__}")
        if any(raw.get(name) is not None for name in ("conversations", "messages", "chosen")):
            return raw
        caption = _decoded(texts["txt"]) if "txt" in texts else raw.get("caption")
        if not isinstance(caption, str):
            raise RecordError("the sample's .json has neither `conversations`, `messages` nor `caption`, and there is no .txt")
        kept = {key: value for key, value in raw.items() if key in ("id", "image", "images", "width", "height")}
        return {**kept, "conversations": [{"from": "human", "value": ""}, {"from": "gpt", "value": caption.strip()}]}

    def _members(self, index: int, suffixes: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
        """Suffix and content of the sample's members of these kinds, in the order of the shard."""
        for member in range(int(self._firsts[index]), int(self._firsts[index + 1])):
            suffix = _SUFFIXES[self._suffixes[member]]
            if suffix in suffixes:
                yield suffix, self._reader.read(int(self._offsets[member]), int(self._sizes[member]))


def _scan(path: Path, offsets: array[int], sizes: array[int], suffixes: array[int], firsts: array[int]) -> str | None:
    """Fill the four lists from the headers; what is wrong with the end of the shard, if anything."""
    last_key = None
    try:
        with tarfile.open(path, "r:") as shard:
            for member in members(shard):
                key, suffix = split_name(member.name)
                if key != last_key:
                    firsts.append(len(offsets))
                    last_key = key
                if suffix in _SUFFIXES:
                    offsets.append(member.offset_data)
                    sizes.append(member.size)
                    suffixes.append(_SUFFIXES.index(suffix))
            return missing_end(shard)
    except DAMAGE as error:
        if not firsts:
            raise ManifestError(f"{path} is no plain tar file ({error}); compressed shards must be unpacked first") from error
        return str(error)


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise RecordError(f"the sample's .txt is not UTF-8 text at byte {error.start}") from error
