"""Reads the truth about a sample shop: what its customers like, and what its pictures show."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from visrec.core.errors import InputError, NotFoundError
from visrec.sample.customers import Interest, Taste
from visrec.sample.products import Look

__all__ = ["read_looks", "read_truth"]


def read_truth(folder: Path) -> dict[str, Taste]:
    """What each customer was made to like.

    Args:
        folder: that `draw_shop` wrote.

    Raises:
        NotFoundError: when there is no customers.json.
        InputError: when it was not written by `draw_shop`.
    """
    path = folder / "customers.json"
    try:
        return {
            user_id: Taste(
                tuple(Interest(**{**interest, "kinds": tuple(interest["kinds"])}) for interest in taste["interests"])
            )
            for user_id, taste in json.loads(_text(path)).items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"Expected {path} as visrec wrote it, got another ({error}). Draw the sample anew.") from error


def read_looks(folder: Path) -> dict[str, Look]:
    """What each item was drawn to look like, by item id.

    Args:
        folder: that `draw_shop` wrote.

    Raises:
        NotFoundError: when there is no looks.csv.
        InputError: when it was not written by `draw_shop`.
    """
    path = folder / "looks.csv"
    try:
        rows = csv.DictReader(_text(path).splitlines())
        return {row["item_id"]: Look(row["kind"], row["shape"], row["palette"], row["pattern"]) for row in rows}
    except KeyError as error:
        raise InputError(f"Expected {path} with a column {error}, got none. Draw the sample anew.") from error


def _text(path: Path) -> str:
    if not path.exists():
        raise NotFoundError(f"Expected {path}, got nothing there. Is {path.parent} a shop that visrec drew?")
    return path.read_text(encoding="utf-8")
