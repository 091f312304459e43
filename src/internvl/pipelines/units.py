"""The result of a unit as one Parquet file, the same bytes whoever writes it and however often.

    Sample[n] --> dataset, file, row, sub, text | columns of the operators | fields (JSON), image, dropped --> units/000123.parquet

Dropped samples stay in the table with their reason. Times stand beside, in units/000123.time.json: they differ from run to run.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from internvl.data.record import Origin
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.folder import RUN_FILE, read_state
from internvl.pipelines.item import Drop
from internvl.pipelines.operator import ColumnType, Operator
from internvl.pipelines.steps import Clock, Sample
from internvl.pipelines.whole_file import whole_file

UNITS = "units"
OWN_COLUMNS = ("dataset", "file", "row", "sub", "text", "fields", "image", "dropped")
FLOAT_DIGITS = 6
_PYTHON: dict[str, tuple[type, ...]] = {"float": (float, int), "int": (int,), "str": (str,), "bool": (bool,)}


def unit_path(folder: Path, number: int) -> Path:
    """Where the result of a unit is, or will be."""
    return folder / UNITS / f"{number:06}.parquet"


def time_path(folder: Path, number: int) -> Path:
    """Where its seconds are."""
    return folder / UNITS / f"{number:06}.time.json"


def is_done(folder: Path, number: int) -> bool:
    """Whether the unit's file is there and has its end; a power cut can leave a name without content."""
    try:
        with unit_path(folder, number).open("rb") as file:
            file.seek(-4, 2)
            return file.read() == b"PAR1"
    except OSError:
        return False


def added_columns(operators: Sequence[Operator]) -> dict[str, ColumnType]:
    """The columns of all operators with their types. Raises PipelineError for a name that is taken and for an unknown type."""
    columns: dict[str, ColumnType] = {}
    for operator in operators:
        for name, kind in operator.columns().items():
            if name in OWN_COLUMNS or name in columns:
                raise PipelineError(f"the operator {operator.name!r} adds the column {name!r}, which is taken")
            if kind not in ("json", *_PYTHON):
                raise PipelineError(
                    f"the operator {operator.name!r} gives its column {name!r} the type {kind!r}, none of json, {', '.join(_PYTHON)}"
                )
            columns[name] = kind
    return columns


class UnitTable:
    """The rows of a unit while they come in."""

    def __init__(self, columns: Mapping[str, ColumnType], *, keep_images: bool) -> None:
        self._added = dict(columns)
        self._schema = _schema(columns, keep_images=keep_images)
        self._rows: dict[str, list[Any]] = {name: [] for name in self._schema.names}
        self._subs: Counter[Origin] = Counter()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._rows["row"])

    def add(self, samples: Iterable[Sample]) -> None:
        """Append samples. Raises PipelineError for a value that its column or JSON can't hold."""
        for sample in samples:
            row = self._row(sample)
            self.dropped += row["dropped"] is not None
            for name, values in self._rows.items():
                values.append(row[name])

    def write(self, folder: Path, number: int, clock: Clock) -> None:
        """Write the unit; it is done once this returns."""
        import pyarrow
        import pyarrow.parquet

        table = pyarrow.table(self._rows, schema=self._schema).replace_schema_metadata({"internvl.unit": str(number)})
        times = {"unit": number, "rows": len(self), "dropped": self.dropped, "seconds": clock.seconds, "items": clock.items}
        with whole_file(time_path(folder, number)) as file:
            file.write(json.dumps(times).encode())
        # Pictures are compressed already, and no two are alike.
        dictionary = [name for name in self._schema.names if name not in ("image", "text", "fields")]
        with whole_file(unit_path(folder, number)) as file:
            pyarrow.parquet.write_table(table, file, compression="zstd", use_dictionary=dictionary)

    def _row(self, sample: Sample) -> dict[str, Any]:
        item, drop = sample.item, sample.drop
        values: dict[str, Any] = {}
        for name, kind, given in (
            ("text", "str", item.text),
            *((name, kind, item.fields.get(name)) for name, kind in self._added.items()),
        ):
            value = _value(given, name, kind, item.origin)
            if isinstance(value, Drop):
                value, drop = None, drop or value
            values[name] = value
        sub = self._subs[item.origin]
        self._subs[item.origin] += 1
        return {
            "dataset": item.origin.dataset,
            "file": item.origin.file,
            "row": item.origin.row,
            "sub": sub,
            **values,
            "fields": json_text({name: value for name, value in item.fields.items() if name not in self._added}, item.origin),
            "image": item.image,
            "dropped": None if drop is None else drop.reason.encode("utf-8", "backslashreplace").decode(),
        }


def read_units(folder: str | Path, columns: Sequence[str] | None = None) -> Iterator[Any]:
    """The tables of a finished run, in the order of its input: `pyarrow.Table` with the columns of this file's head.

    Raises PipelineError for a folder without a run, and at the first unit that is missing: the run is not finished.
    """
    import pyarrow
    import pyarrow.parquet

    place = Path(folder)
    state = read_state(place)
    if state is None:
        raise PipelineError(f"{place} holds no run: there is no {RUN_FILE} in it")
    for number in range(state["units"]):
        try:
            # Not read_table: it takes `units` for the folder of a partitioned data set.
            with pyarrow.parquet.ParquetFile(unit_path(place, number)) as file:
                yield file.read(columns=None if columns is None else list(columns))
        except FileNotFoundError as error:
            raise PipelineError(f"unit {number} of {state['units']} is missing: the run in {place} is not finished") from error
        except (pyarrow.ArrowException, OSError) as error:
            raise PipelineError(f"{unit_path(place, number)} can't be read: {' '.join(str(error).split())}") from error


def json_text(value: Any, origin: Origin) -> str:
    """JSON as it stands in the column `fields`. Raises PipelineError for what is no JSON value."""
    try:
        return valid_json(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise PipelineError(f"{origin}: its fields are no JSON: {error}") from error


def valid_json(value: Any) -> str:
    """JSON as people read it, with escapes only where a text has half of a surrogate pair, which no file can hold."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return text


def _value(value: Any, name: str, kind: str, origin: Origin) -> Any:
    """A value as its column holds it. A number that is none, and a text that is none, is a reason to drop the sample."""
    if value is None or kind == "json":
        return None if value is None else json_text(value, origin)
    fits = isinstance(value, _PYTHON[kind]) and (kind == "bool" or not isinstance(value, bool))
    if not fits or (kind == "int" and not -(2**63) <= value < 2**63):
        raise PipelineError(f"{origin}: the column {name!r} is declared as {kind} and got {value!r:.80}")
    if kind == "float":
        return round(float(value), FLOAT_DIGITS) if math.isfinite(value) else Drop(f"bad value: {name} is {value}")
    if kind == "str" and any("\ud800" <= letter <= "\udfff" for letter in value):
        return Drop(f"bad value: {name} holds half of a surrogate pair, which is no text")
    return value


def _schema(columns: Mapping[str, ColumnType], *, keep_images: bool) -> Any:
    import pyarrow as pa

    types = {"float": pa.float64(), "int": pa.int64(), "str": pa.string(), "bool": pa.bool_(), "json": pa.string()}
    head = [("dataset", pa.string()), ("file", pa.string()), ("row", pa.int64()), ("sub", pa.int32()), ("text", pa.string())]
    tail = [("fields", pa.string()), *([("image", pa.binary())] if keep_images else []), ("dropped", pa.string())]
    return pa.schema([*head, *((name, types[kind]) for name, kind in columns.items()), *tail])
