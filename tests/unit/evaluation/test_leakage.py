import hashlib
from collections import Counter, defaultdict
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from visrec.core.errors import InputError
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.ids import IdMap
from visrec.evaluation import leakage
from visrec.evaluation.leakage import find_leakage, near_duplicates
from visrec.evaluation.splits import make_split


def block(matrix, present=None):
    matrix = np.asarray(matrix, dtype=np.float32)
    return FeatureBlock("image", matrix, np.ones(len(matrix), bool) if present is None else np.array(present), "test")


@pytest.mark.parametrize("block_values", [1, 50, 1 << 22])
def test_pairs_by_plain_loop(monkeypatch, block_values):
    monkeypatch.setattr(leakage, "_BLOCK_VALUES", block_values)
    generator = np.random.default_rng(0)
    matrix = generator.normal(size=(40, 3))
    matrix[30:] = 2.5 * matrix[:10]
    present = generator.random(40) > 0.1
    matrix[~present] = 0
    first, second = np.arange(20), np.arange(20, 40)
    expected = []
    for a in first:
        for b in second:
            if present[a] and present[b]:
                cosine = matrix[a] @ matrix[b] / np.linalg.norm(matrix[a]) / np.linalg.norm(matrix[b])
                if cosine >= 0.99:
                    expected.append((a, b, cosine))
    pairs, cosines = near_duplicates(block(matrix, present), first, second, threshold=0.99)
    assert pairs.tolist() == [[a, b] for a, b, _ in expected]
    np.testing.assert_allclose(cosines, [cosine for _, _, cosine in expected], atol=1e-6)
    assert 5 < len(expected) < 100
    assert cosines.max() <= 1


def test_equal_pictures_are_found_whatever_rounding_does():
    generator = np.random.default_rng(1)
    vectors = generator.random((500, 1280), dtype=np.float32)
    twice = block(np.concatenate([vectors, vectors]))
    pairs, _ = near_duplicates(twice, np.arange(500), np.arange(500, 1000), threshold=1.0)
    assert pairs.tolist() == [[row, row + 500] for row in range(500)]


def test_no_pair_is_lost_by_comparing_in_fewer_dimensions_first():
    # Vectors that are alike in most directions; of the pairs every third is near, every third a little too far.
    generator = np.random.default_rng(2)
    first = 3 * generator.random(300) + generator.normal(size=(210, 300))
    noise = np.tile([0.02, 0.1, 3.0], 70)[:, None] * generator.normal(size=(210, 300))
    vectors = np.concatenate([first, first + noise])
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = np.argwhere(unit[:210] @ unit[210:].T >= 0.9997) + [0, 210]
    pairs, _ = near_duplicates(block(vectors), np.arange(210), np.arange(210, 420), threshold=0.9997)
    assert pairs.tolist() == expected.tolist() == [[row, row + 210] for row in range(0, 210, 3)]


def test_a_picture_with_an_embedding_of_zeros_is_like_nothing():
    pairs, _ = near_duplicates(block([[0, 0], [1, 0]]), np.array([0]), np.array([0, 1]))
    assert pairs.shape == (0, 2)


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.1, float("nan")])
def test_wrong_threshold(threshold):
    with pytest.raises(InputError, match="cosine above 0"):
        near_duplicates(block([[1, 0]]), np.array([0]), np.array([0]), threshold=threshold)


def test_report_of_a_split(dataset_of):
    # Every user likes every item, and each even item has its picture's twin in the odd one after it.
    rows = [(user, item, 1, 1) for user in range(4) for item in range(20)]
    angle = np.arange(20) // 2 / 10
    dataset = dataset_of(rows, 4, 20, np.stack([np.cos(angle), np.sin(angle)], axis=1))
    split = make_split(dataset, "item-cold", test_fraction=0.3)
    known = set(split.train.items.item_ids)
    hidden = [item for item in dataset.items.item_ids if item not in known]
    twins = [(item, f"i{int(item[1:]) ^ 1}") for item in hidden if f"i{int(item[1:]) ^ 1}" in known]
    found = split.leakage
    assert found.n_pairs == found.n_hidden_items == len(twins) > 0
    assert found.n_checked == len(hidden) == 6
    assert [pair[:2] for pair in found.pairs] == twins
    assert found.to_json() == {
        "threshold": 0.999,
        "n_pairs": len(twins),
        "n_hidden_items": len(twins),
        "n_checked": 6,
        "pairs": [{"hidden": a, "known": b, "cosine": pytest.approx(1)} for a, b in twins],
    }
    assert f"{len(twins)} of the 6 hidden pictures" in str(found)
    assert f"such as the items {twins[0][0]} and {twins[0][1]}." in str(found)


def test_one_hidden_item_may_have_several_twins():
    items = ItemFeatures(IdMap(["a", "b", "c", "d"]), {"image": block([[1, 0], [1, 0], [2, 0], [0, 1]])})
    found = find_leakage(items, np.array([True, False, False, False]), np.array([False, True, True, True]))
    assert (found.n_pairs, found.n_hidden_items) == (2, 1)
    assert found.pairs == (("a", "b", 1.0), ("a", "c", 1.0))


def test_no_twins_is_said_too(shop):
    found = make_split(shop, "item-cold").leakage
    assert (found.n_pairs, found.pairs) == (0, ())
    assert str(found).startswith("Leakage: none of the 9 hidden pictures")


def test_nothing_to_check(shop, dataset_of):
    assert make_split(shop, "random").leakage is None
    rows = [(user, item, 1, 1) for user in range(5) for item in range(8)]
    assert make_split(dataset_of(rows, 5, 8), "item-cold").leakage is None


@pytest.mark.realdata
def test_items_of_movielens_that_share_a_poster_are_found(real_data):
    # Twenty pairs of items have the very same file. A tiny picture is embedding enough to find them.
    files = sorted((real_data / "ml100k-posters" / "images").glob("*.jpg"))
    by_content = defaultdict(list)
    pixels = []
    for row, file in enumerate(files):
        by_content[hashlib.sha256(file.read_bytes()).hexdigest()].append(row)
        with Image.open(file) as image:
            image.draft("RGB", (32, 32))
            pixels.append(np.asarray(image.convert("RGB").resize((16, 16)), dtype=np.float32).ravel() - 127.5)
    equal = {pair for rows in by_content.values() for pair in combinations(rows, 2)}
    assert len(equal) == 20
    rows = np.arange(len(files))
    pairs, _ = near_duplicates(block(np.stack(pixels)), rows, rows)
    counted = Counter((a, b) for a, b in pairs.tolist() if a < b)
    assert equal <= set(counted)
    assert len(counted) < 30
