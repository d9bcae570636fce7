"""EASE: a linear item-item model in closed form, here with the items' content in its Gram matrix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.errors import InputError, NotFittedError, UnsupportedError
from visrec.core.features import BLOCK_SOURCES, ItemFeatures
from visrec.core.histories import Histories
from visrec.core.ids import IdMap
from visrec.core.progress import ProgressFactory, silent
from visrec.core.protocols import Capabilities, Decomposition, Scores
from visrec.core.sessions import sessions
from visrec.core.settings import SearchSpace
from visrec.recommenders.content import ContentSpace, PerItems
from visrec.recommenders.decompose import one_event_each, places_of
from visrec.recommenders.symmetric import add_gram, invert, sparse_gram

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Ease", "EaseSettings"]

Matrix = npt.NDArray[np.float32]


#: Share of a row that is not 0 below which a sparse product is the faster one.
_FEW = 0.02


@dataclass(frozen=True)
class EaseSettings:
    """Settings of `Ease`.

    Attributes:
        regularisation: lambda of the ridge, in units of users.
        content_weight: how much a unit of cosine similarity counts in the Gram matrix, in units of users;
            0 leaves the content out.
        blocks: feature blocks that make up the content, all equally weighted.
        user_exponent: a history of n likes weighs n ** -user_exponent, relative to the average history.
        item_exponent: an item liked n times is scaled by n ** -item_exponent, relative to the average item.
        dropout: share of the inputs that the weights must do without, at least 0 and below 1.
        session_weight: how much a session counts beside a user; 0 leaves sessions out.
        session_pause: a session ends where more than so many seconds pass without an event.
        min_likes: items with fewer likes are treated as new, scored from their content: one like says nothing
            about other users. Where no item has so many, every liked item counts.
        max_items: at most so many items, the most liked ones, enter the closed form (its cost is cubic).
    """

    regularisation: float = 500.0
    content_weight: float = 50.0
    blocks: tuple[str, ...] = ("image", "text", "category")
    user_exponent: float = 0.35
    item_exponent: float = 0.2
    dropout: float = 0.5
    session_weight: float = 2.0
    session_pause: float = 60.0
    min_likes: int = 2
    max_items: int = 20_000

    search: ClassVar[Mapping[str, SearchSpace]] = MappingProxyType(
        {
            "regularisation": SearchSpace(20.0, 5_000.0, log=True),
            "content_weight": SearchSpace(1.0, 500.0, log=True),
            "user_exponent": SearchSpace(0.0, 0.7),
            "item_exponent": SearchSpace(0.0, 0.6),
            "dropout": SearchSpace(0.0, 0.8),
            "session_weight": SearchSpace(0.0, 4.0),
            "session_pause": SearchSpace(10.0, 100_000.0, log=True),
        }
    )

    def __post_init__(self) -> None:
        if not 0 <= self.dropout < 1 or not self.session_weight >= 0 or not self.session_pause >= 0:
            raise InputError(
                "Expected dropout of at least 0 and below 1, session_weight and session_pause of 0 or more, got "
                f"{self.dropout}, {self.session_weight} and {self.session_pause}."
            )


@dataclass(frozen=True)
class _Known:
    """How the items to be scored relate to the fitted ones."""

    columns: npt.NDArray[np.int64]  # (n_items,) fitted column, -1 for a new item
    new: npt.NDArray[np.int64]  # (n_new,) rows of the new items, ascending
    content: Mapping[str, Matrix]  # block -> (n_new, dim), of these


class Ease:
    """Item-item weights B = argmin |Y - Y B|² + lambda |B|² with diag(B) = 0, from histories and content.

    Steck (2019), Embarrassingly Shallow Autoencoders for Sparse Data, arXiv:1905.03375, eq. 8:
    P = (Yᵀ Y + lambda I)⁻¹, B = I - P diag(P)⁻¹. Deviations:

    * Side information: the rows of Y are followed by the items' features, Fᵀ, scaled by the root of
      `content_weight`, so the Gram matrix becomes Yᵀ Y + content_weight F Fᵀ (the "collective" form of
      Jeunen, van Balen & Goethals 2020, Closed-form models for collaborative filtering with side information).
    * Sessions, histories cut where their users paused, are rows of Y too, scaled by the root of `session_weight`:
      what was liked within a minute goes together more closely than what was liked within a year.
    * Dropout p multiplies the diagonal of the Gram matrix by 1 / (1 - p), which is what hiding a share p of all inputs
      at random comes to on average (Steck 2020, Autoencoders that don't overfit towards the Identity, NeurIPS).
    * An item that has no column gets one when it is scored: the ridge solution for a target that was liked by
      nobody and looks like f is b = P F f content_weight. No retraining.
    * An event on such an item counts as the mixture of fitted items that this b stands for.
    * Long histories and popular items are damped by powers of their counts (see `EaseSettings`).

    Complexity: fit n³ / 3 + n³ 2 / 3 for a Cholesky inverse, memory n² float32, n at most `max_items`;
    scoring nnz(histories) n. Parts: "collaborative" for fitted items; for new items one part a block.
    """

    id = "ease"
    capabilities = Capabilities()

    def __init__(self, settings: EaseSettings | None = None) -> None:
        self.settings = settings or EaseSettings()
        self._item_ids: IdMap | None = None
        self._weights: Matrix = np.zeros((0, 0), dtype=np.float32)
        self._precision: Matrix = np.zeros(0, dtype=np.float32)
        self._scale: Matrix = np.zeros(0, dtype=np.float32)
        self._space = ContentSpace({})
        self._content: dict[str, Matrix] = {}
        self._known = PerItems(self._relate)

    def fit(self, dataset: Dataset, progress: ProgressFactory = silent) -> Self:
        """Solve for B.

        Raises:
            UnsupportedError: when nobody liked anything.
        """
        settings = self.settings
        liked = dataset.histories.liked()
        counts = np.diff(liked.tocsc().indptr)
        rows = _columns(counts, settings.min_likes, settings.max_items)
        if not rows.size:
            raise UnsupportedError("ease needs likes: the log holds no positive interaction.")
        self._item_ids = dataset.items.item_ids.take(rows)
        self._space = ContentSpace.fit(dataset.items, settings.blocks if settings.content_weight > 0 else ())
        everything = self._space.transform(dataset.items)
        self._content = {name: matrix[rows] for name, matrix in everything.items()}

        relative = counts[rows] / counts[rows].mean()
        self._scale = np.power(relative, -settings.item_exponent).astype(np.float32)
        precision = self._gram(dataset.histories, rows)
        if not invert(precision):
            raise UnsupportedError("ease: the Gram matrix is not positive definite. Raise the regularisation.")
        self._precision = np.diagonal(precision).copy()
        # In place: B = I - P diag(P)⁻¹ takes no second matrix.
        precision *= -1 / self._precision
        np.fill_diagonal(precision, 0.0)
        self._weights = precision
        self._known = PerItems(self._relate)
        return self

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        """Score every item for every history; see `Recommender.score`."""
        self._fitted()
        known = self._known(items)
        liked = histories.liked()
        inputs = self._inputs(liked, known)
        through = self._through(inputs)
        fitted = np.flatnonzero(known.columns >= 0)
        collaborative = np.zeros((len(histories), len(items)), dtype=np.float32)
        collaborative[:, fitted] = (through / self._scale)[:, known.columns[fitted]]
        parts = {"collaborative": collaborative}
        if known.new.size:
            pull = (inputs - through) * (self._precision * np.float32(self._block_weight()))
            for name, content in self._content.items():
                part = np.zeros_like(collaborative)
                part[:, known.new] = (pull @ content) @ known.content[name].T
                parts[BLOCK_SOURCES.get(name, name)] = part
        return Scores(parts)

    def contributions(self, history: Histories, items: ItemFeatures, rows: npt.NDArray[np.int64]) -> Decomposition:
        """Exact: a score is linear in the likes, and one like is a row of B; see `Decomposable`.

        Complexity: n_events n for n items of the closed form; n² for every event on an item that is not one of them.
        """
        self._fitted()
        known = self._known(items)
        events = places_of(history, history.weight > 0)
        columns, wanted = known.columns[history.item_index[events]], known.columns[rows]
        old, new = np.flatnonzero(columns >= 0), np.flatnonzero(columns < 0)
        coefficient = (history.weight[events[old]] * self._scale[columns[old]])[:, None]
        inputs = np.zeros((0, len(self._scale)), dtype=np.float32)
        if new.size:
            inputs = self._inputs(one_event_each(history, events[new]), known)
        through = inputs @ self._weights
        events = events[np.concatenate([old, new])]
        parts = np.zeros((len(rows), history.n_events), dtype=np.float32)
        at = np.flatnonzero(wanted >= 0)
        # Of an event on a fitted item only the columns asked about are read.
        reached = [coefficient * self._weights[columns[old][:, None], wanted[at]], through[:, wanted[at]]]
        parts[np.ix_(at, events)] = (np.concatenate(reached) / self._scale[wanted[at]]).T
        at = np.flatnonzero(wanted < 0)
        if at.size:
            likeness = self._likeness(known, rows[at])
            old_rows = coefficient * (likeness[columns[old]] - self._weights[columns[old]] @ likeness)
            parts[np.ix_(at, events)] = np.concatenate([old_rows, (inputs - through) @ likeness]).T
        return Decomposition(np.zeros(len(rows), dtype=np.float32), parts)

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Settings and item ids; B, diag(P), scales, content and means."""
        space, means = self._space.state()
        settings = {"settings": asdict(self.settings), "item_ids": list(self._fitted()), "space": space}
        content = {f"content.{name}": matrix for name, matrix in self._content.items()}
        weights = {"weights": self._weights, "precision": self._precision, "scale": self._scale}
        return settings, {**weights, **content, **means}

    def load_state(self, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Become the saved model."""
        saved = dict(settings["settings"])
        self.settings = EaseSettings(**{**saved, "blocks": tuple(saved["blocks"])})
        self._item_ids = IdMap(settings["item_ids"])
        self._weights, self._precision, self._scale = arrays["weights"], arrays["precision"], arrays["scale"]
        self._space = ContentSpace.load_state(settings["space"], arrays)
        self._content = {name: arrays[f"content.{name}"] for name in self._space.names}
        self._known = PerItems(self._relate)
        return self

    def _fitted(self) -> IdMap:
        if self._item_ids is None:
            raise NotFittedError("ease has not been fitted. Call fit(dataset) first.")
        return self._item_ids

    def _relate(self, items: ItemFeatures) -> _Known:
        columns = self._fitted().rows(list(items.item_ids))
        new = np.flatnonzero(columns < 0)
        content = self._space.transform(items)
        return _Known(columns, new, {name: np.ascontiguousarray(rows[new]) for name, rows in content.items()})

    def _block_weight(self) -> float:
        return self.settings.content_weight / max(len(self._content), 1)

    def _likeness(self, known: _Known, rows: npt.NDArray[np.int64]) -> Matrix:
        """diag(P) F f for items without a column, float32 (n, n_rows): what the pull of a history is multiplied by."""
        likeness = np.zeros((len(self._scale), len(rows)), dtype=np.float32)
        places = np.searchsorted(known.new, rows)
        for name, content in self._content.items():
            likeness += content @ known.content[name][places].T
        likeness *= (self._precision * np.float32(self._block_weight()))[:, None]
        return likeness

    def _gram(self, histories: Histories, rows: npt.NDArray[np.int64]) -> Matrix:
        """Upper triangle of Yᵀ Y over users, sessions and content, then dropout and lambda; float32 (n, n)."""
        from scipy.sparse import vstack

        settings = self.settings
        likes = [self._damped(histories.liked()[:, rows])]
        if settings.session_weight > 0:
            pieces = self._damped(sessions(histories, settings.session_pause).liked()[:, rows])
            likes.append(np.float32(np.sqrt(settings.session_weight)) * pieces)
        gram = sparse_gram(vstack(likes, format="csr"))
        for content in self._content.values():
            add_gram(gram, content, self._block_weight())
        diagonal = np.diag_indices_from(gram)
        gram[diagonal] *= np.float32(1 / (1 - settings.dropout))
        gram[diagonal] += np.float32(settings.regularisation)
        return gram

    def _damped(self, liked: csr_matrix) -> csr_matrix:
        """Rows scaled by powers of their lengths, columns by the items' scales."""
        from scipy.sparse import diags

        lengths = np.asarray(liked.sum(axis=1)).ravel()
        mean = lengths.sum() / max(np.count_nonzero(lengths), 1)
        lengths = np.maximum(lengths / max(mean, 1e-12), 1e-12)
        return (diags(np.power(lengths, -self.settings.user_exponent)) @ liked @ diags(self._scale)).tocsr()

    def _through(self, inputs: Matrix) -> Matrix:
        """Inputs @ B. Of a history as it is only a few rows of B are read; of a mixture all are."""
        from scipy.sparse import csr_matrix

        few = np.count_nonzero(inputs, axis=1) < _FEW * inputs.shape[1]
        through = np.empty_like(inputs)
        weights = np.asarray(self._weights)
        through[few] = csr_matrix(inputs[few]) @ weights
        through[~few] = inputs[~few] @ weights
        return through

    def _inputs(self, liked: csr_matrix, known: _Known) -> Matrix:
        """Histories over the fitted columns, float32 (n_users, n): new items as mixtures of fitted ones."""
        fitted = np.flatnonzero(known.columns >= 0)
        inputs = np.zeros((liked.shape[0], len(self._scale)), dtype=np.float32)
        inputs[:, known.columns[fitted]] = liked[:, fitted].toarray()
        inputs *= self._scale
        events = liked[:, known.new]
        users = np.flatnonzero(np.diff(events.indptr))
        if users.size:
            mixture = np.zeros((len(users), inputs.shape[1]), dtype=np.float32)
            for name, content in self._content.items():
                mixture += (events[users] @ known.content[name]) @ content.T
            mixture *= np.float32(self._block_weight())
            # mixture @ P, written with B: P = (I - B) diag(P).
            inputs[users] += (mixture - mixture @ self._weights) * self._precision
        return inputs


def _columns(counts: npt.NDArray[np.int64], min_likes: int, max_items: int) -> npt.NDArray[np.int64]:
    """Rows of the items that enter the closed form, ascending."""
    enough = np.flatnonzero(counts >= max(min_likes, 1))
    enough = enough if enough.size else np.flatnonzero(counts)
    best = enough[np.argsort(-counts[enough], kind="stable")[:max_items]]
    return np.sort(best).astype(np.int64)
