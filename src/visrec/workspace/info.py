"""What a workspace holds and what is in use, in numbers and names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from visrec.workspace.columns import category_columns, text_columns

if TYPE_CHECKING:
    from visrec.workspace.workspace import Workspace

__all__ = ["describe"]


def describe(shop: Workspace) -> dict[str, Any]:
    """Facts about a workspace as JSON-able values."""
    interactions, items = shop.catalogue.interactions(), shop.catalogue.items()
    return {
        "items": len(items),
        "pictures": len(shop.catalogue.images()),
        "users": pc.count_distinct(interactions.column("user_id")).as_py(),
        "interactions": len(interactions),
        "live_events": shop.catalogue.live.where,
        "feature_sets": [s.name for s in shop.features()],
        "image_features": shop.settings.image_features,
        "text_features": shop.settings.text_features,
        "text_columns": text_columns(items),
        "category_columns": category_columns(items),
        "trained_models": shop.trained_models(),
        "model_in_use": shop.settings.model,
        "positive_threshold": shop.settings.positive_threshold,
    }
