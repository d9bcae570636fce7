import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visrec.core.dataset import Dataset
from visrec.core.errors import InputError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap

N_USERS, N_ITEMS = 4, 5

EVENTS = st.lists(
    st.tuples(
        st.integers(0, N_USERS - 1),
        st.integers(0, N_ITEMS - 1),
        st.sampled_from([-1.0, 0.0, 0.25, 1.0]),
        st.integers(-5, 5),
    ),
    max_size=25,
)


def histories_of(events, n_users=N_USERS, n_items=N_ITEMS):
    columns = np.array(events, dtype=np.float64).reshape(-1, 4).T
    return Histories.from_events(
        IdMap(f"u{row}" for row in range(n_users)),
        n_items,
        columns[0].astype(np.int64),
        columns[1].astype(np.int32),
        columns[2].astype(np.float32),
        columns[3].astype(np.int64),
    )


def listed(histories):
    """User id -> (item, weight, timestamp), oldest first."""
    rows = list(zip(histories.item_index, histories.weight, histories.timestamp, strict=True))
    return {
        user: [tuple(map(float, row)) for row in rows[histories.indptr[n] : histories.indptr[n + 1]]]
        for n, user in enumerate(histories.user_ids)
    }


def by_loop(events):
    """Python's sort is stable: events of the same second stay in the order of the log."""
    result = {f"u{row}": [] for row in range(N_USERS)}
    for user, item, weight, timestamp in sorted(events, key=lambda event: event[3]):
        result[f"u{user}"].append((float(item), weight, float(timestamp)))
    return result


@given(EVENTS)
def test_events_are_sorted_by_user_then_time_and_ties_keep_their_order(events):
    histories = histories_of(events)
    assert listed(histories) == by_loop(events)
    assert histories.n_events == len(events)
    assert len(histories) == N_USERS
    assert histories.user_index.tolist() == sorted(user for user, *_ in events)


@given(EVENTS)
def test_in_the_matrix_the_latest_of_a_repeated_pair_counts_and_zeros_are_kept(events):
    histories = histories_of(events)
    latest = {(user, item): w for user, history in listed(histories).items() for item, w, _ in history}
    matrix = histories.matrix()
    stored = matrix.tocoo()
    found = {
        (f"u{row}", float(column)): float(value)
        for row, column, value in zip(stored.row, stored.col, stored.data, strict=True)
    }
    assert found == latest
    assert matrix.nnz == len(latest)
    assert matrix.shape == (N_USERS, N_ITEMS)
    assert matrix.dtype == np.float32
    liked = histories.liked()
    assert liked.toarray().tolist() == np.maximum(matrix.toarray(), 0).tolist()
    assert liked.nnz == sum(weight > 0 for weight in latest.values())


@given(EVENTS, st.permutations(range(N_USERS)), st.integers(0, N_USERS))
def test_take_gives_whole_histories_in_the_order_asked_for(events, order, n):
    histories = histories_of(events)
    rows = np.array(order[:n], dtype=np.int64)
    taken = histories.take(rows)
    assert list(taken.user_ids) == [f"u{row}" for row in rows]
    assert listed(taken) == {f"u{row}": listed(histories)[f"u{row}"] for row in rows}


@given(EVENTS, st.data())
def test_select_keeps_users_and_the_events_of_the_mask(events, data):
    histories = histories_of(events)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(events), max_size=len(events))), dtype=bool)
    selected = histories.select(mask)
    kept = iter(mask.tolist())
    expected = {user: [event for event in history if next(kept)] for user, history in listed(histories).items()}
    assert listed(selected) == expected
    assert selected.user_ids == histories.user_ids


def test_matrix_does_not_share_memory_with_the_histories():
    histories = histories_of([(0, 1, -1.0, 0), (1, 2, 1.0, 0)])
    histories.liked().data[:] = 9
    histories.matrix().data[:] = 9
    assert histories.weight.tolist() == [-1.0, 1.0]


def test_no_users_and_no_items():
    nobody = histories_of([], 0, 5)
    assert (len(nobody), nobody.n_events, nobody.matrix().shape, nobody.liked().nnz) == (0, 0, (0, 5), 0)
    assert len(nobody.take(np.zeros(0, np.int64))) == 0
    assert histories_of([], 3, 0).matrix().shape == (3, 0)


@pytest.mark.parametrize(
    ("item", "user"), [(5, 0), (-1, 0), (0, 4)], ids=["item beyond the last", "negative item", "user beyond the last"]
)
def test_rows_that_do_not_exist_are_refused(item, user):
    with pytest.raises(InputError, match="Expected"):
        histories_of([(user, item, 1.0, 0)])


def test_an_indptr_that_does_not_end_at_the_events_is_refused():
    with pytest.raises(InputError, match=r"indptr \(2,\) ending at 1"):
        Histories(
            IdMap("u"), 3, np.array([0, 2]), np.zeros(1, np.int32), np.zeros(1, np.float32), np.zeros(1, np.int64)
        )


def test_a_dataset_is_histories_over_its_items():
    items = ItemFeatures(IdMap("abcde"))
    dataset = Dataset(histories_of([]), items)
    assert (dataset.n_users, dataset.n_items) == (4, 5)
    with pytest.raises(InputError, match="over 4 items, got 5"):
        Dataset(histories_of([]), ItemFeatures(IdMap("abcd")))


def test_without_ratings_no_event_is_one():
    histories = histories_of([(0, 1, 1.0, 3), (1, 2, 1.0, 2)])
    assert histories.rating.dtype == np.float32
    assert np.isnan(histories.rating).all()
    assert histories.rating.shape == (2,)
