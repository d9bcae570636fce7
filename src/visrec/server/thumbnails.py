"""Pictures scaled down for pages: made once, kept as files named by content, size and format."""

from __future__ import annotations

import hashlib
import io
from contextlib import suppress
from pathlib import Path

from visrec.core.artifacts import write_atomic
from visrec.core.errors import ImageError, InputError, NotFoundError
from visrec.core.settings import ImageLimits
from visrec.images.decode import decode
from visrec.server.served_shop import Picture

__all__ = ["WIDTHS", "Thumbnails"]

WIDTHS = (120, 240, 480, 960)
"""Longer sides in pixels; a few, so that the files that are kept stay few."""
_QUALITY = 72
_HASH_BYTES = 32


class Thumbnails:
    """WebP files below SHOP/thumbnails, each after its hash, so that a damaged one is noticed and made anew.

    Where nothing can be written there they are made anew each time.

    Args:
        root: the workspace's folder.
        limits: what a picture may cost.
    """

    def __init__(self, root: Path, limits: ImageLimits) -> None:
        self._folder = root / "thumbnails"
        self._limits = limits

    def of(self, picture: Picture, width: int) -> bytes:
        """The picture as WebP, neither side longer than `width`, and none enlarged.

        Raises:
            InputError: for a width that is not one of `WIDTHS`.
            NotFoundError: when the file is gone or cannot be read any more.
        """
        if width not in WIDTHS:
            raise InputError(f"Expected a width out of {', '.join(map(str, WIDTHS))}, got {width}.")
        file = self._folder / picture.sha256[:2] / f"{picture.sha256}-{width}.hashed"
        with suppress(OSError):
            kept = file.read_bytes()
            if hashlib.sha256(kept[_HASH_BYTES:]).digest() == kept[:_HASH_BYTES]:
                return kept[_HASH_BYTES:]
        data = self._make(picture, width)
        with suppress(OSError):
            write_atomic(file, hashlib.sha256(data).digest() + data)
        return data

    def _make(self, picture: Picture, width: int) -> bytes:
        try:
            image = decode(picture.path.read_bytes(), self._limits, at_least=width)
        except (OSError, ImageError) as error:
            raise NotFoundError(f"The picture's file cannot be read any more ({error}).") from error
        image.thumbnail((width, width))
        out = io.BytesIO()
        image.save(out, "WEBP", quality=_QUALITY, method=4)
        return out.getvalue()
