"""The drawn shop's customers were made to like certain looks: are they found?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from visrec.sample import Look, Taste, draw_shop, read_looks, read_truth
from visrec.workspace.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, Taste], dict[str, Look]]:
    folder = tmp_path_factory.mktemp("taste")
    sample = draw_shop(folder / "sample")
    shop = Workspace.create(folder / "shop")
    shop.ingest(items=sample.items, images=sample.images, interactions=sample.interactions)
    return shop, read_truth(sample.folder), read_looks(sample.folder)


def share(world, model: str, likes: Callable[[Taste, Look], bool]) -> tuple[float, float]:
    """Share of what is recommended that the customer likes, and of what could be: means over all customers."""
    shop, truth, looks = world
    found, blind = [], []
    for ranking in shop.recommend_many(None, 10, model=model):
        taste = truth[ranking.user_id]
        assert len(ranking) == 10
        found.append(np.mean([likes(taste, looks[item_id]) for item_id in ranking.item_ids]))
        blind.append(np.mean([likes(taste, look) for look in looks.values()]))
    assert len(found) == len(truth) == 320
    return float(np.mean(found)), float(np.mean(blind))


def test_palette_pattern_and_both_at_once_with_the_default_encoder(world):
    shop, _, _ = world
    shop.encode()
    assert set(shop.train().sources) >= {"collaborative", "visual", "category"}
    palette, blind = share(world, "blend", Taste.likes_palette)
    assert blind < 0.25
    assert palette > 0.45  # .547 measured
    pattern, blind = share(world, "blend", Taste.likes_pattern)
    assert blind < 0.28
    assert pattern > 0.42  # .511 measured
    # What a customer has seen is left out, and that is much of what matches in both: few of 480 are left.
    both, blind = share(world, "blend", Taste.matches)
    assert blind < 0.045
    assert both > 2.5 * blind  # .146 measured
    assert both > 2 * share(world, "popular", Taste.matches)[0]


def test_colours_alone_find_the_palette(world):
    shop, _, _ = world
    shop.encode("colour-histogram")
    shop.train()
    assert share(world, "blend", Taste.likes_palette)[0] > 0.75  # .857 measured
    shop.train("visual-knn")
    assert share(world, "visual-knn", Taste.likes_palette)[0] > 0.75  # .855 measured
    # A histogram does not see where the colours are.
    assert share(world, "visual-knn", Taste.likes_pattern)[0] < 0.35
