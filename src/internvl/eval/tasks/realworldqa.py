"""RealWorldQA: multiple-choice questions about everyday scenes and driving (xAI 2024), as VLMEvalKit asks and scores them.

RealWorldQA.tsv --> answers --> accuracy
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from internvl.eval.kinds import protocols
from internvl.eval.kinds.letters import LetterTask
from internvl.eval.readers.files import at_evalkit
from internvl.eval.task import Protocol


class RealWorldQA(LetterTask):
    """6 tiles; published by VLMEvalKit only."""

    name = "realworldqa"
    title = "RealWorldQA"
    splits = ("test",)
    files: ClassVar[Mapping[str, tuple[str, ...]]] = {"test": at_evalkit("RealWorldQA")}
    variants: ClassVar[Mapping[str, Protocol]] = protocols.evalkit(6, protocols.NO_JUDGE)
    published: ClassVar[Mapping[str, str]] = {"test": "RealWorldQA"}


TASK = RealWorldQA
