"""Pictures that must not be trained on, such as those of evaluation sets, as a list of hashes: made once, used by every run.

folder or file of pictures --PictureFacts--> hashes.parquet: name, content_hash, phash, signature, width, height
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from internvl.pipelines.clean.picture import PictureFacts
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.operator import Operator
from internvl.pipelines.run import RunConfig, RunReport, run
from internvl.pipelines.units import read_units
from internvl.pipelines.whole_file import whole_file

if TYPE_CHECKING:
    import pyarrow

RunBy: TypeAlias = Callable[[RunConfig, Sequence[Operator]], RunReport]
"""`run`, or something around it, such as a bar."""

LIST_FILE = "hashes.parquet"
HASHES = ("content_hash", "phash", "signature", "width", "height")
_ROWS_AT_ONCE = 100_000


@dataclass(frozen=True)
class HashList:
    """A stored list. rows: how many pictures."""

    path: Path
    rows: int

    def tables(self) -> Iterator[pyarrow.Table]:
        """The hashes, in order, some at a time."""
        import pyarrow
        import pyarrow.parquet

        with pyarrow.parquet.ParquetFile(self.path) as file:
            for batch in file.iter_batches(_ROWS_AT_ONCE, columns=["name", *HASHES]):
                yield pyarrow.Table.from_batches([batch])


def hash_pictures(config: RunConfig, *, run_by: RunBy = run) -> tuple[HashList, RunReport]:
    """Hash the pictures of the inputs into `out`/hashes.parquet. Those that can't be read are in the run's tables with reasons."""
    import pyarrow
    import pyarrow.parquet

    report = run_by(config, [PictureFacts()])
    texts = dict.fromkeys(("name", "content_hash", "phash", "signature"), pyarrow.string())
    schema = pyarrow.schema({**texts, "width": pyarrow.int64(), "height": pyarrow.int64()})
    path, rows = config.out / LIST_FILE, 0
    with whole_file(path) as stream, pyarrow.parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        for table in read_units(config.out, ["file", "row", *HASHES, "dropped"]):
            chosen = table.filter(table["dropped"].is_null())
            names = [f"{file}:{row}" for file, row in zip(chosen["file"].to_pylist(), chosen["row"].to_pylist(), strict=True)]
            listed = chosen.select(list(HASHES)).add_column(0, "name", pyarrow.array(names, pyarrow.string()))
            writer.write_table(listed.cast(schema))
            rows += len(names)
    return HashList(path, rows), report


def open_list(path: Path) -> HashList:
    """A list by its file, or by the folder that `hash_pictures` wrote. Raises PipelineError for anything else."""
    import pyarrow
    import pyarrow.parquet

    file = path / LIST_FILE if path.is_dir() else path
    try:
        metadata, names = pyarrow.parquet.read_metadata(file), pyarrow.parquet.read_schema(file).names
    except FileNotFoundError as error:
        raise PipelineError(f"there is no list of hashes {file}; internvl data hashes makes one") from error
    except (pyarrow.ArrowException, OSError) as error:
        raise PipelineError(f"{file} is no list of hashes: {' '.join(str(error).split())}") from error
    if not {"name", *HASHES} <= set(names):
        raise PipelineError(f"{file} has the columns {', '.join(names)}, a list of hashes has name, {', '.join(HASHES)}")
    return HashList(file, metadata.num_rows)


def is_list(path: Path) -> bool:
    """Whether a path names a stored list rather than pictures: a folder with one, or a Parquet file with its columns."""
    if path.is_dir():
        return (path / LIST_FILE).is_file()
    if path.suffix != ".parquet" or not path.is_file():
        return False
    import pyarrow
    import pyarrow.parquet

    try:
        return {"name", *HASHES} <= set(pyarrow.parquet.read_schema(path).names)
    except (pyarrow.ArrowException, OSError):
        return False


def names_of(lists: Sequence[HashList], places: Sequence[int]) -> dict[int, str]:
    """The names of pictures by their place in all lists together, counted through."""
    wanted, found, start = sorted(set(places)), dict[int, str](), 0
    for each in lists:
        for table in each.tables():
            inside = [place for place in wanted if start <= place < start + table.num_rows]
            found |= {place: table["name"][place - start].as_py() for place in inside}
            start += table.num_rows
    return found
