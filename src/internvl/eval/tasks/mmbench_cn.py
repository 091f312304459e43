"""MMBench in Chinese: the same pictures and abilities, questions and options translated (Liu et al. 2023).

data/mmbench/mmbench_dev_cn_20231003.tsv, or MMBench_DEV_CN.tsv --> answers --> circular accuracy
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from internvl.eval.kinds.circular import CircularTask
from internvl.eval.readers.files import at_evalkit, at_repository


class MMBenchCN(CircularTask):
    """6 tiles; the published number is the test split's, which the server scores with a judge."""

    name = "mmbench_cn"
    title = "MMBench-CN"
    splits = ("dev", "test", "dev_v11", "test_v11")
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "dev": (*at_repository("mmbench/mmbench_dev_cn_20231003.tsv"), *at_evalkit("MMBench_DEV_CN")),
        "test": (*at_repository("mmbench/mmbench_test_cn_20231003.tsv"), *at_evalkit("MMBench_TEST_CN")),
        "dev_v11": at_evalkit("MMBench_DEV_CN_V11"),
        "test_v11": at_evalkit("MMBench_TEST_CN_V11"),
    }
    blind = frozenset({"test", "test_v11"})
    chinese = True
    published: ClassVar[Mapping[str, str]] = {"test": "MMBench-CN test"}


TASK = MMBenchCN
