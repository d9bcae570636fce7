"""Recommenders whose scores are known, for tests of the evaluation."""

from dataclasses import dataclass

import numpy as np

from visrec.core.progress import silent
from visrec.core.protocols import Capabilities, Scores


@dataclass(frozen=True)
class FakeSettings:
    sizes: tuple[int, ...] = (1, 2)


class Fake:
    """Scores by a function of (histories, items); remembers what it was fitted on."""

    id = "fake"
    settings = FakeSettings()

    def __init__(self, function, new_items=True, new_users=True):
        self.function = function
        self.capabilities = Capabilities(new_items=new_items, new_users=new_users)

    def fit(self, dataset, progress=silent):
        self.dataset = dataset
        return self

    def score(self, histories, items):
        return Scores({"visual": self.function(self, histories, items)})

    def state(self):
        return {}, {}

    def load_state(self, settings, arrays):
        return self


def oracle(split):
    """Knows the answers."""
    answers = dict(zip(split.history.user_ids, split.relevant.toarray().astype(np.float32), strict=True))
    return Fake(lambda _, histories, items: np.stack([answers[user] for user in histories.user_ids]))


def hashed():
    """Random but depending on the user alone, so that blocks do not matter."""

    def score(_, histories, items):
        return np.stack(
            [np.random.default_rng(int(user[1:])).random(len(items), dtype=np.float32) for user in histories.user_ids]
        )

    return Fake(score)


def co_occurrence():
    def score(self, histories, items):
        together = self.dataset.histories.liked()
        return (histories.liked() @ (together.T @ together)).toarray()

    return Fake(score)


def by_row():
    """Every user gets the same list: item 0, 1, 2, …, from one read-only array."""
    return Fake(
        lambda _, histories, items: np.broadcast_to(
            -np.arange(len(items), dtype=np.float32), (len(histories), len(items))
        )
    )


class Watch:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def __init__(self):
        self.done = []

    def advance(self, n=1):
        self.done.append(n)
