"""Every recommender that visrec knows, by the name that a user types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import Any

from visrec.core.errors import InputError
from visrec.core.protocols import Recommender
from visrec.core.settings import change_settings

__all__ = ["DEFAULT_RECOMMENDER", "RECOMMENDERS", "RecommenderEntry", "make_recommender"]

DEFAULT_RECOMMENDER = "blend"


@dataclass(frozen=True)
class RecommenderEntry:
    """Where a recommender's code is: it is imported when the recommender is made, since some need torch.

    Attributes:
        module: file in this package, without ".py".
        name: the class; it takes its settings, a frozen dataclass that is named for it ("Ease", "EaseSettings").
        presets: settings that make this recommender another one of its class.
    """

    module: str
    name: str
    presets: Mapping[str, Any] = field(default_factory=dict)


RECOMMENDERS: Mapping[str, RecommenderEntry] = MappingProxyType(
    {
        "random": RecommenderEntry("random", "Random"),
        "popular": RecommenderEntry("popular", "Popular"),
        "recently-popular": RecommenderEntry("popular", "Popular", {"half_life_days": 30.0}),
        "appeal": RecommenderEntry("appeal", "Appeal"),
        "visual-knn": RecommenderEntry("content_knn", "ContentKNN", {"block": "image"}),
        "text-knn": RecommenderEntry("content_knn", "ContentKNN", {"block": "text"}),
        "category-knn": RecommenderEntry("content_knn", "ContentKNN", {"block": "category"}),
        "ease": RecommenderEntry("ease", "Ease"),
        "ials": RecommenderEntry("ials", "Ials"),
        "vbpr": RecommenderEntry("vbpr", "VBPR"),
        "amr": RecommenderEntry("amr", "AMR"),
        "deepstyle": RecommenderEntry("deepstyle", "DeepStyle"),
        "bias": RecommenderEntry("bias", "Bias"),
        "visual-mf": RecommenderEntry("visual_mf", "VisualMF"),
        "two-tower": RecommenderEntry("two_tower", "TwoTower"),
        "acf": RecommenderEntry("acf", "ACF"),
        "freedom": RecommenderEntry("freedom", "Freedom"),
        "sasrec": RecommenderEntry("sasrec", "SASRec"),
        "pixel-cnn": RecommenderEntry("pixel_cnn", "PixelCNN"),
        "pixel-resnet": RecommenderEntry("pixel_cnn", "PixelCNN", {"backbone": "resnet", "size": 32}),
        "pixel-efficientnet": RecommenderEntry(
            "pixel_cnn", "PixelCNN", {"backbone": "efficientnet", "size": 96, "augment": 0.0}
        ),
        "blend": RecommenderEntry("blend", "Blend"),
        "deep-blend": RecommenderEntry("blend", "DeepBlend"),
    }
)


def make_recommender(name: str, changes: Mapping[str, Any] | None = None) -> Recommender:
    """A new recommender that has learned nothing yet.

    Args:
        name: out of `RECOMMENDERS`.
        changes: settings that differ from the recommender's defaults, as values or as the text of one.

    Raises:
        InputError: when there is none of that name, or it has no such setting.
    """
    if name not in RECOMMENDERS:
        raise InputError(f"There is no recommender {name!r}. Known: {', '.join(RECOMMENDERS)}.")
    entry = RECOMMENDERS[name]
    module = import_module(f"visrec.recommenders.{entry.module}")
    settings = getattr(module, f"{entry.name}Settings")(**entry.presets)
    recommender: Recommender = getattr(module, entry.name)(change_settings(name, settings, changes or {}))
    return recommender
