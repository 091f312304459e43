"""Questions that are answered with yes or no: MME and HallusionBench.

gold Yes or No, answer --> the word that VLMEvalKit's rule reads --> 0 or 1
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from internvl.eval.kinds import summary
from internvl.eval.metrics.yesno import yesno_extract_vlmevalkit
from internvl.eval.readers import Row
from internvl.eval.readers.cells import shown

WORDS = {"yes": "Yes", "no": "No"}


def yes_or_no(row: Row, name: str) -> str:
    """The gold of a row, as Yes or No. Raises BenchmarkFileError for anything else."""
    value = row.text(name).strip()
    if value.lower() not in WORDS:
        raise row.error(f"{name!r} must be Yes or No, not {shown(value)}")
    return WORDS[value.lower()]


def evalkit_score(reference: str, answers: Sequence[str]) -> Mapping[str, Any]:
    """{"score": 0 or 1, "prediction": Yes, No or Unknown}; Unknown is wrong, as no judge is asked."""
    prediction = yesno_extract_vlmevalkit(summary.last(answers))
    return {"score": float(prediction == reference), "prediction": prediction}
