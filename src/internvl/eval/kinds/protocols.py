"""The named ways to ask: tiles, answer length, and what a result should say about them.

"internvl"           the original repository's scripts, which most of the published table comes from
"vlmevalkit-2024"    VLMEvalKit of August 2024, which OCRBench, RealWorldQA, HallusionBench and the second MMMU number come from
"vlmevalkit"         VLMEvalKit of August 2026
"""

from __future__ import annotations

from internvl.eval.task import Decoding, Protocol

INTERNVL = "internvl"
EVALKIT_2024 = "vlmevalkit-2024"
EVALKIT = "vlmevalkit"

NO_JUDGE = "no judge: an answer that no rule can read counts as wrong"


def internvl(max_tiles: int, max_new_tokens: int, note: str = "") -> dict[str, Protocol]:
    """The original repository's way: greedy, `--dynamic`."""
    return {INTERNVL: Protocol(max_tiles=max_tiles, decoding=Decoding(max_new_tokens=max_new_tokens), note=note)}


def evalkit(max_tiles: int, note: str = "", *, head_tiles: int | None = None) -> dict[str, Protocol]:
    """VLMEvalKit's ways. Answers may have 1024 tokens in 2024 and 4096 today; `head_tiles`: where today's tile limit differs."""
    return {
        EVALKIT_2024: Protocol(max_tiles=max_tiles, decoding=Decoding(max_new_tokens=1024), note=note),
        EVALKIT: Protocol(max_tiles=head_tiles or max_tiles, decoding=Decoding(max_new_tokens=4096), note=note),
    }
