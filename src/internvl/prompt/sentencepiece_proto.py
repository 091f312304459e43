"""The few facts of a SentencePiece `tokenizer.model` that loading needs, read from its bytes without the protobuf library.

    ModelProto   { 1: piece (repeated)   3: normalizer }
    piece        { 1: text   2: score   3: type }
    normalizer   { 3: add_dummy_prefix   4: remove_extra_whitespaces }

Two edits lean on the rule that a later value of a field wins over an earlier one: turning the dummy prefix off, and making pieces
control pieces, which text can never match.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from internvl.errors import TokenizerError

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_PIECE, _NORMALIZER, _TYPE = 1, 3, 3
_DUMMY_PREFIX, _EXTRA_SPACES = 3, 4
_NO_DUMMY_PREFIX = bytes([_NORMALIZER << 3 | _BYTES, 2, _DUMMY_PREFIX << 3 | _VARINT, 0])
_CONTROL_TYPE = bytes([_TYPE << 3 | _VARINT, CONTROL])


@dataclass(frozen=True)
class ModelFacts:
    """texts, types: of each piece, by id. The two flags are the normaliser's."""

    texts: tuple[str, ...]
    types: tuple[int, ...]
    add_dummy_prefix: bool
    remove_extra_spaces: bool

    @cached_property
    def ids(self) -> dict[str, int]:
        """Piece text -> id; the lowest where a text stands twice."""
        return {text: id for id, text in reversed(list(enumerate(self.texts)))}


def read_facts(proto: bytes) -> ModelFacts:
    """Read pieces and normaliser flags; a `TokenizerError` when the bytes are no SentencePiece model."""
    texts, types, flags = [], [], {_DUMMY_PREFIX: 1, _EXTRA_SPACES: 1}
    for number, value, _ in _fields(proto):
        if number == _PIECE and isinstance(value, bytes):
            text, kind = _read_piece(value)
            texts.append(text)
            types.append(kind)
        elif number == _NORMALIZER and isinstance(value, bytes):
            flags.update((n, v) for n, v, _ in _fields(value) if n in flags and isinstance(v, int))
    if not texts:
        raise TokenizerError("it holds no pieces, so it is not a SentencePiece model")
    return ModelFacts(tuple(texts), tuple(types), bool(flags[_DUMMY_PREFIX]), bool(flags[_EXTRA_SPACES]))


def edit(proto: bytes, *, control: Collection[int], dummy_prefix: bool) -> bytes:
    """The same model with the pieces `control` out of reach of text, and without the dummy prefix unless `dummy_prefix`."""
    parts, piece_id = [], 0
    for number, value, raw in _fields(proto):
        if number == _PIECE and isinstance(value, bytes):
            # The unknown piece stays what it is: no text matches it anyway, and a model must have one.
            if piece_id in control and _read_piece(value)[1] != UNKNOWN:
                body = value + _CONTROL_TYPE
                raw = bytes([_PIECE << 3 | _BYTES]) + _varint(len(body)) + body
            piece_id += 1
        parts.append(raw)
    return b"".join(parts) + (b"" if dummy_prefix else _NO_DUMMY_PREFIX)


def _read_piece(message: bytes) -> tuple[str, int]:
    text, kind = "", NORMAL
    for number, value, _ in _fields(message):
        if number == 1 and isinstance(value, bytes):
            text = value.decode("utf-8", errors="replace")
        elif number == _TYPE and isinstance(value, int):
            kind = value
    return text, kind


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes, bytes]]:
    """Each field's number, its value (a number, or bytes), and its own bytes in the message."""
    position = 0
    while position < len(message):
        start = position
        key, position = _read_varint(message, position)
        number, wire = key >> 3, key & 7
        value: int | bytes
        if wire == _VARINT:
            value, position = _read_varint(message, position)
        elif wire in (_BYTES, _FIXED32, _FIXED64):
            length = {_FIXED32: 4, _FIXED64: 8}.get(wire)
            if length is None:
                length, position = _read_varint(message, position)
            value, position = message[position : position + length], position + length
        else:
            raise TokenizerError("it is not a SentencePiece model: an unknown field type")
        if position > len(message):
            raise TokenizerError("it is not a whole SentencePiece model: it ends inside a field")
        yield number, value, message[start:position]


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(message) and shift < 64:
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
    raise TokenizerError("it is not a whole SentencePiece model: it ends inside a number")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
