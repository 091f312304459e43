"""What a worker measures of a program, on a stand-in whose times are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.peers import __main__ as command
from benchmarks.peers import worker
from benchmarks.peers.peer import Picture
from benchmarks.turn import Turn, shared


class Fake:
    """Encoding takes a second a tile, prefill half of it, a token a tenth; a picture seen before is not encoded."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.seen: set[int] = set()

    def load(self) -> None:
        self.calls.append("load")

    def ask(self, picture: Picture, question: str, *, tokens: int) -> Turn:
        self.calls.append(f"ask {picture.tiles} {picture.seed} {tokens}")
        encode_s = 0.0 if picture.seed in self.seen else float(picture.tiles)
        self.seen.add(picture.seed)
        return self._turn(encode_s, picture.tiles / 2, tokens)

    def again(self, question: str, *, tokens: int, by_hand: bool = False) -> Turn | None:
        return None if by_hand else self._turn(0.0, 0.25, tokens)

    def batch(self, pictures: list[Picture], question: str, *, tokens: int) -> float:
        return 8.0

    def peak_mb(self) -> float:
        return 100.0 + len(self.calls)

    def close(self) -> None:
        self.calls.append("close")

    def _turn(self, encode_s: float, prefill_s: float, tokens: int) -> Turn:
        answer, first_s = list(range(tokens)), encode_s + prefill_s
        return Turn(tokens=answer, first_token_s=first_s, decode_s=(tokens - 1) / 10, encode_s=encode_s, prompt_tokens=326)


def job(*parts: str) -> dict[str, Any]:
    counts, tiles = {"one": 3, "seven": 1, "thirteen": 1, "batch": 4}, {"one": 1, "seven": 7, "thirteen": 13, "batch": 1}
    pictures = {
        part: [{"path": "x", "tiles": tiles[part], "seed": 10 * number + i} for i in range(count)]
        for number, (part, count) in enumerate(counts.items(), start=1)
    }
    setup = {"variant": "int4", "folder": "x", "threads": 1, "extra": {}}
    lengths = {"tokens": 32, "many_tokens": 16, "batch_tokens": 16, "short_answer": 4}
    return {"program": "fake", "setup": setup, "parts": list(parts), "pictures": pictures} | lengths


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    peer = Fake()
    monkeypatch.setattr(worker, "make_peer", lambda program, setup: peer)
    return peer


def test_all_parts_give_their_figures(fake: Fake) -> None:
    figures = worker.measure(job("one", "seven", "thirteen", "batch"))
    assert (figures["encode_1_s"], figures["prefill_1_s"], figures["first_token_1_s"]) == (1.0, 0.5, 1.5)
    assert (figures["encode_13_s"], figures["first_token_13_s"]) == (13.0, 19.5)
    assert figures["decode_1_tok_s"] == pytest.approx(10)
    assert figures["second_turn_s"] == 0.25
    assert "second_turn_by_hand_s" not in figures
    assert (figures["other_chat_s"], figures["other_chat_encode_s"]) == (0.5, 0.0)
    assert (figures["other_system_s"], figures["other_system_encode_s"]) == (0.5, 0.0)
    assert figures["batch_tok_s"] == 4 * 16 / 8.0
    assert figures["answer"] == list(range(16))
    assert figures["peak_one_mb"] < figures["peak_seven_mb"]
    assert fake.calls[-1] == "close"


def test_a_later_part_alone_is_warmed_up_with_another_picture(fake: Fake) -> None:
    worker.measure(job("seven"))
    assert fake.calls == ["load", "ask 1 10 2", "ask 7 20 16", "close"]


def test_a_program_is_closed_also_when_it_fails(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> float:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(fake, "batch", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        worker.measure(job("batch"))
    assert fake.calls[-1] == "close"


def test_a_worker_that_fails_is_a_reason_not_an_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "broken"
    script.write_text("#!/bin/sh\necho first >&2\necho 'ValueError: no such model' >&2\nexit 3\n")
    script.chmod(0o755)
    assert command.run_worker({}, [str(script)]) == "ended with 3: ValueError: no such model"


def test_the_last_line_of_a_worker_is_its_figures(tmp_path: Path) -> None:
    script = tmp_path / "talks"
    script.write_text(f"#!/bin/sh\necho noise\necho '{json.dumps({'load_s': 1.5})}'\n")
    script.chmod(0o755)
    assert command.run_worker({}, [str(script)]) == {"load_s": 1.5}


def test_answers_agree_up_to_the_first_difference() -> None:
    assert shared([1, 2, 3], [1, 2, 4]) == 2
    assert shared([1, 2], [1, 2, 3]) == 2
    assert shared([], [1]) == 0
