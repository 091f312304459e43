"""Answers of a service on disk, so that no text is paid for twice.

question (model, messages, settings) --key_of--> key --get--> Answer | None        put(key, Answer)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from internvl.eval.sample import Answer
from internvl.pipelines.translate.answer_file import AnswerFile

_TABLE = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, text TEXT NOT NULL, prompt_tokens INTEGER, new_tokens INTEGER, finish_reason TEXT) WITHOUT ROWID
"""


def key_of(question: Mapping[str, Any]) -> str:
    """The name of a question: a hash of everything in it."""
    return hashlib.sha256(json.dumps(question, ensure_ascii=True, sort_keys=True).encode()).hexdigest()


class ReplyCache:
    """Answers in the file `path`. Many threads and processes may use it; it raises PipelineError when the file can't be used."""

    def __init__(self, path: Path) -> None:
        self._file = AnswerFile(path, _TABLE)

    def get(self, key: str) -> Answer | None:
        """The answer that came earlier."""
        row = self._file.read("SELECT text, prompt_tokens, new_tokens, finish_reason FROM replies WHERE key = ?", (key,))
        return None if row is None else Answer(text=row[0], prompt_tokens=row[1], new_tokens=row[2], finish_reason=row[3])

    def put(self, key: str, answer: Answer) -> None:
        """Keep an answer; it is on disk when this returns. The first of two for one question stays."""
        # Half of a surrogate pair, which JSON can spell, is no text for the file.
        text = answer.text.encode(errors="replace").decode()
        row = (key, text, answer.prompt_tokens, answer.new_tokens, answer.finish_reason)
        self._file.write("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?)", row)

    def __len__(self) -> int:
        row = self._file.read("SELECT COUNT(*) FROM replies")
        return int(row[0]) if row else 0
