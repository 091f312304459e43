"""What can go wrong in an evaluation.

EvalError: a run can't be started, continued or merged. BenchmarkFileError: the files of a benchmark are not what was published.
"""

from __future__ import annotations

from internvl.errors import InternVLError


class EvalError(InternVLError):
    """An evaluation can't be run, resumed, merged or compared; the message says what was expected and what came."""


class BenchmarkFileError(EvalError):
    """A file of a benchmark is absent or damaged; the message names the file and, where there is one, the row."""


class GeneratorError(EvalError):
    """One question could not be answered (a remote service gave up, a replayed file has no such id). It costs that sample only."""
