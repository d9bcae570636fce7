"""Settings: frozen, typed, passed in. No module holds state."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from visrec.core.errors import InputError

__all__ = ["FeedbackRules", "ImageLimits"]

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
