"""`--schema FILE`, `--regex`, `--choice`: the form of an answer, as fields of SamplingParams."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from internvl.cli.console import UsageError


def form_fields(schema: Path | None, regex: str | None, choice: Sequence[str] | None) -> dict[str, Any]:
    """The field that is asked for, none where the answer is free. Raises UsageError for a file that is no text."""
    fields: dict[str, Any] = {}
    if schema is not None:
        try:
            fields["json_schema"] = schema.read_text("utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(f"{schema} is no JSON schema: it is not UTF-8") from error
    if regex is not None:
        fields["regex"] = regex
    if choice:
        fields["choice"] = tuple(choice)
    return fields
