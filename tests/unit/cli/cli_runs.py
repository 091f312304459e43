"""Names that the tests of the command line share, in a module of their own: several folders have a `conftest`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from typer.testing import Result

FIXTURES = Path(__file__).parents[2] / "parity" / "fixtures"
Run: TypeAlias = Callable[..., Result]
