"""Whether two runs gave the same: a digest of every file of a run, without what tells the time it took.

run folder -> {file: sha256}; tables by their rows, JSON without seconds, everything else byte by byte
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TIMES = ("seconds", "started", "finished", "rate", "speed", "workers", "before")
_SKIPPED = (".time.json", ".lock", ".log", ".part")


def digests(run: Path) -> dict[str, str]:
    """Every file of the folder, by its path in it."""
    files = (file for file in sorted(run.rglob("*")) if file.is_file() and not file.name.endswith(_SKIPPED))
    return {str(file.relative_to(run)): _digest(file, run) for file in files}


def left_behind(run: Path) -> list[str]:
    """Drafts that a kill left and no later start removed; they are no part of a result."""
    return sorted(str(file.relative_to(run)) for file in run.rglob("*.part"))


def differences(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Files that are not in both, or not alike."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def whole(parts: Mapping[str, str]) -> str:
    """One digest of all."""
    return hashlib.sha256(json.dumps(sorted(parts.items())).encode()).hexdigest()


def _digest(file: Path, run: Path) -> str:
    if file.suffix == ".parquet":
        return _table_digest(file)
    content = file.read_bytes()
    if file.suffix == ".json":
        content = json.dumps(_timeless(json.loads(content)), sort_keys=True).encode()
    # The folder's own name may stand in what a run writes.
    return hashlib.sha256(content.replace(str(run).encode(), b"RUN")).hexdigest()


def _table_digest(file: Path) -> str:
    """Of names, types and values; the metadata has the seconds."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    table = parquet.read_table(file).replace_schema_metadata(None).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(each) for key, each in value.items() if not any(word in key for word in TIMES)}
    return [_timeless(each) for each in value] if isinstance(value, list) else value
