from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from visrec.catalogue.catalogue import Catalogue
from visrec.catalogue.interactions import Interaction
from visrec.core.errors import InputError, NotFittedError, NotFoundError, WorkspaceError
from visrec.workspace.experiments import Experiment, Experiments, Variant
from visrec.workspace.impressions import Impression
from visrec.workspace.models import ModelStore
from visrec.workspace.settings import SettingsFile, WorkspaceSettings
from visrec.workspace.shown_pairs import ShownPairs

TWO = (Variant("old", "popular"), Variant("new", "random"))
DAY = 86_400


class Trained(ModelStore):
    """A store that has two models, and no files."""

    def load(self, name):
        if name not in ("popular", "random"):
            return super().load(name)
        return SimpleNamespace(recommender=None)


@pytest.fixture
def experiments(tmp_path):
    catalogue = Catalogue.create(tmp_path)
    catalogue.put_items([{"item_id": item_id} for item_id in "abc"], {}, inspect=lambda data: None)
    settings = WorkspaceSettings()
    settings.write(tmp_path)
    return Experiments(tmp_path, catalogue, SettingsFile(tmp_path, settings), Trained(tmp_path))


def again(experiments):
    """As another process sees them."""
    root = experiments._root
    return Experiments(root, Catalogue.open(root), SettingsFile(root, WorkspaceSettings.read(root)), Trained(root))


def test_users_are_split_by_weight_and_always_alike():
    experiment = Experiment("e", (Variant("a", "popular", 3), Variant("b", "popular")), 0)
    users = [f"user {number}" for number in range(20_000)]
    first = [experiment.variant_of(user).name for user in users]
    assert first == [experiment.variant_of(user).name for user in users]
    assert first.count("a") / len(first) == pytest.approx(0.75, abs=0.01)


def test_another_experiment_splits_otherwise():
    users = [f"user {number}" for number in range(4_000)]
    first, second = (Experiment(name, TWO, 0) for name in ("one", "two"))
    same = np.mean([first.variant_of(user) == second.variant_of(user) for user in users])
    assert same == pytest.approx(0.5, abs=0.05)


def test_any_id_has_a_variant():
    assert Experiment("e", TWO, 0).variant_of("\ud800").name in ("old", "new")


def test_one_runs_at_a_time_and_every_process_sees_it(experiments):
    assert experiments.running() is None
    started = experiments.start("first", TWO)
    assert again(experiments).running() == started
    with pytest.raises(InputError, match="'first' is running"):
        again(experiments).start("second", TWO)
    assert again(experiments).end().ended >= started.started
    assert experiments.running() is None
    with pytest.raises(InputError, match="already"):
        experiments.start("first", TWO)
    with pytest.raises(NotFoundError, match="No experiment is running"):
        experiments.end()
    experiments.start("second", TWO)
    assert [one.name for one in experiments.all()] == ["first", "second"]
    assert experiments.get().name == "second"
    assert experiments.get("first").ended is not None


@pytest.mark.parametrize("variants", [(), TWO[:1], (TWO[0], TWO[0])], ids=["none", "one", "the same name twice"])
def test_variants_must_be_two_that_can_be_told_apart(experiments, variants):
    with pytest.raises(InputError, match="two variants or more"):
        experiments.start("e", variants)
    assert experiments.all() == ()


def test_a_wrong_variant_is_refused(experiments):
    for weight in (0, -1, float("nan"), float("inf")):
        with pytest.raises(InputError, match="weight above 0"):
            Variant("a", "popular", weight)
    with pytest.raises(InputError, match="printable"):
        Variant("a\n", "popular")
    with pytest.raises(NotFittedError, match="visrec train"):
        experiments.start("e", (TWO[0], Variant("x", "ease")))
    with pytest.raises(InputError, match="no recommender"):
        experiments.start("e", (TWO[0], Variant("x", "nope")))
    with pytest.raises(NotFoundError, match="no experiment yet"):
        experiments.report()


def test_a_damaged_file_is_told(experiments):
    experiments.start("e", TWO)
    (experiments._root / "experiments.json").write_text('{"experiments": [{"name": 1}]}')
    with pytest.raises(WorkspaceError, match="damaged"):
        experiments.running()


def test_an_item_counts_once_for_each_user_and_is_taken_afterwards(experiments):
    started = experiments.start("e", TWO).started
    experiments.impressions.add(
        [
            Impression("e", "old", "ann", started + 10, ("a", "b")),
            Impression("e", "old", "ann", started + 50, ("b", "c")),
            Impression("e", "new", "bob", started + 10, ("a", "b")),
            Impression("other", "new", "bob", started + 10, ("c",)),
        ]
    )
    experiments._catalogue.add_events(
        [
            Interaction("ann", "b", "like", None, started + 60),
            Interaction("ann", "b", "buy", None, started + 70),
            Interaction("ann", "c", "like", None, started + 40),
            Interaction("ann", "a", "dislike", None, started + 60),
            Interaction("bob", "c", "like", None, started + 60),
            Interaction("bob", "a", "like", None, started + 10 + 2 * DAY),
            Interaction("eve", "a", "like", None, started + 60),
        ]
    )
    old, new = again(experiments).report("e")[1].variants
    assert (old.n_users, old.n_lists, old.n_items, old.n_taken) == (1, 2, 3, 1)
    assert (new.n_users, new.n_lists, new.n_items, new.n_taken) == (1, 1, 2, 1)
    assert experiments.report("e", days=1)[1].variants[1].n_taken == 0
    with pytest.raises(InputError, match="days above 0"):
        experiments.report("e", days=0)


def test_pairs_against_a_plain_loop():
    generator = np.random.default_rng(0)
    impressions = [
        Impression("e", "ab"[user % 2], f"u{user}", int(generator.integers(0, 100)), tuple("abcdef"[: 1 + user % 5]))
        for user in generator.integers(0, 12, 60).tolist()
    ]
    pairs = ShownPairs(impressions)
    first: dict[tuple[str, str], int] = {}
    for one in impressions:
        for item in one.item_ids:
            key = (one.user_id, item)
            first[key] = min(first.get(key, 10**9), one.timestamp)
    rows = pairs.rows([user for user, _ in first], [item for _, item in first])
    assert pairs.first[rows].tolist() == list(first.values())
    assert pairs.rows(["u0", "nobody"], ["nothing", "a"]).tolist() == [-1, -1]
    taken = np.zeros(len(first), dtype=np.bool_)
    taken[rows[::3]] = True
    for variant in "ab":
        told = pairs.shown(variant, taken)
        theirs = [one for one in impressions if one.variant == variant]
        assert told.n_lists == len(theirs)
        assert told.items.sum() == len({(one.user_id, item) for one in theirs for item in one.item_ids})
        assert len(told.items) == len({one.user_id for one in theirs})
    assert pairs.shown("a", taken).taken.sum() + pairs.shown("b", taken).taken.sum() == taken.sum()


def test_a_user_can_be_forgotten(experiments):
    experiments.start("e", TWO)
    assert experiments.impressions.forget("ann") == 0
    assert not (experiments._root / "events.db").exists()
    experiments.impressions.add([Impression("e", "old", user, 1, ("a", "ü")) for user in ("ann", "bob", "\ud800")])
    assert experiments.impressions.shown_to("ann") == [Impression("e", "old", "ann", 1, ("a", "ü"))]
    assert experiments.impressions.forget("ann") == 1
    assert [one.user_id for one in experiments.impressions.of("e")] == ["bob"]
