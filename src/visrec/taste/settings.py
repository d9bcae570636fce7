"""Settings of taste profiles."""

from __future__ import annotations

from dataclasses import dataclass

from visrec.core.errors import InputError
from visrec.core.recency import check_half_life

__all__ = ["TasteSettings"]


@dataclass(frozen=True)
class TasteSettings:
    """How a history becomes a profile.

    Attributes:
        half_life_days: an event this much older than the user's last one weighs half; None: age is ignored.
        max_interests: a profile shows at most so many; what else was liked is its `elsewhere`.
        max_items: of a longer history the newest so many liked (and disliked) items count.
    """

    half_life_days: float | None = 180.0
    max_interests: int = 6
    max_items: int = 500

    def __post_init__(self) -> None:
        check_half_life(self.half_life_days)
        if self.max_interests < 1 or self.max_items < 1:
            raise InputError(
                f"Expected max_interests and max_items of 1 or more, got {self.max_interests} and {self.max_items}."
            )
