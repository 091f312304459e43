"""Whatever stands in a published file, a converter ends with records or with a sentence, never with an error of Python."""

from __future__ import annotations

import copy
import json
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from published_form import below, write
from published_samples import SAMPLES

from internvl.data.manifest import DatasetSpec
from internvl.data.sources import open_source
from internvl.errors import InternVLError
from internvl.pipelines.convert import CONVERTERS, Pictures, Settings, convert

JUNK = (
    None, 5, -1, 1e300, True, "x", "", [], {}, [None], [[]], {"a": 1}, "<image>", "<box>[[0, 0, 9, 9]]</box>", "9" * 30, [1, 2, 3, 4],
    "\ud800", float("inf"),
)  # fmt: skip
ROUNDS = 4


@pytest.mark.parametrize("name", SAMPLES)
def test_damaged_fields_are_refused_and_what_is_written_is_read(name: str, tmp_path: Path) -> None:
    published, chance = SAMPLES[name], random.Random(name)
    write(published, tmp_path)
    damaged = [each for each in published.files if not each.endswith(".parquet")]
    for number in range(ROUNDS if damaged else 0):
        file = chance.choice(damaged)
        (tmp_path / file).write_text(_damaged(published.files[file], file, chance), "utf-8", errors="replace")
        given = [below(tmp_path, text) for text in published.annotations]
        out = tmp_path / f"{number}.jsonl"
        with suppress(InternVLError):
            inputs = CONVERTERS[name].inputs(
                given, Pictures(tmp_path / "pictures" if published.pictures else None), Settings(**published.settings)
            )
            convert(CONVERTERS[name], inputs, out=out)
        if out.exists():
            source = open_source(DatasetSpec(name=name, annotation=out, root=tmp_path))
            assert all(source.record(index) for index in range(len(source)))
        write(published, tmp_path)


def _damaged(content: Any, file: str, chance: random.Random) -> str:
    if not isinstance(content, str):
        return json.dumps(_with_junk(copy.deepcopy(content), chance))
    if not file.endswith(".jsonl"):
        place = chance.randrange(len(content))
        return content[:place] + chance.choice(["", ",", "\n", "x", '"']) + content[place + chance.randrange(3) :]
    rows = content.splitlines()
    place = chance.randrange(len(rows))
    with suppress(ValueError):
        rows[place] = json.dumps(_with_junk(json.loads(rows[place]), chance))
    return "\n".join(rows)


def _with_junk(value: Any, chance: random.Random) -> Any:
    """The value with one part of it, chosen at random, exchanged for something else."""
    parts = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if not parts or chance.random() < 0.15:
        return chance.choice(JUNK)
    part = chance.choice(parts)
    value[part] = _with_junk(value[part], chance)
    return value
