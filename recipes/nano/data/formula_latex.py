"""One way of writing each formula in LaTeX, so that answers can be compared as text.

    any spelling -> normalise(latex) -> braces around every script and argument, no spacing commands, `_` before `^`

What looks alike on paper is written alike: `\\le` and `\\leq`, `\\dfrac` and `\\frac`, `\\left(` and `(`.
"""

from __future__ import annotations

import re

TOKEN = re.compile(r"\\(?:begin|end)\{[a-zA-Z*]+\}|\\text\{[^{}]*\}|\\[a-zA-Z]+|\\.|[^\s]")
SPACES = {r"\,", r"\;", r"\:", r"\!", r"\ ", r"\quad", r"\qquad", "~", r"\displaystyle", r"\limits", r"\nolimits", r"\big", r"\Big"}
SAME = {
    r"\le": r"\leq",
    r"\ge": r"\geq",
    r"\ne": r"\neq",
    r"\rightarrow": r"\to",
    r"\dfrac": r"\frac",
    r"\tfrac": r"\frac",
    r"\lbrace": r"\{",
    r"\rbrace": r"\}",
    r"\vert": "|",
    r"\lvert": "|",
    r"\rvert": "|",
    r"\dots": r"\ldots",
    r"\ast": "*",
    r"\dbinom": r"\binom",
    r"\operatorname": r"\mathrm",
    r"\land": r"\wedge",
    r"\lor": r"\vee",
}
ARGUMENTS = {
    **dict.fromkeys((r"\frac", r"\binom"), 2),
    **dict.fromkeys((r"\sqrt", r"\overline", r"\underline", r"\hat", r"\vec", r"\bar", r"\tilde", r"\dot", r"\ddot"), 1),
    **dict.fromkeys((r"\mathbf", r"\mathrm", r"\mathbb", r"\mathcal"), 1),
}


def normalise(latex: str) -> str:
    """The formula in the one spelling that answers use. Raises ValueError where braces don't match."""
    tokens = [SAME.get(token, token) for token in TOKEN.findall(latex.strip().strip("$")) if token not in SPACES]
    found, rest = _sequence(_without_delimiter_words(tokens), 0, None)
    if rest != len(_without_delimiter_words(tokens)):
        raise ValueError(f"a closing brace too many in {latex!r}")
    return joined(found)


def joined(tokens: list[str]) -> str:
    """Tokens as text: a space only where a command would swallow the letter behind it."""
    text = ""
    for token in tokens:
        if re.search(r"\\[a-zA-Z]+$", text) and token[:1].isalpha():
            text += " "
        text += token
    return text


def _without_delimiter_words(tokens: list[str]) -> list[str]:
    found: list[str] = []
    for i, token in enumerate(tokens):
        after_word = i > 0 and tokens[i - 1] in (r"\left", r"\right")
        if token not in (r"\left", r"\right") and not (after_word and token == "."):
            found.append(token)
    return found


def _sequence(tokens: list[str], at: int, stop: str | None) -> tuple[list[str], int]:
    """Tokens up to `stop`, normalised, and the place behind it."""
    found: list[str] = []
    while at < len(tokens):
        token = tokens[at]
        if token == stop:
            return found, at + 1
        if token == "}":
            break
        if token in "^_":
            scripts, at = _scripts(tokens, at)
            found += scripts
        elif token == "{":
            inner, at = _sequence(tokens, at + 1, "}")
            found += inner
        elif token in ARGUMENTS:
            call, at = _call(tokens, at)
            found += call
        else:
            found.append(token)
            at += 1
    if stop is not None:
        raise ValueError(f"expected {stop!r} before the end of {joined(tokens)!r}")
    return found, at


def _scripts(tokens: list[str], at: int) -> tuple[list[str], int]:
    parts: dict[str, list[str]] = {}
    while at < len(tokens) and tokens[at] in "^_" and tokens[at] not in parts:
        mark = tokens[at]
        parts[mark], at = _argument(tokens, at + 1)
    return [token for mark in "_^" if mark in parts for token in (mark, "{", *parts[mark], "}")], at


def _call(tokens: list[str], at: int) -> tuple[list[str], int]:
    command = tokens[at]
    found, at = [command], at + 1
    if command == r"\sqrt" and at < len(tokens) and tokens[at] == "[":
        degree, at = _sequence(tokens, at + 1, "]")
        found += ["[", *degree, "]"]
    for _ in range(ARGUMENTS[command]):
        argument, at = _argument(tokens, at)
        found += ["{", *argument, "}"]
    return found, at


def _argument(tokens: list[str], at: int) -> tuple[list[str], int]:
    if at >= len(tokens):
        raise ValueError(f"an argument is missing at the end of {joined(tokens)!r}")
    if tokens[at] == "{":
        return _sequence(tokens, at + 1, "}")
    if tokens[at] in ARGUMENTS:
        return _call(tokens, at)
    return [tokens[at]], at + 1
