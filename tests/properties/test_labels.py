"""Whatever is said, in every template and by every tokenizer: labels are the answers and their ends, prompts are those of chat."""

from __future__ import annotations

import json
import re
import shutil
import unicodedata
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from internvl.media.tiling import TilePolicy
from internvl.processor import Processor
from internvl.prompt.labels import IGNORED, STRIPPING_TEMPLATES, encode_conversation, text_turn
from internvl.prompt.placeholders import GROUNDING_MARKS
from internvl.prompt.templates import TEMPLATES, template_named
from internvl.prompt.tokenizer import Tokenizer, load_tokenizer

FIXTURES = Path(__file__).parents[1] / "parity" / "fixtures"
IDENTITY_MODEL = FIXTURES.parent / "tokenizers" / "identity.model"
EXACT = ("qwen2", "llama3", "internlm2 identity")  # the others' models turn, for example, a newline into a space
BYTE_LEVEL = ("qwen2", "llama3")
KINDS = (*EXACT, "internlm2", "phi3", "llama2")
CONTROLS = ("<|im_start|>", "<|im_end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
CONTROLS += ("<|start|>", "<|message|>", "<|return|>", "<human>", "<bot>")
FORGED = (*CONTROLS, "</s>", "<s>", "<unk>", "<img>", "</img>", "<IMG_CONTEXT>", "<|endoftext|>", "<image>", "<video>")
BASES = {"internlm2 identity": "internvl2-internlm2", "llama2": "v1-1-llama2"}

some = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
texts = st.text(st.characters(codec="utf-8"), max_size=30)
pieces = st.lists(st.one_of(texts, st.sampled_from((*FORGED, *GROUNDING_MARKS)), st.sampled_from((" ", "\n", " \n\n"))), max_size=5)
questions = pieces.map("".join).map(lambda text: text.replace("<image>", "<picture>"))
# A tokenizer may leave nothing of control characters, and an answer of nothing is refused.
answers = pieces.map("".join).filter(lambda text: any(character.isalnum() for character in text))
conversations = st.lists(st.tuples(questions, answers), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tokenizer]:
    """The fixtures' tokenizers, each with the control tokens of all templates."""
    return {kind: load_tokenizer(folder_of(kind, tmp_path_factory.mktemp("tokenizer"))) for kind in KINDS}


def folder_of(kind: str, folder: Path) -> Path:
    for file in (FIXTURES / BASES.get(kind, f"internvl2-{kind}")).iterdir():
        if "token" in file.name or file.name in ("vocab.json", "merges.txt"):
            shutil.copy(file, folder / file.name)
    if kind == "internlm2 identity":  # as the released one: it neither drops nor replaces white space
        shutil.copy(IDENTITY_MODEL, folder / "tokenizer.model")
    config = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    (folder / "added_tokens.json").unlink(missing_ok=True)
    named = {int(id): token for id, token in config["added_tokens_decoder"].items()}
    known = {token["content"] for token in named.values()}
    for name in (*CONTROLS, "</s>"):
        if name not in known:
            named[max(*named, 5000) + 1] = {"content": name, "special": True}
    config["added_tokens_decoder"] = {str(id): token for id, token in named.items()}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def released(said: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"from": who, "value": text} for pair in said for who, text in zip(("human", "gpt"), pair, strict=True)]


def learnt_runs(labels: list[int]) -> list[tuple[int, int]]:
    """(start, end) of each stretch with loss."""
    learnt = [False, *(label != IGNORED for label in labels), False]
    edges = [index for index, (before, here) in enumerate(pairwise(learnt)) if before != here]
    return list(zip(edges[::2], edges[1::2], strict=True))


def spelled(tokenizer: Tokenizer, ids: list[int]) -> bytes:
    return b"".join(tokenizer.token_bytes(id) for id in ids)


def expected_bytes(kind: str, tokenizer: Tokenizer, text: str) -> bytes:
    """What a tokenizer makes of a text. A grounding mark is a token, and sentencepiece puts a space before the text behind one."""
    if kind == "qwen2":
        text = unicodedata.normalize("NFC", text)
    marks = [mark for mark in GROUNDING_MARKS if mark in tokenizer.added_tokens]
    first, *others = re.split("(" + "|".join(map(re.escape, marks)) + ")", text) if marks else [text]
    pieces = [first.replace("▁", " ").encode() if kind in EXACT else spelled(tokenizer, tokenizer.encode_text(first))]
    for part in others:
        plain = part in marks or kind in BYTE_LEVEL
        pieces.append(part.replace("▁", " ").encode() if plain else spelled_alone(kind, tokenizer, part))
    return b"".join(pieces)


def spelled_alone(kind: str, tokenizer: Tokenizer, text: str) -> bytes:
    if kind in EXACT:
        return f" {text}".replace("▁", " ").encode() if text else b""
    return spelled(tokenizer, tokenizer.encode_text(text))


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("kind", KINDS)
@some
@given(said=conversations)
def test_labels_are_the_answers_and_their_ends(
    tokenizers: dict[str, Tokenizer], kind: str, name: str, said: list[tuple[str, str]]
) -> None:
    tokenizer, template = tokenizers[kind], template_named(name)
    end = tokenizer.token_id(template.assistant_suffix.strip())
    ids, labels = encode_conversation(tokenizer, name, released(said), [])
    assert all(label in (IGNORED, id) for id, label in zip(ids, labels, strict=True))
    found = learnt_runs(labels)
    assert len(found) == len(said)
    for (start, stop), (_, answer) in zip(found, said, strict=True):
        assert ids[stop - 1] == end
        text = answer.strip() if name in STRIPPING_TEMPLATES else answer
        heard, wanted = spelled(tokenizer, ids[start : stop - 1]), expected_bytes(kind, tokenizer, text)
        if kind in EXACT:
            assert heard == template.assistant_prefix.removeprefix(template.generation).encode() + wanted
        else:  # a text that stands alone gets a space in front
            assert heard.lstrip(b" ") == wanted.lstrip(b" ")


@pytest.mark.parametrize("answer", ["ion", "h"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_never_melts_into_its_prompt(tokenizers: dict[str, Tokenizer], kind: str, answer: str) -> None:
    """One of these is part of a longer piece of each vocabulary when the template's `assistant` stands right before it."""
    tokenizer = tokenizers[kind]
    ids, labels = encode_conversation(tokenizer, "internvl3_5_gpt_oss", released([("Q", answer)]), [])
    ((start, stop),) = learnt_runs(labels)
    assert spelled(tokenizer, ids[start : stop - 1]) == answer.encode()
    assert spelled(tokenizer, ids[:start]).endswith(b"assistant")


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("kind", KINDS)
@some
@given(said=conversations)
def test_up_to_each_answer_the_ids_are_those_of_chat(
    tokenizers: dict[str, Tokenizer], kind: str, name: str, said: list[tuple[str, str]]
) -> None:
    tokenizer, template = tokenizers[kind], template_named(name)
    said = [(question, answer.strip()) for question, answer in said]  # chat strips its replies
    ids, labels = encode_conversation(tokenizer, name, released(said), [])
    chat = Processor(tokenizer, template, policy=TilePolicy(tile_size=56), tokens_per_tile=4)
    turns = [text_turn(template, role, text, {}) for pair in said for role, text in zip(("user", "assistant"), pair, strict=True)]
    # Chat shows earlier replies melted with the word before them where a template puts nothing between: only its first prompt is equal.
    prompts = 1 if template.generation[-1].isalpha() else len(said)
    for number, (start, _) in enumerate(learnt_runs(labels)[:prompts]):
        assert ids[:start] == chat.encode(turns[: 2 * number + 1])


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("kind", KINDS)
@some
@given(said=conversations)
def test_nobody_can_forge_a_control_token(tokenizers: dict[str, Tokenizer], kind: str, name: str, said: list[tuple[str, str]]) -> None:
    tokenizer = tokenizers[kind]
    marks = {tokenizer.added_tokens.get(mark) for mark in GROUNDING_MARKS}  # these are meant to work
    controls = set(tokenizer.added_tokens.values()) - {tokenizer.unk_id} - marks

    def found(conversation: list[tuple[str, str]]) -> Counter[int]:
        ids, _ = encode_conversation(tokenizer, name, released(conversation), [])
        return Counter(id for id in ids if id in controls)

    assert found(said) == found([("x", "y")] * len(said))


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("kind", KINDS)
@some
@given(parts=st.lists(questions, min_size=2, max_size=4), data=st.data())
def test_pictures_stand_at_their_marks(
    tokenizers: dict[str, Tokenizer], kind: str, name: str, parts: list[str], data: st.DataObject
) -> None:
    tokenizer = tokenizers[kind]
    counts = [data.draw(st.integers(1, 5)) for _ in parts[1:]]
    ids, labels = encode_conversation(tokenizer, name, released([("<image>".join(parts), "ok")]), counts)
    start, inside, end = (tokenizer.token_id(token) for token in ("<img>", "<IMG_CONTEXT>", "</img>"))
    shown = [id for id in ids if id in (start, inside, end)]
    assert shown == [id for count in counts for id in (start, *[inside] * count, end)]
    assert all(label not in (start, inside, end) for label in labels)
