"""The three forms that chosen samples are written in; training, and another run, read all of them.

parquet      image {bytes, path} | images [...], caption, conversations (JSON), id, the run's columns, fields (JSON), where it stood
webdataset   000000012.jpg  000000012.json  000000012.txt
jsonl        {"id", "image": "images/00000/000000012.jpg", "width", "height", "conversations", "scores"}: the released format
"""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from internvl.errors import MediaError
from internvl.media.image import image_size
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.reading.slices import IMAGE_FIELDS, TURN_FIELDS
from internvl.pipelines.shard_index import IMAGES
from internvl.pipelines.shard_samples import Picture, ShardSample
from internvl.pipelines.units import valid_json
from internvl.pipelines.whole_file import PART, whole_file

Form: TypeAlias = Literal["parquet", "webdataset", "jsonl"]
_GROUP_ROWS = 100
_MAGIC = (
    (b"\xff\xd8\xff", "jpg"),
    (b"\x89PNG", "png"),
    (b"GIF8", "gif"),
    (b"BM", "bmp"),
    (b"II*\0", "tif"),
    (b"MM\0*", "tif"),
    (b"%PDF", "pdf"),
)


class ShardForm(Protocol):
    """Writes shards into a folder."""

    def name(self, shard: int) -> str:
        """The shard's file."""
        ...

    def write(self, shard: int, first: int, samples: Iterator[ShardSample]) -> None:
        """Write a shard, whole or not at all. first: the number of its first sample among all."""
        ...


def form_of(form: Form, folder: Path, added: Mapping[str, str], *, copy_images: bool) -> ShardForm:
    """The writer of a form. Raises PipelineError for one that is not known."""
    if form == "parquet":
        return ParquetShards(folder, added)
    if form == "webdataset":
        return TarShards(folder)
    if form == "jsonl":
        return JsonlShards(folder, copy_images=copy_images)
    raise PipelineError(f"there is no form {form!r} of shards; known are parquet, webdataset, jsonl")


def suffix_of(content: bytes) -> str:
    """The suffix that fits the first bytes of a picture's file, or "bin"."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    return next((suffix for magic, suffix in _MAGIC if content.startswith(magic)), "bin")


def record_of(sample: ShardSample) -> dict[str, Any]:
    """The sample in the released format without its pictures; a caption is the answer to the picture alone."""
    record = {name: value for name, value in sample.fields.items() if name not in (*IMAGE_FIELDS, "__key__", "caption")}
    if any(record.get(name) is not None for name in TURN_FIELDS):
        return record
    if sample.images and sample.text:
        marks = "\n".join(["<image>"] * len(sample.images))
        return {**record, "conversations": [{"from": "human", "value": marks}, {"from": "gpt", "value": sample.text}]}
    return {**record, "caption": sample.text}


class ParquetShards:
    """Row groups of some hundred rows, so that training can read rows in random order."""

    def __init__(self, folder: Path, added: Mapping[str, str]) -> None:
        import pyarrow as pa

        self._folder = folder
        types = {"float": pa.float64(), "int": pa.int64(), "str": pa.string(), "bool": pa.bool_(), "json": pa.string()}
        picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        own = [("id", pa.string()), ("image", picture), ("images", pa.list_(picture)), ("caption", pa.string())]
        own += [(name, pa.string()) for name in ("conversations", "fields", "source_dataset", "source_file")]
        own += [("source_row", pa.int64()), ("source_sub", pa.int32())]
        taken = {name for name, _ in own} & set(added)
        if taken:
            raise PipelineError(
                f"the run has the column {min(taken)!r}, which Parquet shards have themselves; rename it in its operator"
            )
        self._kinds = dict(added)
        self._schema = pa.schema([*own, *((name, types[kind]) for name, kind in added.items())])

    def name(self, shard: int) -> str:
        """00012.parquet"""
        return f"{shard:05}.parquet"

    def write(self, shard: int, first: int, samples: Iterator[ShardSample]) -> None:
        """A group of rows is in memory at a time."""
        import pyarrow as pa
        import pyarrow.parquet

        rows = (self._row(number, sample) for number, sample in enumerate(samples, start=first))
        with (
            whole_file(self._folder / self.name(shard)) as file,
            pyarrow.parquet.ParquetWriter(
                file, self._schema, compression="zstd", use_dictionary=["source_dataset", "source_file"]
            ) as writer,
        ):
            while group := list(islice(rows, _GROUP_ROWS)):
                writer.write_table(pa.Table.from_pylist(group, schema=self._schema))

    def _row(self, number: int, sample: ShardSample) -> dict[str, Any]:
        record = record_of(sample)
        pictures = [{"bytes": each.content, "path": _picture_name(number, place, sample)} for place, each in enumerate(sample.images)]
        turns = next((record[name] for name in TURN_FIELDS[:2] if record.get(name) is not None), None)
        rest = {name: value for name, value in record.items() if name not in ("id", "conversations", "caption")}
        return {
            "id": str(record.get("id", f"{number:09}")),
            "image": pictures[0] if len(pictures) == 1 else None,
            "images": pictures if len(pictures) > 1 else None,
            "caption": sample.text,
            "conversations": None if turns is None else valid_json(turns),
            "fields": valid_json(rest),
            "source_dataset": sample.origin.dataset,
            "source_file": sample.origin.file,
            "source_row": sample.origin.row,
            "source_sub": sample.sub,
            **{
                name: valid_json(value) if self._kinds[name] == "json" and value is not None else value
                for name, value in sample.added.items()
            },
        }


class TarShards:
    """Members of a sample share its number; the .json is its record, with the run's columns as `scores`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def name(self, shard: int) -> str:
        """00012.tar"""
        return f"{shard:05}.tar"

    def write(self, shard: int, first: int, samples: Iterator[ShardSample]) -> None:
        """One sample is in memory at a time."""
        with (
            whole_file(self._folder / self.name(shard)) as file,
            tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for number, sample in enumerate(samples, start=first):
                for place, picture in enumerate(sample.images):
                    _add(tar, _picture_name(number, place, sample), picture.content)
                record = {**record_of(sample), "scores": sample.added} if sample.added else record_of(sample)
                _add(tar, f"{number:09}.json", valid_json(record).encode())
                if not any(sample.fields.get(name) is not None for name in TURN_FIELDS):
                    _add(tar, f"{number:09}.txt", sample.text.encode())


class JsonlShards:
    """Lines of the released format; pictures in images/00012/, or where they are when they are not copied."""

    def __init__(self, folder: Path, *, copy_images: bool) -> None:
        self._folder, self._copy = folder, copy_images

    def name(self, shard: int) -> str:
        """00012.jsonl"""
        return f"{shard:05}.jsonl"

    def write(self, shard: int, first: int, samples: Iterator[ShardSample]) -> None:
        """Pictures first: a line never names one that is not there."""
        inside = f"{IMAGES}/{shard:05}"
        draft = self._folder / IMAGES / f".{shard:05}{PART}"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        with whole_file(self._folder / self.name(shard)) as file:
            for number, sample in enumerate(samples, start=first):
                file.write(valid_json(self._record(number, sample, draft, inside)).encode() + b"\n")
            shutil.rmtree(self._folder / inside, ignore_errors=True)
            if any(draft.iterdir()):
                draft.replace(self._folder / inside)
            else:
                draft.rmdir()

    def _record(self, number: int, sample: ShardSample, draft: Path, inside: str) -> dict[str, Any]:
        names = [
            self._stored(picture, _picture_name(number, place, sample), draft, inside) for place, picture in enumerate(sample.images)
        ]
        sizes = [_size(picture) for picture in sample.images]
        record = {"id": f"{number:09}", **record_of(sample)}
        if len(names) == 1:
            record["image"] = names[0]
            record |= {"width": sizes[0][0], "height": sizes[0][1]} if sizes[0] else {}
        elif names:
            record["image"] = names
            if all(sizes):
                record |= {"width_list": [size[0] for size in sizes if size], "height_list": [size[1] for size in sizes if size]}
        return {**record, "scores": sample.added} if sample.added else record

    def _stored(self, picture: Picture, name: str, draft: Path, inside: str) -> str:
        if picture.path is not None and not self._copy:
            return str(picture.path)
        (draft / name).write_bytes(picture.content)
        return f"{inside}/{name}"


def _picture_name(number: int, place: int, sample: ShardSample) -> str:
    several = f".{place}" if len(sample.images) > 1 else ""
    return f"{number:09}{several}.{suffix_of(sample.images[place].content)}"


def _size(picture: Picture) -> tuple[int, int] | None:
    try:
        return image_size(picture.content)
    except MediaError:
        return None


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    # Time, owner and mode stay at their fixed defaults: the same samples are the same bytes.
    about = tarfile.TarInfo(name)
    about.size = len(content)
    tar.addfile(about, io.BytesIO(content))
