"""Samples as members of webdataset shards, in the format of the released training files.

    Sample --encode--> {json: {conversations...}, 0.webp, 1.png} --ShardWriter--> NAME-000000.tar, one line of shards.jsonl each

A shard appears under its name only when it is whole, and the same samples make the same bytes.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import PIL.Image
from recipes.nano.data.sample import Sample

LEDGER = "shards.jsonl"
FRAME_MARK = "Frame-{}: <image>\n"
PICTURE_MARK = "Image-{}: <image>\n"
# Above so many bytes a pixel a picture is a photograph or full of grain, which would fill the disk if it were kept without loss.
LOSSLESS_LIMIT = 0.3
LOSSY_QUALITY = 90
# How grainy a picture is, is told from so many strips of it, together this part of its height.
STRIPS, STRIPS_SHARE = 4, 1 / 8
# PNG beats WebP on few flat colours only; to try it on more costs more than it saves.
PNG_COLOURS = 32


@dataclass(frozen=True)
class Encoded:
    """A sample as the files of a shard: suffix and content."""

    key: str
    family: str
    files: tuple[tuple[str, bytes], ...]


def encode(sample: Sample, key: str) -> Encoded:
    """The record as JSON, and its pictures in order."""
    pictures = [encode_picture(image) for image in sample.images]
    text = json.dumps(record_of(sample, key), ensure_ascii=False, separators=(",", ":")).encode()
    files = [("json", text)] + [(f"{number}.{suffix}", content) for number, (suffix, content) in enumerate(pictures)]
    return Encoded(key, sample.family, tuple(files))


def record_of(sample: Sample, key: str) -> dict[str, Any]:
    """The record of a sample, pictures marked before the first question; facts and task ride along, readers pass them over."""
    conversations = []
    for number, turn in enumerate(sample.turns):
        asked = (marks(sample) if number == 0 else "") + turn.question
        conversations += [{"from": "human", "value": asked}, {"from": "gpt", "value": turn.answer}]
    record: dict[str, Any] = {"id": key, "conversations": conversations}
    if sample.images:
        record |= {"width_list": [image.width for image in sample.images], "height_list": [image.height for image in sample.images]}
    return record | {
        "family": sample.family,
        "task": sample.task,
        "language": sample.language,
        "is_video": sample.is_video,
        "facts": sample.facts,
    }


def marks(sample: Sample) -> str:
    """What stands before the first question: one picture alone, pictures or stills of a clip with their numbers."""
    if not sample.images:
        return ""
    if len(sample.images) == 1 and not sample.is_video:
        return "<image>\n"
    mark = FRAME_MARK if sample.is_video else PICTURE_MARK
    return "".join(mark.format(number) for number in range(1, len(sample.images) + 1))


def encode_picture(image: PIL.Image.Image) -> tuple[str, bytes]:
    """Suffix and bytes: without loss, as WebP or as PNG of few colours, whichever is smaller; grainy ones as JPEG of high quality.

    The quickest settings of each: slower ones halve the files, and cost more than drawing what is on them.
    """
    image = image if image.mode == "RGB" else image.convert("RGB")
    if _grain(image) > LOSSLESS_LIMIT:
        return "jpg", _bytes(image, "JPEG", quality=LOSSY_QUALITY, subsampling=0)
    content = _bytes(image, "WEBP", lossless=True, quality=30, method=0)
    if image.getcolors(PNG_COLOURS) is not None:
        flat = _bytes(image.quantize(PNG_COLOURS, dither=PIL.Image.Dither.NONE), "PNG", compress_level=6)
        if len(flat) < len(content) and _same(flat, image):
            return "png", flat
    return "webp", content


def _grain(image: PIL.Image.Image) -> float:
    """Bytes a pixel that parts of the picture take without loss."""
    width, height = image.size
    thick = max(1, round(height * STRIPS_SHARE / STRIPS))
    strips = PIL.Image.new("RGB", (width, STRIPS * thick))
    for number in range(STRIPS):
        top = (2 * number + 1) * height // (2 * STRIPS) - thick // 2
        strips.paste(image.crop((0, top, width, top + thick)), (0, number * thick))
    return len(_bytes(strips, "WEBP", lossless=True, quality=0, method=0)) / (strips.width * strips.height)


def _same(content: bytes, image: PIL.Image.Image) -> bool:
    """Whether nothing was lost: quantising sometimes merges colours that are close."""
    with PIL.Image.open(io.BytesIO(content)) as read:
        return read.convert("RGB").tobytes() == image.tobytes()


def _bytes(image: PIL.Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


class ShardWriter:
    """Writes samples, in the order of their numbers, into shards of about so many bytes; begins where the ledger ends."""

    def __init__(self, folder: Path, prefix: str, shard_bytes: int) -> None:
        self._folder, self._prefix, self._limit = folder, prefix, shard_bytes
        folder.mkdir(parents=True, exist_ok=True)
        self.done = read_ledger(folder)
        self._buffer: list[Encoded] = []
        self._size = 0

    @property
    def next_index(self) -> int:
        """The number of the first sample that no whole shard holds."""
        return self.done[-1]["stop"] if self.done else 0

    def add(self, index: int, encoded: Encoded | None) -> None:
        """Sample number `index`; None for one that was left out. A full shard is written at once."""
        if encoded is not None:
            self._buffer.append(encoded)
            self._size += sum(_padded(len(content)) for _, content in encoded.files)
        if self._size >= self._limit:
            self.flush(index + 1)

    def flush(self, stop: int) -> None:
        """Write what is waiting as a shard that ends before sample `stop`."""
        if not self._buffer:
            return
        name = f"{self._prefix}-{len(self.done):06d}.tar"
        unfinished = self._folder / f"{name}.tmp"
        with unfinished.open("wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as shard:
                for encoded in self._buffer:
                    for suffix, content in encoded.files:
                        shard.addfile(_member(f"{encoded.key}.{suffix}", len(content)), io.BytesIO(content))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._folder / name)
        self._note(name, stop)
        self._buffer, self._size = [], 0

    def _note(self, name: str, stop: int) -> None:
        families: dict[str, int] = {}
        for encoded in self._buffer:
            families[encoded.family] = families.get(encoded.family, 0) + 1
        size = (self._folder / name).stat().st_size
        line = {"shard": name, "start": self.next_index, "stop": stop, "samples": len(self._buffer), "bytes": size}
        line["families"] = dict(sorted(families.items()))
        with (self._folder / LEDGER).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.done.append(line)


def read_ledger(folder: Path) -> list[dict[str, Any]]:
    """The whole shards of a folder. A last line that was cut off by a kill is taken out: its shard is written again."""
    path = folder / LEDGER
    if not path.is_file():
        return []
    lines = path.read_text("utf-8").splitlines(keepends=True)
    whole = [line for line in lines if line.endswith("\n")]
    if len(whole) < len(lines):
        path.write_text("".join(whole), encoding="utf-8")
    done = [json.loads(line) for line in whole]
    for line in done:
        if not (folder / line["shard"]).is_file():
            raise FileNotFoundError(f"{path} lists {line['shard']}, which is gone: put it back, or begin again in an empty folder")
    return done


def _member(name: str, size: int) -> tarfile.TarInfo:
    """A header without a time or an owner, so that equal samples give equal shards."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member


def _padded(size: int) -> int:
    """What a file takes in a tar: a header and blocks of 512 bytes."""
    return 512 + (size + 511) // 512 * 512
