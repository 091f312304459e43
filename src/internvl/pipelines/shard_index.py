"""What each shard of a folder was made of, so that it is known which of them are still right.

index.jsonl: {"file": "00000.tar", "form": "webdataset", "rows": 9999, "bytes": 812345678, "made_of": sha256 of the run and the chosen,
              "left_out": [{"dataset", "file", "row", "reason"}]}
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from internvl.pipelines.errors import PipelineError
from internvl.pipelines.shard_samples import LeftOut, Line
from internvl.pipelines.whole_file import whole_file

INDEX_FILE = "index.jsonl"
IMAGES = "images"


class ShardIndex:
    """The index of a folder of shards, written anew after each shard."""

    def __init__(self, folder: Path, form: str, state: dict[str, Any], settings: Sequence[object], *, restart: bool) -> None:
        self.folder, self._form = folder, form
        self._base = json.dumps([form, *settings, {name: state[name] for name in state if name != "files"}], sort_keys=True)
        self._old = _read(folder / INDEX_FILE)
        other = next((line["form"] for line in self._old if line["form"] != form), None)
        if other is not None and not restart:
            raise PipelineError(f"{folder} holds shards of the form {other}; give another folder for {form}, or restart")
        self._lines: list[dict[str, Any]] = [] if restart else list(self._old)

    def made_of(self, lines: Sequence[Line]) -> str:
        """A hash of the run, the form and the chosen rows."""
        told = [[line.columns["file"], line.columns["row"], line.columns["sub"]] for line in lines]
        return hashlib.sha256(json.dumps([self._base, told]).encode()).hexdigest()

    def has(self, shard: int, name: str, made_of: str) -> bool:
        """Whether this shard is there and made of the same."""
        if shard >= len(self._lines) or self._lines[shard]["made_of"] != made_of:
            return False
        path = self.folder / name
        return path.is_file() and path.stat().st_size == self._lines[shard]["bytes"]

    def add(self, shard: int, name: str, rows: int, made_of: str, left_out: Sequence[LeftOut]) -> None:
        """Note a shard that was just written. Those behind it stay noted: they may still be right."""
        size = (self.folder / name).stat().st_size
        missing = [{**each.origin.__dict__, "reason": each.reason} for each in left_out]
        line = {"file": name, "form": self._form, "rows": rows, "bytes": size, "made_of": made_of, "left_out": missing}
        self._lines[shard : shard + 1] = [line]
        self._write()

    @property
    def rows(self) -> int:
        """Samples in all shards."""
        return sum(line["rows"] for line in self._lines)

    @property
    def bytes(self) -> int:
        """Of all shards, without pictures beside them."""
        return sum(line["bytes"] for line in self._lines)

    @property
    def left_out(self) -> int:
        """Chosen samples that are in no shard."""
        return sum(len(line["left_out"]) for line in self._lines)

    def end(self, shards: int) -> None:
        """There are no more shards than these: delete those that the index names beyond them."""
        del self._lines[shards:]
        self._write()
        kept = {line["file"] for line in self._lines}
        for line in self._old:
            if line["file"] not in kept and Path(line["file"]).name == line["file"]:
                (self.folder / line["file"]).unlink(missing_ok=True)
                shutil.rmtree(self.folder / IMAGES / Path(line["file"]).stem, ignore_errors=True)

    def _write(self) -> None:
        with whole_file(self.folder / INDEX_FILE) as file:
            file.writelines(json.dumps(line).encode() + b"\n" for line in self._lines)


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise PipelineError(f"{path} is damaged ({error}); delete it to write the shards anew") from error
    if not all(isinstance(line, dict) and {"file", "form", "rows", "bytes", "made_of", "left_out"} <= set(line) for line in lines):
        raise PipelineError(f"{path} is no index of shards; give another folder")
    return lines
