"""The file that a benchmark's own scorer or server takes, beside the result of a whole run.

Task.submission(rows) -> list, object             -> submission.json
                         {"columns", "rows"}      -> submission.tsv, a table with a header
                         {"<name>.txt": lines}    -> submission/<name>.txt
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from internvl.eval.errors import EvalError
from internvl.eval.results import write_atomically, write_json_atomically

NAME = "submission"


def write_submission(content: Any, folder: Path) -> str | None:
    """Write what a task submits, each file whole or not at all -> its name below the folder; None where there is nothing.

    Raises EvalError for what is not JSON, and for a table whose rows are not as long as its header.
    """
    if content is None:
        return None
    if _is_table(content):
        write_atomically(folder / f"{NAME}.tsv", [_table(content["columns"], content["rows"])])
        return f"{NAME}.tsv"
    if _is_files(content):
        for name, lines in content.items():
            # An answer with a line break would otherwise make two records of one.
            text = "".join(" ".join(line.splitlines()) + "\n" for line in lines)
            write_atomically(folder / NAME / name, [_bytes(text)])
        return f"{NAME}/"
    write_json_atomically(folder / f"{NAME}.json", content)
    return f"{NAME}.json"


def _is_table(content: Any) -> bool:
    return isinstance(content, Mapping) and set(content) == {"columns", "rows"}


def _is_files(content: Any) -> bool:
    """Whether these are lines by file name; names that lead elsewhere are none."""
    if not isinstance(content, Mapping) or not content:
        return False
    return all(
        isinstance(name, str) and name.endswith(".txt") and Path(name).name == name and isinstance(lines, list)
        for name, lines in content.items()
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """Cells between tabs, quoted where they hold tabs, quotes or line breaks; None is an empty cell."""
    stream = io.StringIO(newline="")
    # With this end of line the writer quotes either character of it.
    writer = csv.writer(stream, delimiter="\t", lineterminator="\r\n")
    writer.writerow(columns)
    for number, row in enumerate(rows, start=1):
        if len(row) != len(columns):
            raise EvalError(f"the table to submit has {len(columns)} columns, but row {number} has {len(row)} cells")
        writer.writerow(row)
    return _bytes(stream.getvalue())


def _bytes(text: str) -> bytes:
    """UTF-8; lone surrogates, which a damaged answer may hold, become escapes."""
    return text.encode(errors="backslashreplace")
