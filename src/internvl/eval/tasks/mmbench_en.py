"""MMBench in English: lettered questions over twenty abilities, asked in every rotation of their options (Liu et al. 2023).

data/mmbench/mmbench_dev_en_20231003.tsv, or MMBench_DEV_EN.tsv --> answers --> circular accuracy
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from internvl.eval.kinds.circular import CircularTask
from internvl.eval.readers.files import at_evalkit, at_repository


class MMBenchEN(CircularTask):
    """6 tiles; the published number is the test split's, which the server scores with a judge."""

    name = "mmbench_en"
    title = "MMBench-EN"
    splits = ("dev", "test", "dev_v11", "test_v11")
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "dev": (
            *at_repository("mmbench/mmbench_dev_en_20231003.tsv", "mmbench/mmbench_dev_20230712.tsv"),
            *at_evalkit("MMBench_DEV_EN"),
        ),
        "test": (*at_repository("mmbench/mmbench_test_en_20231003.tsv"), *at_evalkit("MMBench_TEST_EN")),
        "dev_v11": at_evalkit("MMBench_DEV_EN_V11"),
        "test_v11": at_evalkit("MMBench_TEST_EN_V11"),
    }
    blind = frozenset({"test", "test_v11"})
    chinese = False
    published: ClassVar[Mapping[str, str]] = {"test": "MMBench-EN test"}


TASK = MMBenchEN
