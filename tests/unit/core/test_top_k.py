import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies

from visrec.core.errors import InputError
from visrec.core.top_k import top_k


def by_sorting(scores, k):
    """Plain Python: highest score first, lower column first, no -inf."""
    rows = []
    for row in scores.tolist():
        order = sorted((column for column, score in enumerate(row) if score != -np.inf), key=lambda c: (-row[c], c))
        rows.append((order + [-1] * k)[:k])
    return rows


@given(
    numpy_strategies.arrays(
        np.float32,
        numpy_strategies.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12),
        elements=st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0, np.inf]),
    ),
    st.integers(1, 15),
)
def test_agrees_with_plain_sorting(scores, k):
    assert top_k(scores, k).tolist() == by_sorting(scores, k)


def test_large_rows_with_and_without_ties():
    generator = np.random.default_rng(0)
    scores = generator.random((40, 3000), dtype=np.float32)
    scores[::2] = np.round(scores[::2], 2)
    assert top_k(scores, 25).tolist() == by_sorting(scores, 25)


def test_all_equal_gives_the_first_columns():
    assert top_k(np.zeros((2, 1000), np.float32), 3).tolist() == [[0, 1, 2]] * 2


def test_nothing_to_choose_from():
    assert top_k(np.zeros((2, 0), np.float32), 2).tolist() == [[-1, -1]] * 2
    assert top_k(np.zeros((0, 4), np.float32), 2).shape == (0, 2)
    with pytest.raises(InputError):
        top_k(np.zeros((1, 1), np.float32), 0)
