"""URLs: nothing of the server's own network is reached, whatever the spelling, the resolver or a redirect says."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from serve_fakes import FakeScheduler, body, client_of, linked, png, survives

from internvl.serve.errors import ApiError
from internvl.serve.fetch import Fetcher, is_public, parse_url

PICTURE = png(64, 64)
PUBLIC = "93.184.215.14"


class Host(ThreadingHTTPServer):
    """A web server on loopback that stands for the public network; `hits` are the paths that were asked for."""

    def __init__(self) -> None:
        self.hits: list[str] = []
        super().__init__(("127.0.0.1", 0), Pages)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def url(self, path: str) -> str:
        return f"http://pictures.example:{self.port}{path}"


class Pages(BaseHTTPRequestHandler):
    server: Host

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.hits.append(self.path)
        path, _, rest = self.path.partition("?")
        if path == "/to":
            return self.send(302, b"", location=rest)
        if path == "/chain":
            return self.send(302, b"", location=f"/chain?{int(rest) - 1}" if int(rest) else "/ok")
        if path == "/status":
            return self.send(int(rest), b"no")
        if path == "/short":
            return self.send(200, PICTURE, length=len(PICTURE) + 50)
        if path == "/gzip":
            return self.send(200, gzip.compress(bytes(10**6)), encoding="gzip")
        if path in ("/endless", "/drip"):
            return self.run_on(path == "/drip")
        return self.send(200, PICTURE)

    def send(self, status: int, data: bytes, *, location: str = "", length: int | None = None, encoding: str = "") -> None:
        self.send_response(status)
        for name, value in (("location", location), ("content-encoding", encoding)):
            if value:
                self.send_header(name, value)
        self.send_header("content-length", str(len(data) if length is None else length))
        self.end_headers()
        self.wfile.write(data)

    def run_on(self, slowly: bool) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(200):
                self.wfile.write(b"x" if slowly else bytes(4096))
                self.wfile.flush()
                if slowly:
                    time.sleep(0.05)
        except OSError:
            pass


@pytest.fixture
def host() -> Iterator[Host]:
    server = Host()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def fetcher(**answers: str) -> Fetcher:
    """`pictures.example` is our host and counts as public; other names as told, and everything else is judged as always."""
    table = {"pictures.example": "127.0.0.1", **{name.replace("_", "."): address for name, address in answers.items()}}

    def resolved(name: str, port: int) -> list[str]:
        trusted.add(name)
        return [table.get(name, name)]

    trusted: set[str] = set()

    def permitted(address: str) -> bool:
        return trusted == {"pictures.example"} or is_public(address)

    return Fetcher(max_bytes=20_000, timeout_s=0.6, resolve=resolved, permitted=permitted)


def test_a_picture_behind_a_url_is_shown(host: Host) -> None:
    scheduler = FakeScheduler()
    with client_of(scheduler, fetcher=fetcher(), allow_urls=True) as client:
        assert client.post("/v1/chat/completions", json=body("What?", linked(host.url("/ok?a=1")))).status_code == 200
    assert host.hits == ["/ok?a=1"]
    assert scheduler.submitted[0].inputs.tiles == 1


def test_urls_are_off_until_allowed(host: Host) -> None:
    with client_of(fetcher=fetcher()) as client:
        response = client.post("/v1/chat/completions", json=body("What?", linked(host.url("/ok"))))
        assert response.status_code == 422
        assert "--allow-urls" in response.json()["error"]["message"]
        assert survives(client)
    assert host.hits == []


@pytest.mark.parametrize(
    "name",
    ["127.0.0.1", "[::1]", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "0", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"],
)
def test_loopback_is_not_reached_under_any_of_its_names(host: Host, name: str) -> None:
    with client_of(allow_urls=True) as client:
        response = client.post("/v1/chat/completions", json=body("What?", linked(f"http://{name}:{host.port}/secret")))
        assert response.status_code in (422, 502)
        assert response.json()["error"]["code"] in ("media_url_blocked", "media_url_unreachable")
        assert survives(client)
    assert host.hits == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
        "2001:db8::1", "not an address", "",
    ],
)  # fmt: skip
def test_only_public_addresses_are_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1111"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://good.example\\@127.0.0.1/", "http://user@127.0.0.1/", "http://a:b@c/", "http://good.example\t/", "http://good\n.example/",
        "http://good.example/a b", "http://ｇood.example/", "http://127。0。0。1/", "http://", "http:///path", "http://a:99999/",
        "http://a:0x50/", "http://[::1", "http://%31%32%37.0.0.1/", "http://a/\x00", "https://" + "a" * 3000, "file://x/", "HTTP//a",
        "http://good.example#@127.0.0.1/", "http://a?b\r\nHost: c",
    ],
)  # fmt: skip
def test_a_url_has_one_plain_spelling_or_none(url: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_url(url)
    assert (caught.value.status, caught.value.code) == (422, "media_url_blocked")


def test_redirects_pass_the_same_door(host: Host) -> None:
    secret = f"http://127.0.0.1:{host.port}/secret"
    for place in (
        secret,
        "http://internal.example/",
        "file:///etc/passwd",
        "//127.0.0.1/x",
        "gopher://a/",
        "",
        "http://u@pictures.example/",
    ):
        with pytest.raises(ApiError) as caught:
            fetcher(internal_example="10.0.0.7").fetch(host.url(f"/to?{place}"))
        assert caught.value.code in ("media_url_blocked", "media_url_unreachable"), place
    assert "/secret" not in host.hits
    assert fetcher().fetch(host.url("/chain?2")) == PICTURE
    with pytest.raises(ApiError, match="redirects more than 3 times"):
        fetcher().fetch(host.url("/chain?5"))


def test_the_address_that_was_checked_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([PUBLIC, "127.0.0.1", "127.0.0.1"])
    reached: list[str] = []

    def connect(address: tuple[str, int], *_: object) -> socket.socket:
        reached.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(ApiError) as caught:
        Fetcher(max_bytes=10, timeout_s=1, resolve=lambda *_: [next(answers)]).fetch("http://rebinding.example/")
    assert caught.value.code == "media_url_unreachable"
    assert reached == [PUBLIC]


def test_one_private_address_among_several_blocks_the_host() -> None:
    with pytest.raises(ApiError, match="not on the public network"):
        Fetcher(max_bytes=10, timeout_s=1, resolve=lambda *_: [PUBLIC, "127.0.0.1"]).fetch("http://mixed.example/")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/endless", 413), ("/drip", 502), ("/short", 502), ("/gzip", 422), ("/status?404", 422), ("/status?403", 422),
        ("/status?500", 502), ("/status?429", 502), ("/status?204", 422),
    ],
)  # fmt: skip
def test_what_comes_is_counted_and_has_a_deadline(host: Host, path: str, status: int) -> None:
    with pytest.raises(ApiError) as caught:
        fetcher().fetch(host.url(path))
    assert caught.value.status == status
    assert "pictures.example" not in str(caught.value)
