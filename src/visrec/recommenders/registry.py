"""Every recommender that visrec knows, by the name that a user types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from visrec.core.errors import InputError
from visrec.core.protocols import Recommender
from visrec.recommenders.appeal import Appeal
from visrec.recommenders.blend import Blend
from visrec.recommenders.content_knn import content_knn
from visrec.recommenders.ease import Ease
from visrec.recommenders.popular import Popular
from visrec.recommenders.random import Random

__all__ = ["DEFAULT_RECOMMENDER", "RECOMMENDERS", "make_recommender"]

DEFAULT_RECOMMENDER = "blend"

#: id -> what makes a new one with its default settings.
RECOMMENDERS: Mapping[str, Callable[[], Recommender]] = MappingProxyType(
    {
        "random": Random,
        "popular": Popular,
        "appeal": Appeal,
        "visual-knn": lambda: content_knn("image"),
        "text-knn": lambda: content_knn("text"),
        "category-knn": lambda: content_knn("category"),
        "ease": Ease,
        "blend": Blend,
    }
)


def make_recommender(name: str) -> Recommender:
    """A new recommender that has learned nothing yet.

    Raises:
        InputError: when there is none of that name.
    """
    if name not in RECOMMENDERS:
        raise InputError(f"There is no recommender {name!r}. Known: {', '.join(RECOMMENDERS)}.")
    return RECOMMENDERS[name]()
