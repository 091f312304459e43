"""Samples of a unit between two stages on different workers, as Arrow IPC bytes.

chunks of Sample[n] + times so far  <-->  one record batch a chunk: dataset, file, row, text, image, fields (JSON), dropped
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from internvl.data.record import Origin
from internvl.pipelines.item import Drop, Item
from internvl.pipelines.steps import Clock, Sample
from internvl.pipelines.units import json_text


def to_bytes(chunks: Iterable[list[Sample]], clock: Clock) -> bytes:
    """Chunks with the times of the stages before. The times are taken when the last chunk is done."""
    import pyarrow as pa

    sink, schema = pa.BufferOutputStream(), _schema()
    with pa.ipc.new_stream(sink, schema) as writer:
        for chunk in chunks:
            writer.write_batch(pa.RecordBatch.from_pylist([_row(sample) for sample in chunk], schema=schema))
        last = {"seconds": clock.seconds, "items": clock.items}
        writer.write_batch(pa.RecordBatch.from_pylist([], schema=schema), custom_metadata={"times": json.dumps(last)})
    return bytes(sink.getvalue())


def from_bytes(content: bytes) -> tuple[list[list[Sample]], Clock]:
    """What `to_bytes` was given."""
    import pyarrow as pa

    chunks: list[list[Sample]] = []
    clock = Clock()
    for batch, about in pa.ipc.open_stream(content).iter_batches_with_custom_metadata():
        if about is not None:
            times = json.loads(about["times"])
            clock = Clock(times["seconds"], times["items"])
        else:
            chunks.append([_sample(row) for row in batch.to_pylist()])
    return chunks, clock


def _schema() -> Any:
    import pyarrow as pa

    texts = [(name, pa.string()) for name in ("dataset", "file", "text", "fields", "dropped")]
    return pa.schema([*texts, ("row", pa.int64()), ("image", pa.large_binary())])


def _row(sample: Sample) -> dict[str, Any]:
    item = sample.item
    return {
        "dataset": item.origin.dataset,
        "file": item.origin.file,
        "row": item.origin.row,
        "text": item.text,
        "image": item.image,
        "fields": json_text(dict(item.fields), item.origin),
        "dropped": None if sample.drop is None else sample.drop.reason,
    }


def _sample(row: dict[str, Any]) -> Sample:
    origin = Origin(row["dataset"], row["file"], row["row"])
    item = Item(origin=origin, image=row["image"], text=row["text"], fields=json.loads(row["fields"]))
    return Sample(item, None if row["dropped"] is None else Drop(row["dropped"]))
