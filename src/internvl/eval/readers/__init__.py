"""Readers of benchmark files. Whatever is wrong is a BenchmarkFileError that names the file and the row.

    TSV, CSV, JSONL, JSON, Parquet --read_*--> (row number from 1, {column: value})
    base64 text, paths --pictures--> Image

Nothing is skipped or repaired: a benchmark with a row less has another score.
"""

from __future__ import annotations

from internvl.eval.readers.cells import Row, python_list
from internvl.eval.readers.csv_rows import read_csv
from internvl.eval.readers.files import find_file
from internvl.eval.readers.jsonl import question_rows, read_json, read_json_list, read_jsonl
from internvl.eval.readers.parquet import read_parquet
from internvl.eval.readers.pictures import TsvPictures, picture_at, picture_from_base64, picture_from_bytes
from internvl.eval.readers.text import read_text, text_lines
from internvl.eval.readers.tsv import read_tsv

__all__ = [
    "Row",
    "TsvPictures",
    "find_file",
    "picture_at",
    "picture_from_base64",
    "picture_from_bytes",
    "python_list",
    "question_rows",
    "read_csv",
    "read_json",
    "read_json_list",
    "read_jsonl",
    "read_parquet",
    "read_text",
    "read_tsv",
    "text_lines",
]
