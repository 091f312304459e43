"""Conversations that are learnt from: what is a control token in them, what has a loss, and what is refused."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path

import pytest

from internvl.errors import PlaceholderCountError, PromptError, TokenizerError
from internvl.prompt.labels import IGNORED, encode_conversation, encode_turns, text_turn
from internvl.prompt.pieces import Typed
from internvl.prompt.template import Turn
from internvl.prompt.templates import template_named
from internvl.prompt.tokenizer import Tokenizer, load_tokenizer

FIXTURES = Path(__file__).parents[2] / "parity" / "fixtures"
NAME = "Hermes-2"
HERMES = template_named(NAME)


@cache
def tokenizer(kind: str = "internvl2-qwen2") -> Tokenizer:
    return load_tokenizer(FIXTURES / kind)


def talk(*texts: str, system: str | None = None) -> list[dict[str, str]]:
    """Alternating turns, the human's first."""
    turns = [{"from": ("human", "gpt")[number % 2], "value": text} for number, text in enumerate(texts)]
    return turns if system is None else [{"from": "system", "value": system}, *turns]


def prompt_of(conversation: list[dict[str, str]], counts: tuple[int, ...] = (), name: str = NAME) -> str:
    """The whole text, control tokens by name."""
    ids, _ = encode_conversation(tokenizer(), name, conversation, counts)
    return tokenizer().decode(ids, skip_special=False)


def learnt(ids: list[int], labels: list[int]) -> str:
    shown = [id for id, label in zip(ids, labels, strict=True) if label != IGNORED]
    return tokenizer().decode(shown, skip_special=False)


def test_the_whole_text_and_the_part_that_is_learnt() -> None:
    ids, labels = encode_conversation(tokenizer(), "internvl2_5", talk("Q1", "A1", "Q2", "A2", system="Be brief."), [])
    assert tokenizer().decode(ids, skip_special=False) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nQ1<|im_end|>\n<|im_start|>assistant\nA1<|im_end|>\n"
        "<|im_start|>user\nQ2<|im_end|>\n<|im_start|>assistant\nA2<|im_end|>\n"
    )
    assert learnt(ids, labels) == "A1<|im_end|>A2<|im_end|>"


def test_the_models_own_system_message_unless_the_record_has_one() -> None:
    ids, _ = encode_conversation(tokenizer(), NAME, talk("Q", "A"), [], system_message="SET")
    assert tokenizer().decode(ids, skip_special=False).startswith("<|im_start|>system\nSET<|im_end|>")
    assert HERMES.system_message in prompt_of(talk("Q", "A"))
    assert prompt_of(talk("Q", "A", system="")).startswith("<|im_start|>system\n<|im_end|>")


def test_white_space_at_the_start_of_an_answer_is_learnt() -> None:
    ids, labels = encode_conversation(tokenizer(), NAME, talk("Q", "\n\n  A "), [])
    assert learnt(ids, labels) == "\n\n  A <|im_end|>"


def test_a_newline_that_melts_with_the_templates_is_learnt_too(tmp_path: Path) -> None:
    """As in the released vocabularies: two newlines are one token, but in chat the first of them is there already."""
    for file in (FIXTURES / "internvl2-qwen2").iterdir():
        if file.suffix != ".safetensors":
            shutil.copy(file, tmp_path / file.name)
    vocabulary = json.loads((tmp_path / "vocab.json").read_text("utf-8")) | {"ĊĊ": 800}
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary), "utf-8")
    merges = (tmp_path / "merges.txt").read_text("utf-8").rstrip("\n")
    (tmp_path / "merges.txt").write_text(f"{merges}\nĊ Ċ\n", "utf-8")
    melting = load_tokenizer(tmp_path)
    assert melting.encode_text("\n\n") == [800]
    ids, labels = encode_conversation(melting, NAME, talk("Q", "\nA"), [])
    newline, a, end = melting.encode_text("\n")[0], melting.encode_text("A")[0], melting.token_id("<|im_end|>")
    assert ids[-4:] == [newline, newline, a, end]
    assert labels[-4:] == [IGNORED, newline, a, end]


def test_only_internlm2_takes_white_space_away() -> None:
    for name, text in ((NAME, " A "), ("internlm2-chat", "A")):
        ids, labels = encode_conversation(tokenizer(), name, talk(" Q ", " A "), [])
        assert learnt(ids, labels) == f"{text}<|im_end|>"


def test_only_marks_of_grounding_are_control_tokens() -> None:
    token_id = tokenizer().token_id
    ids, labels = encode_conversation(
        tokenizer(), NAME, talk("Find <ref>a cat</ref> <|im_end|>", "<ref>a cat</ref><box>[[1, 2, 3, 4]]</box>"), []
    )
    assert [ids.count(token_id(mark)) for mark in ("<ref>", "</ref>", "<box>", "</box>")] == [2, 2, 1, 1]
    assert [labels.count(token_id(mark)) for mark in ("<ref>", "</ref>", "<box>", "</box>")] == [1, 1, 1, 1]
    assert ids.count(token_id("<|im_end|>")) == 3


def test_marks_outside_of_questions_are_text() -> None:
    ids, _ = encode_conversation(tokenizer(), NAME, talk("<image>\nQ", "write <image>", system="an <image>"), [2])
    assert ids.count(tokenizer().token_id("<img>")) == 1
    assert tokenizer().decode(ids, skip_special=False).count("<image>") == 2
    assert "<video>" in prompt_of(talk("the tag <video>", "A"))


@pytest.mark.parametrize(("question", "counts", "expected", "given"), [("Q", (4,), 0, 1), ("<image><image>", (4,), 2, 1)])
def test_every_picture_needs_a_mark(question: str, counts: tuple[int, ...], expected: int, given: int) -> None:
    with pytest.raises(PlaceholderCountError, match=f"hold {expected} <image> marks, but {given} pictures") as caught:
        prompt_of(talk(question, "A"), counts)
    assert (caught.value.expected, caught.value.given) == (expected, given)


@pytest.mark.parametrize(
    ("conversation", "reason"),
    [
        ([], "must end with an answer"),
        (talk("Q"), "must end with an answer"),
        (talk("Q", "A", "Q"), "must end with an answer"),
        (talk("Q", " \n"), "answer 1 of the conversation is empty"),
        ([{"from": "gpt", "value": "A"}], "turn 1 must be the user's"),
        ([*talk("Q", "A"), {"from": "system", "value": "S"}], "turn 3 must be the user's, not the system's"),
        ([{"from": "robot", "value": "A"}], "\"from\" is one of human, user, gpt, assistant, system, not 'robot'"),
        ([{"from": "human", "text": "A"}], '"value" is text, not NoneType'),
        (talk("Q", "a\ud800"), "character 1 of a text is half of a surrogate pair"),
    ],
)
def test_what_can_not_be_learnt_from(conversation: list[dict[str, str]], reason: str) -> None:
    with pytest.raises(PromptError, match=reason):
        prompt_of(conversation)


def test_a_tokenizer_without_the_end_token() -> None:
    with pytest.raises(TokenizerError, match=r"no token '<\|end\|>'"):
        prompt_of(talk("Q", "A"), name="phi3-chat")


def test_of_two_answers_only_the_last_is_learnt() -> None:
    turns = [Turn(role, (Typed(text),)) for role, text in (("user", "Q1"), ("assistant", "A1"), ("user", "Q2"), ("assistant", "A2"))]
    ids, labels = encode_turns(tokenizer(), HERMES, turns, last_only=True)
    assert learnt(ids, labels) == "A2<|im_end|>"
    assert ids == encode_turns(tokenizer(), HERMES, turns)[0]


def test_the_line_of_a_clip_is_not_ended_twice() -> None:
    slots = {"<video>": iter([[7, Typed("\n")], [8, Typed("\n")]])}
    turn = text_turn(HERMES, "user", "<video>\nQ<video> R <image>", slots)
    assert [piece if isinstance(piece, int) else piece.text for piece in turn.content] == [7, "\n", "Q", 8, "\n", " R ", "<image>"]
