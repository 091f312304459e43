"""The language of the caption, by py3langid (139 languages, its model inside the wheel), and whether it is what the data set says.

    Item.text --scripts, n-grams--> detected_language, language_confidence; with a column `language`: language_agrees

Captions are short, and single words are alike in many languages. So a declared language is only contradicted by a wrong script, or by
a text of some length in which another language is far likelier; else the column is null or true.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from internvl.errors import MissingDependencyError
from internvl.pipelines.clean.language_names import language_code, script_shares, scripts_of
from internvl.pipelines.item import Item
from internvl.pipelines.operator import ColumnType, Outcome, Resources, Work

Probabilities: TypeAlias = Callable[[str], Mapping[str, float]]

UNKNOWN = "und"
_ALONE = frozenset({"bn", "el", "he", "hy", "ka", "ko", "ta", "te", "th"})
"""Languages that are known by their script."""
_LOOKED_AT = 2_000
"""Characters of a text that are enough to know its language."""


@dataclass(frozen=True)
class LanguageId:
    """Operator: detected language (ISO 639, "und" without letters), its probability, and agreement with a declared one.

    declared: the input column that names the language, by code or name. least_letters: shorter texts are judged by script alone.
    doubt: a declared language this likely or more is not contradicted.
    """

    declared: str = "language"
    least_letters: int = 16
    doubt: float = 0.05
    name = "language"
    resources = Resources()

    def columns(self) -> dict[str, ColumnType]:
        """language_agrees is null when nothing is declared or the text says too little."""
        return {"detected_language": "str", "language_confidence": "float", "language_agrees": "bool"}

    def settings(self) -> dict[str, Any]:
        """The thresholds, and the version of the library with its model."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            library = version("py3langid")
        except PackageNotFoundError as error:
            raise _missing() from error
        return {"declared": self.declared, "least_letters": self.least_letters, "doubt": self.doubt, "py3langid": library, "version": 1}

    def open(self) -> Work:
        """Load the model: 5 MB. MissingDependencyError without py3langid."""
        return partial(_work, wanted=self, probabilities=_open_model())


def _open_model() -> Probabilities:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError as error:
        raise _missing() from error
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return lambda text: dict(identifier.rank(text))


def _missing() -> MissingDependencyError:
    return MissingDependencyError("finding the language of captions needs py3langid: pip install 'internvl[pipelines]'")


def _work(items: Sequence[Item], *, wanted: LanguageId, probabilities: Probabilities) -> list[Outcome]:
    return [item.with_fields(**_facts(item, wanted, probabilities)) for item in items]


def _facts(item: Item, wanted: LanguageId, probabilities: Probabilities) -> dict[str, Any]:
    text = item.text[:_LOOKED_AT]
    scripts = script_shares(text)
    if not scripts:
        return {"detected_language": UNKNOWN, "language_confidence": 0.0, "language_agrees": None}
    likely = probabilities(text)
    best = max(likely, key=lambda code: (likely[code], code))
    declared = item.fields.get(wanted.declared)
    agrees = _agrees(declared, text, scripts, likely, wanted) if isinstance(declared, str) else None
    return {"detected_language": best, "language_confidence": round(likely[best], 6), "language_agrees": agrees}


def _agrees(declared: str, text: str, scripts: Mapping[str, float], likely: Mapping[str, float], wanted: LanguageId) -> bool | None:
    code = language_code(declared)
    if code is None:
        return None
    by_script = _agrees_by_script(code, scripts)
    if by_script is not None:
        return by_script
    if code not in likely or sum(character.isalpha() for character in text) < wanted.least_letters:
        return None
    return likely[code] >= min(wanted.doubt, max(likely.values()))


def _agrees_by_script(code: str, scripts: Mapping[str, float]) -> bool | None:
    """What the script alone says: a wrong one contradicts, one that no other common language has confirms."""
    expected = scripts_of(code)
    if not expected:
        return None
    # Chinese captions are full of Latin names of goods; English ones hold no Chinese.
    least = 0.5 if expected == ("LATIN",) else 0.1
    if sum(scripts.get(script, 0.0) for script in expected) < least:
        return False
    kana = scripts.get("HIRAGANA", 0.0) + scripts.get("KATAKANA", 0.0)
    if code == "zh":
        return kana < 0.1
    if code == "ja":
        return True if kana > 0.0 else None
    return True if code in _ALONE else None
