"""Searching settings without looking at the test part."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pytest

from rating_shops import two_tastes
from visrec.core.dataset import Dataset
from visrec.core.errors import InputError, UnsupportedError, WorkspaceError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.protocols import Capabilities, Scores
from visrec.core.settings import SearchSpace
from visrec.evaluation.rating_split import rating_folds
from visrec.evaluation.ratings import evaluate_ratings
from visrec.recommenders import registry
from visrec.recommenders.bias import Bias
from visrec.recommenders.registry import make_recommender
from visrec.workspace.split_plan import SplitPlan
from visrec.workspace.tune import read_tuned, settings_for, tune

N_USERS, N_ITEMS = 30, 20
PLAN = SplitPlan()


@dataclass(frozen=True)
class StubSettings:
    """Right at 3, and worse the further away."""

    place: int = 12
    search = MappingProxyType({"place": SearchSpace(0, N_ITEMS - 1)})


class Stub:
    """Ranks items by their distance from `place`; remembers what it was fitted on."""

    id = "stub"
    capabilities = Capabilities(reads=())
    fitted_on: list[Dataset] = []

    def __init__(self, settings: StubSettings | None = None) -> None:
        self.settings = settings or StubSettings()

    def fit(self, dataset, progress=None):
        Stub.fitted_on.append(dataset)
        return self

    def score(self, histories, items):
        row = -np.abs(np.arange(len(items)) - self.settings.place).astype(np.float32)
        return Scores({"collaborative": np.tile(row, (len(histories), 1))})


@pytest.fixture(autouse=True)
def stub(monkeypatch):
    Stub.fitted_on.clear()
    entries = {**registry.RECOMMENDERS, "stub": registry.RecommenderEntry("popular", "Stub")}
    monkeypatch.setattr(registry, "RECOMMENDERS", entries)
    module = __import__("visrec.recommenders.popular", fromlist=["popular"])
    monkeypatch.setattr(module, "Stub", Stub, raising=False)
    monkeypatch.setattr(module, "StubSettings", StubSettings, raising=False)


@pytest.fixture
def dataset():
    """Everybody likes items 0 to 7."""
    users = np.repeat(np.arange(N_USERS), 8)
    items = np.tile(np.arange(8), N_USERS).astype(np.int32)
    ones = np.ones(len(users), np.float32)
    ids = IdMap(f"u{row}" for row in range(N_USERS))
    histories = Histories.from_events(ids, N_ITEMS, users, items, ones, np.arange(len(users)))
    return Dataset(histories, ItemFeatures(IdMap(f"i{row}" for row in range(N_ITEMS))))


def pairs(histories):
    return {(histories.user_ids[u], int(i)) for u, i in zip(histories.user_index, histories.item_index, strict=True)}


def test_finds_a_better_setting_than_the_default_and_saves_it(dataset, tmp_path):
    tuned = tune(tmp_path, dataset, "stub", PLAN, 12, k=5)
    assert tuned.n_trials == 12
    assert tuned.value > tuned.default
    assert 0 <= tuned.settings["place"] <= 7
    assert read_tuned(tmp_path, "stub") == tuned
    assert settings_for(tmp_path, "stub") == settings_for(tmp_path, "stub", PLAN) == tuned.settings


def test_no_trial_sees_the_test_part(dataset, tmp_path):
    tune(tmp_path, dataset, "stub", PLAN, 3, k=5)
    test = PLAN.cut(dataset)
    hidden = pairs(dataset.histories) - pairs(test.train.histories)
    assert hidden
    assert len(Stub.fitted_on) == 3
    for fitted in Stub.fitted_on:
        assert not pairs(fitted.histories) & hidden
        assert len(pairs(fitted.histories)) < len(pairs(test.train.histories))


def test_an_interrupted_search_ends_like_one_that_was_not(dataset, tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole = tune(tmp_path / "a", dataset, "stub", PLAN, 14, k=5)
    score, calls = Stub.score, []

    def interrupted(self, histories, items):
        calls.append(1)
        if len(calls) == 10:
            raise KeyboardInterrupt
        return score(self, histories, items)

    monkeypatch.setattr(Stub, "score", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tune(tmp_path / "b", dataset, "stub", PLAN, 14, k=5)
    resumed = tune(tmp_path / "b", dataset, "stub", PLAN, 14, k=5)
    assert resumed.n_trials == 14
    assert len(calls) == 15
    assert resumed.settings == whole.settings


def test_done_again_it_goes_on_where_it_was(dataset, tmp_path):
    tune(tmp_path, dataset, "stub", PLAN, 4, k=5)
    assert len(Stub.fitted_on) == 4
    assert tune(tmp_path, dataset, "stub", PLAN, 6, k=5).n_trials == 6
    assert len(Stub.fitted_on) == 6


def test_another_split_is_another_search_and_its_settings_are_not_taken_for_this_one(dataset, tmp_path):
    tune(tmp_path, dataset, "stub", PLAN, 2, k=5)
    other = replace(PLAN, seed=7)
    with pytest.raises(InputError, match=r"seed 42, not 7.*may have seen"):
        settings_for(tmp_path, "stub", other)
    assert tune(tmp_path, dataset, "stub", other, 3, k=5).n_trials == 3
    assert settings_for(tmp_path, "stub", other) is not None


def test_what_cannot_be_tuned_is_said(dataset, tmp_path):
    with pytest.raises(UnsupportedError, match="popular has no settings to search"):
        tune(tmp_path, dataset, "popular", PLAN, 3)
    with pytest.raises(InputError, match="1 trial or more, got 0"):
        tune(tmp_path, dataset, "stub", PLAN, 0)
    with pytest.raises(InputError, match=r"no recommender 'nonsense'"):
        tune(tmp_path, dataset, "nonsense", PLAN, 3)


def test_without_a_search_there_are_no_settings(tmp_path):
    assert settings_for(tmp_path, "stub", PLAN) == {}
    with pytest.raises(InputError, match=r"stub has not been tuned yet. Run: visrec tune .* --model stub"):
        settings_for(tmp_path, "stub")


def test_a_damaged_file_is_named(dataset, tmp_path):
    tune(tmp_path, dataset, "stub", PLAN, 1, k=5)
    file = tmp_path / "tuning" / "stub.json"
    file.write_text(json.dumps({"model": "stub"}), encoding="utf-8")
    with pytest.raises(WorkspaceError, match=r"stub.json is damaged"):
        read_tuned(tmp_path, "stub")


RATINGS = SplitPlan(ratings=True)


def test_a_model_of_ratings_is_tuned_by_rmse_without_the_ratings_that_it_will_be_judged_by(tmp_path, monkeypatch):
    shop, fitted = two_tastes(), []
    fit = Bias.fit
    monkeypatch.setattr(Bias, "fit", lambda self, data, *rest: (fitted.append(data), fit(self, data, *rest))[1])
    tuned = tune(tmp_path, shop, "bias", RATINGS, 8)
    assert tuned.metric == "rmse"
    assert tuned.value <= tuned.default
    assert read_tuned(tmp_path, "bias") == tuned
    fold = next(rating_folds(shop, "random", seed=42))
    users = fold.history.user_ids
    hidden = {(users[u], int(i)) for u, i in zip(fold.user_index, fold.item_index, strict=True)}
    assert len(fitted) == 8
    for data in fitted:
        assert not pairs(data.histories) & hidden
        assert data.histories.n_events < fold.train.histories.n_events
    # What was kept is what does best on that validation part: with it, the figure is the one that was reported.
    again = evaluate_ratings(fold.train, {"m": make_recommender("bias", tuned.settings)}, split="random", seed=43)
    assert again.models["m"]["rmse"].mean == pytest.approx(tuned.value)


def test_settings_of_ratings_are_not_taken_for_lists_nor_for_folds(tmp_path):
    tune(tmp_path, two_tastes(), "bias", RATINGS, 1)
    with pytest.raises(InputError, match="ratings True, not False"):
        settings_for(tmp_path, "bias", SplitPlan())
    with pytest.raises(InputError, match="split 'random', not 'kfold'"):
        settings_for(tmp_path, "bias", replace(RATINGS, split="kfold"))
    with pytest.raises(InputError, match="none is left to tune by"):
        tune(tmp_path, two_tastes(), "bias", replace(RATINGS, split="kfold"), 1)
    with pytest.raises(InputError, match="Splits of ratings take neither"):
        SplitPlan(ratings=True, test_fraction=0.1)
    with pytest.raises(InputError, match="split of ratings out of kfold, random, user-time, item-cold, got 'time'"):
        SplitPlan("time", ratings=True)
