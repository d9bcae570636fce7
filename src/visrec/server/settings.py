"""What a server listens on, and what a request may cost."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from visrec.core.errors import InputError

__all__ = ["ServerSettings", "is_loopback"]


@dataclass(frozen=True)
class ServerSettings:
    """Settings of `visrec serve`.

    Attributes:
        host: address to listen on; anything but this machine itself needs a key (`visrec keys`).
        port: 0 takes a free one.
        max_body_bytes: of one request, pictures included.
        max_k: longest list, and largest page.
        max_batch: most users, queries, events or items in one request.
        concurrency: requests worked on at once; further ones are turned away with 503.
        rate: requests a second that one client may make on average, with bursts of twice that; 0: no limit.
        body_seconds: how long a request's body may take to arrive.
        image_urls: whether pictures may be given by URL; the server then fetches them, from public addresses only.
        hosts: names under which a browser may reach the server, besides `host` and those of this machine.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    max_body_bytes: int = 32 * 1024 * 1024
    max_k: int = 500
    max_batch: int = 1000
    concurrency: int = 64
    rate: float = 200.0
    body_seconds: float = 30.0
    image_urls: bool = False
    hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        least = min(self.max_body_bytes, self.max_k, self.max_batch, self.concurrency)
        if least < 1 or self.rate < 0 or self.body_seconds <= 0 or not 0 <= self.port < 65536:
            raise InputError(
                "Expected limits of 1 or more, a rate of 0 or more, seconds above 0 and a port below 65,536, "
                f"got {self}."
            )


def is_loopback(host: str) -> bool:
    """Whether an address reaches no further than this machine."""
    if host.strip("[]").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
