from collections import Counter

import numpy as np
import pytest
from fake_models import Fake, by_row, hashed

from visrec.core.errors import InputError, UnsupportedError
from visrec.core.progress import silent
from visrec.evaluation.beyond_accuracy import gini
from visrec.evaluation.evaluate import evaluate
from visrec.evaluation.intervals import bootstrap
from visrec.evaluation.metrics import ndcg
from visrec.evaluation.splits import make_folds, make_split


def keys(histories, items):
    """One key an event, a repeated one counted."""
    columns = (histories.user_index, histories.item_index, histories.weight, histories.timestamp)
    return Counter(
        (histories.user_ids[user], items.item_ids[item], weight, time)
        for user, item, weight, time in zip(*(column.tolist() for column in columns), strict=True)
    )


@pytest.mark.parametrize("folds", [2, 5])
def test_every_event_is_tested_once(shop, folds):
    everything = keys(shop.histories, shop.items)
    tested = Counter()
    for split in make_folds(shop, folds).splits:
        train = keys(split.train.histories, split.train.items)
        assert not train - everything
        tested += everything - train
    assert tested == everything


def test_each_fold_takes_its_share_of_each_user(shop):
    n_events = dict(zip(shop.histories.user_ids, np.diff(shop.histories.indptr), strict=True))
    sizes = []
    for split in make_folds(shop, 5).splits:
        kept = dict(zip(split.train.histories.user_ids, np.diff(split.train.histories.indptr), strict=True))
        for user, n in n_events.items():
            assert n // 5 <= n - kept.get(user, 0) <= -(-n // 5)
        sizes.append(shop.histories.n_events - split.train.histories.n_events)
    # The fold that a user begins with is random: folds are about as large as each other.
    assert max(sizes) - min(sizes) < 0.1 * sum(sizes) / 5


def test_same_seed_same_folds(shop):
    def train(seed):
        return [keys(split.train.histories, split.train.items) for split in make_folds(shop, 3, seed=seed).splits]

    assert train(1) == train(1)
    assert train(1) != train(2)


def test_description(shop):
    folds = make_folds(shop, 4, seed=9)
    assert folds.description.startswith("4 folds of each user's events, at random, seed 9;")
    assert [split.description.split(" of each")[0] for split in folds.splits] == [
        f"fold {n} of 4" for n in (1, 2, 3, 4)
    ]
    assert {split.name for split in folds.splits} == {"kfold"}


def test_pooled_by_user_then_over_users(shop):
    folds = make_folds(shop, 3)
    found = evaluate(folds, {"hashed": hashed()}, k=4)
    by_user = {}
    for split in folds.splits:
        values = evaluate(split, {"hashed": hashed()}, k=4).per_user["hashed"]["ndcg@4"]
        for user, value in zip(split.history.user_ids, values, strict=True):
            by_user.setdefault(user, []).append(value)
    means = [np.mean(values) for values in by_user.values()]
    assert {len(values) for values in by_user.values()} != {1}
    assert found.n_users == len(by_user)
    assert found.models["hashed"]["ndcg@4"].mean == pytest.approx(np.mean(means))
    assert vars(found.models["hashed"]["ndcg@4"]) == pytest.approx(vars(bootstrap(found.per_user["hashed"]["ndcg@4"])))
    singles = [evaluate(split, {"hashed": hashed()}, k=4).models["hashed"] for split in folds.splits]
    covered = [single["coverage"].mean for single in singles]
    assert found.models["hashed"]["coverage"].mean == pytest.approx(np.mean(covered))
    assert (found.split, found.description, found.k) == ("kfold", folds.description, 4)


def test_gini_without_each_user_over_all_folds_by_plain_loop(shop):
    folds = make_folds(shop, 2)
    found = evaluate(folds, {"hashed": hashed()}, k=3).models["hashed"]["gini"]
    tops = []
    for split in folds.splits:
        scores = hashed().score(split.history, split.items).values.copy()
        for row in range(split.n_users):
            seen = split.history.item_index[split.history.indptr[row] : split.history.indptr[row + 1]]
            scores[row, seen] = -np.inf
        top = np.argsort(-scores, axis=1, kind="stable")[:, :3]
        tops.append(dict(zip(split.history.user_ids, top, strict=True)))
    everybody = np.ones(50, bool)
    users = sorted(set(tops[0]) | set(tops[1]))
    without = [
        np.mean([gini(np.stack([row for user, row in top.items() if user != left]), everybody) for top in tops])
        for left in users
    ]
    value = np.mean([gini(np.stack(list(top.values())), everybody) for top in tops])
    margin = 1.959964 * np.sqrt((len(users) - 1) * np.var(without))
    assert (found.mean, found.low, found.high) == pytest.approx((value, value - margin, value + margin))


def test_undefined_figures_are_left_out_of_the_mean(dataset_of):
    # Few items have a picture: in one fold a user's list holds two to compare, in another it does not.
    generator = np.random.default_rng(0)
    rows = [(user, item, 1, 1) for user in range(40) for item in generator.permutation(30)[:8]]
    images = generator.normal(size=(30, 4)) * (np.arange(30) < 8)[:, None]
    folds = make_folds(dataset_of(rows, 40, 30, images), 2)
    found = evaluate(folds, {"hashed": hashed()}, k=5)
    by_user = {}
    for split in folds.splits:
        values = evaluate(split, {"hashed": hashed()}, k=5).per_user["hashed"]["diversity"]
        for user, value in zip(split.history.user_ids, values, strict=True):
            by_user.setdefault(user, []).append(value)
    means = [np.mean([v for v in values if not np.isnan(v)] or [np.nan]) for values in by_user.values()]
    np.testing.assert_allclose(found.per_user["hashed"]["diversity"], means)
    assert any(np.isnan(values).sum() == 1 and len(values) == 2 for values in by_user.values())


def test_a_model_that_fails_in_a_fold_is_left_out(shop):
    class Second(Fake):
        n_fits = 0

        def fit(self, dataset, progress=None):
            self.n_fits += 1
            if self.n_fits == 2:
                raise UnsupportedError("Expected more events.")
            return self

    second = Second(by_row().function)
    found = evaluate(make_folds(shop, 3), {"second": second, "rows": by_row()})
    assert list(found.models) == ["rows"]
    assert found.skipped == {"second": "Expected more events."}
    assert second.n_fits == 2
    alone = evaluate(make_folds(shop, 3), {"second": Second(by_row().function)})
    assert (dict(alone.models), list(alone.skipped)) == ({}, ["second"])


def test_each_model_is_fitted_on_each_fold_and_times_add_up(shop):
    folds, labels, fitted = make_folds(shop, 3), [], []

    class Watched(Fake):
        def fit(self, dataset, progress=None):
            fitted.append(dataset)
            return self

    def progress(label, *, total, unit):
        labels.append(label)
        return silent(label, total=total, unit=unit)

    found = evaluate(folds, {"rows": Watched(by_row().function)}, progress=progress)
    assert labels == [f"evaluate rows, fold {n} of 3" for n in (1, 2, 3)]
    assert all(dataset is split.train for dataset, split in zip(fitted, folds.splits, strict=True))
    assert found.seconds["rows"].score > 0


def test_fold_of_few_events_is_judged_where_it_can_be(dataset_of):
    # User 0 has one event, which is tested once: without training, so that user is never judged.
    rows = [(0, 0, 1, 1)] + [(user, item, 1, item) for user in (1, 2) for item in range(6)]
    found = evaluate(make_folds(dataset_of(rows, 3, 6), 2), {"rows": by_row()}, k=3)
    assert found.n_users == 2


@pytest.mark.parametrize(("rows", "folds"), [([], 5), ([(0, 0, 1, 1)], 2), ([(0, 0, 1, 1), (0, 1, 1, 1)], 1)])
def test_wrong_arguments(dataset_of, rows, folds):
    with pytest.raises(InputError, match="xpected"):
        make_folds(dataset_of(rows, 1, 2), folds)


def test_same_as_random_for_a_fold_of_that_size(shop):
    # Not the same draw, but the same kind: 1/4 of each user's events.
    fold, split = make_folds(shop, 4).splits[0], make_split(shop, "random", test_fraction=0.25)
    assert fold.train.histories.n_events == pytest.approx(split.train.histories.n_events, rel=0.03)
    top = np.tile(np.arange(10), (fold.n_users, 1))
    assert ndcg(top, fold.relevant).shape == (fold.n_users,)
