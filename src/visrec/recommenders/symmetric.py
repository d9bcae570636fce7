"""Large symmetric matrices in float32: built, inverted and completed in their own memory, one triangle at a time.

All functions take a C-ordered (n, n) array and work on its upper triangle, which BLAS and LAPACK, whose order is
Fortran's, see as the lower one of the transpose: nothing is copied on the way in or out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["add_gram", "invert", "sparse_gram"]

Matrix = npt.NDArray[np.float32]

#: Rows that are dense at once beside the matrix itself: 80 MB at 20,000 columns.
_ROWS = 1024
#: Side of the squares in which a triangle is mirrored: one and its mirror image stay in the cache.
_SIDE = 256


def sparse_gram(rows: csr_matrix) -> Matrix:
    """Upper triangle of rowsᵀ rows.

    Args:
        rows: CSR (m, n).

    Returns:
        float32 (n, n), C order; what is below the diagonal is not to be read.
    """
    n = rows.shape[1]
    gram = np.zeros((n, n), dtype=np.float32)
    transposed = rows.T.tocsr()
    for start in range(0, n, _ROWS):
        stop = min(start + _ROWS, n)
        gram[start:stop, start:] = (transposed[start:stop] @ rows[:, start:]).toarray()
    return gram


def add_gram(total: Matrix, rows: Matrix, weight: float) -> None:
    """Add weight · rows rowsᵀ to the upper triangle of `total`, in place: BLAS syrk, half the work of a product.

    Args:
        total: float32 (n, n), C order.
        rows: float32 (n, dim).
        weight: any factor.
    """
    from scipy.linalg import blas

    if rows.shape[1]:
        blas.ssyrk(weight, np.ascontiguousarray(rows).T, beta=1.0, c=total.T, trans=1, lower=1, overwrite_c=1)


def invert(matrix: Matrix) -> bool:
    """Replace a positive definite matrix, given by its upper triangle, with its whole inverse: LAPACK potrf, potri.

    Args:
        matrix: float32 (n, n), C order; overwritten.

    Returns:
        False when the matrix is not positive definite; its content is then void.
    """
    from scipy.linalg import lapack

    factor, status = lapack.spotrf(matrix.T, lower=1, overwrite_a=1, clean=0)
    if status == 0:
        _, status = lapack.spotri(factor, lower=1, overwrite_c=1)
    if status == 0:
        _mirror(matrix)
    return bool(status == 0)


def _mirror(matrix: Matrix) -> None:
    """Copy the upper triangle below the diagonal, square by square."""
    n = matrix.shape[0]
    for start in range(0, n, _SIDE):
        rows = slice(start, start + _SIDE)
        square = matrix[rows, rows]
        below = np.tril_indices(square.shape[0], -1)
        square[below] = square.T[below]
        for left in range(start + _SIDE, n, _SIDE):
            columns = slice(left, left + _SIDE)
            matrix[columns, rows] = matrix[rows, columns].T
