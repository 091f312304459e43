"""A trial on disk: data sets in three formats, the evaluation set, and the truth, which lies apart.

    rows -> OUT/data/clipart_en/*.tar, emoji_en/*.parquet, emoji_zh/*.parquet, emoji_many/*.tar, stamps/ (pictures with .txt)
         -> OUT/evaluation/*.jpg, OUT/truth/truth.jsonl: one line a row, with what was planted in it

Which data set a row belongs to follows from its picture and its caption's language; nothing in the data tells what was planted.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.data_engine.rows import Row, Trial

ROWS_A_FILE = 1000
FORMATS = {"clipart_en": "tar", "emoji_en": "parquet", "emoji_zh": "parquet", "emoji_many": "tar", "stamps": "folder"}
_IN_FOLDER = ("stamps", "photograph", "flag")
TRUTH = "truth/truth.jsonl"


def write(trial: Trial, out: Path) -> dict[str, int]:
    """Write everything; rows of each data set. Raises FileExistsError where something else lies."""
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty: name another folder or delete it")
    keys = {row.key: f"{index:06d}" for index, row in enumerate(trial.rows)}
    lines: list[dict[str, Any]] = []
    for dataset, form in FORMATS.items():
        rows = [row for row in trial.rows if dataset_of(row) == dataset]
        folder = out / "data" / dataset
        folder.mkdir(parents=True)
        lines += _WRITERS[form](rows, folder, keys)
    (out / "evaluation").mkdir()
    for name, content in trial.evaluation.items():
        (out / "evaluation" / name).write_bytes(content)
    (out / TRUTH).parent.mkdir()
    (out / TRUTH).write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return {dataset: sum(line["dataset"] == dataset for line in lines) for dataset in FORMATS}


def inputs(out: Path) -> list[str]:
    """The data sets of a trial as `internvl data clean` takes them."""
    names = {"tar": "/{}-*.tar", "parquet": "/{}-*.parquet", "folder": ""}
    there = [(dataset, form) for dataset, form in FORMATS.items() if any((out / "data" / dataset).iterdir())]
    return [f"{out / 'data' / dataset}{names[form].format(dataset)}" for dataset, form in there]


def dataset_of(row: Row) -> str:
    """A folder of pictures tells no language, so rows that lie about it stand elsewhere."""
    if row.source in _IN_FOLDER and row.fault != "mislabelled_language":
        return "stamps"
    if row.source == "openclipart":
        return "clipart_en"
    return {"en": "emoji_en", "zh": "emoji_zh"}.get(row.caption_language, "emoji_many")


def _tars(rows: Sequence[Row], folder: Path, keys: dict[str, str]) -> Iterator[dict[str, Any]]:
    for number, part in enumerate(_parts(rows)):
        file = folder / f"{folder.name}-{number:05d}.tar"
        with tarfile.open(file, "w") as archive:
            for index, row in enumerate(part, start=1):
                key = keys[row.key]
                described = json.dumps({"id": key, "caption": row.caption, "language": row.language}, ensure_ascii=False)
                for name, content in (
                    (key + row.ending, row.content),
                    (f"{key}.json", described.encode()),
                ):
                    member = tarfile.TarInfo(name)
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
                yield _line(row, keys, file, index)


def _tables(rows: Sequence[Row], folder: Path, keys: dict[str, str]) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    picture = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    schema = pa.schema({"id": pa.string(), "image": picture, "caption": pa.string(), "language": pa.string()})
    for number, part in enumerate(_parts(rows)):
        file = folder / f"{folder.name}-{number:05d}.parquet"
        columns = {
            "id": [keys[row.key] for row in part],
            "image": [{"bytes": row.content, "path": keys[row.key] + row.ending} for row in part],
            "caption": [row.caption for row in part],
            "language": [row.language for row in part],
        }
        parquet.write_table(pa.table(columns, schema=schema), file, row_group_size=250)
        yield from (_line(row, keys, file, index) for index, row in enumerate(part, start=1))


def _folder(rows: Sequence[Row], folder: Path, keys: dict[str, str]) -> Iterator[dict[str, Any]]:
    for index, row in enumerate(sorted(rows, key=lambda row: keys[row.key]), start=1):
        name = keys[row.key] + row.ending
        (folder / name).write_bytes(row.content)
        (folder / f"{keys[row.key]}.txt").write_text(row.caption, encoding="utf-8")
        yield _line(row, keys, folder / name, index)


_WRITERS = {"tar": _tars, "parquet": _tables, "folder": _folder}


def _parts(rows: Sequence[Row]) -> Iterable[Sequence[Row]]:
    return (rows[start : start + ROWS_A_FILE] for start in range(0, len(rows), ROWS_A_FILE))


def _line(row: Row, keys: dict[str, str], file: Path, index: int) -> dict[str, Any]:
    told = {name: value for name, value in asdict(row).items() if name not in ("content", "ending", "key", "partner")}
    partner = None if row.partner is None else keys[row.partner]
    return {"key": keys[row.key], "dataset": file.parent.name, "file": file.name, "row": index, "partner": partner, **told}
