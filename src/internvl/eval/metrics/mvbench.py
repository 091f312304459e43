"""MVBench: which frames of a clip are shown, and whether the option that was named is the right one.

clip length, bounds -> frame numbers [N]; answer, gold `(X) text` -> right or wrong.
Both follow the original InternVL harness, but for an answer without a word: there it counted as right, here it is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from internvl.eval.errors import EvalError

_UNBOUNDED_SECONDS = 100000.0


def mvbench_check_ans(answer: str, gold: str) -> bool:
    """Whether the first word of `answer` and the first word of `gold` (`"(B) dog"`) contain one another.

    `Answer: ` is removed, case and the dots of the answer's word are ignored. An answer that leaves no word is wrong.
    """
    said = _first_word(answer.strip().replace("Answer: ", "").lower())
    right = _first_word(gold.lower())
    if not right:
        raise EvalError(f"MVBench's gold answer is '(X) text', got {gold!r}")
    bare = said.replace(".", "")
    return bool(bare) and (bare in right or right in said)


def mvbench_frame_index(bound: Sequence[float] | None, fps: float, max_frame: int, num_segments: int, first_idx: int = 0) -> list[int]:
    """The `num_segments` frame numbers that stand for a clip, or for its seconds `bound` = `[start, end]`.

    `max_frame` is the last frame's number; `first_idx` is 1 for folders of pictures that are counted from 1. Halves are
    rounded to even, as Python does. Raises `EvalError` for a rate, a count or a bound out of range.
    """
    if not (math.isfinite(fps) and fps > 0) or num_segments < 1 or max_frame < first_idx:
        raise EvalError(
            "frames need fps > 0, at least one segment and a last frame not before the first, "
            f"got fps {fps}, {num_segments} segments, frames {first_idx}..{max_frame}"
        )
    start, end = _seconds(bound)
    first = max(first_idx, round(start * fps))
    last = min(round(end * fps), max_frame)
    width = (last - first) / num_segments
    return [int(first + width / 2 + round(width * number)) for number in range(num_segments)]


def _seconds(bound: Sequence[float] | None) -> tuple[float, float]:
    if bound is None:
        return -_UNBOUNDED_SECONDS, _UNBOUNDED_SECONDS
    if len(bound) != 2 or not all(math.isfinite(second) for second in bound) or bound[0] > bound[1]:
        raise EvalError(f"a bound is [start, end] in seconds with start <= end, got {list(bound)!r}")
    return bound[0], bound[1]


def _first_word(text: str) -> str:
    return text.split(" ", 1)[0]
