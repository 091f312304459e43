"""The numbers in a text, by MMMU's three scans: with thousands commas, scientific, plain.

The official patterns need quadratic time on long runs of digits. These find the same: a run of digits that fails to match fails from
each of its digits, so only its first is tried, and a run is taken whole or not at all.
"""

from __future__ import annotations

import re

_WITH_COMMAS = re.compile(r"-?\b\d{1,3}(?:,\d{3})+\b")
_SCIENTIFIC = re.compile(r"-?(?<!\d)\d++(?:\.\d++)?+[eE][+-]?\d++")
_PLAIN = re.compile(r"-?(?:(?<!\d)\d++\.\d++|\.\d++|(?<!\d)\d++\b)(?![eE][+-]?\d)(?![,\d])")


def numbers_in(text: str) -> list[str]:
    """All numbers as they are written, scan after scan; `1.5e3` is found as scientific, and parts of it as plain."""
    return [*_WITH_COMMAS.findall(text), *_SCIENTIFIC.findall(text), *_PLAIN.findall(text)]
