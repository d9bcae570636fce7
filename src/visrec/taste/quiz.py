"""A short quiz for a new user: which pictures to show next, so that the answers tell most about their taste."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Question", "next_questions"]

Matrix = npt.NDArray[np.float32]

#: Variance of an answer, given the taste: as large as that of the taste itself.
_NOISE = 1.0
#: Of larger catalogues the most popular so many pictures may be shown.
_MOST = 20_000


@dataclass(frozen=True)
class Question:
    """A picture to show.

    Attributes:
        row: of the item.
        gain: share of what is still unknown of the taste that its answer is expected to tell, 0 to 1.
    """

    row: int
    gain: float


def next_questions(
    vectors: Matrix,
    popularity: npt.NDArray[np.float64],
    answered: npt.NDArray[np.int64],
    answers: npt.NDArray[np.float64],
    k: int,
) -> list[Question]:
    """The k pictures that tell most when they are shown together, given the answers so far.

    A taste is taken as a direction t ~ N(0, I) of the space, and an answer as y = z·t + noise: 1 for a like, -1 for a
    dislike, 0 for neither. After some answers t ~ N(m, S). Asking about picture x takes from the variance of what is
    thought of all pictures z, each as important as w says,

        Σ_z w(z) (zᵀ S x)² / (xᵀ S x + noise)

    (Cohn, Ghahramani & Jordan 1996, eq. 17 for linear models). w(z) = √(1 + likes of z) σ(4 z·m): pictures that many
    people like, and that this one may like after the answers so far, matter most. So the first pictures contrast, for
    after one of them its like tells little more; and later ones explore what was liked. The k pictures are taken one
    after the other, the best first; of equals the earlier row. Only the more popular half of the catalogue is shown,
    as long as it lasts: of what hardly anybody knows few have an opinion.

    Complexity: n_items x dim² once, n_items x dim for each picture.

    Args:
        vectors: float32 (n_items, dim), unit rows, or zero rows for items that cannot be shown.
        popularity: likes of each item, (n_items,).
        answered: rows of the pictures that were answered, (n,).
        answers: 1 liked, -1 disliked, 0 neither, (n,).
        k: how many; fewer come where there are fewer.
    """
    dim = vectors.shape[1]
    pictured = np.any(vectors, axis=1)
    askable = pictured.copy()
    askable[answered] = False
    rows = np.flatnonzero(askable)
    rows = np.sort(rows[np.argsort(-popularity[rows], kind="stable")[:_MOST]])
    pictures = vectors[rows].astype(np.float64)
    known = vectors[answered].astype(np.float64)
    covariance = np.linalg.inv(np.eye(dim) + known.T @ known / _NOISE)
    mean = covariance @ (known.T @ answers) / _NOISE
    weights = np.sqrt(1 + popularity[rows]) / (1 + np.exp(-4 * pictures @ mean))
    important = (pictures * weights[:, None]).T @ pictures
    questions: list[Question] = []
    open_to = _well_known(popularity[rows], float(np.median(popularity[pictured])) if len(rows) else 0.0, k)
    for _ in range(min(k, len(rows))):
        seen_as = pictures @ covariance
        told = np.einsum("ij,ij->i", seen_as @ important, seen_as)
        told /= np.einsum("ij,ij->i", seen_as, pictures) + _NOISE
        best = int(np.argmax(np.where(open_to, told, -np.inf)))
        unknown = float(np.sum(important * covariance))
        questions.append(Question(int(rows[best]), float(told[best] / unknown) if unknown > 0 else 0.0))
        open_to[best] = False
        direction = seen_as[best]
        covariance -= np.outer(direction, direction) / (float(direction @ pictures[best]) + _NOISE)
    return questions


def _well_known(popularity: npt.NDArray[np.float64], least: float, k: int) -> npt.NDArray[np.bool_]:
    """Those of at least that popularity; all where they are fewer than k."""
    enough = popularity >= least
    return enough if int(enough.sum()) >= k else np.ones(len(popularity), dtype=np.bool_)
