"""The default: a sum of every source that helps, with weights learned on held-out likes."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.errors import InputError, NotFittedError, UnsupportedError
from visrec.core.features import BLOCK_SOURCES, ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.progress import ProgressFactory, silent
from visrec.core.protocols import Capabilities, Decomposition, Recommender, Scores
from visrec.recommenders.content import PerItems
from visrec.recommenders.decompose import decompose
from visrec.recommenders.holdout import Holdout, hold_out
from visrec.recommenders.registry import make_recommender
from visrec.recommenders.stacking import KINDS, Stack, Weights, learn_weights
from visrec.recommenders.standard_scores import Standard, standard_parts, standardise, total_of

__all__ = ["Blend", "BlendSettings", "DeepBlend", "DeepBlendSettings"]

Matrix = npt.NDArray[np.float32]

#: What was last scored for one user, and how.
_Last = tuple[weakref.ref[Histories], weakref.ref[ItemFeatures], list[Standard]]
#: Items that say what an event says of items in general.
_REFERENCE = 128
#: The order of sources in reports.
_ORDER = ("collaborative", *BLOCK_SOURCES.values(), "appeal", "popular")
#: Scores of one member that are kept while weights are learned, and of how many users they are made at a time.
_CELLS, _BLOCK = 6_000_000, 128
#: A member that weighs no more than this for any item is left out.
_LEAST = 0.05


@dataclass(frozen=True)
class BlendSettings:
    """Settings of `Blend`.

    Attributes:
        members: names out of the registry, each with settings behind it if it has any that differ from its
            defaults, as in "visual-knn half_life_days=30". What the catalogue does not allow is left out.
        min_likes: with fewer held-out likes than this, about a tenth of the log, weights are not learned.
        prior_strength: how many choices the weights that stand there without any data are worth.
        evidence: likes beyond the first at which an item is half way from few likes to many.
        seed: of everything drawn.
    """

    members: tuple[str, ...] = (
        "ease",
        "ials",
        "visual-knn",
        "visual-knn half_life_days=30",
        "text-knn",
        "text-knn half_life_days=30",
        "category-knn",
        "category-knn half_life_days=30",
        "appeal",
        "popular",
        "recently-popular",
    )
    min_likes: int = 200
    prior_strength: float = 10.0
    evidence: float = 10.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.members or len(set(self.members)) < len(self.members):
            raise InputError(f"Expected members, each once, got {', '.join(self.members) or 'none'}.")
        if any(_named(member)[0] in (Blend.id, DeepBlend.id) for member in self.members):
            raise InputError("A blend cannot be a member of itself.")
        if self.prior_strength <= 0 or self.evidence <= 0:
            raise InputError("Expected prior_strength and evidence above 0.")


class Blend:
    """score(u, i) = Σ_m w_m(n_i) z_m(u, i) + [n_i = 0] b, with weights learned on held-out likes.

    z_m is the member's score, brought to mean 0 and deviation 1 for the user and compressed by a logarithm (see
    `standard_parts`). Its weight w_m ≥ 0 depends on n_i, the likes of the item: one value where there are none, and
    for others a mixture of one for few likes and one for many, with share (n - 1) / (n - 1 + evidence) of the latter.
    b says how much more, or less, new items are chosen than their scores tell.

    Stacking (Wolpert 1992, doi:10.1016/S0893-6080(05)80023-1; non-negative as in Breiman 1996,
    doi:10.1007/BF00117832): the members are fitted on a part of the data (see `hold_out`), the weights are those under
    which the likes of the rest are likeliest (see `learn_weights`), and the members that got any weight are fitted
    again, on everything. `report` says what each source weighs and adds.

    With fewer than `min_likes` held-out likes, the weights are a rule of thumb: with n the mean number of likes of a
    liked item, content counts 3 / n beside behaviour.

    Complexity: that of its members, fitted twice, and once their scores for as many users as fit in 6 million cells;
    memory 24 MB a member while it learns. Limits: b is learned from how the log grew. Where the catalogue already
    lists what only goes on sale later, as published logs do, that gives away that new items will sell.
    Parts: one a source, members of one source share it; "new" is b.
    """

    id = "blend"
    capabilities = Capabilities()
    _settings: ClassVar[type[BlendSettings]] = BlendSettings

    def __init__(self, settings: BlendSettings | None = None) -> None:
        self.settings = settings or self._settings()
        self.report = ""
        self._members: dict[str, Recommender] = {}
        self._sources: list[str] = []
        self._weights = Weights(np.zeros((0, len(KINDS))), 0.0, self.settings.evidence)
        self._item_ids = IdMap(())
        self._n_likes = np.zeros(0, dtype=np.int64)
        self._likes = PerItems(self._likes_of)
        self._last: _Last | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources in use, out of "collaborative", "visual", "text", "category", "appeal", "popular"."""
        return tuple(sorted(set(self._sources), key=_place))

    @property
    def weights(self) -> dict[str, dict[str, float]]:
        """Member -> what it weighs for "new" items, those of "few likes" and those of "many likes"."""
        rows = self._weights.members.tolist()
        return {name: dict(zip(KINDS, row, strict=True)) for name, row in zip(self._members, rows, strict=True)}

    def fit(self, dataset: Dataset, progress: ProgressFactory = silent) -> Self:
        """Learn weights on held-out likes, then fit the members that got any on everything.

        Raises:
            UnsupportedError: when there is neither behaviour nor any feature.
        """
        settings = self.settings
        names = _worth_trying(settings.members, dataset.histories)
        holdout = hold_out(dataset, settings.seed, max(_CELLS // max(dataset.n_items, 1), 20))
        n_held = 0 if holdout is None else int(holdout.liked.nnz)
        stack = None
        if holdout is not None and n_held >= settings.min_likes and len(holdout.history) > 1:
            names, stack = self._learn(names, holdout, dataset, progress)
        self._members = _fitted(names, dataset, progress)
        self._sources = [_source(model, dataset) for model in self._members.values()]
        if set(self._sources) <= {"popular"} and not dataset.histories.n_events:
            raise UnsupportedError(
                f"{self.id} needs interactions, pictures, texts or categories; the catalogue has none."
            )
        self._weights = stack.weights if stack else _rule_of_thumb(self._sources, dataset.histories, settings.evidence)
        self._item_ids = dataset.items.item_ids
        self._n_likes = np.bincount(dataset.histories.liked().indices, minlength=dataset.n_items).astype(np.int64)
        self._likes, self._last = PerItems(self._likes_of), None
        self.report = self._table(stack, n_held, "" if holdout is None else holdout.kind)
        return self

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        """Score every item for every history; see `Recommender.score`."""
        self._check_fitted()
        n_likes = self._likes(items)
        parts: dict[str, Matrix] = {}
        for scores, weight in zip(self._standard(histories, items), self._weights.of_items(n_likes), strict=True):
            for source, standard in scores.parts.items():
                part = standard * weight
                parts[source] = parts[source] + part if source in parts else part
        parts = {source: parts[source] for source in sorted(parts, key=_place)}
        if self._weights.new:
            parts["new"] = np.repeat(self._weights.offset(n_likes)[None], len(histories), axis=0)
        return Scores(parts)

    def contributions(self, history: Histories, items: ItemFeatures, rows: npt.NDArray[np.int64]) -> Decomposition:
        """The members' contributions on the common scale; see `Decomposable`.

        For the history at hand a member's mean, deviation and logarithm are constants of an item, so its contributions
        are scaled by them. Where the mean was taken off, so is from each event what it says of items in general (the
        mean over at most 128 of them, evenly spread): what is left is what it says for this item. All else is base.
        """
        self._check_fitted()
        n_likes = self._likes(items)
        base = self._weights.offset(n_likes)[rows].astype(np.float64)
        parts, exact = np.zeros((len(rows), history.n_events)), True
        members = zip(
            self._members.values(), self._standard(history, items), self._weights.of_items(n_likes), strict=True
        )
        for model, standard, weight in members:
            known = standard.known[0]
            asked = np.concatenate([rows, _spread_over(np.flatnonzero(known))])
            found = decompose(model, history, items, asked)
            shares, others = found.parts[: len(rows)], found.parts[len(rows) :]
            if len(others):
                shares = shares - np.outer(known[rows], others.mean(axis=0))
            shares = shares * (weight * standard.factor[0])[rows, None]
            base += weight[rows] * total_of(standard.parts.values())[0, rows] - shares.sum(axis=1, dtype=np.float64)
            parts += shares
            exact &= found.exact
        return Decomposition(base.astype(np.float32), parts.astype(np.float32), exact)

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """What was learned, and the members' states, their arrays prefixed with the member's number."""
        self._check_fitted()
        arrays: dict[str, npt.NDArray[Any]] = {"n_likes": self._n_likes, "weights": self._weights.members}
        members = []
        for number, (name, model) in enumerate(self._members.items()):
            own_settings, own = model.state()
            members.append({"name": name, "source": self._sources[number], "state": own_settings})
            arrays.update({f"{number}.{key}": array for key, array in own.items()})
        settings = {
            "settings": asdict(self.settings),
            "new": self._weights.new,
            "report": self.report,
            "item_ids": list(self._item_ids),
            "members": members,
        }
        return settings, arrays

    def load_state(self, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Become the saved model."""
        saved = dict(settings["settings"])
        self.settings = self._settings(**{**saved, "members": tuple(saved["members"])})
        self.report = settings["report"]
        self._weights = Weights(np.asarray(arrays["weights"]), settings["new"], self.settings.evidence)
        self._sources = [member["source"] for member in settings["members"]]
        self._members = {}
        for number, member in enumerate(settings["members"]):
            prefix = f"{number}."
            own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
            self._members[member["name"]] = _make(member["name"]).load_state(member["state"], own)
        self._item_ids, self._n_likes = IdMap(settings["item_ids"]), np.asarray(arrays["n_likes"])
        self._likes, self._last = PerItems(self._likes_of), None
        return self

    def _standard(self, histories: Histories, items: ItemFeatures) -> Iterable[Standard]:
        """The members' scores on the common scale; of one user those of the last call are kept, for its reasons."""
        # Read once: another thread may replace it meanwhile.
        last = self._last
        if last is not None and last[0]() is histories and last[1]() is items:
            return last[2]
        made = (standardise(model.score(histories, items).parts, items) for model in self._members.values())
        if len(histories) > 1:
            # One at a time: of many users they are large.
            return made
        kept = list(made)
        self._last = (weakref.ref(histories), weakref.ref(items), kept)
        return kept

    def _learn(
        self, names: Sequence[str], holdout: Holdout, dataset: Dataset, progress: ProgressFactory
    ) -> tuple[list[str], Stack]:
        """The members that got any weight, and what was learned."""
        tried: list[str] = []
        sources, scores, knows_new = [], [], []
        for name in names:
            # One at a time: what is needed of a member are its scores.
            for model in _fitted([name], holdout.train, progress).values():
                tried.append(name)
                sources.append(_source(model, holdout.train))
                knows_new.append(model.capabilities.new_items)
                scores.append(_standard_scores(model, holdout.history, dataset.items))
        prior = _rule_of_thumb(sources, holdout.train.histories, self.settings.evidence)
        stack = learn_weights(holdout, np.stack(scores), sources, prior, self.settings.prior_strength)
        members = stack.weights.members
        # Of what says nothing the prior weight is left over.
        members[~np.array(knows_new), KINDS.index("new")] = 0.0
        kept = np.flatnonzero(members.max(axis=1) > _LEAST)
        kept = kept if kept.size else np.arange(len(tried))
        weights = replace(stack.weights, members=members[kept])
        return [tried[member] for member in kept], replace(stack, weights=weights)

    def _table(self, stack: Stack | None, n_held: int, kind: str) -> str:
        """What each member weighs, and what each source adds to lists."""
        how = f"learned on {n_held} held-out likes ({kind})" if stack else f"a rule of thumb: {n_held} held-out likes"
        lines = [f"  {'weights ' + how:48}" + "".join(f"{name:>12}" for name in KINDS)]
        for (name, weights), source in zip(self.weights.items(), self._sources, strict=True):
            lines.append(f"  {f'{name} ({source})':48}" + "".join(f"{weight:12.2f}" for weight in weights.values()))
        if stack:
            lines.append(f"  {'for being new':48}{stack.weights.new:12.2f}")
            lines.append(f"  {'NDCG@10 of held-out likes, in lists of':48}{'new items':>12}{'all items':>12}")
            lines.append(f"  {'':48}{stack.ndcg[1]:12.4f}{stack.ndcg[0]:12.4f}")
            for source, adds in stack.contributions.items():
                lines.append(f"  {source + ' adds':>48}{adds.new_items:+12.4f}{adds.all_items:+12.4f}")
        return "\n".join(lines)

    def _check_fitted(self) -> None:
        if not self._members:
            raise NotFittedError(f"{self.id} has not been fitted. Call fit(dataset) first.")

    def _likes_of(self, items: ItemFeatures) -> npt.NDArray[np.int64]:
        """Training likes of each item, 0 for one that was not there; int64 (n_items,)."""
        rows = self._item_ids.rows(list(items.item_ids))
        return np.append(self._n_likes, 0)[rows].astype(np.int64)


@dataclass(frozen=True)
class DeepBlendSettings(BlendSettings):
    """Settings of `DeepBlend`; see `BlendSettings`."""

    members: tuple[str, ...] = (*BlendSettings.members, "two-tower", "freedom")


class DeepBlend(Blend):
    """`Blend` with two networks more among its members: a history encoder, and a graph of items and their features.

    They find what neighbours and regressions do not: lists of MovieLens-100k are a little better, and a fit takes
    several times as long. Equation and limits: see `Blend`.
    """

    id = "deep-blend"
    _settings: ClassVar[type[BlendSettings]] = DeepBlendSettings


def _rule_of_thumb(sources: Sequence[str], histories: Histories, evidence: float) -> Weights:
    """Weights by how much behaviour there is; members with one source share its weight."""
    liked = histories.liked()
    n = max(liked.nnz / max(len(np.unique(liked.indices)), 1), 1.0)
    content = 3 / n
    rule = {**dict.fromkeys(BLOCK_SOURCES.values(), content), "popular": content / 2, "appeal": content * n / (n + 10)}
    weights = [rule.get(source, 1.0) / sources.count(source) for source in sources]
    return Weights(np.repeat(np.array(weights)[:, None], len(KINDS), axis=1), 0.0, evidence)


def _named(member: str) -> tuple[str, dict[str, str]]:
    """A member's name in the registry, and its settings."""
    name, *changes = member.split()
    pairs = [change.partition("=") for change in changes]
    return name, {field: value for field, _, value in pairs}


def _make(member: str) -> Recommender:
    return make_recommender(*_named(member))


def _worth_trying(members: Sequence[str], histories: Histories) -> list[str]:
    """The members, without those that forget where the log has no times to go by."""
    timed = bool(np.ptp(histories.timestamp)) if histories.n_events else False
    return [m for m in members if timed or getattr(_make(m).settings, "half_life_days", None) is None]


def _fitted(names: Sequence[str], dataset: Dataset, progress: ProgressFactory) -> dict[str, Recommender]:
    """Those of the members that the dataset allows, fitted."""
    members = {}
    for name in names:
        try:
            members[name] = _make(name).fit(dataset, progress)
        except UnsupportedError:
            continue
    return members


def _source(model: Recommender, dataset: Dataset) -> str:
    """The word for a member's scores: that of its first part."""
    nobody = dataset.histories.take(np.zeros(0, dtype=np.int64))
    return next(iter(model.score(nobody, dataset.items).parts))


def _standard_scores(model: Recommender, histories: Histories, items: ItemFeatures) -> Matrix:
    """A member's scores on the common scale; float32 (n_users, n_items)."""
    scores = np.zeros((len(histories), len(items)), dtype=np.float32)
    for start in range(0, len(histories), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(histories)))
        parts = model.score(histories.take(rows), items).parts
        scores[rows] = total_of(standard_parts(parts, items).values())
    return scores


def _spread_over(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """At most 128 of these rows, evenly spread."""
    return rows[:: max(-(-len(rows) // _REFERENCE), 1)]


def _place(source: str) -> tuple[int, str]:
    return (_ORDER.index(source) if source in _ORDER else len(_ORDER), source)
