"""What goes wrong with a pipeline as a whole. What goes wrong with one sample is a `Drop`, and the run goes on."""

from __future__ import annotations

from internvl.errors import InternVLError


class PipelineError(InternVLError, ValueError):
    """A run can't be started, continued or read: inputs, settings, the folder of another run, or a damaged file in it."""
