"""Changing keys of a JSON file that is carried from one layout to the other, so that the way back undoes it to the letter.

    {"padding_side": "right"}  --amend-->  {"padding_side": "left", ..., "converted_from": {...}}  --restore-->  as before

Under `converted_from` stand the keys that were set and what stood there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from internvl.checkpoint.fields import read_json
from internvl.checkpoint.shard_writer import write_text

BEFORE = "converted_from"


def amend_json(path: Path, changes: dict[str, Any], *, drop: tuple[str, ...] = ()) -> None:
    """Set keys of the file and drop others; an absent file is made."""
    existed = path.exists()
    values = read_json(path) if existed else {}
    dropped = {key: values[key] for key in drop if key in values}
    record = {
        "existed": existed,
        "order": list(values),
        "set": sorted(changes),
        "before": {key: values[key] for key in changes if key in values} | dropped,
    }
    kept = {key: value for key, value in values.items() if key not in dropped}
    _write(path, kept | changes | {BEFORE: record})


def restore_json(path: Path) -> None:
    """Undo `amend_json`; a file it made is removed, one it never touched is left alone."""
    values = read_json(path)
    record = values.get(BEFORE)
    if not isinstance(record, dict) or not isinstance(record.get("before"), dict):
        return
    if record.get("existed") is False:
        path.unlink()
        return
    made = {BEFORE, *record.get("set", [])}
    kept = {key: value for key, value in values.items() if key not in made} | record["before"]
    order = [key for key in record.get("order", []) if key in kept]
    _write(path, {key: kept[key] for key in order} | kept)


def _write(path: Path, values: dict[str, Any]) -> None:
    write_text(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")
