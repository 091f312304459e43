"""Which of the options of a question is right, given as a number from 0, as a letter, or as the option itself.

"b" | 1 | "blue"  of  ["red", "blue"] -> 1
"""

from __future__ import annotations

import string
from collections.abc import Sequence

from internvl.pipelines.convert.rows import Row
from internvl.pipelines.convert.sample import Refused


def chosen(row: Row, name: str, options: Sequence[str]) -> int:
    """The index in a field. Raises Refused when there is no such option."""
    index = row.whole(name)
    if not 0 <= index < len(options):
        raise Refused(f"wrong choice: option {index} of {len(options)}")
    return index


def matching(answer: str, options: Sequence[str]) -> int:
    """The index of the option that an answer means: its letter, or its text. Raises Refused."""
    plain = answer.strip().rstrip(".)").lstrip("(").casefold()
    if len(plain) == 1 and plain in string.ascii_lowercase[: len(options)]:
        return string.ascii_lowercase.index(plain)
    same = [index for index, option in enumerate(options) if option.strip().casefold() == answer.strip().casefold()]
    if len(same) != 1:
        raise Refused(f"wrong choice: the answer {answer!r:.60} is not one of the {len(options)} options")
    return same[0]
