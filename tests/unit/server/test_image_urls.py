"""Pictures by URL, with names that resolve to whatever the test wants and a server on this machine."""

from __future__ import annotations

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from visrec.core.errors import InputError
from visrec.server import image_urls
from visrec.server.image_urls import ImageUrls, public_address


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.1.2.3", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
     "224.0.0.1", "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
     "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b:1::1", "localhost", "2130706433", "0x7f.1"],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(address):
    with pytest.raises(InputError, match="public address|is not known"):
        public_address(address, 80)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:4700::1111"])
def test_public_addresses_pass(address):
    assert public_address(address, 80) == address


def test_a_name_with_one_private_address_is_refused(monkeypatch):
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("93.184.215.14", "10.0.0.7")]
    monkeypatch.setattr(image_urls.socket, "getaddrinfo", lambda *_, **__: both)
    with pytest.raises(InputError, match="10.0.0.7"):
        public_address("rebinding.example", 80)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://example.com/a", "//example.com/a", "http://", "http://user:x@example.com/", "a",
     "gopher://example.com", "http://example.com:99999/", "http://[::1/", "data:image/png;base64,AA"],
)  # fmt: skip
def test_what_is_no_usable_url_is_refused(url):
    with pytest.raises(InputError):
        ImageUrls(1000).fetch(url)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, self.headers["Host"]))
        if self.path == "/redirect-inside":
            return self.moved("http://169.254.169.254/latest/meta-data")
        if self.path.startswith("/again"):
            return self.moved(f"/again{len(self.server.asked)}")
        if self.path == "/redirect":
            return self.moved("/picture")
        if self.path == "/missing":
            return self.send_error(404)
        self.send_response(200)
        self.end_headers()
        if self.path == "/slow":
            for _ in range(40):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)
        self.wfile.write(b"p" * (2000 if self.path == "/large" else 10))

    def moved(self, where):
        self.send_response(302)
        self.send_header("Location", where)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    """A server that "pictures.example" leads to, as if it were a public one."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as made:
        made.asked = []
        threading.Thread(target=made.serve_forever, daemon=True).start()
        real = image_urls._is_public
        monkeypatch.setattr(image_urls, "_is_public", lambda address: address == "127.0.0.1" or real(address))
        resolve = socket.getaddrinfo
        monkeypatch.setattr(
            image_urls.socket,
            "getaddrinfo",
            lambda host, *a, **k: resolve("127.0.0.1" if host == "pictures.example" else host, *a, **k),
        )
        made.url = f"http://pictures.example:{made.server_address[1]}"
        yield made
        made.shutdown()


def test_a_picture_is_fetched_from_the_checked_address_under_its_name(server):
    assert ImageUrls(1000).fetch(f"{server.url}/picture") == b"p" * 10
    assert server.asked == [("/picture", server.url.removeprefix("http://"))]
    assert ImageUrls(1000).fetch(f"{server.url}/redirect") == b"p" * 10


def test_a_redirect_to_a_private_address_is_refused(server):
    with pytest.raises(InputError, match=r"169\.254\.169\.254"):
        ImageUrls(1000).fetch(f"{server.url}/redirect-inside")


@pytest.mark.parametrize(
    ("path", "words"),
    [("/large", "at most 1,000 bytes"), ("/missing", "status 404"), ("/again", "3 redirects")],
)
def test_limits_are_kept(path, words, server):
    with pytest.raises(InputError, match=words):
        ImageUrls(1000).fetch(server.url + path)


def test_a_slow_picture_is_given_up(server):
    started = time.monotonic()
    with pytest.raises(InputError, match=r"within 0\.3 seconds"):
        ImageUrls(1000, seconds=0.3).fetch(f"{server.url}/slow")
    assert time.monotonic() - started < 1.8
