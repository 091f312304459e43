"""The list of bad inputs for servers, row by row: where each is tested, and the tests that stand nowhere else.

`ROWS` names at least one test for each row; the last test holds the list to what exists.
"""

from __future__ import annotations

import ast
import asyncio
import io
import json
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from serve_fakes import FakeScheduler, app_of, body, client_of, data_url, linked, png, shown, survives, tiny
from starlette.testclient import TestClient

from internvl.engine.scheduler import Scheduler
from internvl.serve.app import create_app
from internvl.serve.config import ServeConfig
from internvl.serve.fetch import Fetcher

CHAT = "/v1/chat/completions"
ROWS = {
    1: ("private addresses", ("test_loopback_is_not_reached_under_any_of_its_names", "test_only_public_addresses_are_public")),
    2: ("redirects inside", ("test_redirects_pass_the_same_door",)),
    3: ("DNS rebinding", ("test_the_address_that_was_checked_is_the_one_connected_to",)),
    4: ("odd spellings of a URL", ("test_a_url_has_one_plain_spelling_or_none",)),
    5: ("files of the machine", ("test_no_file_of_this_machine_is_opened",)),
    6: ("slow, endless, lying hosts", ("test_what_comes_is_counted_and_has_a_deadline",)),
    7: ("decompression bombs", ("test_a_bomb_is_stopped_by_its_header_or_by_the_limit_of_its_process",)),
    8: ("odd sizes and modes", ("test_odd_sizes_and_modes_are_answered", "test_row_8_every_odd_picture_is_answered_or_refused")),
    9: ("truncated and foreign formats", ("test_a_picture_that_can_not_be_used_is_a_422",)),
    10: ("addresses in error texts", ("test_row_10_words_of_a_decoder_hold_no_address",)),
    11: ("bad base64", ("test_a_data_url_must_be_whole", "test_limits_on_media_hold", "test_a_body_beyond_the_limit_is_not_read")),
    12: ("odd clips, crashing decoders", ("test_row_12_odd_clips_are_read_or_refused", "test_a_process_that_breaks_costs_one_request")),
    13: ("forged control tokens", ("test_typed_marks_stay_text", "test_marks_that_vllm_would_believe_are_refused")),
    14: ("forged marks beside pictures", ("test_row_14_pictures_keep_their_places_beside_typed_marks",)),
    16: ("prompts that are too long", ("test_a_prompt_beyond_the_context_is_told_with_numbers",
                                       "test_row_16_what_can_never_fit_is_refused")),
    17: ("parameters out of range", ("test_a_field_out_of_range_is_named", "test_a_body_that_is_no_clean_json_is_refused",
                                     "test_the_loop_answers_while_a_large_body_is_parsed")),
    18: ("hostile schemas", ("test_row_18_a_hostile_form_is_a_400",)),
    19: ("clients that go away", ("test_a_client_that_goes_away_frees_its_place",
                                  "test_row_19_a_client_that_goes_while_its_url_is_fetched")),
    20: ("more requests than places", ("test_more_requests_than_places_are_turned_away_and_the_rest_answered",
                                       "test_row_20_what_all_requests_hold_is_bounded")),
    21: ("one bad request in a batch", ("test_one_bad_request_among_many_harms_only_itself",
                                        "test_a_request_whose_numbers_fail_fails_alone")),
    22: ("a model that fails", ("test_a_model_that_stops_working_is_told_everywhere",)),
    23: ("SIGTERM among streams", ("test_the_real_client_asks_streams_and_is_refused", "test_many_requests_of_all_kinds_at_once")),
    24: ("wrong and absent keys", ("test_every_route_but_the_open_ones_needs_the_key",)),
    25: ("one request in the cache of another", ("test_row_25_no_answer_depends_on_what_was_asked_before",)),
}  # fmt: skip


def saved(image: PIL.Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def turned() -> bytes:
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    return saved(PIL.Image.new("RGB", (60, 20)), "JPEG", exif=exif.tobytes())


def palette() -> bytes:
    return saved(PIL.Image.new("P", (20, 20)), "PNG", transparency=0)


ODD = {
    "CMYK": saved(PIL.Image.new("CMYK", (30, 30)), "JPEG"),
    "16 bit": png(20, 20, "I;16"),
    "palette with transparency": palette(),
    "alpha": png(2, 2, "LA"),
    "one bit": png(9, 9, "1"),
    "turned": turned(),
    "moving WebP": saved(PIL.Image.new("RGB", (8, 8)), "WEBP", save_all=True, append_images=[PIL.Image.new("RGB", (8, 8), 255)]),
    "32 bit": saved(PIL.Image.new("F", (8, 8)), "TIFF"),
    "bitmap": png(8, 8, kind="BMP"),
}


@pytest.mark.parametrize("name", ODD)
def test_row_8_every_odd_picture_is_answered_or_refused(name: str) -> None:
    scheduler = FakeScheduler()
    with client_of(scheduler) as client:
        response = client.post(CHAT, json=body("What?", linked(data_url(ODD[name]))))
        assert response.status_code == (422 if name in ("moving WebP", "32 bit") else 200), response.text
        if name == "turned":
            counted = client.post("/tokenize", json={"messages": body("?", linked(data_url(ODD[name])))["messages"]}).json()
            assert counted["media"][0]["size"] == [20, 60], "the picture is shown upright"
        assert survives(client)


def test_row_10_words_of_a_decoder_hold_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    from internvl.errors import MediaError

    class Talkative:
        def sizes(self, _: object) -> None:
            raise MediaError("cannot identify <_io.BytesIO object at 0x7f00deadbeef>")

        cut = sizes

        def give_up(self) -> None:
            pass

    with client_of() as client:
        monkeypatch.setattr(client.app.state.service.decoders, "opener", Talkative)  # type: ignore[attr-defined]
        response = client.post(CHAT, json=body("What?", shown(png())))
    assert response.status_code == 422
    assert "0x" not in response.text


def clip(frames: list[tuple[int, int]], codec: str = "mpeg4", times: list[int] | None = None) -> bytes:
    """A clip of frames of these sizes."""
    av = pytest.importorskip("av")
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream(codec, rate=5)
        stream.width, stream.height, stream.pix_fmt = *frames[0], "yuv420p"
        for number, (width, height) in enumerate(frames):
            frame = av.VideoFrame(width, height, "yuv420p")
            frame.pts = number if times is None else times[number]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def test_row_12_odd_clips_are_read_or_refused() -> None:
    good = clip([(64, 64)] * 4)
    odd = {
        "one frame": (clip([(64, 64)]), 200),
        "tiny": (clip([(16, 16)] * 40), 200),
        "uneven times": (clip([(64, 64)] * 4, times=[0, 1, 9, 40]), 200),
        "a GIF": (animation(), 200),
        "no frame": (good[:200], 422),
        "cut": (good[: len(good) // 2], 422),
        "no index": (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(3000), 422),
        "a playlist": (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", 422),
        "a list of files": (b"ffconcat version 1.0\nfile /etc/passwd\n", 422),
        "a picture": (png(), 422),
        "a picture of another kind": (b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(400), 422),
    }
    scheduler = FakeScheduler()
    with client_of(scheduler) as client:
        for name, (data, status) in odd.items():
            kind = "image/gif" if name == "a GIF" else "video/mp4"
            part = {"type": "video_url", "video_url": {"url": data_url(data, kind), "frames": 2}}
            response = client.post(CHAT, json=body("What happens?", part))
            assert response.status_code == status, (name, response.text)
            assert "passwd" not in response.text
            if status == 200:
                assert scheduler.submitted[-1].inputs.tiles == 2, name
        assert survives(client)


def animation() -> bytes:
    frames = [PIL.Image.new("L", (32, 24), each * 80) for each in range(3)]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:])


def test_row_14_pictures_keep_their_places_beside_typed_marks() -> None:
    scheduler = FakeScheduler()
    one, two = shown(png(64, 64)), shown(png(64, 200))
    with client_of(scheduler) as client:
        for words in ("Look <image> at both <IMG_CONTEXT>", "Look and compare, at both, please"):
            assert client.post(CHAT, json=body(words, one, two)).status_code == 200
    typed, plain = (request.inputs for request in scheduler.submitted)
    assert typed.tile_keys == plain.tile_keys
    slots = [(inputs.ids == inputs.placeholder_id).nonzero().flatten() for inputs in (typed, plain)]
    assert slots[0].tolist() == slots[1].tolist(), "both pictures stand where they stand without the marks"


def real(**config: Any) -> TestClient:
    """The tiny model itself behind the server."""
    return TestClient(create_app(tiny(), ServeConfig(workers=1, **config)), base_url="http://127.0.0.1", raise_server_exceptions=False)


def test_row_16_what_can_never_fit_is_refused() -> None:
    with real(max_tokens=200) as client:
        response = client.post(CHAT, json=body("word " * 10, max_tokens=400))
        assert response.status_code == 400
        assert response.json()["error"]["code"] == "context_length_exceeded"
        assert client.post(CHAT, json=body("word", max_tokens=2)).status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        {"type": "regex", "regex": "("},
        {"type": "regex", "regex": "x" * 100_000},
        {"type": "json_schema"},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "no such type"}}},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": {"$ref": "#/nowhere"}}},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": {"$ref": "http://127.0.0.1/schema.json"}}},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": {"enum": ["x" * 100 + str(each) for each in range(4000)]}}},
        {"type": "grammar"},
    ],
    ids=lambda form: json.dumps(form)[:60],
)
def test_row_18_a_hostile_form_is_a_400(form: dict[str, Any]) -> None:
    pytest.importorskip("llguidance")
    with real() as client:
        response = client.post(CHAT, json=body("Hm?", response_format=form, max_tokens=2))
        assert response.status_code == 400, response.text
        assert client.get("/health").status_code == 200
        assert client.post(CHAT, json=body("Hm?", max_tokens=2)).status_code == 200


def test_row_19_a_client_that_goes_while_its_url_is_fetched() -> None:
    """The host never answers; the client hangs up; the place is free at once, and the engine never hears of it."""
    silent = socket.create_server(("127.0.0.1", 0))
    fetcher = Fetcher(max_bytes=1000, timeout_s=3.0, resolve=lambda *_: ["127.0.0.1"], permitted=lambda _: True)
    scheduler = FakeScheduler()
    app = app_of(scheduler, fetcher=fetcher, allow_urls=True)
    connected = threading.Event()
    sent = json.dumps(body("What?", linked(f"http://pictures.example:{silent.getsockname()[1]}/a.png"))).encode()

    async def receive() -> AsyncIterator[dict[str, Any]]:
        yield {"type": "http.request", "body": sent, "more_body": False}
        await asyncio.to_thread(lambda: (silent.accept(), connected.set()))
        yield {"type": "http.disconnect"}

    async def work() -> None:
        messages = receive()
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": CHAT, "raw_path": b"",
                 "query_string": b"", "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")], "scheme": "http",
                 "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2)}  # fmt: skip
        async with app.router.lifespan_context(app):
            await app(scope, lambda: anext(messages), _ignore)
            assert connected.is_set()
            assert app.state.service.gate.inside == app.state.service.gate.held == 0

    asyncio.run(asyncio.wait_for(work(), 30))
    silent.close()
    assert scheduler.submitted == []


async def _ignore(_: object) -> None:
    pass


def test_row_20_what_all_requests_hold_is_bounded() -> None:
    scheduler = FakeScheduler()
    with client_of(scheduler, max_inside_bytes=400_000) as client:
        assert client.post(CHAT, json=body("small")).status_code == 200
        large = client.post(CHAT, json=body("x" * 200_000))
        assert (large.status_code, large.json()["error"]["code"]) == (413, "request_too_large")
        pixels = client.post(CHAT, json=body("?", shown(png(3000, 3000))))
        assert (pixels.status_code, pixels.json()["error"]["code"]) == (413, "request_too_large")
        gate = client.app.state.service.gate  # type: ignore[attr-defined]
        assert (gate.inside, gate.held) == (0, 0)
        gate.held = 399_000  # others hold so much
        busy = client.post(CHAT, json=body("x" * 2000))
        assert (busy.status_code, busy.headers["retry-after"]) == (429, "1")
        gate.held = 0
        assert survives(client)


def test_row_25_no_answer_depends_on_what_was_asked_before() -> None:
    """The same words about other pictures, the same pixels in other sizes and modes, in a cache that all of them share."""
    grey = PIL.Image.new("L", (64, 64), 90)
    asked = [
        body("What?", linked(data_url(saved(image, "PNG"))), temperature=0, max_tokens=6)
        for image in (grey, grey.convert("RGB"), grey.resize((128, 32)), PIL.Image.new("RGB", (64, 64), (90, 90, 91)))
    ]
    asked += [body("What?", temperature=0, max_tokens=6), body("What now?", temperature=0, max_tokens=6)]
    alone = []
    for each in asked:
        vlm = tiny().with_policy(tiny().policy)
        vlm.engine.vision_cache = type(vlm.engine.vision_cache)()
        app = create_app(vlm, ServeConfig(workers=1), scheduler=Scheduler(vlm.engine, keep_tokens=0))
        with TestClient(app, base_url="http://127.0.0.1") as client:
            alone.append(client.post(CHAT, json=each).json()["choices"])
    with real() as client:
        for _ in range(2):
            assert [client.post(CHAT, json=each).json()["choices"] for each in asked] == alone


def test_every_row_names_tests_that_exist() -> None:
    """Rows 15 and 26 to 32 concern no server."""
    assert set(ROWS) == {*range(1, 15), *range(16, 26)}
    written = set()
    for folder in (Path(__file__).parent, Path(__file__).parents[2] / "smoke"):
        for file in folder.glob("test_*.py"):
            written |= {node.name for node in ast.parse(file.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)}
    for row, (_, names) in ROWS.items():
        assert set(names) <= written, row
