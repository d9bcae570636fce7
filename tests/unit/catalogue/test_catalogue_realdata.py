from __future__ import annotations

import functools
import time

import pyarrow.compute as pc
import pytest

from visrec.core.settings import ImageLimits
from visrec.images.decode import inspect

pytestmark = pytest.mark.realdata

#: From the data sets' own README: items, images, interactions, users.
SIZES = {
    "ml100k-posters": (1682, 1676, 100_000, 943),
    "ikea-rooms": (2190, 2190, 3731, 306),
    "hm-fashion": (17_033, 17_033, 28_516, 1364),
}


@pytest.mark.parametrize("name", ["ml100k-posters", "ikea-rooms", pytest.param("hm-fashion", marks=pytest.mark.slow)])
def test_counts_and_a_second_run_that_changes_nothing(shop, real_data, name):
    files = {"items": "items.csv", "images": "images", "interactions": "interactions.csv"}
    given = {key: real_data / name / value for key, value in files.items()}
    check = functools.partial(inspect, limits=ImageLimits())
    report = shop.ingest(**given, inspect=check)
    interactions = shop.interactions()
    counts = (len(shop.items()), len(shop.images()), len(interactions), len(pc.unique(interactions["user_id"])))
    assert counts == SIZES[name]
    assert report.items.without_image == SIZES[name][0] - SIZES[name][1] == report.n_problems
    before = (shop.items(), shop.images(), interactions)
    started = time.monotonic()
    again = shop.ingest(**given, inspect=check)
    assert time.monotonic() - started < 30
    assert again.items.unchanged == counts[0]
    assert again.images.unchanged == counts[1]
    assert again.interactions.unchanged == counts[2]
    for table, old in zip((shop.items(), shop.images(), shop.interactions()), before, strict=True):
        assert table.equals(old)


def test_ids_and_codes_keep_their_zeros(shop, real_data):
    shop.ingest(items=real_data / "hm-fashion" / "items.csv", inspect=inspect)
    first = shop.items().slice(0, 1).to_pylist()[0]
    assert (first["item_id"], first["product_code"]) == ("0108775015", "0108775")
    assert len(shop.matching("category = 'Dress' and colour = 'Black'")) > 100
