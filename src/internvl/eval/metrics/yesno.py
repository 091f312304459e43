"""Yes or no out of an answer, VLMEvalKit's rule for HallusionBench and MME: text -> Yes, No or Unknown."""

from __future__ import annotations

from internvl.eval.metrics.vqa_text import without_signs


def yesno_extract_vlmevalkit(text: str) -> str:
    """`Yes` when the word yes occurs and no doesn't, `No` the other way round, else `Unknown`, which a judge may settle."""
    words = set(without_signs(text.lower()).split())
    match "yes" in words, "no" in words:
        case True, False:
            return "Yes"
        case False, True:
            return "No"
    return "Unknown"
