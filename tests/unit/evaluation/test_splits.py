from collections import Counter, defaultdict

import numpy as np
import pytest

from visrec.core.errors import InputError
from visrec.evaluation.splits import make_split, split_events

NAMES = ["random", "time", "user-time", "item-cold"]


def events(histories, items):
    """(user id, item id, weight, timestamp) of every event."""
    return [
        (histories.user_ids[user], items.item_ids[item], weight, time)
        for user, item, weight, time in zip(
            histories.user_index.tolist(),
            histories.item_index.tolist(),
            histories.weight.tolist(),
            histories.timestamp.tolist(),
            strict=True,
        )
    ]


def held_out(dataset, split):
    """What was taken away from the dataset to make the training data, as a multiset."""
    left = Counter(events(dataset.histories, dataset.items))
    left.subtract(events(split.train.histories, split.train.items))
    assert min(left.values()) >= 0, "training holds events that the dataset does not"
    return list(left.elements())


@pytest.mark.parametrize("name", NAMES)
def test_split_against_plain_loop(shop, name):
    split = make_split(shop, name)
    train = events(split.train.histories, split.train.items)
    seen = defaultdict(set)
    for user, item, _, _ in train:
        seen[user].add(item)
    # Of a repeated pair the latest event counts; events of a user are ordered by time.
    latest = {(user, item): weight for user, item, weight, _ in sorted(held_out(shop, split), key=lambda e: e[3])}
    liked = defaultdict(set)
    for (user, item), weight in latest.items():
        if weight > 0 and item not in seen[user]:
            liked[user].add(item)
    expected = {user: items for user, items in liked.items() if items and seen[user]}
    relevant = split.relevant.tocoo()
    found = defaultdict(set)
    for user, item in zip(relevant.row, relevant.col, strict=True):
        found[split.history.user_ids[user]].add(split.items.item_ids[item])
    assert found == expected
    assert list(split.history.user_ids) == [user for user in shop.histories.user_ids if user in expected]
    assert set(relevant.data) == {1.0}
    assert split.n_users == len(expected) > 20


@pytest.mark.parametrize("name", NAMES)
def test_history_is_training_history_over_all_items(shop, name):
    split = make_split(shop, name)
    evaluated = set(split.history.user_ids)
    train = [event for event in events(split.train.histories, split.train.items) if event[0] in evaluated]
    assert events(split.history, split.items) == train
    assert split.items is shop.items
    assert split.history.n_items == 50


@pytest.mark.parametrize("name", NAMES)
def test_no_test_pair_is_in_training(shop, name):
    split = make_split(shop, name)
    assert split.relevant.multiply(split.history.matrix() != 0).nnz == 0
    known = {(user, item) for user, item, _, _ in events(split.train.histories, split.train.items)}
    relevant = split.relevant.tocoo()
    for user, item in zip(relevant.row, relevant.col, strict=True):
        assert (split.history.user_ids[user], split.items.item_ids[item]) not in known


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_split(shop, name):
    first, second = make_split(shop, name), make_split(shop, name)
    assert (first.relevant != second.relevant).nnz == 0
    assert events(first.train.histories, first.train.items) == events(second.train.histories, second.train.items)


@pytest.mark.parametrize("name", ["random", "item-cold"])
def test_other_seed_other_split(shop, name):
    first, second = make_split(shop, name), make_split(shop, name, seed=43)
    assert events(first.train.histories, first.train.items) != events(second.train.histories, second.train.items)


@pytest.mark.parametrize("name", ["random", "user-time"])
@pytest.mark.parametrize("fraction", [None, 0.5, 0.9])
def test_share_of_each_user(shop, name, fraction):
    split = make_split(shop, name, test_fraction=fraction)
    before = Counter(event[0] for event in events(shop.histories, shop.items))
    after = Counter(event[0] for event in events(split.train.histories, split.train.items))
    kept = 1 - (fraction or 0.25)
    assert after == {user: max(1, round(kept * n)) for user, n in before.items()}
    assert "u59" not in split.train.histories.user_ids


def test_one_event_always_stays(dataset_of):
    events_of = [(0, 0, 1, 5), (1, 0, 1, 5), (1, 1, 1, 6), (2, 0, 1, 5), (2, 1, 1, 6), (2, 2, 1, 7)]
    split = make_split(dataset_of(events_of, 3, 3), "random", test_fraction=0.99)
    assert np.diff(split.train.histories.indptr).tolist() == [1, 1, 1]
    assert list(split.history.user_ids) == ["u1", "u2"]


def test_user_time_takes_the_last_events(shop):
    split = make_split(shop, "user-time")
    last_train, first_test = {}, {}
    for user, _, _, time in events(split.train.histories, split.train.items):
        last_train[user] = max(time, last_train.get(user, 0))
    for user, _, _, time in held_out(shop, split):
        first_test[user] = min(time, first_test.get(user, time))
    assert len(first_test) == 59
    assert all(last_train[user] <= time for user, time in first_test.items())


def test_user_time_breaks_ties_at_random(dataset_of):
    dataset = dataset_of([(0, item, 1, 1 + item // 39) for item in range(40)], 1, 40)
    hidden = {tuple(make_split(dataset, "user-time", seed=seed).relevant.indices) for seed in range(5)}
    assert len(hidden) == 5
    assert all(39 in items for items in hidden), "the only later event is always among the last"


def test_time_is_one_moment_for_all(shop):
    split = make_split(shop, "time")
    last_train = split.train.histories.timestamp.max()
    first_test = min(event[3] for event in held_out(shop, split))
    assert last_train < first_test
    assert len(held_out(shop, split)) == 300


def test_time_by_days(dataset_of):
    day = 86_400
    rows = [(0, item, 1, day * (item + 1)) for item in range(10)] + [(1, 0, 1, day), (1, 9, 1, 10 * day)]
    split = make_split(dataset_of(rows, 2, 10), "time", test_days=3)
    assert split.relevant.toarray().nonzero()[1].tolist() == [7, 8, 9, 9]
    assert split.description == "the events after 1970-01-08 00:00:00 UTC, 33% of all"


def test_time_never_cuts_one_moment_apart(dataset_of):
    # 1 + 8 + 1 events at three moments: 20% cannot be cut off, 10% is nearer than 90%.
    rows = [(0, 0, 1, 100), *[(0, item, 1, 200) for item in range(1, 9)], (0, 9, 1, 300)]
    split = make_split(dataset_of(rows, 1, 10), "time")
    assert split.relevant.indices.tolist() == [9]


def test_events_without_timestamp_are_left_out_and_counted(dataset_of):
    rows = [(0, item, 1, 100 + item) for item in range(8)] + [(0, 8, 1, 0), (0, 9, 1, 0)]
    dataset = dataset_of(rows, 1, 10)
    for name, expected in (("time", [6, 7]), ("user-time", [6, 7])):
        split = make_split(dataset, name)
        assert sorted(split.train.histories.item_index.tolist()) == [0, 1, 2, 3, 4, 5]
        assert split.relevant.indices.tolist() == expected
        assert "2 events without a timestamp left out" in split.description


def test_item_cold_hides_items_entirely(shop):
    split = make_split(shop, "item-cold")
    hidden = set(shop.items.item_ids) - set(split.train.items.item_ids)
    assert len(hidden) == 9  # a fifth of the 45 items that have events
    assert not hidden & {item for _, item, _, _ in events(split.train.histories, split.train.items)}
    candidates = {split.items.item_ids[row] for row in np.flatnonzero(split.candidates)}
    assert candidates <= hidden
    relevant_items = {split.items.item_ids[row] for row in split.relevant.indices}
    assert relevant_items <= candidates
    kept_rows = shop.items.item_ids.rows(list(split.train.items.item_ids))
    np.testing.assert_array_equal(
        split.train.items.blocks["image"].matrix, shop.items.blocks["image"].matrix[kept_rows]
    )


def test_item_cold_ranks_only_what_somebody_liked(dataset_of):
    rows = [(user, item, -1.0 if item % 2 else 1.0, 1) for user in range(4) for item in range(10)]
    split = make_split(dataset_of(rows, 4, 10), "item-cold", test_fraction=0.8)
    hidden = set(split.items.item_ids) - set(split.train.items.item_ids)
    liked = {item for item in hidden if int(item[1:]) % 2 == 0}
    assert {split.items.item_ids[row] for row in np.flatnonzero(split.candidates)} == liked


def test_user_cold_against_plain_loop(shop):
    split = make_split(shop, "user-cold")
    everything = defaultdict(list)
    for user, item, weight, time in events(shop.histories, shop.items):
        everything[user].append((item, weight, time))
    trained = set(split.train.histories.user_ids)
    hidden = [user for user in shop.histories.user_ids if user not in trained and everything[user]]
    assert len(hidden) == round(0.2 * 59)
    train = events(split.train.histories, split.train.items)
    assert Counter(train) == Counter(e for e in events(shop.histories, shop.items) if e[0] not in hidden)
    given = defaultdict(list)
    for user, item, weight, time in events(split.history, split.items):
        given[user].append((item, weight, time))
    for row, user in enumerate(split.history.user_ids):
        assert user in hidden
        assert len(given[user]) == max(1, round(len(everything[user]) / 2))
        asked = Counter(everything[user])
        asked.subtract(given[user])
        asked = list(asked.elements())
        assert max(time for _, _, time in given[user]) <= min(time for _, _, time in asked)
        latest = {item: weight for item, weight, _ in sorted(asked, key=lambda e: e[2])}
        seen = {item for item, _, _ in given[user]}
        expected = {item for item, weight in latest.items() if weight > 0 and item not in seen}
        assert {split.items.item_ids[i] for i in split.relevant[row].indices} == expected
    assert split.n_users > 8
    assert split.candidates.all()
    assert split.train.items is shop.items
    assert "a random 20% of the users hidden from training (12 users), seed 42" in split.description


def test_user_cold_without_timestamps_gives_a_random_half(dataset_of):
    rows = [(user, item, 1, 0) for user in range(6) for item in range(10)]
    given = {
        tuple(sorted(make_split(dataset_of(rows, 6, 10), "user-cold", seed=seed).history.item_index))
        for seed in range(4)
    }
    assert len(given) == 4
    assert {len(items) for items in given} == {5}


def test_user_cold_draws_by_seed_and_fraction(shop):
    first, same, other = (make_split(shop, "user-cold", seed=seed) for seed in (1, 1, 2))
    assert list(first.history.user_ids) == list(same.history.user_ids) != list(other.history.user_ids)
    many = make_split(shop, "user-cold", test_fraction=0.9)
    assert len(many.train.histories) == 59 - round(0.9 * 59)
    # Never everybody: something must be learned from.
    assert len(make_split(shop, "user-cold", test_fraction=0.999).train.histories) == 1


def test_only_user_cold_hides_users(shop):
    assert make_split(shop, "user-cold").hides_users
    assert not any(make_split(shop, name).hides_users for name in NAMES)


@pytest.mark.parametrize(
    ("rows", "name"),
    [
        ([(0, 0, 1, 5), (1, 1, 1, 6)], "user-cold"),  # nobody has two events
        ([(0, 0, 1, 5), (0, 1, 1, 6)], "user-cold"),  # nobody else to learn from
        ([(0, 0, 1, 5), (0, 1, -1, 6), (1, 0, 1, 5)], "user-cold"),  # nothing liked is asked for
        ([], "random"),
        ([(0, 0, 1, 5), (1, 1, 1, 6)], "random"),  # one event a user: nothing to test on
        ([(0, 0, 1, 5), (0, 1, -1, 6), (0, 0, 1, 7)], "user-time"),  # nothing liked that was not seen
        ([(0, 0, 1, 0), (0, 1, 1, 0)], "time"),
        ([(0, 0, 1, 9), (0, 1, 1, 9)], "time"),
        ([(0, 0, 1, 9), (0, 1, 1, 9)], "user-time"),
        ([(0, 0, 1, 9), (1, 0, 1, 9)], "item-cold"),
        ([(0, 0, 1, 9), (1, 1, 1, 9)], "item-cold"),
    ],
)
def test_too_small_to_split(dataset_of, rows, name):
    with pytest.raises(InputError, match="Expected|expected|needs"):
        make_split(dataset_of(rows, 2, 3), name)


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": "leave-one-out"},
        {"name": "random", "test_fraction": 0.0},
        {"name": "random", "test_fraction": 1.0},
        {"name": "random", "test_fraction": float("nan")},
        {"name": "random", "test_days": 3},
        {"name": "time", "test_days": 0},
        {"name": "time", "test_days": 3, "test_fraction": 0.2},
        {"name": "time", "test_days": 1000},  # nothing before
    ],
)
def test_wrong_arguments(shop, arguments):
    with pytest.raises(InputError):
        make_split(shop, **arguments)


def test_split_events_takes_given_masks(dataset_of):
    dataset = dataset_of([(0, 0, 1, 1), (0, 1, 1, 2), (0, 2, 1, 3), (0, 3, 1, 4)], 1, 5)
    train, test = np.array([True, False, False, False]), np.array([False, True, False, True])
    split = split_events(dataset, train, test, "by hand")
    assert (split.name, split.description) == ("custom", "by hand")
    assert split.train.histories.item_index.tolist() == [0]
    assert split.relevant.toarray().tolist() == [[0, 1, 0, 1, 0]]
    with pytest.raises(InputError, match="1 in both"):
        split_events(dataset, train, ~test, "")
    with pytest.raises(InputError, match="one flag an event"):
        split_events(dataset, train[1:], test, "")
