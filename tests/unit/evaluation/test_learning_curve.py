import json

import numpy as np
import pytest
from fake_models import Fake, by_row, co_occurrence, hashed

from visrec.core.errors import InputError, UnsupportedError
from visrec.evaluation.evaluate import evaluate
from visrec.evaluation.learning_curve import with_learning_curve
from visrec.evaluation.splits import make_folds, make_split


class Recorder(Fake):
    """Keeps every training dataset and every history that it saw."""

    def __init__(self):
        super().__init__(by_row().function)
        self.trained, self.histories = [], []

    def fit(self, dataset, progress=None):
        self.trained.append(dataset)
        return self

    def score(self, histories, items):
        self.histories.append(histories)
        return super().score(histories, items)


def curve_of(split, models, **options):
    return with_learning_curve(evaluate(split, models, **options), split, models, shares=[0.5, 0.1])


def events(dataset):
    histories = dataset.histories
    users = [histories.user_ids[row] for row in histories.user_index]
    return sorted(zip(users, histories.item_index, histories.timestamp, histories.weight, strict=True))


def test_training_grows_in_nested_parts_and_the_question_stays(shop):
    recorder, split = Recorder(), make_split(shop, "random")
    found = curve_of(split, {"rows": recorder})
    n = split.train.histories.n_events
    assert found.curve.shares == (0.1, 0.5, 1.0)
    assert found.curve.n_events == (round(0.1 * n), round(0.5 * n), n)
    whole, small, half = (events(dataset) for dataset in recorder.trained)
    assert (len(small), len(half), len(whole)) == found.curve.n_events
    assert set(small) <= set(half) <= set(whole)
    assert all(np.diff(dataset.histories.indptr).min() > 0 for dataset in recorder.trained)
    for histories in recorder.histories:
        assert histories.item_index.tolist() == split.history.item_index.tolist()


def test_the_last_point_is_the_evaluation(shop):
    split = make_split(shop, "user-time", seed=3, test_fraction=0.4)
    models = {"co": co_occurrence(), "hashed": hashed()}
    found = curve_of(split, models, k=5, seed=3)
    assert found.curve.metric == "ndcg@5"
    assert found.curve.points["co"][-1] == found.models["co"]["ndcg@5"]
    # What learns nothing is level.
    assert len(set(found.curve.points["hashed"])) == 1
    assert found.curve.points["co"][0] != found.curve.points["co"][-1]
    assert list(found.curve.points) == found.ranked()


def test_a_model_may_need_more_than_the_first_part(shop):
    class Needy(Fake):
        def fit(self, dataset, progress=None):
            if dataset.histories.n_events < 300:
                raise UnsupportedError("Expected 300 events.")
            return self

    found = curve_of(make_split(shop, "random"), {"needy": Needy(by_row().function), "rows": by_row()})
    assert np.isnan(found.curve.points["needy"][0].mean)
    assert found.curve.points["needy"][1:] == found.curve.points["rows"][1:]
    body = json.loads(json.dumps(found.to_json(), allow_nan=False))["learning_curve"]
    assert body["points"]["needy"][0] == {"mean": None, "low": None, "high": None}
    assert list(body) == ["metric", "shares", "n_events", "points"]


def test_table(shop):
    found = curve_of(make_split(shop, "random"), {"hashed": hashed(), "rows": by_row()})
    lines = found.table().splitlines()
    start = next(row for row, line in enumerate(lines) if line.startswith("ndcg@10 by share"))
    head = [
        word
        for n, share in zip(found.curve.n_events, ("10%", "50%", "100%"), strict=True)
        for word in (share, f"({n:,})")
    ]
    assert lines[start + 2].split() == ["model", *head]
    best = found.best()
    assert lines[start + 4].split() == [best, *(f"{point.mean:.3f}" for point in found.curve.points[best])]
    assert f"| {best} | {found.curve.points[best][0].mean:.3f} (" in found.table(markdown=True)


@pytest.mark.parametrize("shares", [(), (0.0, 0.5), (0.5, 1), (float("nan"),)])
def test_wrong_shares(shop, shares):
    split, models = make_split(shop, "random"), {"rows": by_row()}
    with pytest.raises(InputError, match="above 0 and below 1"):
        with_learning_curve(evaluate(split, models), split, models, shares=shares)


def test_not_with_folds(shop):
    folds, models = make_folds(shop, 2), {"rows": by_row()}
    with pytest.raises(InputError, match="not with folds"):
        with_learning_curve(evaluate(folds, models), folds, models)
