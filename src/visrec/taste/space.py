"""The space in which tastes are told apart: the directions of looking on which one person's likes agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["TasteSpace"]

Matrix = npt.NDArray[np.float32]
_Square = npt.NDArray[np.float64]

#: More directions than these hold, one by one, hardly anything.
_MOST = 64
#: With fewer directions above the noise the likes say too little: the embeddings stay as they are.
_FEWEST = 8
_RIDGE = 0.1
_MOST_USERS = 50_000
_PAIRS = 200_000
#: Shares of the catalogue's pairs of pictures that are less alike.
_ALIKE, _PAIR = 0.9, 0.98


class TasteSpace:
    """Directions of the embeddings, scaled by how much two likes of one user agree in them.

    An encoder puts pictures of one kind of object together. People like colours and patterns across kinds as well:
    what counts for a taste is in which directions the likes of one person lie closer together than those of
    different people. With v the embedding of a like and v' another like of the same user,

        C = E[(v - m)(v' - m)ᵀ]   (between two likes of one user)
        T = E[(v - m)(v - m)ᵀ]    (of any like)
        C w = λ T w

    and λ is the correlation of two likes of one person along w: linear discriminant analysis with users as classes
    (Fisher 1936; Rao 1948). Kept are the directions whose λ is above what chance gives: without any agreement the λ
    scatter about 0 evenly, so the most negative one says how far chance reaches. Each is scaled by √λ.

    With too few likes to find any such direction, the space is the embeddings themselves (`learned` is False).

    Complexity: n_likes x dim + n_users x dim² + dim³.

    Attributes:
        alike: the cosine in this space from which on two pictures are alike: a tenth of the catalogue's pairs are.
        pair: the cosine that a fifth of those pairs reach.
    """

    def __init__(self, mean: Matrix, projection: Matrix, alike: float, pair: float) -> None:
        self._mean = mean
        self._projection = projection
        self.alike = alike
        self.pair = pair

    @property
    def learned(self) -> bool:
        """Whether the likes sufficed."""
        return self._projection.shape[1] > 0

    @classmethod
    def fit(cls, vectors: Matrix, liked: csr_matrix) -> Self:
        """Learn the directions, and how near is alike.

        Args:
            vectors: float32 (n_items, dim), unit rows, or zero rows for items without a picture.
            liked: (n_users, n_items), above 0 where liked.
        """
        space = cls(*_directions(vectors, liked), 0.0, 0.0)
        space.alike, space.pair = _cosines(space(vectors), (_ALIKE, _PAIR))
        return space

    def state(self) -> tuple[dict[str, Any], dict[str, Matrix]]:
        """JSON-able settings, and arrays, that `load_state` takes."""
        return {"alike": self.alike, "pair": self.pair}, {
            "taste.mean": self._mean,
            "taste.projection": self._projection,
        }

    @classmethod
    def load_state(cls, settings: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """The space that `state` was taken from."""
        return cls(arrays["taste.mean"], arrays["taste.projection"], settings["alike"], settings["pair"])

    def __call__(self, vectors: Matrix) -> Matrix:
        """Items in this space; float32 (n_items, dim), unit rows, or zero rows where they were zero."""
        if not self.learned:
            return vectors
        rows = np.asarray((vectors - self._mean) @ self._projection, dtype=np.float32)
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        rows[~np.any(vectors, axis=1)] = 0.0
        return rows


def _directions(vectors: Matrix, liked: csr_matrix) -> tuple[Matrix, Matrix]:
    """The mean like and the scaled directions, float32 (dim,) and (dim, n); n is 0 where the likes do not suffice."""
    dim = vectors.shape[1]
    nothing = np.zeros(dim, dtype=np.float32), np.zeros((dim, 0), dtype=np.float32)
    found = _agreement(vectors, liked)
    if found is None:
        return nothing
    from scipy.linalg import eigh

    between, total, mean = found
    total += np.eye(dim) * (_RIDGE * np.trace(total) / dim + 1e-12)
    agreement, directions = eigh(between, total)
    chance = max(-float(agreement[0]), 1e-6)
    kept = np.flatnonzero(agreement > chance)[::-1][:_MOST]
    if len(kept) < _FEWEST:
        return nothing
    chosen = directions[:, kept]
    # The sign of an eigenvector is arbitrary: fix it, so that the space is the same on every machine.
    signs = np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(len(kept))])
    return mean.astype(np.float32), np.asarray(chosen * signs * np.sqrt(agreement[kept]), dtype=np.float32)


def _agreement(vectors: Matrix, liked: csr_matrix) -> tuple[_Square, _Square, npt.NDArray[np.float64]] | None:
    """Covariance between two likes of one user, of any like, and the mean like; None without two likes of anybody."""
    from scipy.sparse import csr_matrix

    pictured = np.any(vectors, axis=1)
    ones = csr_matrix((pictured[liked.indices].astype(np.float32), liked.indices, liked.indptr), shape=liked.shape)
    ones.eliminate_zeros()
    several = np.flatnonzero(np.diff(ones.indptr) > 1)
    if not several.size:
        return None
    if len(several) > _MOST_USERS:
        several = several[np.linspace(0, len(several) - 1, _MOST_USERS).astype(np.int64)]
    ones = ones[several]
    n_likes = np.diff(ones.indptr).astype(np.float64)
    weight = 1 / (n_likes - 1)
    sums = ones @ vectors
    # Σ over the pairs of different likes of a user = (Σ v)(Σ v)ᵀ - Σ v vᵀ.
    between = (sums.T @ (sums * weight[:, None])).astype(np.float64)
    between -= (vectors.T @ (vectors * (ones.T @ weight)[:, None])).astype(np.float64)
    share = np.asarray(ones.sum(axis=0), dtype=np.float64).ravel() / n_likes.sum()
    mean = share @ vectors
    total = (vectors.T @ (vectors * share[:, None])).astype(np.float64) - np.outer(mean, mean)
    between = between / n_likes.sum() - np.outer(mean, mean)
    return (between + between.T) / 2, (total + total.T) / 2, mean


def _cosines(vectors: Matrix, shares: tuple[float, ...]) -> list[float]:
    """The cosines below which these shares of the catalogue's pairs of pictures are; always of the same pairs."""
    pictured = np.flatnonzero(np.any(vectors, axis=1))
    if len(pictured) < 2:
        return [0.5] * len(shares)
    first, second = np.random.default_rng(0).integers(len(pictured), size=(2, _PAIRS))
    pairs = first != second
    first, second = pictured[first[pairs]], pictured[second[pairs]]
    parts = [slice(start, start + 8192) for start in range(0, len(first), 8192)]
    cosines = [np.einsum("ij,ij->i", vectors[first[part]], vectors[second[part]]) for part in parts]
    found: list[float] = np.clip(np.quantile(np.concatenate(cosines), shares), 0.05, 0.999).tolist()
    return found
