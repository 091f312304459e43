"""The conversation: turns, commands, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_runs import FIXTURES

import internvl
from internvl.cli.answering import Answerer
from internvl.cli.conversation import Conversation
from internvl.engine.vlm import VLM
from internvl.messages import Image


@pytest.fixture(scope="module")
def vlm() -> VLM:
    return internvl.load(FIXTURES / "internvl2-qwen2", device="cpu")


Talk = Callable[..., Answerer]


@pytest.fixture
def talk(vlm: VLM) -> Talk:
    """Have a conversation made of these lines; an exception among them is raised where a line was asked for."""

    def have(*lines: str | BaseException, media: tuple[Image, ...] = (), as_json: bool = False) -> Answerer:
        answerer = Answerer(vlm, vlm.session(), {"max_new_tokens": 24}, as_json=as_json)
        left = iter(lines)

        def read() -> str:
            line = next(left, None)
            if line is None:
                raise EOFError
            if isinstance(line, BaseException):
                raise line
            return line

        Conversation(answerer, media, read=read).run()
        return answerer

    return have


def test_two_turns_are_the_originals(talk: Talk, golden: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    first, second = golden["image"], golden["image-turn2"]
    question = first["question"].removeprefix("<image>\n")
    answerer = talk(question, "", second["question"], media=(Image(FIXTURES / "image0.png"),))
    out, err = capsys.readouterr()
    assert out == f"{first['response']}\n{second['response']}\n"
    assert "1 picture shown with the first question" in err
    assert "of them cached" in err
    assert [message.role for message in answerer.session.messages] == ["user", "assistant"] * 2
    assert len(answerer.session.messages[2].media) == 0


def test_a_picture_is_shown_with_the_next_question_only(talk: Talk, pictures: list[Path]) -> None:
    session = talk("Hi", f'/image "{pictures[1]}"', "What is it?", "And now?").session
    assert [len(message.media) for message in session.messages[::2]] == [0, 1, 0]


def test_undo_and_new(talk: Talk, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(talk("one", "two", "/undo").session.messages) == 2
    assert talk("one", "/new").session.messages == []
    capsys.readouterr()
    assert talk("/undo").session.messages == []
    assert "error: there is no turn to take back" in capsys.readouterr().err


def test_tokens_counts_what_the_next_prompt_holds(talk: Talk, pictures: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    talk(f"/image {pictures[0]}", "/tokens")
    assert "145 tokens before the next question (109 text, 36 visual), 8047 of 8192 left" in capsys.readouterr().err


def test_save_writes_a_history(talk: Talk, pictures: list[Path], tmp_path: Path) -> None:
    file = tmp_path / "history.json"
    session = talk("Hi", f"/image {pictures[1]}", "What is it?", f"/save {file}").session
    history = json.loads(file.read_text("utf-8"))
    assert history["messages"][0] == {"role": "user", "content": [{"type": "text", "text": "Hi"}]}
    assert {"type": "image", "path": str(pictures[1])} in history["messages"][2]["content"]
    assert history["messages"][3]["content"][0]["text"] == session.messages[3].text
    assert history["tiles"]["max_tiles"] == 12


def test_save_spares_other_files(talk: Talk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "photo.png").write_bytes(b"dear")
    talk(f"/save {tmp_path / 'photo.png'}", f"/save {tmp_path / 'no' / 'x.json'}", "/save")
    err = capsys.readouterr().err
    assert (tmp_path / "photo.png").read_bytes() == b"dear"
    assert err.count("error: ") == 3
    assert "No such file or directory" in err


def test_mistakes_do_not_end_the_conversation(talk: Talk, capsys: pytest.CaptureFixture[str]) -> None:
    answerer = talk("/image nope.png", "/nonsense", "<image> but none given", KeyboardInterrupt(), "Hi")
    err = capsys.readouterr().err
    assert "no file 'nope.png'" in err
    assert "no command /nonsense" in err
    assert "1 <image> marks, but 0 images" in err
    assert "/quit or Ctrl-D leaves" in err
    assert len(answerer.session.messages) == 2


def test_pictures_wait_for_a_question_that_works(talk: Talk, pictures: list[Path]) -> None:
    session = talk(f"/image {pictures[1]}", "<image> and <image>", "What is it?").session
    assert len(session.messages[0].media) == 1


def test_help_lists_every_command_and_a_blank_makes_a_question(talk: Talk, capsys: pytest.CaptureFixture[str]) -> None:
    session = talk("/help", " /undo").session
    assert session.messages[0].text == "/undo"
    err = capsys.readouterr().err
    assert all(f"/{name} " in err for name in ("image", "video", "undo", "new", "tokens", "save", "help", "quit"))


def test_quit_reads_no_further(talk: Talk) -> None:
    assert talk("/quit", "not asked").session.messages == []


def test_json_answers_are_lines(talk: Talk, capsys: pytest.CaptureFixture[str]) -> None:
    talk("one", "two", as_json=True)
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["usage"]["answer_tokens"] for answer in answers] == [24, 24]


def interrupting(stream: Callable[..., Iterator[str]], at: int, times: int) -> Callable[..., Iterator[str]]:
    """The stream, with Ctrl-C pressed before piece number `at` comes out of it."""

    def interrupted(*args: Any, **options: Any) -> Iterator[str]:
        for number, piece in enumerate(inner := stream(*args, **options)):
            if number == at:
                for _ in range(times):
                    os.kill(os.getpid(), signal.SIGINT)
            try:
                yield piece
            except GeneratorExit:
                inner.close()  # type: ignore[attr-defined]
                raise

    return interrupted


def test_ctrl_c_ends_the_answer_and_keeps_the_turn(vlm: VLM, capsys: pytest.CaptureFixture[str]) -> None:
    answerer = Answerer(vlm, vlm.session(), {"max_new_tokens": 24})
    full = vlm.chat("Hi", max_new_tokens=24)
    answerer.session.stream = interrupting(answerer.session.stream, at=2, times=1)  # type: ignore[method-assign]
    answerer.answer_stoppable("Hi", [])
    said = answerer.session.messages[1].text
    assert said
    assert full.startswith(said)
    assert len(said) < len(full)
    assert capsys.readouterr().out == said + "\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_does_not_wait(vlm: VLM, capsys: pytest.CaptureFixture[str]) -> None:
    answerer = Answerer(vlm, vlm.session(), {"max_new_tokens": 24})
    answerer.session.stream = interrupting(answerer.session.stream, at=2, times=2)  # type: ignore[method-assign]
    lines = iter(["Hi", "/quit"])
    Conversation(answerer, [], read=lambda: next(lines)).run()
    assert "the question is forgotten" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
