"""Training that gives the same weights every time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["deterministic"]


@contextmanager
def deterministic(seed: int) -> Iterator[torch.Generator]:
    """Seed torch inside the block, and leave the caller's own random state and settings as they were.

    Args:
        seed: 0 or more.

    Yields:
        A generator of its own with that seed, for what the training draws itself.
    """
    before = torch.are_deterministic_algorithms_enabled()
    only_warned = torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True)
        try:
            yield torch.Generator().manual_seed(seed)
        finally:
            torch.use_deterministic_algorithms(before, warn_only=only_warned)
