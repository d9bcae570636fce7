"""Symmetric matrices in place, against plain numpy in float64."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import random as random_sparse

from visrec.recommenders import symmetric
from visrec.recommenders.symmetric import add_gram, invert, sparse_gram


@pytest.fixture(params=[5, 1000], ids=["smaller than all blocks", "many blocks"])
def n(request, monkeypatch):
    # Sizes that 5 and 1000 are no multiples of, so that the last block is a short one.
    monkeypatch.setattr(symmetric, "_ROWS", 300)
    monkeypatch.setattr(symmetric, "_SIDE", 64)
    return request.param


def test_the_gram_matrix_of_sparse_rows(n):
    rows = random_sparse(70, n, density=0.3, format="csr", random_state=np.random.default_rng(0))
    gram = sparse_gram(rows)
    expected = rows.toarray().T @ rows.toarray()
    assert gram.dtype == np.float32
    np.testing.assert_allclose(np.triu(gram), np.triu(expected), atol=1e-5)


def test_a_weighted_gram_matrix_is_added_in_place_to_the_upper_triangle(n):
    generator = np.random.default_rng(1)
    rows = generator.normal(size=(n, 7)).astype(np.float32)
    total = np.ones((n, n), dtype=np.float32)
    assert add_gram(total, rows, 2.5) is None
    np.testing.assert_allclose(np.triu(total), np.triu(1 + 2.5 * rows.astype(float) @ rows.T), atol=2e-5)


def test_rows_without_columns_add_nothing():
    total = np.ones((3, 3), dtype=np.float32)
    add_gram(total, np.zeros((3, 0), dtype=np.float32), 2.0)
    assert (total == 1).all()


def test_the_whole_inverse_from_the_upper_triangle_alone(n):
    generator = np.random.default_rng(2)
    root = generator.normal(size=(n, n))
    full = (root @ root.T / n + np.eye(n)).astype(np.float32)
    matrix = np.triu(full) + np.tril(np.full_like(full, np.nan), -1)
    assert invert(matrix)
    np.testing.assert_allclose(matrix, np.linalg.inv(full.astype(np.float64)), atol=1e-5)
    np.testing.assert_array_equal(matrix, matrix.T)


def test_a_matrix_that_is_not_positive_definite_is_not_inverted():
    assert not invert(np.array([[1.0, 2.0], [2.0, 1.0]], dtype=np.float32))
    assert not invert(np.zeros((2, 2), dtype=np.float32))
