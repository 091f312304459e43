"""CCBench: lettered questions about Chinese culture, asked in every rotation of their options (MMBench's authors, 2023).

data/mmbench/CCBench_legacy.tsv, or CCBench.tsv --> answers --> circular accuracy
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from internvl.eval.kinds.circular import CircularTask
from internvl.eval.readers.files import at_evalkit, at_repository


class CCBench(CircularTask):
    """6 tiles; no hints, and another place of the server's column."""

    name = "ccbench"
    title = "CCBench"
    splits = ("dev",)
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "dev": (*at_repository("mmbench/CCBench_legacy.tsv"), *at_evalkit("CCBench")),
    }
    chinese = True
    dropped = ("category", "image")
    place = 8
    published: ClassVar[Mapping[str, str]] = {"dev": "CCBench dev"}


TASK = CCBench
