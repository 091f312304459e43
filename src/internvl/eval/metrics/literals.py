"""Lists that benchmark files keep as Python text: "['7', \"7 o'clock\"]" -> ["7", "7 o'clock"].

Parsed as a literal and never evaluated; bounded in length, since the parser's memory grows with it.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from internvl.eval.errors import EvalError
from internvl.eval.metrics.form import shown

MAX_LITERAL = 100_000
"""Characters that are parsed at most; lists of answers are far shorter."""


def texts_of(value: str | Sequence[str]) -> list[str]:
    """The texts of a list, or of its Python literal of one item at least; numbers in a literal become texts.

    Raises EvalError for anything else.
    """
    if not isinstance(value, str):
        return list(value)
    if len(value) > MAX_LITERAL:
        raise EvalError(f"a list literal of {len(value)} characters is too long; at most {MAX_LITERAL} are read")
    try:
        items = ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise EvalError(f"expected a list such as ['a', 'b'], not {shown(value)}") from error
    if not isinstance(items, list) or not items or not all(map(_is_text_or_number, items)):
        raise EvalError(f"expected a list of texts such as ['a', 'b'], not {shown(value)}")
    return [str(item) for item in items]


def _is_text_or_number(item: object) -> bool:
    return isinstance(item, str | int | float) and not isinstance(item, bool)
