"""The regression of a user's scores on attributes, against a plain one."""

from __future__ import annotations

import numpy as np
import pytest

from visrec.core.features import FeatureBlock
from visrec.explanation.attributes import AttributeSurrogate

N = 60


@pytest.fixture
def block():
    generator = np.random.default_rng(0)
    matrix = (generator.random((N, 4)) < 0.4) * generator.random((N, 4))
    matrix[:, 3] = 0.0
    matrix[:3, 3] = 1.0
    matrix[50:] = 0.0
    labels = ("colour=red", "colour=blue", "pattern=plain", "object=rare")
    return FeatureBlock("attribute", matrix.astype(np.float32), matrix.any(axis=1), "seen", labels)


def test_weights_and_r2_are_those_of_ridge_regressions_without_each_item(block):
    surrogate = AttributeSurrogate(block)
    assert surrogate.labels == ("colour=red", "colour=blue", "pattern=plain")
    values = block.matrix[:, :3].astype(np.float64)
    scores = 2 * values[:, 0] - values[:, 1] + 0.2 * np.random.default_rng(1).normal(size=N)
    there = np.flatnonzero(block.present)
    x, y = values[there] - values[there].mean(axis=0), scores[there] - scores[there].mean()

    def ridge(x, y):
        return np.linalg.solve(x.T @ x + 10 * np.eye(3), x.T @ y)

    found = surrogate.fit(scores.astype(np.float32))
    np.testing.assert_allclose(found.weights, ridge(x, y), atol=1e-5)
    missed = []
    for left_out in range(len(there)):
        kept = np.arange(len(there)) != left_out
        # The intercept is free: centring again is what leaving an item out does to it.
        xs, ys = x[kept] - x[kept].mean(axis=0), y[kept] - y[kept].mean()
        missed.append(y[left_out] - y[kept].mean() - (x[left_out] - x[kept].mean(axis=0)) @ ridge(xs, ys))
    assert found.r2 == pytest.approx(1 - np.square(missed).sum() / (y @ y), abs=1e-3)
    assert 0.2 < found.r2 < 1
    pulls = surrogate.contributions(found, np.array([there[5], 59]))
    expected = np.where(values[there[5]] > 0, x[5] * found.weights, 0)
    np.testing.assert_allclose(pulls[0], expected, atol=1e-6)
    assert not pulls[1].any()


def test_scores_that_attributes_say_nothing_of_have_no_r2(block):
    noise = np.random.default_rng(3).normal(size=N).astype(np.float32)
    assert AttributeSurrogate(block).fit(noise).r2 < 0.1
    assert AttributeSurrogate(block).fit(np.ones(N, np.float32)).r2 == 0.0


def test_without_common_values_nothing_is_told():
    empty = FeatureBlock("attribute", np.zeros((N, 0), np.float32), np.zeros(N, bool), "seen")
    assert AttributeSurrogate(empty).fit(np.ones(N, np.float32)) is None
