"""Byte-level BPE from `vocab.json` and `merges.txt` (Qwen2), written as the equal `tokenizer.json`, and the byte alphabet behind it.

A byte-level vocabulary spells each of the 256 bytes as one visible character; that is the alphabet of GPT-2.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from internvl.prompt.tokenizer_files import MERGES, VOCABULARY, TokenizerFiles

# Qwen2 cuts text into these before merging: English short forms, words, single digits, signs, line ends, spaces.
QWEN2_CUTS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


@cache
def byte_of_character() -> dict[str, int]:
    """Visible character -> byte. Printable Latin-1 stands for itself, the other bytes for characters from U+0100 on."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}


def spelled_bytes(text: str) -> bytes:
    """The bytes that a vocabulary entry spells; an entry with a character outside the alphabet is its own UTF-8."""
    alphabet = byte_of_character()
    if all(character in alphabet for character in text):
        return bytes(alphabet[character] for character in text)
    return text.encode("utf-8")


def qwen2_spec(files: TokenizerFiles) -> dict[str, Any]:
    """The `tokenizer.json` object that tokenises as the slow Qwen2 class does."""
    cuts = {"type": "Split", "pattern": {"Regex": QWEN2_CUTS}, "behavior": "Isolated", "invert": False}
    to_bytes = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    return {
        "version": "1.0",
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [cuts, to_bytes]},
        "post_processor": None,
        "decoder": to_bytes,
        "model": {"type": "BPE", "vocab": files.json_object(VOCABULARY), "merges": _read_merges(files)},
    }


def _read_merges(files: TokenizerFiles) -> list[list[str]]:
    """One merge a line. Lines that begin with `#` are dropped, merges such as `# #` too: the models were trained without them."""
    lines = (line.strip() for line in files.text(MERGES).splitlines())
    merges = [line.split() for line in lines if line and not line.startswith("#")]
    for merge in merges:
        if len(merge) != 2:
            raise files.error(MERGES, f"a merge names two tokens, found {' '.join(merge)!r}")
    return merges
