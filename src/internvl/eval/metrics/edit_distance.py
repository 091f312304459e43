"""Levenshtein distance by bit vectors: one step of big-integer arithmetic per character of the longer text.

two texts -> number of insertions, deletions and replacements. Source: Myers 1999, in Hyyro's form; a million characters take seconds.
"""

from __future__ import annotations


def edit_distance(one: str, other: str) -> int:
    """The least number of single-character edits that turn `one` into `other`."""
    pattern, text = sorted((one, other), key=len)
    if not pattern:
        return len(text)
    places: dict[str, int] = {}
    for position, letter in enumerate(pattern):
        places[letter] = places.get(letter, 0) | (1 << position)
    every, last = (1 << len(pattern)) - 1, 1 << (len(pattern) - 1)
    rising, falling, distance = every, 0, len(pattern)
    for letter in text:
        equal = places.get(letter, 0)
        diagonal = (((equal & rising) + rising) ^ rising) | equal | falling
        up = falling | (every & ~(diagonal | rising))
        down = rising & diagonal
        distance += (up & last > 0) - (down & last > 0)
        up, down = ((up << 1) | 1) & every, (down << 1) & every
        rising, falling = down | (every & ~(diagonal | up)), up & diagonal
    return distance
