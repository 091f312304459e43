"""The parts of a tokenizer: cutting at added tokens, streaming replacement, characters from bytes, the SentencePiece file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sentencepiece
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from internvl.errors import TokenizerError
from internvl.prompt.added_tokens import AddedToken, AddedTokens
from internvl.prompt.byte_bpe import byte_of_character, spelled_bytes
from internvl.prompt.detokenize import CLEANED, CleanUp, FusedDecoder, Replacer
from internvl.prompt.json_model import JsonModel, opening_token, read_vocabulary
from internvl.prompt.pieces import Trusted, Typed
from internvl.prompt.sentencepiece_proto import edit, read_facts
from internvl.prompt.sentencepiece_text import PieceDecoder, split_characters

FIXTURES = Path(__file__).parents[2] / "parity" / "fixtures"
MODEL = (FIXTURES / "internvl2-internlm2" / "tokenizer.model").read_bytes()
IDENTITY = (FIXTURES.parent / "tokenizers" / "identity.model").read_bytes()
ADDED = AddedTokens(
    [
        AddedToken(name="<a>", id=10),
        AddedToken(name="<a><b>", id=11),
        AddedToken(name="<r>", id=12, rstrip=True),
        AddedToken(name="<l>", id=13, lstrip=True),
        AddedToken(name="<w>", id=14, single_word=True),
    ]
)


@pytest.mark.parametrize(
    ("pieces", "chunks"),
    [
        ([Trusted("x<a>y")], ["x", 10, "y"]),
        ([Trusted("<a><b><a>")], [11, 10]),
        ([Trusted("<"), Trusted("a>")], [10]),
        ([Trusted("<"), Typed("a>")], ["<a>"]),
        ([Trusted("x"), Typed("<a>"), Trusted("y<a>")], ["x<a>y", 10]),
        ([Typed("<a><r>", marks=frozenset({"<r>", "<unheard>"})), 7, Typed("")], ["<a>", 12, 7]),
        ([Trusted("<r>\n"), Typed("  x "), Trusted(" <l>")], [12, "x", 13]),
        ([12, Typed(" x")], [12, "x"]),
        ([Trusted("<r> \n<a>")], [12, 10]),
        ([Trusted("x<w> <w> y<w>")], ["x<w> ", 14, " y<w>"]),
        ([], []),
    ],
)
def test_prompts_are_cut_at_added_tokens(pieces: list[Trusted | Typed | int], chunks: list[str | int]) -> None:
    assert ADDED.chunks(pieces) == chunks


def test_a_name_or_an_id_belongs_to_one_token() -> None:
    for other in (AddedToken(name="<a>", id=2), AddedToken(name="<c>", id=1)):
        with pytest.raises(TokenizerError, match="collide"):
            AddedTokens([AddedToken(name="<a>", id=1), other])


@given(st.lists(st.text("ab .n't'", max_size=4)), st.sampled_from([("aab", "x"), *CLEANED]))
def test_replacing_in_parts_is_replacing_at_once(parts: list[str], pair: tuple[str, str]) -> None:
    replacer = Replacer(*pair)
    assert "".join(map(replacer.push, parts)) + replacer.finish() == "".join(parts).replace(*pair)


@given(st.lists(st.text(" .?!,n'tmsvre", max_size=5)))
def test_cleaning_in_parts_is_cleaning_at_once(parts: list[str]) -> None:
    expected = "".join(parts)
    for old, new in CLEANED:
        expected = expected.replace(old, new)
    clean_up = CleanUp()
    assert "".join(map(clean_up.push, parts)) + clean_up.finish() == expected


def test_the_byte_alphabet_is_that_of_the_library() -> None:
    alphabet = byte_of_character()
    assert set(alphabet) == set(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    assert sorted(alphabet.values()) == list(range(256))
    assert spelled_bytes("Ġé") == b" \xe9"
    assert spelled_bytes("中") == "中".encode()


@given(st.binary(max_size=12))
def test_characters_from_bytes_are_those_of_sentencepiece(data: bytes) -> None:
    processor = sentencepiece.SentencePieceProcessor(model_proto=MODEL)
    expected = processor.decode([f"<0x{byte:02X}>" for byte in data]) if data else ""
    assert split_characters(data, final=True) == (expected, b"")
    shown, rest = "", b""
    for byte in data:
        text, rest = split_characters(rest + bytes([byte]), final=False)
        assert len(rest) < 4
        shown += text
    assert shown + split_characters(rest, final=True)[0] == expected


@pytest.mark.parametrize("model", [MODEL, IDENTITY], ids=["fixture", "identity"])
@given(data=st.data())
def test_pieces_are_decoded_as_sentencepiece_does(model: bytes, data: st.DataObject) -> None:
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    marked = [id for id in range(processor.vocab_size()) if processor.id_to_piece(id).startswith("▁")]
    ids = data.draw(st.lists(st.integers(0, processor.vocab_size() - 1) | st.sampled_from(marked) | st.integers(0, 258), max_size=10))
    decoder = PieceDecoder(read_facts(model), dummy_prefix=True)
    assert "".join(map(decoder.push, ids)) + decoder.finish() == processor.decode(ids)


def test_the_facts_of_a_model_file_are_sentencepieces() -> None:
    for model in (MODEL, IDENTITY):
        processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        facts = read_facts(model)
        assert list(facts.texts) == [processor.id_to_piece(id) for id in range(processor.vocab_size())]
        assert [kind == 6 for kind in facts.types] == [processor.is_byte(id) for id in range(processor.vocab_size())]
        assert facts.add_dummy_prefix
    assert read_facts(MODEL).remove_extra_spaces
    assert not read_facts(IDENTITY).remove_extra_spaces


def test_an_edited_model_loses_pieces_and_the_dummy_prefix_only() -> None:
    before = sentencepiece.SentencePieceProcessor(model_proto=IDENTITY)
    word = before.encode("import")[0]
    after = sentencepiece.SentencePieceProcessor()
    after.LoadFromSerializedProto(edit(IDENTITY, control={word}, dummy_prefix=False))
    assert after.vocab_size() == before.vocab_size()
    assert word not in after.encode("▁import import")
    assert after.encode("x", out_type=str) == ["x"]
    assert before.encode("x", out_type=str) != ["x"]
    assert edit(IDENTITY, control=(), dummy_prefix=True) == IDENTITY


def test_a_run_of_broken_bytes_is_broken_as_a_whole() -> None:
    def decode(*ids: int) -> str:
        decoder = FusedDecoder({0: " a"}, {1: 0xE4, 2: 0xBD, 3: 0xA0}, strips_space=True)
        return "".join(map(decoder.push, ids)) + decoder.finish()

    assert decode(0, 0) == "a a"
    assert decode(1, 2, 3, 0) == "你 a"
    assert decode(1, 2, 3, 1) == "\N{REPLACEMENT CHARACTER}" * 4


def _spec(**changes: object) -> dict[str, object]:
    vocab = {token: id for id, token in enumerate(["<unk>", "▁", "a", "b", "ab", "▁ab", "<x>", "<", "x", ">", "<x"])}
    merges = [["a", "b"], ["▁", "ab"], ["<", "x"], ["<x", ">"]]
    model = {"type": "BPE", "unk_token": "<unk>", "vocab": vocab, "merges": merges}
    space = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
    steps = [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "Fuse"}]
    decoder = {"type": "Sequence", "decoders": steps}
    return {"version": "1.0", "added_tokens": [], "pre_tokenizer": space, "decoder": decoder, "model": model} | changes


def _model(*, added: AddedTokens, unk_id: int | None, **changes: object) -> JsonModel:
    spec = _spec(**changes)
    return JsonModel(spec, read_vocabulary(spec), added=added, unk_id=unk_id)


def test_a_token_that_merges_could_build_is_out_of_reach() -> None:
    plain = _model(added=AddedTokens([]), unk_id=0)
    assert plain.encode_chunks(["<x>"]) == [1, 6]
    guarded = _model(added=AddedTokens([AddedToken(name="<x>", id=6)]), unk_id=0)
    assert guarded.encode_chunks(["<x>"]) == [1, 10, 9]
    assert guarded.vocabulary["<x>"] == 6


def test_a_prefix_for_the_first_chunk_only() -> None:
    token = {"id": 11, "content": "<c>", "special": True, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    theirs = tokenizers.Tokenizer.from_str(json.dumps(_spec(added_tokens=[token])))
    ours = _model(added=AddedTokens([AddedToken(name="<c>", id=11)]), unk_id=0)
    for chunks in (["ab", 11, "ab"], [11, "ab"], [11, " ab"]):
        whole = "".join("<c>" if chunk == 11 else str(chunk) for chunk in chunks)
        assert ours.encode_chunks(chunks) == theirs.encode(whole, add_special_tokens=False).ids


def test_the_token_that_opens_a_text() -> None:
    template = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A"}}]}
    assert opening_token(_spec(post_processor=template)) == "<s>"
    assert opening_token(_spec(post_processor={"type": "Sequence", "processors": [{"type": "ByteLevel"}, template]})) == "<s>"
    assert opening_token(_spec(post_processor={"type": "ByteLevel"})) is None


def test_a_decoder_that_is_not_known_is_refused() -> None:
    with pytest.raises(TokenizerError, match="WordPiece"):
        _model(decoder={"type": "WordPiece"}, added=AddedTokens([]), unk_id=None)
