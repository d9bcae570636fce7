"""`VISREC_OFFLINE`: whether anything may be fetched."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["hub_as_allowed", "is_offline"]


def is_offline() -> bool:
    """Whether `VISREC_OFFLINE` is set to anything but "0" or nothing."""
    return os.environ.get("VISREC_OFFLINE", "") not in ("", "0")


@contextmanager
def hub_as_allowed() -> Iterator[None]:
    """Let libraries that use the hub take only what it has cached here when visrec is offline.

    The hub's own switch is read from the environment when it is imported, which may have happened already;
    therefore its constant is set for the time being.
    """
    if not is_offline():
        yield
        return
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
