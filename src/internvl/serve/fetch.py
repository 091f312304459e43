"""Get a picture or clip from a URL without becoming a way into the server's own network.

    URL --one strict parser--> host, port --resolved once--> addresses, all public --connect to the checked address--> bytes

The address that was checked is the one that is connected to, so a name that changes its answer gains nothing. Each redirect passes
the same door. Bytes are counted while they come, and one deadline holds for everything.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urljoin, urlsplit

from internvl.serve.errors import ApiError

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver: TypeAlias = Callable[[str, int], Sequence[str]]

MAX_HOPS = 3
MAX_URL = 2048
CHUNK = 1 << 16
REDIRECTS = (301, 302, 303, 307, 308)
PORTS = {"http": 80, "https": 443}
# Letters, digits, dots and hyphens, or an IPv6 address in brackets: no user names, no backslashes, no blanks, no other alphabets.
URL = re.compile(r"https?://(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?(?:[/?][!-\[\]-~]*)?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Fetcher:
    """Fetches URLs in the calling thread. `resolve` and `permitted` are replaced only by tests, whose hosts are on loopback."""

    max_bytes: int
    timeout_s: float
    resolve: Resolver | None = None
    permitted: Callable[[str], bool] | None = None

    def fetch(self, url: str) -> bytes:
        """The bytes behind a URL. Raises ApiError 422 for what is not allowed or useless, 502 for what may work later."""
        deadline = time.monotonic() + self.timeout_s
        for _ in range(MAX_HOPS + 1):
            found = self._hop(url, deadline)
            if isinstance(found, bytes):
                return found
            url = urljoin(url, found)
        raise _blocked(f"it redirects more than {MAX_HOPS} times")

    def _hop(self, url: str, deadline: float) -> bytes | str:
        """One request -> the body, or where it is redirected to."""
        scheme, host, port, target = parse_url(url)
        address = self._checked_address(host, port)
        connection = _Pinned(scheme, host, port, address, timeout_s=max(0.1, deadline - time.monotonic()))
        # A server that sends a byte now and then never meets a socket's own timeout; closing it from outside ends that.
        timer = threading.Timer(max(0.0, deadline - time.monotonic()), connection.abort)
        timer.daemon = True
        timer.start()
        try:
            connection.request("GET", target, headers={"accept-encoding": "identity", "user-agent": "internvl"})
            return self._body(connection.getresponse(), deadline)
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            late = time.monotonic() >= deadline
            raise _failed(f"it was not complete within {self.timeout_s:g} s" if late else "its server can't be used") from error
        finally:
            timer.cancel()
            connection.close()

    def _checked_address(self, host: str, port: int) -> str:
        try:
            addresses = (self.resolve or resolve)(host, port)
        except (OSError, UnicodeError) as error:
            raise _failed("its host is not known") from error
        permitted = self.permitted or is_public
        if not addresses or not all(permitted(address) for address in addresses):
            raise _blocked("its host is not on the public network")
        return addresses[0]

    def _body(self, response: http.client.HTTPResponse, deadline: float) -> bytes | str:
        if response.status in REDIRECTS:
            return response.getheader("location") or ""
        if response.status != 200:
            text = f"its server answers {response.status}"
            raise _failed(text) if response.status in (408, 425, 429) or response.status >= 500 else _useless(text)
        if (response.getheader("content-encoding") or "identity").lower() != "identity":
            raise _useless("its server compresses what was asked for plainly")
        body = bytearray()
        while chunk := response.read1(CHUNK):
            body += chunk
            if len(body) > self.max_bytes:
                raise ApiError(f"a file behind a URL is larger than {self.max_bytes} bytes", status=413, code="media_too_large")
        # Also how the timer ends a body without a length: as if it were complete.
        if time.monotonic() >= deadline:
            raise TimeoutError
        if response.length:  # what Content-Length promised and did not come
            raise _failed("its server broke off")
        return bytes(body)


class _Pinned(http.client.HTTPConnection):
    """A connection to a checked address under the name that was asked for."""

    def __init__(self, scheme: str, host: str, port: int, address: str, *, timeout_s: float) -> None:
        super().__init__(host, port, timeout=timeout_s)
        self._address, self._secure = address, scheme == "https"
        self._aborted = False
        # `sock` is forgotten once a response without a length begins, while that response still reads from it.
        self._open: socket.socket | None = None

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = self._open = plain
        if self._secure:
            self.sock = self._open = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)
        if self._aborted:
            raise TimeoutError

    def abort(self) -> None:
        """From another thread: end whatever the connection is doing."""
        self._aborted = True
        if self._open is not None:
            with suppress(OSError):
                self._open.shutdown(socket.SHUT_RDWR)


def parse_url(url: str) -> tuple[str, str, int, str]:
    """scheme, host, port and target of an http(s) URL in its plainest spelling. Raises ApiError 422 for any other."""
    if len(url) > MAX_URL or not URL.fullmatch(url):
        raise _blocked("only plain http(s) URLs are fetched: ASCII, no user name, no blanks, no backslash")
    parts = urlsplit(url)
    try:
        port = parts.port or PORTS[parts.scheme]
    except ValueError:
        raise _blocked("its port is out of range") from None
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, parts.hostname or "", port, target


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a host, in the order of the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Whether an address is on the public network, also the IPv4 address that an IPv6 one may stand for."""
    try:
        found: Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = _embedded(found)
    return found.is_global and not found.is_multicast and not found.is_reserved and (inner is None or is_public(str(inner)))


def _embedded(address: Address) -> Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    return address.teredo[1] if address.teredo else None


def _blocked(reason: str) -> ApiError:
    return ApiError(f"this URL is not fetched: {reason}", status=422, code="media_url_blocked")


def _useless(reason: str) -> ApiError:
    return ApiError(f"nothing came from this URL: {reason}", status=422, code="media_url_failed")


def _failed(reason: str) -> ApiError:
    return ApiError(f"nothing came from this URL: {reason}", status=502, code="media_url_unreachable", retry_after_s=5)
