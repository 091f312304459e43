"""Whether what the service answered is a translation that can be used.

source, answer -> empty? an echo of the prompt? a refusal? the same? something changed? too long? another language? -> reason | None
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from internvl.pipelines.clean.minhash import normalised
from internvl.pipelines.translate.kept import kept_in, prose, what_changed
from internvl.pipelines.translate.languages import Language
from internvl.pipelines.translate.settings import TranslationSettings
from internvl.pipelines.translate.written_in import length_of, wrong_language

# What models put in front of an answer instead of giving it alone.
_ECHO = re.compile(
    r"\s*(?:\W{0,3}(?:system|user|assistant|human|translation(?: results?)?|translated text|text for translation|译文|翻译(?:结果)?)"
    r"\W{0,3}[:：]|(?:sure|certainly|of course)[,!.].{0,80}?[:：]|here(?:'s| is| are)\b.{0,40}?\btranslat\w+.{0,40}?[:：]"
    r"|以下是.{0,20}?翻译.{0,10}?[:：])",
    re.IGNORECASE,
)
# With what can't be done behind the apology: people in pictures are sorry too.
_REFUSAL = re.compile(
    r"\s*(?:(?:i[’'`]?m|i am|we are)? ?(?:very |so |really )?(?:sorry|apologi[sz]e)[^.!?\n]{0,40}\b(?:can(?:no|[’'])t|unable|not able)"
    r"|(?:unfortunately,? )?i (?:can(?:no|[’'])t|am unable to|am not able to|won[’']t) (?:\w+ ){0,2}?"
    r"(?:help|assist|translate|provide|fulfil\w*|comply|complete|answer|process)\b"
    r"|as an? (?:ai|artificial intelligence|(?:large )?language model)\b"
    r"|(?:很|非常|十分)?(?:抱歉|对不起|對不起).{0,10}(?:不能|无法|無法)|我(?:不能|无法|無法)(?:为您|为你)?(?:翻译|翻譯|提供|协助|帮助|满足|完成)"
    r"|作为(?:一个|一名)?(?:AI|人工智能|(?:大型?)?语言模型)|(?:申し訳|すみません).{0,20}ません|죄송.{0,20}없습니다)",
    re.IGNORECASE,
)
_THOUGHT = re.compile(r"\s*<think>.*?</think>\s*", re.DOTALL)
SHORT = 24.0
"""Texts below this length, in letters, may be translated into many times their length: "AI" is "künstliche Intelligenz"."""


def answer_alone(answer: str) -> str:
    """The answer without the thoughts that a reasoning model puts in front, and without space around it."""
    thought = _THOUGHT.match(answer)
    return answer[thought.end() if thought else 0 :].strip()


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Says why an answer can't stand for its source.

    target: the language it must be in. is_another: tells words of another language where the script doesn't (`identifies`).
    """

    target: Language
    glossary: tuple[str, ...] = ()
    settings: TranslationSettings = field(default_factory=TranslationSettings)
    is_another: Callable[[str], bool] | None = None

    def fault(self, source: str, answer: str) -> str | None:
        """The reason as "KIND: detail"; None for an answer that can be used."""
        if not answer:
            return "empty: the answer has no words"
        return _not_an_answer(source, answer) or self._not_the_same_content(source, answer)

    def _not_the_same_content(self, source: str, answer: str) -> str | None:
        words, translated = prose(source, self.glossary), prose(answer, self.glossary)
        if normalised(words) == normalised(translated):
            may_be_a_name = answer == source and len(words.split()) <= self.settings.same_words
            return None if may_be_a_name else f"same as the source: {answer[:80]!r}"
        return (
            what_changed(kept_in(source, self.glossary), kept_in(answer, self.glossary))
            or _wrong_length(words, translated, self.settings)
            or wrong_language(translated, self.target)
            or self._identified(translated)
        )

    def _identified(self, translated: str) -> str | None:
        if self.is_another is None or not self.is_another(translated):
            return None
        return f"wrong language: these words are not {self.target.name}: {translated[:60]!r}"


def _not_an_answer(source: str, answer: str) -> str | None:
    if _ECHO.match(answer) and not _ECHO.match(source):
        return f"echo: the answer begins with {answer[:40]!r}"
    if _REFUSAL.match(answer) and not _REFUSAL.match(source):
        return f"refusal: {answer[:80]!r}"
    return None


def _wrong_length(words: str, translated: str, settings: TranslationSettings) -> str | None:
    before, after = length_of(words), length_of(translated)
    if before < SHORT and 0 < after <= SHORT * settings.most_ratio:
        return None
    if settings.least_ratio * before <= after <= settings.most_ratio * before:
        return None
    allowed = f"{settings.least_ratio:g} to {settings.most_ratio:g} times that are allowed"
    return f"wrong length: worth {after:.0f} letters of an alphabet for {before:.0f}; {allowed}"
