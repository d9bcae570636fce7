import json

import numpy as np
import pytest
from fake_models import Fake, Watch, by_row, co_occurrence, hashed, oracle

from visrec.core.dataset import Dataset
from visrec.core.errors import InputError, NotFoundError, UnsupportedError, WeightsError
from visrec.core.features import FeatureBlock, ItemFeatures
from visrec.core.progress import silent
from visrec.evaluation import evaluate as evaluate_module
from visrec.evaluation.beyond_accuracy import coverage, recommended_once
from visrec.evaluation.evaluate import evaluate, rank_users
from visrec.evaluation.intervals import jackknife_interval
from visrec.evaluation.result import INTERRUPTED
from visrec.evaluation.splits import make_split

METRICS = ["ndcg@10", "recall@10", "precision@10", "mrr@10", "map@10", "hit_rate@10"]
METRICS += ["coverage", "gini", "novelty", "diversity", "popularity_share", "popularity_lift", "miscalibration"]


@pytest.mark.parametrize("name", ["random", "time", "user-time", "item-cold", "user-cold"])
def test_oracle_is_perfect(shop, name):
    split = make_split(shop, name)
    figures = evaluate(split, {"oracle": oracle(split)}).models["oracle"]
    n_relevant = np.diff(split.relevant.indptr)
    for metric in ("ndcg@10", "mrr@10", "map@10", "hit_rate@10"):
        assert vars(figures[metric]) == pytest.approx({"mean": 1.0, "low": 1.0, "high": 1.0})
    assert figures["recall@10"].mean == pytest.approx(np.mean(np.minimum(n_relevant, 10) / n_relevant))
    assert figures["precision@10"].mean == pytest.approx(np.mean(np.minimum(n_relevant, 10) / 10))


def test_checkerboard(dataset_of):
    # Users like every item of their own colour; one like each is withheld and must come first.
    rows = [
        (user, item, 1, 1 + (item - user) % 20) for user in range(20) for item in range(20) if (user + item) % 2 == 0
    ]
    split = make_split(dataset_of(rows, 20, 20), "user-time", test_fraction=0.1)
    assert np.diff(split.relevant.indptr).tolist() == [1] * 20
    figures = evaluate(split, {"co-occurrence": co_occurrence()}, k=1).models["co-occurrence"]
    assert figures["ndcg@1"].mean == figures["recall@1"].mean == figures["precision@1"].mean == 1.0
    assert figures["coverage"].mean == 1.0


def test_random_scores_give_the_expected_ndcg(dataset_of):
    generator = np.random.default_rng(5)
    rows = [(user, item, 1, 1) for user in range(600) for item in generator.permutation(80)[:12]]
    split = make_split(dataset_of(rows, 600, 80), "random")
    found = evaluate(split, {"random": hashed()}).models["random"]
    # 9 of 80 items are seen; 3 of the other 71 are relevant, at any rank with the same chance.
    discount = 1 / np.log2(np.arange(2, 12))
    expected = 3 / 71 * discount.sum() / discount[:3].sum()
    assert found["ndcg@10"].low < expected < found["ndcg@10"].high
    assert found["recall@10"].mean == pytest.approx(10 / 71, abs=0.02)
    assert found["popularity_share"].mean == pytest.approx(0.2, abs=0.06)


@pytest.mark.parametrize("name", ["random", "item-cold"])
def test_ranking_by_plain_loop(shop, name):
    split = make_split(shop, name)
    model = hashed().fit(split.train)
    top, _ = rank_users("hashed", model, split, k=7, block=16, watch=Watch())
    scores = model.score(split.history, split.items).values
    for row in range(split.n_users):
        seen = set(split.history.item_index[split.history.indptr[row] : split.history.indptr[row + 1]].tolist())
        allowed = [i for i in range(50) if split.candidates[i] and i not in seen]
        expected = sorted(allowed, key=lambda i: -scores[row, i])[:7]
        assert top[row].tolist() == expected + [-1] * (7 - len(expected))


def test_equal_scores_are_ranked_by_row(shop):
    split = make_split(shop, "item-cold")
    flat = Fake(lambda _, histories, items: np.zeros((len(histories), len(items)), np.float32))
    top, _ = rank_users("flat", flat.fit(split.train), split, k=3, block=256, watch=Watch())
    assert top.tolist() == [np.flatnonzero(split.candidates)[:3].tolist()] * split.n_users


def test_scores_stay_untouched(shop):
    split = make_split(shop, "random")
    own = np.ones((split.n_users, 50), np.float32)
    evaluate(split, {"own": Fake(lambda *_: own)})
    assert (own == 1).all()
    evaluate(split, {"read-only": by_row()})


def test_k_beyond_the_candidates(shop):
    split = make_split(shop, "item-cold")
    n_candidates = int(split.candidates.sum())
    found = evaluate(split, {"oracle": oracle(split), "rows": by_row()}, k=100).models
    n_relevant = np.diff(split.relevant.indptr)
    assert n_candidates < 100
    assert found["rows"]["recall@100"].mean == 1.0
    assert found["rows"]["precision@100"].mean == pytest.approx(np.mean(n_relevant / 100))
    assert found["rows"]["coverage"].mean == 1.0
    assert found["oracle"]["ndcg@100"].mean == 1.0


def test_beyond_accuracy_by_plain_loop(shop):
    split = make_split(shop, "random")
    model = hashed()
    found = evaluate(split, {"hashed": model}, k=4).models["hashed"]
    top, _ = rank_users("hashed", model, split, k=4, block=256, watch=Watch())
    known_by = np.zeros(50)
    for _, item in set(zip(split.train.histories.user_index, split.train.histories.item_index, strict=True)):
        known_by[item] += 1
    n_users = len(split.train.histories)
    assert found["novelty"].mean == pytest.approx(np.mean(-np.log2((known_by[top] + 1) / (n_users + 1))))
    popular = sorted(range(50), key=lambda item: (-known_by[item], item))[:10]
    assert found["popularity_share"].mean == pytest.approx(np.isin(top, popular).mean())
    assert found["coverage"].mean == len(set(top.ravel().tolist())) / 50
    images = shop.items.blocks["image"].matrix
    centred = images - images.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    cosines = [centred[row] @ centred[row].T for row in top]
    assert found["diversity"].mean == pytest.approx(np.mean([1 - c[np.triu_indices(4, 1)] for c in cosines]), abs=1e-5)


def test_interval_of_coverage(shop):
    split = make_split(shop, "random")
    found = evaluate(split, {"hashed": hashed()}, k=1).models["hashed"]["coverage"]
    top, _ = rank_users("hashed", hashed(), split, k=1, block=256, watch=Watch())
    n_candidates = int(split.candidates.sum())
    expected = jackknife_interval(
        coverage(top, split.candidates), coverage(top, split.candidates) - recommended_once(top) / n_candidates
    )
    assert vars(found) == pytest.approx(vars(expected))
    assert found.low < found.mean < found.high < 1


def test_popularity_on_hidden_items_uses_the_items_own_rows(shop):
    split = make_split(shop, "item-cold")
    found = evaluate(split, {"hashed": hashed()}, k=3).models["hashed"]
    assert found["popularity_share"].mean == 0.0
    assert found["novelty"].mean == pytest.approx(np.log2(len(split.train.histories) + 1))


def test_two_runs_print_the_same(shop):
    def run(**options):
        split = make_split(shop, "random")
        return evaluate(split, {"hashed": hashed(), "rows": by_row()}, **options)

    first, second, in_blocks = run(), run(), run(block=7)
    assert json.dumps(first.to_json()) == json.dumps(second.to_json()) == json.dumps(in_blocks.to_json())
    assert first.table() == second.table()
    other = run(seed=1)
    assert other.models["hashed"]["ndcg@10"].mean == first.models["hashed"]["ndcg@10"].mean
    assert other.models["hashed"]["ndcg@10"].low != first.models["hashed"]["ndcg@10"].low


def test_blocks_shrink_with_the_catalogue(shop, monkeypatch):
    monkeypatch.setattr(evaluate_module, "_BLOCK_SCORES", 150)
    split, watch = make_split(shop, "random"), Watch()
    rank_users("rows", by_row(), split, k=3, block=256, watch=watch)
    assert max(watch.done) == 3
    assert sum(watch.done) == split.n_users


def test_progress_tells_model_and_users(shop):
    split, calls = make_split(shop, "random"), []

    def progress(label, *, total, unit):
        watch = Watch()
        calls.append((label, total, unit, watch.done))
        return watch

    evaluate(split, {"rows": by_row()}, progress=progress, block=40)
    assert calls == [("evaluate rows", split.n_users, "users", [40, split.n_users - 40])]


def test_fits_on_the_training_data_only(shop):
    split, model = make_split(shop, "random"), by_row()
    evaluate(split, {"rows": model})
    assert model.dataset is split.train


def test_json_has_the_documented_shape(shop):
    split = make_split(shop, "random")
    found = evaluate(split, {"hashed": hashed()})
    figures = found.to_json()
    assert list(figures)[:5] == ["split", "k", "n_users", "n_items", "models"]
    assert (figures["split"], figures["k"], figures["n_users"], figures["n_items"]) == ("random", 10, split.n_users, 50)
    assert list(figures["models"]["hashed"]) == METRICS
    for metric, interval in figures["models"]["hashed"].items():
        assert list(interval) == ["mean", "low", "high"]
        # The shop has no categories.
        if metric != "miscalibration":
            assert interval["low"] <= interval["mean"] <= interval["high"]
    assert "seconds" not in json.dumps(figures)
    assert found.seconds["hashed"].score > 0


def test_diversity_without_images_is_null(dataset_of):
    rows = [(user, item, 1, 1) for user in range(5) for item in range(8)]
    found = evaluate(make_split(dataset_of(rows, 5, 9), "random"), {"rows": by_row()})
    figures = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert figures["models"]["rows"]["diversity"] == {"mean": None, "low": None, "high": None}
    assert "n/a" in found.table()


def test_models_that_cannot_take_part_are_named(shop):
    split = make_split(shop, "item-cold")

    def refuse(*_):
        raise UnsupportedError("Expected images, got none.")

    class NoFit(Fake):
        def fit(self, dataset, progress=silent):
            raise UnsupportedError("Expected text, got none.")

    models = {"rows": by_row(), "score": Fake(refuse), "fit": NoFit(None), "old": Fake(None, new_items=False)}
    found = evaluate(split, models)
    assert list(found.models) == list(found.seconds) == ["rows"]
    assert found.skipped["score"] == "Expected images, got none."
    assert found.skipped["fit"] == "Expected text, got none."
    assert "never saw" in found.skipped["old"]
    assert found.to_json()["skipped"] == found.skipped
    for text in (found.table(), found.table(markdown=True)):
        assert "Left out: fit: Expected text, got none." in text


def test_old_items_are_no_hindrance_where_none_are_hidden(shop):
    found = evaluate(make_split(shop, "random"), {"old": Fake(by_row().function, new_items=False)})
    assert list(found.models) == ["old"]


def test_models_that_fail_on_this_data_are_named_and_the_rest_goes_on(shop):
    class Small(Fake):
        def fit(self, dataset, progress=silent):
            raise InputError("Expected 5 ratings, got none.")

    class Fetched(Fake):
        def fit(self, dataset, progress=silent):
            raise WeightsError("Expected weights, got no network.")

    models = {
        "narrow": Fake(lambda _, histories, items: np.zeros((len(histories), 3), np.float32)),
        "broken": Fake(lambda _, histories, items: np.full((len(histories), 50), np.nan, np.float32)),
        "small": Small(None),
        "fetched": Fetched(None),
        "rows": by_row(),
    }
    found = evaluate(make_split(shop, "random"), models)
    assert list(found.models) == ["rows"]
    assert "Expected scores" in found.skipped["narrow"]
    assert "NaN from 'broken'" in found.skipped["broken"]
    assert found.skipped["small"] == "Expected 5 ratings, got none."
    assert found.skipped["fetched"] == "Expected weights, got no network."


def test_an_interrupt_keeps_what_is_done_where_that_is_wanted(shop):
    class Stopped(Fake):
        def fit(self, dataset, progress=silent):
            raise KeyboardInterrupt

    split = make_split(shop, "random")
    models = {"rows": by_row(), "stopped": Stopped(None), "never": by_row()}
    found = evaluate(split, models, keep_interrupted=True)
    assert list(found.models) == ["rows"]
    assert found.skipped == {"stopped": INTERRUPTED, "never": INTERRUPTED}
    assert found.interrupted
    assert not evaluate(split, {"rows": by_row()}).interrupted
    with pytest.raises(KeyboardInterrupt):
        evaluate(split, models)
    with pytest.raises(KeyboardInterrupt):
        evaluate(split, {"stopped": Stopped(None)}, keep_interrupted=True)


def test_wrong_arguments(shop):
    split = make_split(shop, "random")
    for models, options in (({}, {}), ({"rows": by_row()}, {"k": 0}), ({"rows": by_row()}, {"block": 0})):
        with pytest.raises(InputError):
            evaluate(split, models, **options)


def test_difference_of_two_models(shop):
    split = make_split(shop, "random")
    found = evaluate(split, {"oracle": oracle(split), "hashed": hashed()})
    gain = found.difference("oracle", "hashed", "ndcg@10")
    assert gain.mean == pytest.approx(1 - found.models["hashed"]["ndcg@10"].mean)
    assert 0 < gain.low < gain.mean < gain.high
    with pytest.raises(NotFoundError, match="oracle, hashed"):
        found.difference("oracle", "popular", "ndcg@10")
    with pytest.raises(NotFoundError, match="recall@10"):
        found.difference("oracle", "hashed", "coverage")


def test_new_users_are_scored_from_their_history_by_models_that_can(shop):
    split = make_split(shop, "user-cold")
    found = evaluate(split, {"rows": by_row(), "old": Fake(None, new_users=False)})
    assert list(found.models) == ["rows"]
    assert "users that it never saw" in found.skipped["old"]
    assert list(evaluate(make_split(shop, "random"), {"old": Fake(by_row().function, new_users=False)}).models) == [
        "old"
    ]


def test_the_given_history_of_new_users_is_masked(shop):
    split = make_split(shop, "user-cold")
    top, _ = rank_users("rows", by_row().fit(split.train), split, k=50, block=7, watch=Watch())
    given = split.history.matrix().toarray() != 0
    given[split.history.user_index, split.history.item_index] = True
    for row in range(split.n_users):
        assert top[row][top[row] >= 0].tolist() == np.flatnonzero(~given[row]).tolist()


def test_popularity_lift_and_calibration_by_plain_loop(dataset_of):
    generator = np.random.default_rng(3)
    rows = [(user, item, generator.choice([1, 0]), 1) for user in range(30) for item in generator.permutation(20)[:8]]
    dataset = dataset_of(rows, 30, 20)
    labels = (generator.random((20, 4)) < 0.4).astype(np.float32)
    category = FeatureBlock("category", labels, labels.any(axis=1), "test")
    dataset = Dataset(dataset.histories, ItemFeatures(dataset.items.item_ids, {"category": category}))
    split = make_split(dataset, "random")
    found = evaluate(split, {"hashed": hashed()}, k=4)
    top, _ = rank_users("hashed", hashed(), split, k=4, block=256, watch=Watch())
    train = split.train.histories
    known_by = [len(set(train.user_index[train.item_index == item])) for item in range(20)]
    lifts, divergences = [], []
    for row in range(split.n_users):
        events = slice(split.history.indptr[row], split.history.indptr[row + 1])
        liked = [
            i for i, w in zip(split.history.item_index[events], split.history.weight[events], strict=True) if w > 0
        ]
        if liked:
            lifts.append(np.mean(np.log2(np.add(known_by, 1))[top[row]]) - np.mean(np.log2(np.add(known_by, 1))[liked]))
        p, q = (
            np.sum([labels[i] / labels[i].sum() for i in some if labels[i].any()], axis=0) for some in (liked, top[row])
        )
        if np.any(p) and np.any(q):
            p, q = p / p.sum(), q / q.sum()
            divergences.append(sum(a * np.log(a / (0.99 * b + 0.01 * a)) for a, b in zip(p, q, strict=True) if a > 0))
    assert found.models["hashed"]["popularity_lift"].mean == pytest.approx(np.mean(lifts))
    assert found.models["hashed"]["miscalibration"].mean == pytest.approx(np.mean(divergences))
    assert len(divergences) > 15


def test_popularity_lift_is_undefined_where_every_candidate_is_hidden(shop):
    found = evaluate(make_split(shop, "item-cold"), {"hashed": hashed()}).models["hashed"]
    assert np.isnan(found["popularity_lift"].mean)


def test_leakage_is_reported(dataset_of):
    rows = [(user, item, 1, 1) for user in range(4) for item in range(20)]
    dataset = dataset_of(rows, 4, 20, np.repeat(np.random.default_rng(0).normal(size=(10, 5)), 2, axis=0))
    split = make_split(dataset, "item-cold")
    found = evaluate(split, {"rows": by_row()})
    assert found.leakage is split.leakage
    assert found.to_json()["leakage"]["n_pairs"] == split.leakage.n_pairs > 0
    assert "near-identical" in " ".join(found.table().split())
    assert str(split.leakage) in found.table(markdown=True)


def test_significance_of_the_best_and_of_popular(shop):
    split = make_split(shop, "random")
    found = evaluate(split, {"oracle": oracle(split), "popular": hashed(), "rows": by_row()})
    best, popular = found.verdicts
    assert (best.reference, best.metric, popular.reference) == ("oracle", "ndcg@10", "popular")
    assert found.significance() == best
    assert best.below == [line.model for line in best.comparisons]
    assert popular.above == ["oracle"]
    against = found.significance("recall@10", "rows").comparisons[0]
    assert against.model == "oracle"
    assert against.difference == found.difference("oracle", "rows", "recall@10")
    assert [verdict["reference"] for verdict in found.to_json()["significance"]] == ["oracle", "popular"]
    assert "Significantly below the best, oracle: every other model" in " ".join(found.table().split())
    assert evaluate(split, {"rows": by_row()}).verdicts == ()
    with pytest.raises(NotFoundError, match="out of ndcg@10"):
        found.significance("no such metric")
    with pytest.raises(NotFoundError, match="oracle, popular, rows"):
        found.significance(reference="ease")
    with pytest.raises(NotFoundError, match="recall@10"):
        found.significance("coverage")


def test_best_of_equals_is_the_first_by_name(shop):
    found = evaluate(make_split(shop, "random"), {"b": by_row(), "a": by_row()})
    assert found.best() == "a"
    assert found.significance().undecided == ["b"]
