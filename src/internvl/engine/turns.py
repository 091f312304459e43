"""Whose turn it is to be read: prompts of all lengths share each step, so that none waits long for another.

    [900 left (the oldest), 30 left, 700 left], 512 tokens a step -> 256 for the oldest, 256 for the 30 and whoever is short after it

The oldest has half of every step: however many short ones come, it is done after twice its own time. And a short one waits only for
shorter ones, in the other half: a long prompt before it costs it twice its own time too.
"""

from __future__ import annotations

from collections.abc import Sequence


def next_turn(left_each: Sequence[int], *, chunk: int, left: int, served: Sequence[bool], short_first: bool) -> tuple[int, int]:
    """Which of the prompts, oldest first, is read next in this step, and how many tokens of it.

    left_each: tokens each has left. chunk: tokens of a whole step; left: those not used yet. served: who was read in this step.
    short_first: change it from step to step, so that what else is scarce (tiles to be encoded) is shared as well.
    """
    shortest = min(range(len(left_each)), key=left_each.__getitem__)
    if shortest == 0 or served[0]:
        return shortest, left
    half = max(1, chunk // 2)
    if not short_first:
        return 0, min(left, half)
    return (shortest, left - half) if left > half else (0, left)
