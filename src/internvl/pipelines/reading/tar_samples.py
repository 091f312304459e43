"""Samples of a webdataset shard: members that share a name up to the first dot. A slice is a stretch of whole samples.

    0007.jpg 0007.txt | 0008.0.png 0008.1.png 0008.json   ->   {"__key__": "0007", "image": [bytes], "caption": text}

shard --one pass over the headers--> byte places of every n-th sample --> members, at most max_file_bytes each --> fields
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from internvl.data.sources.tar_members import DAMAGE, members, missing_end, split_name
from internvl.pipelines.item import Drop
from internvl.pipelines.reading.json_lines import oversized, parsed
from internvl.pipelines.reading.slices import RawRow, ReadOptions, Slice

TEXTS = ("json", "txt")


@dataclass
class _Sample:
    """The members of a sample that are of use. too_large: the first that is over a limit."""

    key: str
    members: list[tuple[str, tarfile.TarInfo]] = field(default_factory=list)
    too_large: Drop | None = None


class TarSamples:
    """Rows are samples. A damage in the shard is one more row, behind the samples that are left."""

    def cut(self, path: Path, rows: int, options: ReadOptions) -> Iterator[Slice]:
        """One pass over the headers; contents are skipped."""
        first, start, samples, last_key, end, fault = 1, 0, 0, None, 0, None
        try:
            with tarfile.open(path, "r:") as shard:
                for member in members(shard):
                    key = split_name(member.name)[0]
                    if key != last_key and samples == rows:
                        yield Slice(first=first, rows=samples, start=start, end=member.offset)
                        first, start, samples = first + samples, member.offset, 0
                    samples, last_key, end = samples + (key != last_key), key, member.offset + 1
                fault = missing_end(shard)
        except DAMAGE as error:
            fault = str(error)
        if samples:
            yield Slice(first=first, rows=samples, start=start, end=end)
        if fault is not None:
            yield _fault(first + samples - 1, fault)

    def read(self, path: Path, part: Slice, options: ReadOptions) -> Iterator[RawRow]:
        """One row for each sample."""
        with path.open("rb") as file:
            file.seek(part.start)
            samples = _samples(file, part, options)
            for row in range(part.first, part.first + part.rows):
                sample = next(samples, None)
                yield RawRow(row, Drop("cut-off file: the sample is no longer there") if sample is None else _raw(file, sample))

    def close(self) -> None:
        """Nothing is kept open."""


def oversized_file(name: str, size: int, options: ReadOptions) -> Drop:
    """The reason for a picture's file of `size` bytes."""
    return Drop(f"oversized file: {name} has {size:,} bytes, the limit is {options.max_file_bytes:,}")


def _fault(samples: int, fault: str) -> Slice:
    told = f"cut-off file: the shard is cut off or damaged behind its {samples} samples: {fault}"
    plain = f"unreadable file: no plain tar file ({fault}); compressed shards must be unpacked first"
    return Slice(first=samples + 1, rows=1, fault=told if samples else plain)


def _samples(file: BinaryIO, part: Slice, options: ReadOptions) -> Iterator[_Sample]:
    """Samples of the slice that begins at the file's position."""
    sample: _Sample | None = None
    try:
        # Closing it would do nothing: the file is the caller's.
        for member in members(tarfile.open(fileobj=file, mode="r:")):  # noqa: SIM115
            if member.offset >= part.end:
                break
            key, suffix = split_name(member.name)
            if sample is None or sample.key != key:
                if sample is not None:
                    yield sample
                sample = _Sample(key)
            _take(sample, suffix, member, options)
    except DAMAGE:
        # The damage has a row of its own; the members before it are as good as they were.
        pass
    if sample is not None:
        yield sample


def _take(sample: _Sample, suffix: str, member: tarfile.TarInfo, options: ReadOptions) -> None:
    """Note a member that is of use."""
    picture = suffix in options.suffixes
    if suffix in TEXTS and member.size > options.max_record_bytes:
        sample.too_large = sample.too_large or oversized(member.size, options)
    if picture and member.size > options.max_file_bytes:
        sample.too_large = sample.too_large or oversized_file(member.name, member.size, options)
    if suffix in TEXTS or (picture and options.images):
        sample.members.append((suffix, member))


def _raw(file: BinaryIO, sample: _Sample) -> dict[str, object] | Drop:
    """The fields of a sample's .json with its .txt as caption and its pictures as bytes."""
    if sample.too_large is not None:
        return sample.too_large
    raw: dict[str, object] = {"__key__": sample.key}
    pictures: list[bytes] = []
    for suffix, member in sample.members:
        file.seek(member.offset_data)
        content = file.read(member.size)
        if len(content) != member.size:
            return Drop(f"cut-off file: {member.name} ends {member.size - len(content):,} bytes too early")
        if suffix not in TEXTS:
            pictures.append(content)
            continue
        fields = parsed(content) if suffix == "json" else _caption(member.name, content)
        if isinstance(fields, Drop):
            return fields
        raw |= fields
    # Pictures in the shard take the place of the paths they had elsewhere.
    return {name: raw[name] for name in raw if name not in ("image", "images")} | {"image": pictures} if pictures else raw


def _caption(name: str, content: bytes) -> dict[str, object] | Drop:
    try:
        return {"caption": content.decode("utf-8-sig").strip()}
    except UnicodeDecodeError as error:
        return Drop(f"unreadable caption: {name} is not UTF-8 text at byte {error.start}")
