"""The wording of questions, exactly as the original repository and VLMEvalKit put them.

question, hint, options --> the text of the prompt

Two ways differ in small things that move scores: a blank or a line end before the instruction, and when Chinese is used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SHORT = "Answer the question using a single word or phrase."
LETTER = "Answer with the option's letter from the given choices directly."
LETTER_CN = "请直接回答选项字母。"
DIRECT = "Answer the question directly."
DIRECT_CN = "请直接回答问题。"
YES_NO = "Please answer yes or no."

_CJK = re.compile("[\u4e00-\u9fff]")


def has_chinese(text: str) -> bool:
    """Whether the text holds a CJK ideograph: VLMEvalKit then asks in Chinese."""
    return _CJK.search(text) is not None


def short_internvl(question: str) -> str:
    """A question for a short answer; the instruction follows a blank (original repository; MME also in VLMEvalKit)."""
    return f"{question} {SHORT}"


def short_evalkit(question: str) -> str:
    """A question for a short answer; the instruction stands on a line of its own (VLMEvalKit)."""
    return f"{question}\n{SHORT}"


def letter_internvl(question: str, hint: str, options: Mapping[str, str], *, chinese: bool) -> str:
    """A question with options A to E (original repository, MMBench and CCBench); the benchmark, not the text, decides the language."""
    lines = [hint] if hint else []
    lines += [question, *(f"{letter}. {text}" for letter, text in options.items() if letter in "ABCDE")]
    return "\n".join((*lines, LETTER_CN if chinese else LETTER))


def letter_evalkit(question: str, hint: str, options: Mapping[str, str]) -> str:
    """A question with options as VLMEvalKit asks any multiple-choice set; without options it asks for a direct answer."""
    lines = [hint] if hint else []
    text = "\n".join((*lines, question, *(f"{letter}. {option}" for letter, option in options.items())))
    if options:
        return f"{text}\n{LETTER_CN if has_chinese(text) else LETTER}"
    return f"{text}\n{DIRECT_CN if has_chinese(text) else DIRECT}"
