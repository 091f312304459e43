"""What the duplicates step needs of every sample, as plain arrays on disk that any process can map: a column a file, a row a sample.

    out/units (in order) --columns, hexadecimal--> folder/phash.bin uint64[n], signature.bin uint8[n, 96], ...

Rows are numbered over the whole run. Pictures of evaluation sets stand behind those of the run, from `rows` on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy

from internvl.pipelines.clean.minhash import PERMUTATIONS
from internvl.pipelines.clean.perceptual_hash import SIGNATURE_BYTES

if TYPE_CHECKING:
    import pyarrow

Array: TypeAlias = numpy.ndarray[Any, numpy.dtype[Any]]

NOTHING, FLAT, WHOLE = 0, 1, 2
"""State of a picture: none; without structure, so that only equal pixels count; with a perceptual hash."""
LAYOUT: dict[str, tuple[str, tuple[int, ...]]] = {
    "content": ("<u8", (2,)),
    "phash": ("<u8", ()),
    "signature": ("u1", (SIGNATURE_BYTES,)),
    "shape": ("<f4", ()),
    "state": ("u1", ()),
    "caption": ("<u8", ()),
    "sketch": ("<u2", (PERMUTATIONS,)),
    "spoken": ("?", ()),
}
"""shape: natural logarithm of width over height. caption: hash of what it says. spoken: there is a caption that counts."""
COLUMNS = ("content_hash", "phash", "signature", "width", "height", "caption_key", "caption_minhash", "words", "dropped")
_ABOUT = "features.json"


@dataclass(frozen=True)
class Features:
    """The mapped arrays. rows: of the run; total: with those of evaluation sets."""

    arrays: Mapping[str, Array]
    rows: int
    total: int


def write_features(folder: Path, run: Iterable[pyarrow.Table], against: Iterable[pyarrow.Table] = ()) -> Features:
    """Write the features of a run's tables and, behind them, of evaluation sets. Memory: one table."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = []
    with ExitStack() as stack:
        files = {name: stack.enter_context((folder / f"{name}.bin").open("wb")) for name in LAYOUT}
        for tables in (run, against):
            counts.append(0)
            for table in tables:
                for name, values in features_of(table).items():
                    files[name].write(numpy.ascontiguousarray(values).tobytes())
                counts[-1] += table.num_rows
    about = {"rows": counts[0], "total": sum(counts)}
    unfinished = folder / f"{_ABOUT}.tmp"
    unfinished.write_text(json.dumps(about), "utf-8")
    os.replace(unfinished, folder / _ABOUT)
    return open_features(folder)


def open_features(folder: Path) -> Features:
    """Map what `write_features` wrote."""
    about = json.loads((folder / _ABOUT).read_text("utf-8"))
    total = about["total"]
    arrays = {name: _mapped(folder / f"{name}.bin", total, *layout) for name, layout in LAYOUT.items()}
    return Features(arrays, about["rows"], total)


def features_of(table: pyarrow.Table) -> dict[str, Array]:
    """The arrays of one table; columns that it lacks are taken as empty."""
    rows = table.num_rows
    alive = _absent(table, "dropped")
    content, has_content = _from_hex(table, "content_hash", 32, rows)
    phash, has_phash = _from_hex(table, "phash", 8, rows)
    signature, has_signature = _from_hex(table, "signature", SIGNATURE_BYTES, rows)
    key, has_key = _from_hex(table, "caption_key", 8, rows)
    sketch, has_sketch = _from_hex(table, "caption_minhash", 2 * PERMUTATIONS, rows)
    state = numpy.where(alive & has_content, numpy.where(has_phash & has_signature, WHOLE, FLAT), NOTHING)
    return {
        "content": content[:, :16].copy().view(">u8").astype("<u8"),
        "phash": phash.view(">u8")[:, 0].astype("<u8"),
        "signature": signature,
        "shape": numpy.log(_numbers(table, "width", rows) / _numbers(table, "height", rows)).astype("<f4"),
        "state": state.astype("u1"),
        "caption": key.view(">u8")[:, 0].astype("<u8"),
        "sketch": sketch.view(">u2").astype("<u2"),
        # Captions without a word, of which there are many, are no copies of each other.
        "spoken": alive & has_key & has_sketch & (_numbers(table, "words", rows, missing=0.0) > 0),
    }


def _mapped(path: Path, rows: int, kind: str, shape: tuple[int, ...]) -> Array:
    if rows == 0:  # an empty file can't be mapped
        return numpy.empty((0, *shape), kind)
    return numpy.memmap(path, dtype=kind, mode="r", shape=(rows, *shape))


def _absent(table: pyarrow.Table, name: str) -> Array:
    if name not in table.column_names:
        return numpy.ones(table.num_rows, bool)
    return numpy.asarray(table[name].is_null().to_numpy(), dtype=bool)


def _from_hex(table: pyarrow.Table, name: str, size: int, rows: int) -> tuple[Array, Array]:
    """uint8[rows, size] and where there is a value; zeros elsewhere."""
    values = table[name].to_pylist() if name in table.column_names else [None] * rows
    nothing = "00" * size
    there = numpy.array([value is not None for value in values], dtype=bool)
    joined = bytes.fromhex("".join(nothing if value is None else value for value in values))
    return numpy.frombuffer(joined, dtype=numpy.uint8).reshape(rows, size), there


def _numbers(table: pyarrow.Table, name: str, rows: int, *, missing: float = 1.0) -> Array:
    if name not in table.column_names:
        return numpy.full(rows, missing)
    return numpy.array([missing if value is None else float(value) for value in table[name].to_pylist()], dtype=numpy.float64)
