"""InfographicVQA: questions about infographics, scored by ANLS. The test split's answers are held by the RRC server.

data/infographicsvqa/val.jsonl + its annotations, or InfoVQA_VAL.tsv --> answers --> ANLS (Mathew et al. 2022)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from internvl.eval.kinds import protocols
from internvl.eval.kinds.anls_vqa import AnlsVQA
from internvl.eval.readers.files import at_evalkit, at_repository
from internvl.eval.task import Protocol


class InfoVQA(AnlsVQA):
    """24 tiles; the published number is the test split's."""

    name = "infovqa"
    title = "InfoVQA"
    splits = ("val", "test")
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "val": (*at_repository("infographicsvqa/val.jsonl"), *at_evalkit("InfoVQA_VAL")),
        "test": (*at_repository("infographicsvqa/test.jsonl"), *at_evalkit("InfoVQA_TEST")),
    }
    annotations = at_repository("infographicsvqa/infographicsVQA_val_v1.0_withQT.json")
    variants: ClassVar[Mapping[str, Protocol]] = {**protocols.internvl(24, 100), **protocols.evalkit(24)}
    published: ClassVar[Mapping[str, str]] = {"test": "InfoVQA test"}


TASK = InfoVQA
