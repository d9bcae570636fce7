"""Points in the plane for embeddings: what looks alike lies side by side."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["beside", "by_neighbours", "by_variance"]

_SEED = 0
#: Components that distances are taken over: what is left out is mostly noise, and t-SNE's time grows with them.
_DIM = 50
_PERPLEXITY = 30.0
#: Rounds of t-SNE; a layout has settled by then.
_ROUNDS = 500
#: Points that t-SNE lays out itself, in about two minutes; further ones go beside those that they are most alike.
_MOST = 20_000
#: Fewer have no neighbourhoods to preserve.
_FEWEST = 20
_AT_ONCE = 2_000


def by_variance(vectors: npt.NDArray[np.float32], dim: int = 2) -> npt.NDArray[np.float32]:
    """The first principal components.

    Args:
        vectors: float32 (n, d).
        dim: how many components.

    Returns:
        float32 (n, dim), largest variance first; 0 where there are fewer than `dim` components.
    """
    from sklearn.decomposition import PCA

    out = np.zeros((len(vectors), dim), dtype=np.float32)
    found = min(dim, vectors.shape[1], len(vectors))
    if len(vectors) > 1:
        out[:, :found] = PCA(found, svd_solver="covariance_eigh").fit_transform(vectors)
    return out


def by_neighbours(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A layout that keeps neighbours together: t-SNE, begun with the principal components. The same each time.

    Args:
        vectors: float32 (n, d); above 20,000, as many of them evenly chosen are laid out, and the others put beside
            those that they are most alike.

    Returns:
        float32 (n, 2).

    Reference:
        van der Maaten (2014), Accelerating t-SNE using Tree-Based Algorithms, JMLR 15.
        Kobak & Berens (2019), The art of using t-SNE for single-cell transcriptomics: the start by PCA.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    if len(vectors) < _FEWEST:
        return by_variance(vectors)
    reduced = by_variance(vectors, min(_DIM, *vectors.shape))
    chosen = np.unique(np.linspace(0, len(vectors) - 1, min(_MOST, len(vectors))).astype(np.int64))
    layout = TSNE(
        init="pca", perplexity=min(_PERPLEXITY, len(chosen) / 4), max_iter=_ROUNDS, random_state=_SEED, n_jobs=1
    )
    out = np.full((len(vectors), 2), np.nan, dtype=np.float32)
    # On one thread: sums come out the same each time, and a server that does this keeps its other cores.
    with threadpool_limits(limits=1):
        out[chosen] = layout.fit_transform(reduced[chosen])
    return beside(reduced, out)


def beside(vectors: npt.NDArray[np.float32], positions: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Positions for those that have none: of three nearest vectors that have one, the middle.

    Args:
        vectors: float32 (n, d).
        positions: float32 (n, 2), NaN where there is none; at least one row has one.

    Returns:
        float32 (n, 2), the given ones unchanged.
    """
    out = positions.copy()
    placed = np.flatnonzero(~np.isnan(positions[:, 0]))
    open_rows = np.flatnonzero(np.isnan(positions[:, 0]))
    known = vectors[placed]
    half_square = 0.5 * np.square(known).sum(axis=1)
    n_near = min(3, len(placed))
    for start in range(0, len(open_rows), _AT_ONCE):
        rows = open_rows[start : start + _AT_ONCE]
        # Smallest where the squared distance is, the row's own square being the same for all.
        distance = half_square - vectors[rows] @ known.T
        near = np.argpartition(distance, n_near - 1, axis=1)[:, :n_near]
        out[rows] = np.median(positions[placed[near]], axis=1)
    return out
