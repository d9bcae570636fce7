"""Names that an attribute of a shop's own may have."""

from __future__ import annotations

import re
from collections.abc import Collection

from visrec.core.errors import InputError
from visrec.recognition import ATTRIBUTE_NAMES

__all__ = ["check_label_name"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_LONGEST = 60
#: Words of SQL that a filter takes for something else than a column.
_SQL = (
    "and", "between", "case", "cast", "current_date", "date", "else", "end", "exists", "extract", "false", "in",
    "interval", "is", "like", "not", "null", "or", "position", "substring", "then", "timestamp", "trim", "true", "when",
)  # fmt: skip
#: A recognised attribute NAME is also seen_NAME, NAME_confidence and NAME_amount.
_BEGINS, _ENDS = "seen_", ("_confidence", "_amount")


def check_label_name(name: str, columns: Collection[str]) -> None:
    """Refuse a name that filters could not use, or that means something else already.

    Args:
        name: of an attribute.
        columns: names of the catalogue's columns.

    Raises:
        InputError: when the name cannot be had.
    """
    if not _NAME.match(name) or len(name) > _LONGEST:
        raise InputError(
            f"Expected a name of letters, digits and _ for the attribute, a letter first and at most {_LONGEST}, "
            f"got {name!r}: filters use it, as in --where \"sleeve = 'long'\". Choose another name."
        )
    low = name.lower()
    if low in _SQL or low.startswith(_BEGINS) or low.endswith(_ENDS):
        raise InputError(f"The name {name!r} has a meaning of its own in filters. Choose another name.")
    if low in ATTRIBUTE_NAMES:
        raise InputError(f"{name!r} is what visrec recognize tells already. Choose another name.")
    if low in {column.lower() for column in columns}:
        raise InputError(f"{name!r} is a column of the catalogue already. Choose another name.")
