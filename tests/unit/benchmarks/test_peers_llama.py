"""llama.cpp's side of the comparison, on a stand-in for its server: prompts, chats, what is timed."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest
from benchmarks.peers.llama_peer import LlamaPeer, encode_seconds
from benchmarks.peers.peer import Picture, Setup

SERVER = """#!{python}
import http.server, json, sys, time
port = int(sys.argv[sys.argv.index("--port") + 1])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.reply({{"status": "ok"}})
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open({asked!r}, "a") as file:
            file.write(json.dumps({{"body": body, "slots": sys.argv[sys.argv.index("--parallel") + 1]}}) + "\\n")
        print("0.01.000.000 I slot 0 | encoding mtmd batch from idx = 9", file=sys.stderr)
        print("0.03.500.000 I decoding image batch 1/1, n_tokens_batch = 256", file=sys.stderr, flush=True)
        time.sleep(0.2)
        tokens = list(range(body["n_predict"]))
        self.reply({{"content": "answer", "tokens": tokens, "tokens_evaluated": 326, "timings": {{"predicted_ms": 50.0}}}})
    def reply(self, value):
        data = json.dumps(value).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(data))); self.end_headers(); self.wfile.write(data)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture
def peer(tmp_path: Path):
    binary, log = tmp_path / "server", tmp_path / "log"
    binary.write_text(SERVER.format(python=sys.executable, asked=str(tmp_path / "asked.jsonl")))
    binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
    log.touch()
    started = LlamaPeer(Setup(variant="q4_0", folder=tmp_path, threads=1, binary=str(binary), log=str(log), extra={}))
    started.load()
    yield started
    started.close()


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    (tmp_path / "a.png").write_bytes(b"png")
    return Picture(path=str(tmp_path / "a.png"), tiles=1, seed=7)


def asked(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "asked.jsonl").read_text().splitlines()]


def test_time_to_the_first_token_is_the_wall_clock_without_decoding(peer: LlamaPeer, picture: Picture) -> None:
    turn = peer.ask(picture, "What?", tokens=5)
    assert turn.tokens == [0, 1, 2, 3, 4]
    assert turn.decode_s == 0.05
    assert 0.14 < turn.first_token_s < 5
    assert turn.encode_s == pytest.approx(2.5)


def test_a_second_turn_sends_the_conversation_and_the_picture_again(peer: LlamaPeer, picture: Picture, tmp_path: Path) -> None:
    peer.ask(picture, "What?", tokens=2)
    peer.again("Why?", tokens=2)
    first, second = (each["body"]["prompt"] for each in asked(tmp_path))
    assert first["prompt_string"].startswith("<|im_start|>system\nChat 007.<|im_end|>")
    assert second["prompt_string"] == first["prompt_string"] + "answer<|im_end|><|im_start|>user\nWhy?<|im_end|><|im_start|>assistant\n"
    assert second["multimodal_data"] == first["multimodal_data"]
    assert peer.again("Why?", tokens=2, by_hand=True) is None


def test_four_at_once_get_four_slots(peer: LlamaPeer, picture: Picture, tmp_path: Path) -> None:
    assert peer.batch([picture] * 4, "What?", tokens=2) > 0
    assert [each["slots"] for each in asked(tmp_path)] == ["4"] * 4
    assert peer.peak_mb() > 1


def test_encoding_is_summed_over_batches_and_other_lines_are_passed_over() -> None:
    log = "\n".join(
        [
            "0.10.000.000 I decoding image batch 1/1, n_tokens_batch = 256",
            "plain line",
            "0.59.500.000 I slot 1 | encoding mtmd batch from idx = 9, n_chunks = 1",
            "1.01.000.250 I decoding image batch 1/1, n_tokens_batch = 256",
            "1.02.000.000 I decoding image batch 1/1, n_tokens_batch = 256",
            "1.03.000.000 I slot 1 | encoding mtmd batch from idx = 300, n_chunks = 1",
            "1.03.250.000 I decoding image batch 1/2, n_tokens_batch = 256",
        ]
    )
    assert encode_seconds(log) == pytest.approx(1.75025)
    assert encode_seconds("") == 0.0


def test_a_server_that_ends_at_once_is_an_error_with_its_words(tmp_path: Path) -> None:
    binary, log = tmp_path / "broken", tmp_path / "log"
    binary.write_text("#!/bin/sh\necho no such model >&2\nexit 1\n")
    binary.chmod(0o755)
    log.touch()
    with pytest.raises(RuntimeError, match="no such model"):
        LlamaPeer(Setup(variant="q4_0", folder=tmp_path, threads=1, binary=str(binary), log=str(log), extra={})).load()
