"""From pixels to a user's rating: a convolutional network trained on what users made of the pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from visrec.core.dataset import Dataset
from visrec.core.errors import NotFittedError, UnsupportedError
from visrec.core.features import ItemFeatures
from visrec.core.histories import Histories
from visrec.core.progress import ProgressFactory, silent
from visrec.core.protocols import Capabilities, Scores
from visrec.recommenders.content import PerItems
from visrec.recommenders.picture_vectors import PictureVectors
from visrec.recommenders.pixel_settings import PixelCNNSettings
from visrec.recommenders.pixel_training import PixelTraining
from visrec.recommenders.pixel_users import UserPrior
from visrec.recommenders.rating_matrix import rating_matrix
from visrec.training.deterministic import deterministic
from visrec.training.picture_network import PictureNetwork, make_picture_network
from visrec.training.weights import load_weights, weights_of

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["PixelCNN", "PixelCNNSettings"]

Array = npt.NDArray[np.float64]

_NAMES = MappingProxyType({"cnn": "pixel-cnn", "resnet": "pixel-resnet", "efficientnet": "pixel-efficientnet"})
_SWEEPS = 3
_BLOCK_PAIRS = 1 << 16


@dataclass(frozen=True)
class _Items:
    """The items at hand: vectors (n, dim) and biases (n,), 0 where there are none; who has a picture, who was rated."""

    vectors: Array
    biases: Array
    seen: npt.NDArray[np.bool_]
    rated: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Fitted:
    network: PictureNetwork
    vectors: PictureVectors
    centre: npt.NDArray[np.float32]
    prior: UserPrior
    scale: tuple[float, float] | None
    mean: float
    biases: Mapping[str, float]


class PixelCNN:
    """A user's rating from the pixels: r(u, i) = mu + b_u + b_i + p_u · x_i, where x_i = network(picture of i).

    The network: pictures of `size` pixels, colour channels normalised by the training pictures; "pixel-cnn" is four
    times convolution, batch norm, ReLU, max pooling, then dense layers (LeCun et al. 1998, doi:10.1109/5.726791);
    "pixel-resnet" the residual network of 8 layers that the paper trains on small images (He et al. 2016,
    arXiv:1512.03385), both from random weights; "pixel-efficientnet" is EfficientNet-Lite0 (Tan & Le 2019,
    arXiv:1905.11946) trained on ImageNet, whose last block and head are fine-tuned. All end in the same head: a dense
    layer, and a batch norm that gives the vectors mean 0 and deviation 1. Trained end to end by Adam on the mean
    squared error of the ratings (`PixelTraining`); training pictures are turned, cropped, flipped and coloured at
    random by kornia (`Augmentation`), not those of "pixel-efficientnet", whose frozen blocks see each picture once.

    * A user is their history: (b_u, p_u) is a ridge regression of their ratings on what the network sees in the
      pictures (`UserPrior`), drawn to everybody's mean; without ratings it is that mean. For rated items, b_i is taken
      off the ratings first. For new items it is not: who chose good items so far will choose good ones, which makes
      b_u a better guess there than that of `bias`.
    * An item is its picture: a known item and a new one with the same picture have the same x. What a rated item's
      ratings say beyond its picture is b_i, their shrunken mean residual; 0 for new items. An item without a picture
      has b_i alone.
    * A log without ratings: t = the weight of a like or dislike, and 0 for all other pairs, with a weight that makes
      them count as much as the likes do. No mu and b_i then; it ranks, and `predict` raises `UnsupportedError`.

    As a ranking: by predicted rating, not clipped, or by t. Parts: "visual" (p_u - mean taste) · x_i, "appeal" mean
    taste · x_i, "collaborative" the rest.

    Deviations from the usual network of two embeddings: users are solved for rather than learned by gradient, so new
    ones are served by the same formula; a picture is judged by users who are folded in from other pictures.

    Complexity: training steps · batch · cost of the network (9 M multiplications a picture for "cnn" at 64 pixels, 12 M
    for "resnet" at 32, three times that with the gradient) + epochs · (events · dim² + n_users · dim³). Memory: a
    batch, and 3 kB a picture for "efficientnet"; n_items · size² · 3 bytes of disk while it trains. A picture's vector
    is saved with the model under the hash of its content: serving decodes new pictures only.

    Limits: from a few thousand pictures with noisy ratings a network learns little. On the posters of MovieLens-100k it
    learns nothing that holds for new films, notices that on held out posters, and predicts mu + b_u, which beats `bias`
    on new films; `visual-mf` is better on all. Kept because it needs no weights from elsewhere, learns what it is told
    where looks do decide (the drawn shops of the tests), and says what pretraining is worth.
    """

    def __init__(self, settings: PixelCNNSettings | None = None) -> None:
        self._configure(settings or PixelCNNSettings())

    def fit(self, dataset: Dataset, progress: ProgressFactory = silent) -> Self:
        """Train the network.

        Raises:
            UnsupportedError: when no item has a picture, or no picture was rated or liked.
        """
        settings, pictures = self.settings, dataset.items.pictures
        self._configure(settings)
        if pictures is None or not any(pictures.keys):
            raise UnsupportedError(
                f"{self.id} needs pictures, and the items have none. Ingest a folder of images, or use another model."
            )
        ratings = rating_matrix(dataset.histories)
        mean = float(ratings.data.mean()) if ratings.nnz else 0.0
        ratings.data -= mean
        targets = ratings if ratings.nnz else _signed(dataset.histories)
        events = np.diff(targets.tocsc().indptr)
        rows = np.flatnonzero(np.array([bool(key) for key in pictures.keys]) & (events > 0))
        if not len(rows):
            raise UnsupportedError(
                f"{self.id} needs pictures that somebody rated or liked, and there are none. Ingest interactions, or "
                "use another model."
            )
        active = targets[np.flatnonzero(np.diff(targets.indptr))]
        trained = active[:, rows]
        background = 0.0 if ratings.nnz else trained.nnz / (trained.shape[0] * trained.shape[1])
        with deterministic(settings.seed):
            network = self._network()
            training = PixelTraining(
                network, lambda batch: pictures.load(rows[batch], settings.size), trained, background, settings
            )
            training.run(self.id, progress)
        vectors = PictureVectors(network, settings.size)
        found, seen = vectors(pictures, dataset.n_items)
        # Once a picture, so that equal pictures are exactly at the centre.
        centre = found[rows].mean(axis=0, dtype=np.float64).astype(np.float32)
        prior = UserPrior.over(found[rows] - centre, training.mean, training.ridge, background)
        scale = (float(ratings.data.min()) + mean, float(ratings.data.max()) + mean) if ratings.nnz else None
        fitted = _Fitted(network, vectors, centre, prior, scale, mean, {})
        if scale is not None:
            x = np.where(seen[:, None], found - centre, 0.0).astype(np.float64)
            biases = _item_biases(active, x, prior, settings.bias_regularisation)
            rated = np.flatnonzero(events > 0)
            names = dataset.items.item_ids.take(rated)
            fitted = replace(fitted, biases=dict(zip(names, biases[rated].tolist(), strict=True)))
        self._use(fitted)
        return self

    @property
    def scale(self) -> tuple[float, float]:
        """Lowest and highest rating of the training data; every prediction lies within.

        Raises:
            UnsupportedError: when the training data had no ratings.
        """
        scale = self._fitted().scale
        if scale is None:
            raise UnsupportedError(
                f"{self.id} was trained on a log without ratings and cannot predict any. Ingest interactions with a "
                "column `rating` and train again."
            )
        return scale

    def predict(
        self,
        histories: Histories,
        items: ItemFeatures,
        user_index: npt.NDArray[np.int64],
        item_index: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.float32]:
        """The rating that a user would give an item; see `RatingPredictor.predict`.

        Raises:
            NotFittedError: before `fit`.
            UnsupportedError: when the training data had no ratings.
        """
        scale, fitted, here = self.scale, self._fitted(), self._items(items)
        wanted, rows = np.unique(user_index, return_inverse=True)
        users = self._users(histories.take(wanted), here)
        values = fitted.mean + here.biases[item_index]
        for start in range(0, len(values), _BLOCK_PAIRS):
            pairs = slice(start, start + _BLOCK_PAIRS)
            things = item_index[pairs]
            own = users[here.rated[things].astype(np.int64), rows[pairs]]
            values[pairs] += own[:, 0] + np.einsum("ij,ij->i", own[:, 1:], here.vectors[things])
        return np.clip(values, *scale).astype(np.float32)

    def fallbacks(
        self,
        histories: Histories,
        items: ItemFeatures,
        user_index: npt.NDArray[np.int64],
        item_index: npt.NDArray[np.int64],
    ) -> list[str]:
        """What each pair's prediction had to do without, "" for nothing; n_pairs phrases."""
        here = self._items(items)
        unrated = np.diff(rating_matrix(histories).indptr)[user_index] == 0
        things = {
            (True, True): "",
            (True, False): "item without a picture: its ratings alone",
            (False, True): "item without ratings: its picture alone",
            (False, False): "item without ratings and picture: the user's mean",
        }
        users = {True: "user without ratings: everybody's taste", False: ""}
        kinds = zip(unrated.tolist(), here.rated[item_index].tolist(), here.seen[item_index].tolist(), strict=True)
        return ["; ".join(filter(None, (users[user], things[rated, seen]))) for user, rated, seen in kinds]

    def score(self, histories: Histories, items: ItemFeatures) -> Scores:
        """Predicted ratings, not clipped, or how likely each user is to like each item; see `Recommender.score`."""
        fitted, here = self._fitted(), self._items(items)
        users, x, mean = self._users(histories, here), here.vectors, fitted.prior.mean
        visual = np.empty((len(histories), len(items)), dtype=np.float32)
        rest = np.empty_like(visual)
        for rated in (False, True):
            columns = np.flatnonzero(here.rated == rated)
            own = users[int(rated)]
            visual[:, columns] = (own[:, 1:] - mean[1:]) @ x[columns].T
            rest[:, columns] = fitted.mean + own[:, :1] + here.biases[columns]
        parts = {"visual": visual, "appeal": np.broadcast_to((x @ mean[1:]).astype(np.float32), visual.shape)}
        if fitted.scale is not None:
            parts["collaborative"] = rest
        return Scores(parts)

    def state(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Settings, scale, the pictures' hashes, items' biases; weights, the pictures' vectors, the users' prior."""
        fitted = self._fitted()
        keys, vectors = fitted.vectors.saved()
        settings = {
            "settings": asdict(self.settings),
            "scale": None if fitted.scale is None else list(fitted.scale),
            "mean": fitted.mean,
            "keys": keys,
            "item_ids": list(fitted.biases),
        }
        prior = {f"prior.{name}": value for name, value in vars(fitted.prior).items()}
        arrays = {"vectors": vectors, "centre": fitted.centre, "biases": np.array(list(fitted.biases.values()))}
        return settings, {**weights_of(fitted.network), **prior, **arrays}

    def load_state(self, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Become the saved model."""
        self._configure(PixelCNNSettings(**settings["settings"]))
        network = self._network(pretrained=False)
        load_weights(network, arrays)
        vectors = PictureVectors(network, self.settings.size)
        vectors.keep(settings["keys"], np.array(arrays["vectors"]))
        prior = UserPrior(*(np.array(arrays[f"prior.{name}"]) for name in ("mean", "ridge", "gram")))
        scale = settings["scale"]
        scale = None if scale is None else (scale[0], scale[1])
        biases = dict(zip(settings["item_ids"], arrays["biases"].tolist(), strict=True))
        self._use(_Fitted(network, vectors, np.array(arrays["centre"]), prior, scale, settings["mean"], biases))
        return self

    def _configure(self, settings: PixelCNNSettings) -> None:
        """As if new."""
        self.settings = settings
        self.id = _NAMES.get(settings.backbone, f"pixel-{settings.backbone}")
        self.capabilities = Capabilities(needs=("pictures",), reads=(), ratings=True)
        self._model: _Fitted | None = None
        self._items = PerItems(self._relate)

    def _use(self, fitted: _Fitted) -> None:
        self._model = fitted
        self._items = PerItems(self._relate)
        # What was learned from likes alone ranks, and predicts no ratings.
        self.capabilities = replace(self.capabilities, ratings=fitted.scale is not None)

    def _network(self, pretrained: bool = True) -> PictureNetwork:
        settings = self.settings
        return make_picture_network(settings.backbone, settings.size, settings.dim, pretrained=pretrained)

    def _fitted(self) -> _Fitted:
        if self._model is None:
            raise NotFittedError(f"{self.id} has not been fitted. Call fit(dataset) first.")
        return self._model

    def _relate(self, items: ItemFeatures) -> _Items:
        fitted = self._fitted()
        found, seen = fitted.vectors(items.pictures, len(items))
        found = np.where(seen[:, None], found - fitted.centre, np.float32(0.0))
        biases = np.array([fitted.biases.get(name, np.nan) for name in items.item_ids], dtype=np.float64)
        return _Items(found.astype(np.float64), np.nan_to_num(biases), seen, np.isfinite(biases))

    def _users(self, histories: Histories, items: _Items) -> Array:
        """Each history's (b_u, p_u) for new items and for rated ones, float64 (2, n_users, 1 + dim)."""
        fitted = self._fitted()
        targets = _signed(histories) if fitted.scale is None else rating_matrix(histories)
        targets.data -= fitted.mean  # 0 without ratings.
        plain = fitted.prior.fold_in(targets, items.vectors)
        if not items.rated.any():
            return np.stack([plain, plain])
        targets.data -= items.biases[targets.indices]
        return np.stack([plain, fitted.prior.fold_in(targets, items.vectors)])


def _signed(histories: Histories) -> csr_matrix:
    """Likes and dislikes by their weight, float64 CSR; what was only seen says nothing."""
    weights = histories.matrix().astype(np.float64)
    weights.eliminate_zeros()
    return weights


def _item_biases(ratings: csr_matrix, vectors: Array, prior: UserPrior, regularisation: float) -> Array:
    """What the ratings of each item say beyond its picture, float64 (n_items,); users and items solved in turn."""
    user, item = np.repeat(np.arange(ratings.shape[0]), np.diff(ratings.indptr)), ratings.indices
    counts = np.bincount(item, minlength=len(vectors))
    biases = np.zeros(len(vectors))
    left = ratings.copy()
    for _ in range(_SWEEPS):
        left.data = ratings.data - biases[item]
        users = prior.fold_in(left, vectors)
        residuals = ratings.data - users[user, 0] - np.einsum("ij,ij->i", users[user, 1:], vectors[item])
        biases = np.bincount(item, residuals, minlength=len(vectors)) / np.maximum(regularisation + counts, 1e-12)
    return biases
