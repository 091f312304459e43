"""What the service is asked: the published prompt of InternVL 1.5, or another one from a file.

text "a dog", Chinese --filled--> (system "You are a translator ... into Chinese", user "Text for translation: a dog")

The published prompt (InternVL 1.5 report, figure 5) lost its line breaks in print; the numbered points are lines again.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from internvl.messages import Message, system, user
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.translate.languages import Language

PUBLISHED = """\
System:You are a translator proficient in {source_language} and {language}. Your task is to translate the following \
{source_language} text into {language}, focusing on a natural and fluent result that avoids “translationese.” Please consider these \
points:
1. Keep proper nouns, brands, and geographical names in {source_language}.
2. Retain technical terms or jargon in {source_language}, but feel free to explain in {language} if necessary.
3. Use {language} idiomatic expressions for {source_language} idioms or proverbs to ensure cultural relevance.
4. Ensure quotes or direct speech sound natural in {language}, maintaining the original’s tone.
5. For acronyms, provide the full form in {language} with the {source_language} acronym in parentheses.
User:Text for translation: {text}
"""
_FIELDS = re.compile(r"\{(source_language|language|text)\}")
_SPEAKERS = re.compile(r"^(System|User|Assistant):", re.MULTILINE)


@dataclass(frozen=True)
class TranslationPrompt:
    """Who says what, with {language}, {source_language} and {text} where they belong. system may be empty."""

    system: str
    user: str

    def filled(self, text: str, *, source: Language, target: Language, note: str = "") -> tuple[Message, ...]:
        """The messages that ask for one text. note: one more point for the system message, said to a model that failed before."""
        values = {"source_language": source.name, "language": target.name, "text": text}
        # One pass: braces inside of the text are the text's own.
        said = [_FIELDS.sub(lambda match: values[match[1]], part) for part in (self.system, self.user)]
        head = "\n".join(part for part in (said[0], note) if part)
        return (*([system(head)] if head else []), user(said[1]))

    @property
    def fingerprint(self) -> str:
        """A hash of its words."""
        return hashlib.sha256(f"{self.system}\0{self.user}".encode()).hexdigest()[:16]


def read_prompt(path: Path | None) -> TranslationPrompt:
    """The prompt in a file, or the published one.

    The file is written as the published prompt is: lines that begin with `System:` and `User:` start the two messages, and `Assistant:`
    ends them; without any of these words the whole file is what the user says. Raises PipelineError when it has no {text}.
    """
    where = "the published prompt" if path is None else str(path)
    try:
        words = PUBLISHED if path is None else path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PipelineError(f"{where} is not UTF-8 text at byte {error.start}") from error
    return _parsed(words, where)


def _parsed(words: str, where: str) -> TranslationPrompt:
    pieces = _SPEAKERS.split(words)
    said = dict(zip(pieces[1::2], (piece.strip() for piece in pieces[2::2]), strict=True)) or {"User": words.strip()}
    if len(pieces) > 1 and (pieces[0].strip() or len(said) != len(pieces) // 2):
        raise PipelineError(f"{where}: a prompt has one System: and one User: part at most, and nothing before them")
    if said.get("User", "").count("{text}") != 1:
        raise PipelineError(f"{where}: the user's part of a prompt needs {{text}} once, where the text to translate stands")
    if "{text}" in said.get("System", ""):
        raise PipelineError(f"{where}: {{text}} belongs into the user's part, not into the system message")
    return TranslationPrompt(said.get("System", ""), said["User"])
