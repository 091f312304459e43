"""All tiny published files by the name of their converter."""

from __future__ import annotations

import published_grounding
import published_questions
import published_reading
from published_form import Published

SAMPLES: dict[str, Published] = {**published_grounding.SAMPLES, **published_questions.SAMPLES, **published_reading.SAMPLES}
