"""Graphs as sparse matrices: nearest neighbours, likes between users and items, and sums along their edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Edges", "nearest_items", "normalised"]

Matrix = npt.NDArray[np.float32]
#: Cosines that are held at once.
_BUDGET = 16_000_000
#: A cosine of items that have nothing in common is 0 up to rounding.
_NOTHING = 1e-5


def nearest_items(rows: Matrix, keys: Matrix, k: int, *, same: bool = False) -> csr_matrix:
    """Weights with which each row averages over its k nearest keys: the frozen graph of FREEDOM, eq. 1 to 3.

    Every neighbour weighs the same. Only neighbours with a cosine above 0 count, so a row of zeros has none.

    Args:
        rows: float32 (n, dim), of length 1 or 0.
        keys: float32 (n_keys, dim), likewise.
        k: neighbours, 1 or more.
        same: rows and keys are the same items; none is its own neighbour.

    Returns:
        float32 CSR (n, n_keys); its rows add up to 1, or to 0 without a neighbour.
    """
    from scipy.sparse import csr_matrix

    n, n_keys = len(rows), len(keys)
    k = min(k, n_keys)
    block = max(1, _BUDGET // max(n_keys, 1))
    neighbours = np.zeros((n, k), dtype=np.int32)
    near = np.zeros((n, k), dtype=np.bool_)
    for start in range(0, n, block) if k else ():
        part = slice(start, start + block)
        cosines = rows[part] @ keys.T
        if same:
            own = np.arange(len(cosines))
            cosines[own, start + own] = -np.inf
        neighbours[part] = np.sort(np.argpartition(-cosines, k - 1, axis=1)[:, :k], axis=1)
        near[part] = np.take_along_axis(cosines, neighbours[part], axis=1) > _NOTHING
    counts = near.sum(axis=1)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    weights = np.repeat(1 / np.maximum(counts, 1), counts).astype(np.float32)
    return csr_matrix((weights, neighbours[near], indptr), shape=(n, n_keys))


def normalised(liked: csr_matrix) -> csr_matrix:
    """Each weight over the roots of its row's and its column's sum; float32 CSR of the same places."""
    rows = np.asarray(liked.sum(axis=1), dtype=np.float32).ravel()
    columns = np.asarray(liked.sum(axis=0), dtype=np.float32).ravel()
    scaled = liked.copy()
    scaled.data = liked.data / np.sqrt(np.repeat(rows, np.diff(liked.indptr)) * columns[liked.indices])
    return scaled


class Edges:
    """A fixed sparse matrix times vectors that are learned; scipy adds up, in the same order every time.

    Args:
        matrix: float32 CSR (n, m).
        transposed: the same turned round, where it is known already.
    """

    def __init__(self, matrix: csr_matrix, transposed: csr_matrix | None = None) -> None:
        self.matrix = matrix
        self._transposed = matrix.T.tocsr() if transposed is None else transposed

    @property
    def T(self) -> Edges:
        """The same edges, the other way."""
        return Edges(self._transposed, self.matrix)

    def __matmul__(self, vectors: torch.Tensor) -> torch.Tensor:
        """Times float32 (m, dim); float32 (n, dim)."""
        product: torch.Tensor = _Product.apply(self, vectors)
        return product


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, edges: Edges, vectors: torch.Tensor) -> torch.Tensor:
        context.edges = edges
        return torch.from_numpy(edges.matrix @ vectors.numpy())

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> tuple[None, torch.Tensor]:
        return None, torch.from_numpy(context.edges.T.matrix @ gradient.numpy())
