"""What a translation may not change: marks, boxes, code, formulas, addresses, file names, numbers, and the names of a glossary.

"<image> See `run.py`, 3 times" --kept_in--> marks ("<image>",), things {("code", "`run.py`"): 1, ("number", "3"): 1}
two texts --what_changed--> "numbers changed: 3 is missing, 4 is new"        text --prose--> the words that remain to be translated
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

# Alternatives are tried in this order at each place, so that the digits of an address are the address's. All of them end at a
# character that isn't ASCII where the thing itself must be ASCII: Chinese words follow a link without a space.
_THINGS = (
    ("code", r"```.*?```|~~~.*?~~~|(?<!`)(?P<ticks>`{1,2})(?!`)[^\n]+?(?<!`)(?P=ticks)(?!`)"),
    (
        "formula",
        r"\$\$.+?\$\$|\\\[.+?\\\]|\\\(.+?\\\)|\\begin\{(?P<environment>[a-zA-Z*]+)\}.*?\\end\{(?P=environment)\}"
        # As pandoc has it: no space inside next to a dollar and no digit behind it, so that "$5 and $10" are prices.
        r"|(?<![\\$])\$(?![\s$])[^$\n]*?(?<![\s\\])\$(?![\d$])",
    ),
    ("box", r"<box>.*?</box>|<quad>.*?</quad>"),
    ("picture", r"(?:Image|Frame)-?\d{1,4}: ?<image>"),
    ("tag", r"</?[A-Za-z|!][^<>\n]{0,200}>"),
    ("address", r"(?<![A-Za-z0-9])(?:[a-zA-Z][a-zA-Z0-9+.-]{1,15}://|www\.)[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*[A-Za-z0-9_~/#=&%+-]"),
    ("e-mail", r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"),
    (
        "file name",
        r"(?<![A-Za-z0-9_])[A-Za-z0-9_./\\~-]{0,200}[A-Za-z0-9_-]\.(?:"
        r"avi|bat|bmp|bz2|cfg|cpp|csv|css|docx?|exe|gguf|gif|gz|html?|ini|ipynb|jar|java|jpe?g|jsonl?|js|log|md|mkv|mov|mp[34]|npy|onnx|parquet|"
        r"pdf|php|png|pptx?|pth|py|rar|rs|rst|safetensors|sh|sql|svg|tar|tex|tiff?|toml|ts|tsv|ttf|txt|wav|webm|webp|xlsx?|xml|ya?ml|zip"
        r")(?![A-Za-z0-9_])",
    ),
    ("number", r"\d+(?:[.,]\d+)*"),
)  # fmt: skip
_ORDERED = frozenset({"box", "picture", "tag"})
_EDGE = re.compile(r"(?:(?:Image|Frame)-?\d{1,4}: ?)?(?:<image>|<video>)")
_EDGES_BEHIND = ("<image>", "<video>")
MOST_NAMED = 4


@dataclass(frozen=True)
class Kept:
    """What of a text must come back. marks: tags and boxes, in order. things: all else by (kind, content), with how often."""

    marks: tuple[str, ...]
    things: Counter[tuple[str, str]]

    def named(self) -> list[str]:
        """Each once, as it must come back: what to tell a model that lost one."""
        return list(dict.fromkeys([*self.marks, *(content for _, content in self.things)]))


def kept_in(text: str, glossary: Sequence[str] = ()) -> Kept:
    """All of it in a text. glossary: names as they must stay."""
    found = [(str(match.lastgroup), match[0]) for match in _things_in(text, glossary)]
    marks = tuple(content for kind, content in found if kind in _ORDERED)
    return Kept(marks, Counter(each for each in found if each[0] not in _ORDERED))


def what_changed(source: Kept, translation: Kept) -> str | None:
    """Why the one is not kept in the other, as "KIND changed: ..."; None when all of it is there, no more and no less."""
    if source.marks != translation.marks:
        lost, new = Counter(source.marks) - Counter(translation.marks), Counter(translation.marks) - Counter(source.marks)
        if not lost and not new:
            return f"marks changed: their order is {_named(translation.marks)} instead of {_named(source.marks)}"
        return f"marks changed: {_difference(list(lost.elements()), list(new.elements()))}"
    missing, added = source.things - translation.things, translation.things - source.things
    for kind in dict.fromkeys(kind for kind, _ in [*missing, *added]):
        lost_ones, new_ones = ([content for each, content in some.elements() if each == kind] for some in (missing, added))
        return f"{_plural(kind)} changed: {_difference(lost_ones, new_ones)}"
    return None


def prose(text: str, glossary: Sequence[str] = ()) -> str:
    """The text without what is kept: what a translator has to do with."""
    return " ".join(_pattern(tuple(glossary)).sub(" ", text).split())


def without_edges(text: str) -> tuple[str, str, str]:
    """The marks and space in front, the middle, and the marks and space behind: `<image>\\nWhat?` needs no model for its mark."""
    rest = text.lstrip()
    while mark := _EDGE.match(rest):
        rest = rest[mark.end() :].lstrip()
    middle = rest.rstrip()
    while middle.endswith(_EDGES_BEHIND):
        middle = middle[: -len(_EDGES_BEHIND[0])].rstrip()
    return text[: len(text) - len(rest)], middle, rest[len(middle) :]


def _things_in(text: str, glossary: Sequence[str]) -> list[re.Match[str]]:
    return list(_pattern(tuple(glossary)).finditer(text))


@lru_cache(maxsize=16)
def _pattern(glossary: tuple[str, ...]) -> re.Pattern[str]:
    """One expression with a group a kind. Names are told from parts of longer ASCII words."""
    names = "|".join(re.escape(name) for name in sorted(glossary, key=len, reverse=True) if name)
    kinds = [*_THINGS[:-1], *([("name", rf"(?<![A-Za-z0-9])(?:{names})(?![A-Za-z0-9])")] if names else []), _THINGS[-1]]
    # `lastgroup` is the group that closed last, and the outer one always does.
    return re.compile("|".join(f"(?P<{_group(kind)}>{expression})" for kind, expression in kinds), re.DOTALL)


def _group(kind: str) -> str:
    return kind.replace(" ", "_").replace("-", "_")


def _plural(kind: str) -> str:
    return {"code": "code", "address": "addresses", "e_mail": "e-mails"}.get(kind, kind.replace("_", " ") + "s")


def _difference(lost: Sequence[str], new: Sequence[str]) -> str:
    parts = [f"{_named(lost)} {'is' if len(lost) == 1 else 'are'} missing"] if lost else []
    parts += [f"{_named(new)} {'is' if len(new) == 1 else 'are'} new"] if new else []
    return ", ".join(parts)


def _named(contents: Sequence[str]) -> str:
    shown = [each if len(each) <= 60 else f"{each[:60]}..." for each in contents[:MOST_NAMED]]
    return " ".join(shown) + (f" and {len(contents) - MOST_NAMED} more" if len(contents) > MOST_NAMED else "")
