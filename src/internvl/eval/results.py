"""What an evaluation leaves behind: a folder with the numbers, how they were made, and one line a sample.

<out>/<task>_<split>_<variant>/result.json     Result: scores, the whole recipe, cost
                               samples.jsonl   Scored, one a line, in the order of the benchmark's file
                               submission.*    what the benchmark's own scorer or server takes
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from internvl.eval.errors import EvalError
from internvl.eval.sample import Scored

RESULT_FILE = "result.json"
SAMPLES_FILE = "samples.jsonl"
FORMAT = 1
UNLABELLED = "unlabelled"


@dataclass(frozen=True, kw_only=True)
class Result:
    """The numbers of one benchmark and how they came about.

    headline: scores[metric] x scale, the number that tables print; None while samples are missing, where no right answer is
    published, and where another judge than the protocol's (or none) was used: `unofficial` then holds the scores.
    samples: lines scored, of `total` in the file; failed: those among them that could not be asked or judged and count as wrong.
    limit: only the first so many were run. usage: tokens and seconds summed over samples. wall_s: of the run that finished; an
    interrupted run's seconds are in `usage` only. published: the row of the published table. submission: name of the file or
    folder to submit. notes: sentences for the reader. commit, versions and settings are in `recipe`.
    """

    task: str
    title: str
    split: str
    variant: str
    metric: str
    scale: float = 100.0
    headline: float | None
    scores: Mapping[str, Any] = field(default_factory=dict)
    unofficial: Mapping[str, Any] = field(default_factory=dict)
    samples: int
    failed: int = 0
    total: int
    limit: int | None = None
    complete: bool = True
    recipe: Mapping[str, Any]
    usage: Mapping[str, float] = field(default_factory=dict)
    wall_s: float = 0.0
    finished: str = ""
    published: str | None = None
    submission: str | None = None
    notes: tuple[str, ...] = ()
    folder: Path | None = None

    @property
    def unlabelled(self) -> int:
        """How many samples have no published answer."""
        return int(self.scores.get(UNLABELLED, self.unofficial.get(UNLABELLED, 0)))

    @property
    def model(self) -> str:
        """Who answered, as tables call it."""
        return str(self.recipe.get("generator", {}).get("name", ""))


def result_folder(out: Path, task: str, split: str, variant: str, *, tiles: int | None = None) -> Path:
    """Where the result of a run stands; a run of a tile ablation has a folder of its own."""
    return out / f"{task}_{split}_{variant}{'' if tiles is None else f'_tiles{tiles}'}"


def save_result(result: Result, folder: Path) -> None:
    """Write result.json, whole or not at all."""
    values = {name.name: getattr(result, name.name) for name in fields(result) if name.name != "folder"}
    write_json_atomically(folder / RESULT_FILE, {"format": FORMAT, **values})


def load_result(path: Path) -> Result:
    """The result in a folder, or in its result.json. Raises EvalError where there is none, or of another format."""
    file = path / RESULT_FILE if path.is_dir() else path
    values = read_json_object(file)
    if values.pop("format", None) != FORMAT:
        raise EvalError(f"{file} is no result of format {FORMAT}; it holds {', '.join(list(values)[:5]) or 'nothing'}")
    known = {name.name for name in fields(Result)} - {"folder"}
    needed = {"task", "title", "split", "variant", "metric", "headline", "samples", "total", "recipe"}
    if missing := sorted(needed - set(values)):
        raise EvalError(f"{file} lacks {', '.join(missing)}")
    if strange := sorted(set(values) - known):
        raise EvalError(f"{file} has unknown fields {', '.join(strange)}; a newer version of this package may have written it")
    notes = tuple(values.pop("notes", ()))
    return Result(**values, notes=notes, folder=file.parent)


def load_samples(path: Path) -> list[Scored]:
    """The lines of a folder's samples.jsonl, or of that file. Raises EvalError with the line's number."""
    file = path / SAMPLES_FILE if path.is_dir() else path
    try:
        with file.open("rb") as stream:
            return [parse_row(line, f"{file}:{number}") for number, line in enumerate(stream, start=1) if line.strip()]
    except OSError as error:
        raise EvalError(f"{file}: {error.strerror}; a finished run leaves it beside result.json") from error


def dump_row(row: Scored) -> bytes:
    """A sample's line, its end included. Raises EvalError for what is not JSON."""
    values = {name.name: getattr(row, name.name) for name in fields(row)}
    return dump_json(values, f"sample {row.id}") + b"\n"


def parse_row(line: bytes, where: str) -> Scored:
    """A sample from its line. Raises EvalError that begins with `where`."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise EvalError(f"{where}: not a JSON object, {error}") from error
    match values:
        case {"id": str(), "row": int(), "answers": list(answers), "score": {"score": int() | float()}}:
            names = {"id", "row", "reference", "extra", "score", "usage"}
            return Scored(answers=tuple(answers), **{"reference": None, "extra": {}} | {n: values[n] for n in names & set(values)})
    raise EvalError(f'{where}: not a scored sample; expected {{"id", "row", "answers", "reference", "extra", "score": {{"score"}}}}')


def dump_json(value: Any, what: str, *, indent: int | None = None) -> bytes:
    """JSON in UTF-8; lone surrogates, which a damaged answer may hold, become escapes. Raises EvalError for NaN and objects."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, default=_plain)
    except (TypeError, ValueError) as error:
        raise EvalError(f"{what} can't be stored as JSON: {error}") from error
    return text.encode(errors="backslashreplace")


def read_json_object(file: Path) -> dict[str, Any]:
    """A JSON file that holds an object. Raises EvalError with the file's name."""
    try:
        values = json.loads(file.read_bytes())
    except OSError as error:
        raise EvalError(f"{file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise EvalError(f"{file} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise EvalError(f"{file} holds a {type(values).__name__}, an object was expected")
    return values


def write_json_atomically(file: Path, value: Any) -> None:
    """Write JSON so that a kill leaves the old file or the new one."""
    write_atomically(file, [dump_json(value, str(file), indent=1) + b"\n"])


def write_atomically(file: Path, parts: Sequence[bytes]) -> None:
    """Write bytes beside the file, flush them to the disk, and put them in its place."""
    file.parent.mkdir(parents=True, exist_ok=True)
    # The process id keeps ranks apart that write the same file.
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    with draft.open("wb") as stream:
        stream.writelines(parts)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)


def _plain(value: object) -> Any:
    """Paths as strings, mapping views and tuples as JSON has them."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")
