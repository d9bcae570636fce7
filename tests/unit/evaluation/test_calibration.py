import numpy as np
import pytest
from scipy.sparse import csr_matrix

from visrec.core.features import FeatureBlock
from visrec.evaluation import calibration
from visrec.evaluation.calibration import category_shares, miscalibration, profiles


def block(matrix, present=None):
    matrix = np.asarray(matrix, dtype=np.float32)
    return FeatureBlock(
        "category", matrix, np.ones(len(matrix), bool) if present is None else np.array(present), "test"
    )


def test_an_item_counts_one_in_equal_parts_for_its_labels():
    shares = category_shares(block([[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [1, 0, 0, 1]], [True, True, True, False]))
    assert shares.toarray().tolist() == [[0.5, 0.5, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_profile_is_the_mean_over_liked_items_with_a_category():
    shares = csr_matrix([[0.5, 0.5], [0, 1], [0, 0]])
    liked = csr_matrix(np.array([[0.3, 1.2, 1.0], [0, 0, 1.0], [0, 0, 0]], dtype=np.float32))
    assert profiles(liked, shares).toarray().tolist() == [[0.25, 0.75], [0, 0], [0, 0]]
    assert liked[0, 0] == np.float32(0.3), "the argument is left as it was"


@pytest.mark.parametrize("block_values", [1, 12, 1 << 20])
def test_divergence_by_plain_loop(monkeypatch, block_values):
    monkeypatch.setattr(calibration, "_BLOCK_VALUES", block_values)
    generator = np.random.default_rng(0)
    labels = (generator.random((30, 5)) < 0.3).astype(np.float32)
    labels[:4] = 0
    liked = generator.random((12, 30)) < 0.2
    liked[3] = False
    top = np.stack([generator.permutation(30)[:6] for _ in range(12)])
    top[5, 2:] = -1
    top[6] = [0, 1, 2, 3, -1, -1]  # none has a category
    shares = category_shares(block(labels))
    found = miscalibration(top, profiles(csr_matrix(liked.astype(np.float32)), shares), shares)

    def distribution(items):
        parts = [labels[item] / labels[item].sum(dtype=np.float64) for item in items if labels[item].any()]
        return np.mean(parts, axis=0) if parts else None

    n_defined = 0
    for row in range(12):
        p = distribution(np.flatnonzero(liked[row]))
        q = distribution([item for item in top[row] if item >= 0])
        if p is None or q is None:
            assert np.isnan(found[row])
            continue
        n_defined += 1
        terms = [a * np.log(a / (0.99 * b + 0.01 * a)) for a, b in zip(p, q, strict=True) if a > 0]
        assert found[row] == pytest.approx(sum(terms), abs=1e-9)
    assert np.isnan(found[[3, 6]]).all()
    assert n_defined >= 9


def test_ends():
    shares = csr_matrix(np.eye(3))
    profile = csr_matrix([[1 / 3, 1 / 3, 1 / 3], [1, 0, 0], [0.5, 0.5, 0]])
    found = miscalibration(np.array([[0, 1, 2], [1, 2, -1], [0, 0, 1]]), profile, shares)
    assert found[0] == pytest.approx(0, abs=1e-12)
    assert found[1] == pytest.approx(np.log(100))
    assert 0 < found[2] < 0.1
