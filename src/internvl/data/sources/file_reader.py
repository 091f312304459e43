"""Bytes of a file by place, from any process and thread, and JSON out of them."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any, BinaryIO

from internvl.data.record import RecordError


class FileReader:
    """A file opened when it is first needed.

    A forked process opens its own: parent and child would share one position in the file and read each other's places.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None
        self._owner = 0
        self._lock = threading.Lock()

    def read(self, offset: int, size: int) -> bytes:
        """`size` bytes from `offset` on. RecordError when they can't be read or are no longer there."""
        with self._lock:
            try:
                file = self._opened()
                file.seek(offset)
                content = file.read(size)
            except OSError as error:
                raise RecordError(f"the data file can't be read: {error.strerror or error}") from error
        if len(content) != size:
            raise RecordError(f"the data file ends {size - len(content)} bytes too early: it is cut off or was changed meanwhile")
        return content

    def close(self) -> None:
        """Close the file; it is opened again when needed."""
        with self._lock:
            if self._file is not None and self._owner == os.getpid():
                self._file.close()
            self._file = None

    def _opened(self) -> BinaryIO:
        if self._file is None or self._owner != os.getpid():
            self._file, self._owner = self.path.open("rb"), os.getpid()
        return self._file

    def __reduce__(self) -> tuple[type[FileReader], tuple[Path]]:
        return FileReader, (self.path,)


def parse_json(text: bytes | str) -> Any:
    """The JSON value in a stretch of a data file. RecordError says where it stops being one."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise RecordError("the JSON is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise RecordError(f"not UTF-8 text at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise RecordError(f"not valid JSON: {error.msg} at character {error.pos + 1}") from error
    except ValueError as error:  # a number of thousands of digits
        raise RecordError(f"not valid JSON: {error}") from error
