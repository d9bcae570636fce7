"""Pictures by URL: fetched from public addresses only, whatever a name resolves to or a redirect leads to."""

from __future__ import annotations

import ipaddress
import socket
import time
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx2

from visrec.core.errors import InputError

__all__ = ["ImageUrls", "public_address"]

_REDIRECTS = 3
#: Addresses that a network's own gateway turns into IPv4 ones (RFC 6052, RFC 8215).
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48")
_CODES = {301, 302, 303, 307, 308}


@dataclass(frozen=True)
class ImageUrls:
    """Fetches pictures.

    Attributes:
        max_bytes: of one picture.
        seconds: for one picture, redirects included.
    """

    max_bytes: int
    seconds: float = 10.0

    def fetch(self, url: str) -> bytes:
        """The bytes behind a URL.

        Each name is resolved once and the connection goes to the address that was checked, so that a name cannot mean
        another address a moment later (DNS rebinding). Redirects are followed three times, each checked anew.

        Raises:
            InputError: when it is no http(s) URL of a public address, or cannot be fetched within the limits.
        """
        deadline = time.monotonic() + self.seconds
        for _ in range(_REDIRECTS + 1):
            answer = self._get(url, deadline)
            if isinstance(answer, bytes):
                return answer
            url = urljoin(url, answer)
        raise InputError(f"Expected a picture within {_REDIRECTS} redirects, got more from {url!r}.")

    def _get(self, url: str, deadline: float) -> bytes | str:
        """The body, or where a redirect leads."""
        try:
            parts = urlsplit(url)
        except ValueError as error:
            raise InputError(f"Expected an http or https URL, got {url[:200]!r} ({error}).") from error
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or not host or parts.username is not None:
            raise InputError(f"Expected an http or https URL without a user name, got {url[:200]!r}.")
        try:
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError as error:
            raise InputError(f"Expected a URL with a port below 65,536, got {url[:200]!r}.") from error
        address = public_address(host, port)
        literal = f"[{address}]" if ":" in address else address
        at_address = parts._replace(netloc=f"{literal}:{port}", fragment="").geturl()
        named = f"[{host}]" if ":" in host else host
        headers = {"Host": named if parts.port is None else f"{named}:{port}", "Accept": "image/*"}
        try:
            # No proxies and no cookies of this machine's environment.
            with (
                httpx2.Client(trust_env=False, timeout=self._left(deadline)) as client,
                client.stream("GET", at_address, headers=headers, extensions={"sni_hostname": host}) as answer,
            ):
                if answer.status_code in _CODES and "location" in answer.headers:
                    return str(answer.headers["location"])
                if answer.status_code != 200:
                    raise InputError(f"{url[:200]!r} answered with status {answer.status_code}, expected 200.")
                return self._read(answer, url, deadline)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise InputError(f"{url[:200]!r} cannot be fetched: {error or type(error).__name__}.") from error

    def _read(self, answer: httpx2.Response, url: str, deadline: float) -> bytes:
        data = bytearray()
        # Raw: a small compressed body must not become a large one.
        for chunk in answer.iter_raw():
            data += chunk
            if len(data) > self.max_bytes:
                raise InputError(f"Expected a picture of at most {self.max_bytes:,} bytes, {url[:200]!r} is larger.")
            self._left(deadline)
        return bytes(data)

    def _left(self, deadline: float) -> float:
        left = deadline - time.monotonic()
        if left <= 0:
            raise InputError(f"Expected the picture within {self.seconds:g} seconds.")
        return left


def public_address(host: str, port: int) -> str:
    """The address that a name stands for.

    Raises:
        InputError: when there is none, or any of its addresses is not a public one: private, of this machine,
            link-local, multicast or reserved.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise InputError(f"{host!r} is not known ({error}).") from error
    addresses = [str(one[4][0]) for one in found]
    for address in addresses:
        if not _is_public(address):
            raise InputError(f"Expected a URL of a public address, {host!r} is {address}.")
    return addresses[0]


def _is_public(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        # What is wrapped in an IPv6 address counts as what it is.
        if any(parsed in network for network in _TRANSLATED):
            return False
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is not None:
            parsed = inner
    return parsed.is_global and not parsed.is_multicast
