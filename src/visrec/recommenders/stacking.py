"""Weights of several models' scores, learned on held-out likes: for new items, for rare ones, for well-known ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from visrec.core.top_k import top_k
from visrec.recommenders.holdout import Holdout

__all__ = ["KINDS", "Stack", "Weights", "learn_weights"]

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

#: What an item is to the log: a member has one weight for each.
KINDS = ("new", "few likes", "many likes")

_N_TOP, _N_RANDOM = 50, 100
_ALL, _HALVES = slice(None), (slice(0, None, 2), slice(1, None, 2))
_NEW, _KNOWN = 0, 1


@dataclass(frozen=True)
class Weights:
    """What each member counts.

    Attributes:
        members: float64 (n_members, 3), in the order of `KINDS`.
        new: what an item that nobody liked yet gets besides: new items are chosen more, or less, than their looks say.
        evidence: likes beyond the first at which an item is half way from few to many.
    """

    members: Vector
    new: float
    evidence: float

    def of_items(self, n_likes: npt.NDArray[np.int64]) -> Matrix:
        """Each member's weight for items with so many likes; float32 (n_members, n_items)."""
        return (self.members @ kinds(n_likes, self.evidence).T).astype(np.float32)

    def offset(self, n_likes: npt.NDArray[np.int64]) -> Matrix:
        """What items get besides; float32 (n_items,)."""
        return np.where(n_likes > 0, np.float32(0.0), np.float32(self.new))


@dataclass(frozen=True)
class Contribution:
    """What one source adds to lists of ten, for users that the weights were not learned on.

    Attributes:
        all_items: by how much NDCG@10 of held-out likes falls without it, in lists of all unseen items; NaN where
            it cannot be measured.
        new_items: the same in lists of new items alone.
    """

    all_items: float
    new_items: float


@dataclass(frozen=True)
class Stack:
    """What was learned.

    Attributes:
        weights: of all members; 0 for those of sources that were dropped.
        ndcg: NDCG@10 in lists of all unseen items, and of new items alone.
        contributions: source -> what it adds.
    """

    weights: Weights
    ndcg: tuple[float, float]
    contributions: dict[str, Contribution]


def kinds(n_likes: npt.NDArray[np.int64], evidence: float) -> Matrix:
    """How far an item is new, one of few likes, one of many; float32 (n_items, 3), rows add up to 1."""
    beyond = np.maximum(n_likes - 1, 0).astype(np.float32)
    many = beyond / (beyond + np.float32(evidence))
    new = (n_likes == 0).astype(np.float32)
    return np.stack([new, (1 - new) * (1 - many), many], axis=1)


def learn_weights(holdout: Holdout, scores: Matrix, sources: Sequence[str], prior: Weights, strength: float) -> Stack:
    """The non-negative weights under which the held-out likes are likeliest, drawn towards a prior.

    A held-out like is a choice among all items that its user had not seen, and its probability a softmax of the
    weighted scores: the conditional logit of McFadden (1974). Minus its log-likelihood is convex in the weights.

    What helps is decided by the lists: as long as other users' held-out likes are ranked better without one of the
    sources, by more than two standard errors of NDCG@10, the one that they miss least is dropped, for new items or for
    known ones.

    Args:
        holdout: the likes to find.
        scores: float32 (n_members, n_users, n_items); standard scores of members that were fitted on `holdout.train`.
        sources: each member's source.
        prior: weights without any data.
        strength: how many choices the prior is worth.
    """
    from threadpoolctl import threadpool_limits

    problem, names = _Problem(holdout, scores, prior, strength), np.array(sources)
    kept = np.ones((len(names), 2), dtype=np.bool_)
    # Thousands of small products: waiting for one another, several threads take many times as long.
    with threadpool_limits(1, user_api="blas"):
        (ndcg_new, new), (ndcg_all, known) = (_drop(problem, kept, names, column) for column in (_NEW, _KNOWN))
        weights = problem.fit(_ALL, kept)
    contributions = {name: Contribution(known[name], new[name]) for name in dict.fromkeys(sources)}
    return Stack(weights, (ndcg_all, ndcg_new), contributions)


def _drop(problem: _Problem, kept: Flags, names: npt.NDArray[np.str_], column: int) -> tuple[float, dict[str, float]]:
    """Drop sources, for new items or for known ones, as long as one is better left out; changes `kept` in place.

    Returns:
        NDCG@10 with what is left, and how much less it is without each source, or was when the source was dropped.
    """
    ndcg, losses = problem.cross_ndcg(kept, column), {}
    while True:
        gains = {}
        for name in dict.fromkeys(names[kept[:, column]].tolist()):
            others = kept.copy()
            others[names == name, column] = False
            less = problem.cross_ndcg(others, column) - ndcg
            losses[name] = -float(less.mean()) if less.size else float("nan")
            gains[name] = less.mean() - 2 * less.std() / np.sqrt(less.size) if less.size else -np.inf
        worst = max(gains, key=lambda name: gains[name], default="")
        if len(gains) < 2 or gains[worst] <= 0:
            return float(ndcg.mean()) if ndcg.size else float("nan"), losses
        kept[names == worst, column] = False
        ndcg = problem.cross_ndcg(kept, column)


def surprise(
    weights: Vector, columns: Matrix, log_copies: Vector, chosen: Vector, starts: npt.NDArray[np.int64]
) -> tuple[float, Vector]:
    """Σ over users u and their candidates i of chosen_i (log Σ_j copies_j exp s_j - s_i), with s = columns · weights.

    Args:
        weights: float64 (n_columns,).
        columns: float32 (n_candidates, n_columns), those of one user together.
        log_copies: float64 (n_candidates,); log of how many items a candidate stands for.
        chosen: float64 (n_candidates,); how much a choice counts, 0 for what was not chosen.
        starts: int64 (n_users,); each user's first candidate.

    Returns:
        The value, and its gradient, float64 (n_columns,).
    """
    scores = (columns @ weights.astype(np.float32)).astype(np.float64)
    lengths = np.diff(np.append(starts, len(chosen)))
    highest = np.maximum.reduceat(scores + log_copies, starts)
    share = np.exp(scores + log_copies - np.repeat(highest, lengths))
    sums, n_chosen = np.add.reduceat(share, starts), np.add.reduceat(chosen, starts)
    share *= np.repeat(n_chosen / sums, lengths)
    value = n_chosen @ (highest + np.log(sums)) - chosen @ scores
    return float(value), ((share - chosen).astype(np.float32) @ columns).astype(np.float64)


class _Problem:
    """Held-out likes as choices among candidates; see `learn_weights`.

    A softmax over all items is exact at the top and sampled below: the candidates of a user are the liked items, the
    50 others with the highest scores under the prior, and 100 of the rest, each of which stands for as many as were
    not drawn. Measuring takes no sample: `ndcg` ranks everything unseen.
    """

    def __init__(self, holdout: Holdout, scores: Matrix, prior: Weights, strength: float) -> None:
        self._scores, self._prior, self._strength = scores, prior, strength
        self._begin: Vector | None = None
        self._n_likes, self._hidden = holdout.n_likes, holdout.hidden
        self._liked = holdout.liked.toarray() > 0
        histories = holdout.history
        self._unseen = np.ones(self._liked.shape, dtype=np.bool_)
        self._unseen[histories.user_index, histories.item_index] = False
        open_ = self._unseen & ~self._liked
        top = _highest(np.where(open_, self._total(prior, _ALL), -np.inf), _N_TOP)
        rest = open_ & ~top
        draw = np.random.default_rng(0).random(rest.shape, dtype=np.float32)
        sample = _highest(np.where(rest, draw, -np.inf), _N_RANDOM)
        self._user, item = np.nonzero(self._liked | top | sample)
        stands_for = np.log(np.maximum(rest.sum(axis=1), 1) / np.maximum(sample.sum(axis=1), 1))
        self._log_copies = np.where(sample[self._user, item], stands_for[self._user], 0.0)
        # Between counting likes and counting users.
        share = 1 / np.sqrt(self._liked.sum(axis=1))
        self._chosen = np.where(self._liked[self._user, item], share[self._user], 0.0)
        kind = kinds(self._n_likes, prior.evidence)
        flags = np.stack([(self._n_likes == 0) & ~self._hidden, self._hidden], axis=1).astype(np.float32)
        columns = [scores[member][self._user, item][:, None] * kind[item] for member in range(len(scores))]
        self._columns = np.concatenate([*columns, flags[item]], axis=1)

    def fit(self, users: slice, kept: Flags) -> Weights:
        """The weights with the highest likelihood, minus strength |w - prior|² / 2.

        Members get 0 where they are not `kept`, bool (n_members, 2): for new items, and for known ones.

        L-BFGS-B (Byrd, Lu, Nocedal & Zhu 1995, doi:10.1137/0916069).
        """
        from scipy.optimize import minimize

        chooses = np.zeros(len(self._liked), dtype=np.bool_)
        chooses[users] = True
        rows = chooses[self._user]
        used = np.append(kept[:, [_NEW, _KNOWN, _KNOWN]].ravel(), [True, True])
        columns = np.ascontiguousarray(self._columns[np.ix_(rows, used)])
        starts = np.flatnonzero(np.diff(self._user[rows], prepend=-1))
        prior = np.append(self._prior.members.ravel(), [self._prior.new, 0.0])[used]
        strength = np.append(np.full(len(prior) - 2, self._strength), [1.0, 1.0]) * chooses.mean()

        def loss(w: Vector) -> tuple[float, Vector]:
            value, gradient = surprise(w, columns, self._log_copies[rows], self._chosen[rows], starts)
            away = w - prior
            return value + away @ (strength * away) / 2, gradient + strength * away

        bounds = [(0, None)] * (len(prior) - 2) + [(None, None)] * 2
        begin = prior if self._begin is None else self._begin[used]
        found = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-6})
        weights = np.zeros(len(used))
        weights[used] = found.x
        # The problem is convex: where it begins only saves time.
        self._begin = weights if self._begin is None else self._begin
        return Weights(weights[:-2].reshape(-1, 3), float(weights[-2]), self._prior.evidence)

    def cross_ndcg(self, kept: Flags, column: int) -> Vector:
        """NDCG@10 of the users with a held-out like in the list, under the weights of the other half of the users.

        The list is of new items alone, or of all unseen items but those that stand for new ones.
        """
        listed = ~self._hidden if column == _KNOWN else self._hidden if self._hidden.any() else self._n_likes == 0
        found = [self._ndcg(other, self.fit(one, kept), listed) for one, other in (_HALVES, _HALVES[::-1])]
        return np.concatenate(found)

    def _ndcg(self, users: slice, weights: Weights, listed: Flags, k: int = 10) -> Vector:
        liked = self._liked[users] & listed
        best = top_k(np.where(self._unseen[users] & listed, self._total(weights, users), -np.inf), k)
        hits = np.take_along_axis(liked, np.maximum(best, 0), axis=1) & (best >= 0)
        discount = 1 / np.log2(np.arange(2, k + 2))
        n_liked = liked.sum(axis=1)
        ndcg = hits @ discount / np.cumsum(discount)[np.clip(n_liked, 1, k) - 1]
        return np.asarray(ndcg[n_liked > 0])

    def _total(self, weights: Weights, users: slice) -> Matrix:
        # A hidden item stands for a new one, but how often it was chosen was decided here.
        offset = np.where(self._hidden, np.float32(0.0), weights.offset(self._n_likes))
        total = np.repeat(offset[None], len(self._liked[users]), axis=0)
        for score, weight in zip(self._scores, weights.of_items(self._n_likes), strict=True):
            if weight.any():
                total += score[users] * weight
        return total


def _highest(scores: npt.NDArray[np.floating], n: int) -> Flags:
    """Which entries above -inf are among the n highest of their row; bool, the shape of `scores`."""
    best = top_k(scores, n)
    row, place = np.nonzero(best >= 0)
    chosen = np.zeros(scores.shape, dtype=np.bool_)
    chosen[row, best[row, place]] = True
    return chosen
