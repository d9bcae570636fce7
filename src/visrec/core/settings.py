"""Settings: frozen, typed, passed in. No module holds state."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, TypeVar, get_type_hints

from visrec.core.errors import InputError

__all__ = ["FeedbackRules", "ImageLimits", "SearchSpace", "change_settings"]

T = TypeVar("T")

_KIND_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "buy": 1.0,
        "like": 1.0,
        "save": 1.0,
        "cart": 0.7,
        "rate": 1.0,
        "interaction": 1.0,
        "click": 0.5,
        "view": 0.3,
        "skip": -0.2,
        "dislike": -1.0,
    }
)


@dataclass(frozen=True)
class FeedbackRules:
    """How an interaction becomes a weight in a history.

    Attributes:
        positive_threshold: an interaction with a value counts as liked only at or above it; below it the
            item is only "seen" (weight 0). None: the value is not looked at.
        value_influence: how much louder a high rating speaks than a low one: over the range of the log's
            ratings, the weight of a "rate" grows from 1 - value_influence to 1 + value_influence.
        kind_weights: kind -> weight, above 0 liked, below 0 disliked, 0 seen. An unknown kind weighs 1.
    """

    positive_threshold: float | None = None
    value_influence: float = 0.2
    kind_weights: Mapping[str, float] = field(default_factory=lambda: _KIND_WEIGHTS)

    def __post_init__(self) -> None:
        threshold = self.positive_threshold
        if threshold is not None and not math.isfinite(threshold):
            raise InputError(
                f"Expected a number as positive threshold, such as 4, not NaN or infinity, got {threshold}."
            )
        if not 0 <= self.value_influence < 1:
            raise InputError(f"Expected a value_influence from 0 to below 1, got {self.value_influence}.")


@dataclass(frozen=True)
class ImageLimits:
    """What an image may cost before it is refused.

    Attributes:
        max_pixels: width x height; 64 megapixels unless told otherwise.
        max_bytes: file size; 64 MiB unless told otherwise.
    """

    max_pixels: int = 64_000_000
    max_bytes: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        if self.max_pixels < 1 or self.max_bytes < 1:
            raise InputError(
                f"Expected image limits of 1 or more, got {self.max_pixels} pixels and {self.max_bytes} bytes."
            )


@dataclass(frozen=True)
class SearchSpace:
    """The values that `visrec tune` may try for one setting of a recommender.

    Attributes:
        low: lowest value; between two whole numbers only whole numbers are tried.
        high: highest value.
        log: try values evenly by their logarithm.
        choices: these values instead of a range.
    """

    low: float = 0.0
    high: float = 1.0
    log: bool = False
    choices: tuple[Any, ...] = ()


def change_settings(owner: str, settings: T, changes: Mapping[str, Any]) -> T:
    """Frozen settings with some fields changed.

    >>> change_settings("image limits", ImageLimits(), {"max_pixels": "1000"}).max_pixels
    1000

    Args:
        owner: whose settings, for errors.
        settings: a frozen dataclass.
        changes: field -> its value, or the text of one as JSON writes it.

    Raises:
        InputError: when there is no such field, or the value is of another type.
    """
    known = {f.name for f in fields(settings)}  # type: ignore[arg-type]
    for name in changes:
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            raise InputError(f"{owner} has no setting {name!r}. It has: {there}.")
    hints = get_type_hints(type(settings))
    return replace(settings, **{n: _typed(owner, n, v, hints[n]) for n, v in changes.items()})  # type: ignore[type-var]


def _typed(owner: str, name: str, value: Any, hint: Any) -> Any:
    """The value as the field's type, read from text where it is one."""
    allowed = getattr(hint, "__args__", (hint,)) if not hasattr(hint, "__origin__") else (hint.__origin__,)
    if isinstance(value, str) and str not in allowed:
        try:
            value = json.loads(value)
        except ValueError:
            value = {"none": None, "True": True, "False": False, "None": None}.get(value, value)
    if isinstance(value, list):
        value = tuple(value)
    if isinstance(value, int) and not isinstance(value, bool) and float in allowed and int not in allowed:
        value = float(value)
    wanted = tuple(kind if isinstance(kind, type) else type(kind) for kind in allowed)
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        names = " or ".join(kind.__name__ for kind in wanted)
        raise InputError(f"Expected the setting {name!r} of {owner} as {names}, got {value!r}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"Expected a finite number as setting {name!r} of {owner}, got {value}.")
    return value
