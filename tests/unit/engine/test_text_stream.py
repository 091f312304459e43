"""Stop strings and blanks: what is shown depends on the text alone, however tokens cut it."""

from __future__ import annotations

import pytest

from internvl.engine.text_stream import TextStream


class Letters:
    """A decoder for tests: id n stands for the n-th piece of a text."""

    def __init__(self, *pieces: str) -> None:
        self.pieces = pieces

    def push(self, token_id: int) -> str:
        return self.pieces[token_id]

    def finish(self) -> str:
        return ""


def shown(stop: tuple[str, ...], *pieces: str) -> tuple[str, bool]:
    stream = TextStream(Letters(*pieces), stop)
    text = "".join([stream.push(i) for i in range(len(pieces))]) + stream.finish()
    return text, stream.stopped


CASES = [
    ((), "  plain text  ", "plain text", False),
    (("END",), "before END after", "before", True),
    (("END",), "almost EN", "almost EN", False),
    (("END",), "ENEND", "EN", True),
    (("aab",), "aaab", "a", True),
    (("\n\n",), "\n\nHello", "", True),
    (("\n\n",), "one\ntwo\n\nthree", "one\ntwo", True),
    (("x", "longer"), "a longer x", "a", True),
    (("abcX", "bc"), "abcX", "a", True),
    (("bc", "abc"), "zabc", "z", True),
    (("。",), "你好。再见", "你好", True),
    (("never",), "", "", False),
]


@pytest.mark.parametrize(("stop", "text", "expected", "stopped"), CASES)
def test_every_way_to_cut(stop: tuple[str, ...], text: str, expected: str, stopped: bool) -> None:
    assert shown(stop, text) == (expected, stopped)
    assert shown(stop, *text) == (expected, stopped)
    for first in range(len(text) + 1):
        for second in range(first, len(text) + 1):
            assert shown(stop, text[:first], text[first:second], text[second:]) == (expected, stopped)


def test_nothing_is_held_back_without_need() -> None:
    stream = TextStream(Letters("one ", "two", "EN", "c"), ("END",))
    assert [stream.push(i) for i in range(4)] == ["one", " two", "", "ENc"]


def test_later_ids_are_ignored() -> None:
    stream = TextStream(Letters("a", "STOP", "b"), ("STOP",))
    assert [stream.push(i) for i in range(3)] == ["a", "", ""]
    assert stream.finish() == ""
