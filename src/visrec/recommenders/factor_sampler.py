"""Gibbs sampling of a matrix factorisation with biases, each side's prior regressed on what is known of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from visrec.core.progress import ProgressFactory, silent

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Draw", "RowPrior", "row_posteriors", "sample_factors"]

Array = npt.NDArray[np.float64]

#: Rows whose posteriors are held at once: their precisions are (rows, dim, dim).
_BLOCK_ROWS = 4096
#: Weight of the prior mean 0 of a side's mean, in rows.
_MEAN_ROWS = 2.0
#: Gamma prior (shape, rate) of a block's precision, and of the noise's.
_LINK_PRIOR = (1.0, 0.1)
_NOISE_PRIOR = (1.0, 1.0)


@dataclass(frozen=True)
class Draw:
    """One sample of everything that a prediction needs; dim counts the bias, which comes first in every row.

    Attributes:
        users: (n_users, dim).
        items: (n_items, dim).
        noise: precision of a rating.
        user_mean: (dim,), of the users' prior.
        user_precision: (dim, dim).
        user_link: (user width, dim).
        item_link: (item width, dim).
    """

    users: Array
    items: Array
    noise: float
    user_mean: Array
    user_precision: Array
    user_link: Array
    item_link: Array


class RowPrior:
    """The prior of one side's rows: f_n ~ N(mean + x_n · link, precision⁻¹), all of it learned.

    Normal-Wishart for mean and precision, and link ~ N(0, (diag(lambda) ⊗ precision)⁻¹) with one lambda a block, that
    is itself Gamma: a block that explains nothing is shrunk away.

    Args:
        x: (n, width), what is known of each row.
        blocks: name -> columns of x, all of them in one block.
        dim: length of a row's factor, bias included.
    """

    def __init__(self, x: Array, blocks: Mapping[str, slice], dim: int) -> None:
        self.x = x
        self.mean = np.zeros(dim)
        self.precision = np.eye(dim) * 10.0
        self.link = np.zeros((x.shape[1], dim))
        self._blocks = dict(blocks)
        self._gram = x.T @ x
        self._lambdas = np.full(x.shape[1], 5.0)

    def means(self) -> Array:
        """Prior means of all rows, (n, dim)."""
        return self.mean + self.x @ self.link

    def sample(self, factors: Array, generator: np.random.Generator) -> None:
        """Draw mean, precision, link and lambdas given the rows' factors, (n, dim).

        Reference:
            Simm et al. (2017), Macau, equations 5 to 8 (arXiv:1509.04610); Salakhutdinov & Mnih (2008), equation 14.
        """
        n, dim = factors.shape
        width = self.x.shape[1]
        rest = factors - self.x @ self.link
        centre = rest.mean(axis=0)
        spread = rest - centre
        scatter = np.eye(dim) + spread.T @ spread + n * _MEAN_ROWS / (n + _MEAN_ROWS) * np.outer(centre, centre)
        scatter += (self.link * self._lambdas[:, None]).T @ self.link
        self.precision = _wishart(np.linalg.inv(scatter), dim + n + width, generator)
        root = np.asarray(np.linalg.cholesky(_symmetric(np.linalg.inv(self.precision))), dtype=np.float64)
        self.mean = n * centre / (n + _MEAN_ROWS) + root @ generator.normal(size=dim) / np.sqrt(n + _MEAN_ROWS)
        if width:
            self._sample_link(factors, root, generator)

    def _sample_link(self, factors: Array, root: Array, generator: np.random.Generator) -> None:
        n, dim = factors.shape
        width = self.x.shape[1]
        # The solution of a ridge whose targets got noise is a draw from the posterior (Macau, equation 8).
        targets = factors - self.mean + generator.normal(size=(n, dim)) @ root.T
        ghosts = np.sqrt(self._lambdas)[:, None] * (generator.normal(size=(width, dim)) @ root.T)
        self.link = np.linalg.solve(self._gram + np.diag(self._lambdas), self.x.T @ targets + ghosts)
        shape, rate = _LINK_PRIOR
        for columns in self._blocks.values():
            part = self.link[columns]
            energy = float(np.sum((part @ self.precision) * part))
            self._lambdas[columns] = generator.gamma(shape + part.size / 2) / (rate + energy / 2)


def sample_factors(
    ratings: csr_matrix,
    users: RowPrior,
    items: RowPrior,
    *,
    warm_up: int,
    samples: int,
    generator: np.random.Generator,
    progress: ProgressFactory = silent,
) -> Iterator[Draw]:
    """Draws from the posterior of r_ui = b_u + b_i + u · i + N(0, 1 / noise), `warm_up` first ones left out.

    Args:
        ratings: float64 CSR (n_users, n_items), of mean 0 and variance about 1; stored zeros are ratings.
        users: the users' prior.
        items: the items' prior.
        warm_up: sweeps before the first draw.
        samples: number of draws, one a sweep.
        generator: source of all randomness.
        progress: shows sweeps.
    """
    dim = len(users.mean)
    by_item = ratings.T.tocsr()
    rows = np.repeat(np.arange(ratings.shape[0]), np.diff(ratings.indptr))
    user_factors, item_factors = (generator.normal(size=(n, dim)) * 0.1 for n in ratings.shape)
    noise = 1.5
    with progress("train", total=warm_up + samples, unit="epochs") as watch:
        for sweep in range(warm_up + samples):
            users.sample(user_factors, generator)
            user_factors = _sample_rows(ratings, item_factors, users, noise, generator)
            items.sample(item_factors, generator)
            item_factors = _sample_rows(by_item, user_factors, items, noise, generator)
            left = ratings.data - _fitted_values(user_factors, item_factors, rows, ratings.indices)
            noise = generator.gamma(_NOISE_PRIOR[0] + left.size / 2) / (_NOISE_PRIOR[1] + float(left @ left) / 2)
            watch.advance()
            if sweep >= warm_up:
                yield Draw(
                    user_factors, item_factors, noise, users.mean, users.precision, users.link.copy(), items.link.copy()
                )


def row_posteriors(
    ratings: csr_matrix,
    others: Array,
    prior_means: Array,
    precision: Array,
    noise: Array | float,
) -> Iterator[tuple[slice, Array, Array]]:
    """The Gaussian posterior of each row's factor given the other side's: blocks of rows, their A and A · mean.

    Args:
        ratings: float64 CSR (n, n_others).
        others: (n_others, dim), bias first.
        prior_means: (n, dim).
        precision: (dim, dim), of the prior.
        noise: precision of a rating; or of each of the others', (n_others,).

    Yields:
        A slice of rows, their posterior precisions A (rows, dim, dim), and A times the posterior means (rows, dim).
    """
    from scipy.sparse import csr_matrix

    dim = others.shape[1]
    # A rating less the other's bias is linear in (own bias, own vector), with (1, other's vector) as its inputs.
    inputs = others.copy()
    inputs[:, 0] = 1.0
    weighted = inputs * np.broadcast_to(noise, (len(others),))[:, None]
    first, second = np.triu_indices(dim)
    products = weighted[:, first] * inputs[:, second]
    for start in range(0, ratings.shape[0], _BLOCK_ROWS):
        block = ratings[start : start + _BLOCK_ROWS]
        rows = slice(start, start + block.shape[0])
        ones = csr_matrix((np.ones(block.nnz), block.indices, block.indptr), shape=block.shape)
        left = csr_matrix((block.data - others[block.indices, 0], block.indices, block.indptr), shape=block.shape)
        posterior = np.empty((block.shape[0], dim, dim))
        posterior[:, first, second] = ones @ products
        posterior[:, second, first] = posterior[:, first, second]
        posterior += precision
        yield rows, posterior, left @ weighted + prior_means[rows] @ precision


def _sample_rows(
    ratings: csr_matrix, others: Array, prior: RowPrior, noise: float, generator: np.random.Generator
) -> Array:
    drawn = np.empty((ratings.shape[0], others.shape[1]))
    for rows, posterior, right in row_posteriors(ratings, others, prior.means(), prior.precision, noise):
        # A⁻¹ (A mean + L z) with A = L Lᵀ is the mean plus noise of covariance A⁻¹.
        noisy = right + np.einsum("nij,nj->ni", np.linalg.cholesky(posterior), generator.normal(size=right.shape))
        drawn[rows] = np.linalg.solve(posterior, noisy[:, :, None])[:, :, 0]
    return drawn


def _fitted_values(users: Array, items: Array, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int32]) -> Array:
    user, item = users[rows], items[columns]
    return user[:, 0] + item[:, 0] + np.einsum("ij,ij->i", user[:, 1:], item[:, 1:])


def _wishart(scale: Array, freedom: float, generator: np.random.Generator) -> Array:
    """A draw of mean freedom · scale, by Bartlett's decomposition; (dim, dim)."""
    dim = len(scale)
    lower = np.tril(generator.normal(size=(dim, dim)), -1)
    lower[np.diag_indices(dim)] = np.sqrt(generator.chisquare(freedom - np.arange(dim)))
    root = np.linalg.cholesky(_symmetric(scale)) @ lower
    return root @ root.T


def _symmetric(matrix: npt.NDArray[Any]) -> Array:
    """The matrix without the asymmetry that rounding left."""
    symmetric: Array = (matrix + matrix.T) / 2
    return symmetric
