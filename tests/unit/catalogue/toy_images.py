"""A toy image format, so that the catalogue is tested without a decoder."""

from __future__ import annotations

from dataclasses import dataclass

from visrec.core.errors import ImageError


@dataclass(frozen=True)
class ToyFacts:
    width: int
    height: int
    notes: tuple[str, ...] = ()


def toy_image(width: int = 4, height: int = 3, content: str = "") -> bytes:
    return f"TOY {width} {height} {content}".encode()


def toy_inspect(data: bytes) -> ToyFacts:
    if not data:
        raise ImageError("empty file")
    if not data.startswith(b"TOY "):
        raise ImageError("not an image", "no TOY header")
    _, width, height, content = data.decode().split(" ", 3)
    return ToyFacts(int(width), int(height), ("rotated",) if content == "rotated" else ())
