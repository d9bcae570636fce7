"""What a caller may ask for: checked before anything is read or changed."""

from __future__ import annotations

from collections.abc import Sequence

from visrec.catalogue.interactions import is_text
from visrec.core.errors import InputError

__all__ = ["check_k", "check_user_ids"]


def check_k(k: int) -> None:
    """Refuse a list of no items.

    Raises:
        InputError: when k is below 1.
    """
    if k < 1:
        raise InputError(f"Expected k of 1 or more, got {k}.")


def check_user_ids(user_ids: Sequence[str]) -> None:
    """Refuse what can be nobody's id.

    Raises:
        InputError: when an id is empty, or is no text.
    """
    for user_id in user_ids:
        if not user_id or not is_text(user_id):
            raise InputError(f"Expected a user id as text without NUL and half surrogates, got {user_id!r}.")
