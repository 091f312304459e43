"""Every error a user of the package can meet, by cause.

Each message says what was expected, what came, and what to do. All derive from `InternVLError`, so that one `except` at an edge
(the command line, a server) can turn any of them into one sentence; nothing else of the package is caught there.
"""

from __future__ import annotations


class InternVLError(Exception):
    """The root of all errors raised on purpose by this package."""


class MediaError(InternVLError, ValueError):
    """A picture or a video can't be used: unreadable, of an unknown format, too large, or empty."""


class ConfigError(InternVLError, ValueError):
    """A model description is impossible: a size out of range, an unknown kind, fields that contradict each other."""


class CheckpointError(InternVLError):
    """A checkpoint folder can't be read: a file or tensor is missing, has a wrong shape, or is a pickle."""


class TokenizerError(InternVLError, ValueError):
    """Tokenizer files are missing or lack a token that the model's template needs."""


class PromptError(InternVLError, ValueError):
    """A conversation can't be rendered: an unknown template, an empty turn, a wrong order of speakers."""


class PlaceholderCountError(PromptError):
    """The number of `<image>` marks, or of visual tokens, differs from what was given.

    Both counts are kept: `expected` is what the text asks for, `given` is what came with it.
    """

    def __init__(self, message: str, *, expected: int, given: int) -> None:
        super().__init__(message)
        self.expected = expected
        self.given = given


class ContextLengthError(PromptError):
    """Prompt and answer together are longer than the model's positions."""


class RequestTooLargeError(PromptError):
    """Prompt and answer together are longer than what the scheduler may ever hold."""


class QueueFullError(InternVLError):
    """So many requests wait that no more are taken; trying again later can help."""


class DeadlineError(InternVLError):
    """A request was not answered in the time it was given."""


class SamplingError(InternVLError, ValueError):
    """A decoding setting is out of its range."""


class NumericError(InternVLError, ArithmeticError):
    """The model computed something that is not a number: weights are damaged, or a number type overflowed."""


class GrammarError(SamplingError):
    """An answer can't be held to the schema, regular expression or choice that was asked for."""


class GrammarLimitError(GrammarError, NumericError):
    """A grammar became too complex while an answer was written. That answer has no next token; others beside it go on."""


class DeviceError(InternVLError):
    """A device is absent, or a device map does not cover the model."""


class MissingDependencyError(InternVLError, ImportError):
    """An optional library is needed; the message names the extra that brings it."""
