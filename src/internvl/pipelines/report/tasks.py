"""Which task each data set of a manifest serves, and how large a share of the run each task was meant to have.

{"docvqa": {"annotation": ..., "task": "ocr"}}, or the name in a table of `data mix` -> {"docvqa": "ocr"}        table -> {"ocr": 0.089}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from internvl.data.manifest import DatasetSpec, Manifest
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.mix.have import Owned, placed
from internvl.pipelines.mix.table import MixTable

UNNAMED = "(no task)"


def tasks_of(manifest: Manifest, table: MixTable | None = None) -> dict[str, str]:
    """The task of each data set: the manifest's key `task`, else its place in the table, else UNNAMED.

    Raises PipelineError for a task that is no text, and for a name that the table lists under several tasks.
    """
    notes = _notes(manifest)
    return {spec.name: _task(spec, notes.get(spec.name, {}).get("task"), table, manifest) for spec in manifest.datasets}


def asked_shares(table: MixTable | None) -> dict[str, float]:
    """The share each task of the table was meant to have, 0..1; empty without a table, or for one without ratios."""
    tasks = () if table is None else table.tasks
    return {task.name: task.ratio / 100 for task in tasks if task.ratio is not None}


def _notes(manifest: Manifest) -> dict[str, Mapping[str, Any]]:
    """The entries of a meta file with the keys that training passes over; nothing for a data file alone."""
    if manifest.path.suffix != ".json" or manifest.datasets[0].annotation == manifest.path:
        return {}
    meta = json.loads(manifest.path.read_text("utf-8-sig"))
    return {name: entry for name, entry in meta.items() if isinstance(entry, Mapping)}


def _task(spec: DatasetSpec, named: object, table: MixTable | None, manifest: Manifest) -> str:
    if named is not None:
        if not isinstance(named, str) or not named.strip():
            raise PipelineError(f"{manifest.path}: data set {spec.name!r}: task must be a text, not {named!r}")
        return named
    found = None if table is None else placed(Owned(spec, 0), table, {}).task
    return UNNAMED if found is None else found.name
